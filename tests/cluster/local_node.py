"""The local node as a backend: a real one-node cluster on this machine, without Docker and without a registry.

etcd, the whole control plane, kubelet, kube-proxy, containerd and CoreDNS, built from Go modules, in network, PID,
mount and UTS namespaces of their own. What it cannot do: several nodes, NetworkPolicy enforcement (objects are
accepted), LoadBalancer Services, pulling an image.
"""

import json
import os
import platform
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import packages
from cluster.build import IMAGES, build
from cluster.certificates import make_certificates
from cluster.command import command, run, say, works
from cluster.containers import signal_words
from cluster.daemons import CONTAINERD_SOCKET, http_ok
from cluster.kubectl import Kube
from cluster.network import network_up, others_inside
from cluster.node_process import clean, end_at_once, inside, locked, node_pid, start_node, wait_for
from cluster.product_image import Buildah, built, image_tar
from cluster.programs import node_programs, stale
from cluster.settings import HERE, NODE, SERVER, ClusterError, State

LIFETIME_S = 6 * 3600.0
_READY = "{.status.conditions[?(@.type=='Ready')].status}"
DAEMONS = ("kube-apiserver", "etcd", "containerd", "kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy")


def local_faults(state: State) -> tuple[str, ...]:
    """Say what keeps this machine from running the node."""
    checks = (
        (platform.system() != "Linux" or platform.machine() != "x86_64", "needs Linux on x86-64"),
        (os.geteuid() != 0, "needs root, for namespaces and containers"),
        (not works(command("unshare", "--mount", "--net", "--pid", "--fork", "true")), "needs the right to unshare"),
        (bool(packages.missing()) and shutil.which("apt-get") is None, f"needs {', '.join(packages.missing())}"),
        (shutil.which("go") is None, "needs Go on the PATH, 1.21 or newer"),
    )
    return tuple(text for failed, text in checks if failed)


@dataclass(frozen=True)
class LocalDaemon:
    """A daemon that PID 1 of the node starts again at once, unless it is held."""

    state: State
    name: str

    def stop(self) -> None:
        """End it and keep it from coming back."""
        (self.state.held / self.name).touch()
        pid = self._pid()
        works(inside(self.state, "kill", "-KILL", pid))  # asked politely, the API server takes up to a minute
        wait_for(self.state, f"{self.name} stopped", lambda: not self._lives(pid), 30)

    def start(self) -> None:
        """Let it run again; returns when it answers."""
        (self.state.held / self.name).unlink(missing_ok=True)
        wait_for(self.state, f"{self.name} started", lambda: self._lives(self._pid()), 30)
        wait_for(self.state, "API server", server_ready, 60)

    def kill(self) -> None:
        """End it with SIGKILL; the node starts it again."""
        self._signal("KILL")

    def freeze(self) -> None:
        """Keep its process from running; it answers nothing."""
        self._signal("STOP")

    def thaw(self) -> None:
        """Let a frozen process run on."""
        self._signal("CONT")

    def _signal(self, name: str) -> None:
        run(inside(self.state, "kill", f"-{name}", self._pid()))

    def _pid(self) -> int:
        return int((self.state.run / f"{self.name}.pid").read_text())

    def _lives(self, pid: int) -> bool:
        return works(inside(self.state, "kill", "-0", pid))


class LocalNode:
    """The backend for machines without Docker."""

    name = "local node"

    def __init__(self, state: State, lifetime_s: float = LIFETIME_S) -> None:
        self.state, self.lifetime_s = state, lifetime_s

    def build(self) -> None:
        """Build what is missing of the programs, without starting anything."""
        with locked(self.state):
            build(self.state)

    def up(self) -> Path:
        """Build what is missing and start; nothing when it runs."""
        with locked(self.state):
            if not self.is_up():
                self._start()
        return self.state.kubeconfig

    def is_up(self) -> bool:
        """Tell whether the node and its API server are ready."""
        return node_pid(self.state) is not None and server_ready() and self._node_ready()

    def down(self) -> None:
        """Stop and remove everything but binaries, images and the last logs."""
        with locked(self.state):
            clean(self.state)

    def status(self) -> str:
        """Show nodes and pods."""
        if node_pid(self.state) is None:
            return "down"
        return self.kube().kubectl("get", "nodes,pods", "--all-namespaces", "-o", "wide")

    def kube(self) -> Kube:
        """Return kubectl and helm of the state folder."""
        return Kube(self.state.kubeconfig, f"{self.state.bin}{os.pathsep}{os.environ.get('PATH', '')}")

    def builder(self) -> Buildah:
        """Return buildah with the state folder's store."""
        return Buildah(self.state)

    def build_image(self) -> str:
        """Build the product's image with buildah unless it is there."""
        with locked(self.state, "image.lock"):  # minutes, in which the cluster may start
            return built(self.builder())

    def load_image(self, name: str) -> None:
        """Import the image into the node's containerd, unless it is there."""
        if name not in self._ctr("images", "list", "-q").split():
            self._import(image_tar(self.state, name))

    def load_archive(self, tar: Path) -> None:
        """Import an image into the node's containerd."""
        self._import(tar)

    def on_node(self, *words: object) -> str:
        """Run a command in the node's namespaces."""
        return run(inside(self.state, *words))

    def daemon(self, name: str) -> LocalDaemon:
        """Return a daemon by name. Raises ClusterError for a name that is none."""
        if name not in DAEMONS:
            raise ClusterError(f"{name}: no daemon of the node; there are {', '.join(DAEMONS)}")
        return LocalDaemon(self.state, name)

    def signal_container(self, container: str, name: str) -> None:
        """Send a container's first process a signal; one that ends of it is started again by the kubelet."""
        self._ctr(*signal_words(container, name))

    def power_cycle(self) -> None:
        """Kill PID 1, which takes everything with it, and start the node on what the state folder holds."""
        with locked(self.state):
            end_at_once(self.state)
            start_node(self.state, self.lifetime_s)
            wait_for(self.state, "API server", server_ready, 90)
            wait_for(self.state, "node ready", self._node_ready, 90)

    def audit_events(self, having: str = "") -> list[dict[str, Any]]:
        """Return every write so far that holds a text; those of the product's resources with request and response."""
        found = []
        for path in sorted(self.state.logs.glob("audit*.log")):  # at 100 MB the server begins another file
            with path.open() as lines:
                found += [json.loads(line) for line in lines if having in line and line.endswith("}\n")]
        return found

    def _start(self) -> None:
        start = time.monotonic()
        if node_pid(self.state) is None and (others := others_inside()):
            raise ClusterError(f"a cluster of another state folder runs: PIDs {' '.join(others)}; end it first")
        clean(self.state)
        build(self.state)
        make_certificates(self.state)
        network_up()
        start_node(self.state, self.lifetime_s)
        self._fill()
        say(f"up after {time.monotonic() - start:.1f} s: KUBECONFIG={self.state.kubeconfig}")

    def _fill(self) -> None:
        """Wait for the parts in the order in which they come, and apply what every cluster has."""
        kube = self.kube()
        socket = inside(self.state, "test", "-S", CONTAINERD_SOCKET)
        wait_for(self.state, "containerd", lambda: works(socket), 30)
        for image in IMAGES:
            self._import(self.state.images / f"{image}.tar")
        wait_for(self.state, "API server", server_ready, 90)
        for manifest in sorted((HERE / "manifests").glob("*.yaml")):
            kube.apply(manifest, "--server-side")
        wait_for(self.state, "node ready", self._node_ready, 90)
        kube.kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=90s")
        account = kube.command("kubectl", "get", "serviceaccount", "default")
        wait_for(self.state, "default service account", lambda: works(account), 30)

    def _node_ready(self) -> bool:
        try:
            return self.kube().kubectl("get", "node", NODE, "-o", f"jsonpath={_READY}") == "True"
        except ClusterError:
            return False

    def _import(self, tar: Path) -> None:
        self._ctr("images", "import", "--local", tar.resolve())

    def _ctr(self, *words: object) -> str:
        return run(inside(self.state, self.state.bin / "ctr", "-n", "k8s.io", *words))


def server_ready() -> bool:
    """Tell whether the API server says that it is ready."""
    return http_ok(f"{SERVER}/readyz")


def unbuilt(state: State) -> list[str]:
    """Name the programs that a start would have to build."""
    return [program.name for program in node_programs() if stale(state, program)]


def python() -> str:
    """Return the interpreter that the node runs under."""
    return sys.executable
