"""The operator as a process outside the cluster, with namespaces of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

_PROGRAM = "import sys; from alphatrade_operator.main import main; sys.exit(main())"


class OperatorProcess:
    """Starts, kills and asks one operator. kubeconfig: who it is; None for whom KUBECONFIG of the environment names."""

    def __init__(self, folder: Path, kubeconfig: Path | None = None, **settings: Any) -> None:
        self._env = {**os.environ, **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        folder.mkdir(parents=True, exist_ok=True)
        self.log, self._file = folder / "operator.log", folder / "settings.yaml"
        defaults = {"repair_s": 5.0, "lease_duration_s": 3.0, "status_min_interval_s": 2.0, "status_poll_s": 1.0}
        self._file.write_text(yaml.safe_dump(defaults | settings | {"http_port": self.port, "grpc_port": 0}))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, ready: bool = True) -> "OperatorProcess":
        """Start it; wait until it leads, or stands by."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-c", _PROGRAM, "--settings", str(self._file)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self._env)
        if ready:
            self.until("ready", lambda: self.page("readyz")[0] == 200, 30.0)
        return self

    def kill(self) -> None:
        """End it without a word."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def freeze(self) -> None:
        """Keep it from running: for the others it is cut off, and it does not know."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it was."""
        self._signal(signal.SIGCONT)

    def stop(self) -> int:
        """End it in order; return its exit code."""
        self._signal(signal.SIGTERM)
        assert self.process is not None
        code = self.process.wait(30)
        self.process = None
        return code

    @property
    def lives(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def page(self, name: str) -> tuple[int, str]:
        """Return status and text of a page; 0 when nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{name}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def writes(self) -> float:
        """Return how many objects and statuses it has written since it started."""
        lines = [line for line in self.page("metrics")[1].splitlines() if not line.startswith("#")]
        found = [line for line in lines if line.startswith("alphatrade_operator_writes_total")]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    def role(self) -> str:
        """Return whether it leads or stands by."""
        return str(json.loads(self.page("readyz")[1])["role"])

    def epoch(self) -> int:
        """Return the transitions of the Lease as it holds it, or saw it last."""
        return int(json.loads(self.page("readyz")[1])["epoch"])

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def until(self, what: str, check: Any, timeout_s: float = 20.0) -> Any:
        """Wait for a true answer of `check`."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            answer = check()
            if answer:
                return answer
            assert self.lives, f"the operator has ended: {self.log.read_text()[-3_000:]}"
            time.sleep(0.1)
        raise AssertionError(f"not within {timeout_s} s: {what}; {self.log.read_text()[-3_000:]}")
