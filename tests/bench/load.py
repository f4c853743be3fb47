"""What a process costs while it is measured: CPU, memory, writes; by the kernel's own books, in a pod or beside it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kube_fixtures import Installed

_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE = slice(3, 5)  # of the numbers in the first line of /proc/stat: idle, and waiting for a disk


@dataclass
class Load:
    """took_s: by the wall.  machine_pct: how busy all cores were, with everything that ran."""

    took_s: float = 0.0
    cpu_s: float = 0.0
    rss_mib: float = 0.0
    writes: float = 0.0
    machine_pct: float = 0.0


class Process(Protocol):
    """A process that is measured."""

    def cpu_s(self) -> float:
        """Return the CPU seconds that it has used."""
        ...

    def rss_mib(self) -> float:
        """Return the memory that it holds."""
        ...

    def writes(self) -> float:
        """Return what it has written to the API server."""
        ...


class InPod:
    """The operator in its pod."""

    def __init__(self, product: Installed) -> None:
        self._kube, self._here = product.kube, ("-n", product.namespace)
        pods = ("get", "pods", "-l", "app.kubernetes.io/component=operator", "--sort-by=.metadata.creationTimestamp")
        self._pod = self._kube.kubectl(*pods, "-o", "name", *self._here).split()[-1].removeprefix("pod/")
        self._pages = f"/api/v1/namespaces/{product.namespace}/pods/{self._pod}:8080/proxy"

    def cpu_s(self) -> float:
        """Return the CPU seconds that it has used."""
        return _cpu_s(self._read("/proc/1/stat"))

    def rss_mib(self) -> float:
        """Return the memory that it holds."""
        return _rss_mib(self._read("/proc/1/status"))

    def peak_mib(self) -> float:
        """Return the most memory that it has ever held."""
        return _rss_mib(self._read("/proc/1/status"), "VmHWM")

    def writes(self) -> float:
        """Return what it has written to the API server, the Lease left out."""
        return self._metric("alphatrade_operator_writes_total")

    def restarts(self) -> int:
        """Return how often its container was started again."""
        counts = "jsonpath={.status.containerStatuses[*].restartCount}"
        return int(self._kube.kubectl("get", "pod", self._pod, *self._here, "-o", counts))

    def _metric(self, name: str) -> float:
        lines = self._kube.kubectl("get", "--raw", f"{self._pages}/metrics").splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def _read(self, path: str) -> str:
        return self._kube.kubectl("exec", self._pod, *self._here, "--", "cat", path)


class OnHost:
    """A process of this machine. writes: what it is known to write while it is measured."""

    def __init__(self, pid: int, writes: float) -> None:
        self._proc, self._to_write, self._asked = Path(f"/proc/{pid}"), writes, False

    def cpu_s(self) -> float:
        """Return the CPU seconds that it has used."""
        return _cpu_s((self._proc / "stat").read_text())

    def rss_mib(self) -> float:
        """Return the memory that it holds."""
        return _rss_mib((self._proc / "status").read_text())

    def writes(self) -> float:
        """Return 0 first, then what it writes."""
        before, self._asked = self._asked, True
        return self._to_write if before else 0.0


@contextmanager
def busy(process: Process) -> Iterator[Load]:
    """Measure a process for as long as the context lasts; the yielded figures are filled in at its end."""
    load = Load()
    cpu_s, writes, machine, start_s = process.cpu_s(), process.writes(), _machine(), time.perf_counter()
    yield load
    load.took_s = time.perf_counter() - start_s
    spent, idle = (after - before for after, before in zip(_machine(), machine))
    load.machine_pct = 100.0 * (1.0 - idle / spent)
    load.cpu_s, load.rss_mib = process.cpu_s() - cpu_s, process.rss_mib()
    load.writes = process.writes() - writes


def _cpu_s(stat: str) -> float:
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rss_mib(status: str, field: str = "VmRSS") -> float:
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return round(int(line.split()[1]) / 1_024, 1)


def _machine() -> tuple[int, int]:
    """Return ticks of all cores, and of these the idle ones."""
    ticks = [int(number) for number in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks), sum(ticks[_IDLE])
