"""The local node seen from the host: start it, find it, run things in it, end it without a trace."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cluster.command import Command, command, say
from cluster.network import network_down
from cluster.settings import BINDS, HERE, NETNS, ClusterError, State

CGROUPS = ("kubepods", "k8s.io")
_TEMPLATES = ("containerd.toml", "kubelet.yaml", "kube-proxy.yaml", "audit.yaml", "cni.conflist")
_END_S = 10.0


@contextmanager
def locked(state: State, name: str = "lock") -> Iterator[None]:
    """Hold the state folder, or a part of it, against another harness; a process that ends gives it back."""
    state.root.mkdir(parents=True, exist_ok=True)
    with open(state.root / name, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def node_pid(state: State) -> int | None:
    """Return the node's PID on the host, None when it does not run."""
    try:
        pid = int(state.pid_file.read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    # The script's folder is not compared: another checkout may use the same state.
    ours = any(word.endswith(b"/node.py") for word in words) and str(state.root).encode() in words
    return pid if ours else None


def inside(state: State, *words: object) -> Command:
    """Return a command that runs in the node's namespaces. Raises ClusterError when the node is down."""
    pid = node_pid(state)
    if pid is None:
        raise ClusterError("the cluster is down; start it with `make cluster-up`")
    return command("nsenter", "-t", pid, "--mount", "--pid", "--net", "--uts", *words)


def wait_for(state: State, what: str, check: Callable[[], bool], timeout_s: float) -> None:
    """Wait until `check` holds. Raises ClusterError that names the logs when it does not, or the node has ended."""
    start = time.monotonic()
    while not check():
        if time.monotonic() - start > timeout_s:
            raise ClusterError(f"{what}: not within {timeout_s:.0f} s; the logs are in {state.logs}")
        if node_pid(state) is None:
            raise ClusterError(f"{what}: the node has ended; the logs are in {state.logs}")
        time.sleep(0.05)


def start_node(state: State, lifetime_s: float) -> None:
    """Start PID 1 of the node and wait until it is known."""
    for folder in (state.logs, state.config, state.held, state.run / "cni-config"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in _TEMPLATES:
        state.render(name)
    shutil.copy(state.config / "cni.conflist", state.run / "cni-config" / "10-pods.conflist")
    with open(state.logs / "node.log", "ab") as output:
        outer = subprocess.Popen(
            node_command(state, lifetime_s).argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        )
    outer.returncode = 0  # it outlives this process, which need not wait for it
    _note_pid(state, outer.pid)


def node_command(state: State, lifetime_s: float) -> Command:
    """Return what starts the node in namespaces of its own."""
    return command(
        *("nsenter", f"--net=/run/netns/{NETNS}"),
        *("unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child=KILL", "--mount-proc"),
        *(sys.executable, "-u", "-P", HERE / "node.py", state.root, lifetime_s),
    )


def _note_pid(state: State, outer: int) -> None:
    children = Path(f"/proc/{outer}/task/{outer}/children")
    for _ in range(200):
        found = children.read_text().split() if children.exists() else []
        if found:
            state.pid_file.write_text(found[0])
            if node_pid(state):
                return
        time.sleep(0.02)
    raise ClusterError(f"the node did not start; see {state.logs}/node.log")


def clean(state: State) -> None:
    """End what runs, and remove every trace outside the state folder."""
    pid = node_pid(state)
    if pid is not None:
        _end(state, pid)
    network_down()
    _remove_cgroups()
    if state.run.exists():
        if state.logs.exists():
            shutil.rmtree(state.root / "last-logs", ignore_errors=True)
            state.logs.rename(state.root / "last-logs")
        shutil.rmtree(state.run)
    for target in BINDS.values():
        with suppress(OSError):
            os.rmdir(target)


def end_at_once(state: State) -> None:
    """Kill the node's PID 1 and with it all that runs there. Raises ClusterError when it is down, or does not end."""
    pid = node_pid(state)
    if pid is None:
        raise ClusterError("the cluster is down, so nothing can be killed; start it with `make cluster-up`")
    os.kill(pid, signal.SIGKILL)
    if not _ended(state):
        raise ClusterError(f"the node's PID 1 ({pid}) does not end")


def _end(state: State, pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    if not _ended(state):
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)


def _ended(state: State) -> bool:
    deadline = time.monotonic() + _END_S
    while time.monotonic() < deadline:
        if node_pid(state) is None:
            return True
        time.sleep(0.05)
    return False


def _remove_cgroups() -> None:
    """Remove the pods' groups, which lie outside of the caller's own."""
    for _ in range(50):
        if not _cgroups_left():
            return
        time.sleep(0.1)
    say("some cgroups could not be removed")


def _cgroups_left() -> bool:
    left = False
    for hierarchy in Path("/sys/fs/cgroup").iterdir():
        for name in CGROUPS:
            for folder, _, _ in os.walk(hierarchy / name, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    left = True
    return left
