"""PID 1 of the local node: starts the daemons, restarts those that end, ends them all.

Runs inside the cluster's own network, PID, mount and UTS namespaces. When it
ends, the kernel ends every daemon, shim and pod with it and drops their mounts.
A daemon whose name is a file in `run/held` is left stopped until the file is gone.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from cluster.daemons import Daemon, daemons
from cluster.settings import BINDS, NODE, State

# The kubelet sets these for the whole machine; it is given files to write to.
PRIVATE_SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def prepare(state: State) -> None:
    """Give the daemons the files and mounts they expect, seen by them alone."""
    socket.sethostname(NODE)
    _mount("--make-rprivate", "/")
    _mount("-t", "tmpfs", "-o", "mode=755,size=256m", "tmpfs", "/run")
    # xtables' lock and CNI's namespaces live here.
    os.makedirs("/run/netns")
    os.makedirs("/run/lock")
    for name, target in BINDS.items():
        source = state.run / name
        source.mkdir(parents=True, exist_ok=True)
        os.makedirs(target, exist_ok=True)
        _mount("--bind", source, target)
    _hide_sysctls(state)
    # Pods that ask for the node's resolver must not look outside the cluster.
    resolver = state.config / "resolv.conf"
    resolver.write_text("options timeout:1 attempts:1\n")
    _mount("--bind", resolver, os.path.realpath("/etc/resolv.conf"))
    _mount("--make-rshared", "/")


def _mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _hide_sysctls(state: State) -> None:
    for name, value in PRIVATE_SYSCTLS.items():
        path = state.run / "sysctl" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)
        _mount("--bind", path, f"/proc/sys/{name}")


class Supervisor:
    """Keep the daemons running, each as soon as what it needs is ready."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.daemons = daemons(state)
        self.ready: set[str] = set()
        self.ending = False
        self.environment = {**os.environ, "PATH": f"{state.bin}:{_SYSTEM_PATH}"}

    def run(self, lifetime_s: float) -> None:
        """Look after them until SIGTERM or the end of the lifetime."""
        deadline = time.monotonic() + lifetime_s
        while not self.ending and time.monotonic() < deadline:
            for daemon in self.daemons:
                self._look_after(daemon)
            _reap({daemon.process.pid for daemon in self.daemons if daemon.process})
            time.sleep(0.05 if len(self.ready) < len(self.daemons) else 0.2)

    def stop(self, *_: object) -> None:
        """Ask `run` to return."""
        self.ending = True

    def _look_after(self, daemon: Daemon) -> None:
        now = time.monotonic()
        if daemon.running():
            if daemon.name not in self.ready and daemon.ready():
                self.ready.add(daemon.name)
        elif daemon.process is not None:
            print(f"{daemon.name} ended: {daemon.process.returncode}", flush=True)
            self.ready.discard(daemon.name)
            daemon.process, daemon.not_before = None, now + 0.5
        elif now >= daemon.not_before and self.ready.issuperset(daemon.needs) and not self._held(daemon):
            self._start(daemon)

    def _held(self, daemon: Daemon) -> bool:
        return (self.state.held / daemon.name).exists()

    def _start(self, daemon: Daemon) -> None:
        with open(self.state.logs / f"{daemon.name}.log", "ab") as log:
            daemon.process = subprocess.Popen(
                daemon.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment
            )
        (self.state.run / f"{daemon.name}.pid").write_text(str(daemon.process.pid))
        print(f"{daemon.name} started", flush=True)


def _reap(own: set[int]) -> None:
    """Collect the processes that were left to PID 1, but not the daemons."""
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid in own:
            return
        os.waitpid(found.si_pid, 0)


def main() -> None:
    """Be the node: STATE_FOLDER LIFETIME_S."""
    state = State(Path(sys.argv[1]))
    prepare(state)
    supervisor = Supervisor(state)
    signal.signal(signal.SIGTERM, supervisor.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    supervisor.run(float(sys.argv[2]))


if __name__ == "__main__":
    main()
