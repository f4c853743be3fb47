"""kind as a backend: a one-node cluster in a Docker container, where Docker works."""

import json
import shutil
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.command import Command, Runner, command, run, works
from cluster.containers import signal_words
from cluster.kubectl import Kube
from cluster.product_image import Docker, built
from cluster.programs import build_program, kind
from cluster.settings import HERE, ClusterError, State
from cluster.tools import path_with_tools

CLUSTER = "alphatrade"
NODE = f"{CLUSTER}-control-plane"
MANIFESTS = "/etc/kubernetes/manifests"
HELD = "/etc/kubernetes/held"
AUDIT_LOGS = "/var/log/kubernetes/audit*.log"  # at 100 MB the server begins another file
STATIC_PODS = ("kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler")
UNITS = ("kubelet", "containerd")
_DOCKER_INFO = command("docker", "info")


def kind_faults(succeeds: Callable[[Command], bool] = works) -> tuple[str, ...]:
    """Say what keeps kind from being used here."""
    if not succeeds(_DOCKER_INFO):
        return ("`docker info` fails: install Docker, start its daemon, and let this user reach it",)
    if shutil.which("kind") is None and shutil.which("go") is None:
        return ("neither kind nor Go is on the PATH: install one of them",)
    return ()


@dataclass(frozen=True)
class Commands:
    """What the backend runs, as data. kind: the program.  kubeconfig, config: files."""

    kind: str
    kubeconfig: Path
    config: Path

    def clusters(self) -> Command:
        """List the clusters that run."""
        return command(self.kind, "get", "clusters")

    def create(self) -> Command:
        """Create the cluster and wait until its node is ready."""
        where = ("--name", CLUSTER, "--config", self.config, "--kubeconfig", self.kubeconfig)
        return command(self.kind, "create", "cluster", *where, "--wait", "120s", quiet=False)

    def delete(self) -> Command:
        """Remove the cluster's container."""
        return command(self.kind, "delete", "cluster", "--name", CLUSTER, "--kubeconfig", self.kubeconfig)

    def export(self) -> Command:
        """Write the kubeconfig of a cluster that runs."""
        return command(self.kind, "export", "kubeconfig", "--name", CLUSTER, "--kubeconfig", self.kubeconfig)

    def load(self, image: str) -> Command:
        """Copy an image from Docker into the node."""
        return command(self.kind, "load", "docker-image", image, "--name", CLUSTER)

    def load_archive(self, tar: Path) -> Command:
        """Copy an image from a tar into the node."""
        return command(self.kind, "load", "image-archive", tar, "--name", CLUSTER)

    def in_node(self, *words: object) -> Command:
        """Run something in the node's container."""
        return command("docker", "exec", NODE, *words)

    def hold(self, daemon: str) -> Command:
        """Stop a daemon: take a static pod's manifest away, or stop a unit of systemd."""
        if daemon in STATIC_PODS:
            move = f"mkdir -p {HELD} && mv {MANIFESTS}/{daemon}.yaml {HELD}/"
            return self.in_node("sh", "-c", move)
        return self.in_node("systemctl", "stop", daemon)

    def release(self, daemon: str) -> Command:
        """Undo `hold`."""
        if daemon in STATIC_PODS:
            return self.in_node("mv", f"{HELD}/{daemon}.yaml", f"{MANIFESTS}/")
        return self.in_node("systemctl", "start", daemon)

    def kill(self, daemon: str) -> Command:
        """End a daemon's process with SIGKILL."""
        return self.signal(daemon, "KILL")

    def signal(self, daemon: str, name: str) -> Command:
        """Send a signal to a daemon's process."""
        return self.in_node("pkill", f"-{name}", "-x", daemon[:15])  # the kernel keeps 15 characters of a name

    def signal_container(self, container: str, name: str) -> Command:
        """Send a container a signal."""
        return self.in_node("ctr", "-n", "k8s.io", *signal_words(container, name))

    def power_cycle(self) -> tuple[Command, Command]:
        """End the node's container with SIGKILL, and start it again."""
        return command("docker", "kill", NODE), command("docker", "start", NODE)

    def lives(self, daemon: str) -> Command:
        """Ask whether a daemon's process is there."""
        return self.in_node("pgrep", "-x", daemon[:15])


@dataclass(frozen=True)
class KindDaemon:
    """A daemon in kind's node."""

    commands: Commands
    name: str
    runner: Runner
    ready: Callable[[], bool]

    def stop(self) -> None:
        """End it and keep it from coming back."""
        self.runner(self.commands.hold(self.name))
        _wait(f"{self.name} stopped", lambda: not self._lives())

    def start(self) -> None:
        """Let it run again; returns when the API server answers."""
        self.runner(self.commands.release(self.name))
        _wait(f"{self.name} started", lambda: self._lives() and self.ready())

    def kill(self) -> None:
        """End it with SIGKILL; kubelet or systemd start it again."""
        self.runner(self.commands.kill(self.name))

    def freeze(self) -> None:
        """Keep its process from running; it answers nothing."""
        self.runner(self.commands.signal(self.name, "STOP"))

    def thaw(self) -> None:
        """Let a frozen process run on."""
        self.runner(self.commands.signal(self.name, "CONT"))

    def _lives(self) -> bool:
        try:
            self.runner(self.commands.lives(self.name))
        except ClusterError:
            return False
        return True


class Kind:
    """The backend for machines where Docker works."""

    name = "kind"

    def __init__(self, state: State, runner: Runner = run) -> None:
        self.state, self.runner = state, runner
        self.folder = state.root / "kind"
        self.kubeconfig = self.folder / "kubeconfig"

    def commands(self) -> Commands:
        """Return the commands, with kind from the PATH or built once."""
        found = shutil.which("kind")
        if found is None:
            build_program(self.state, kind())
            found = str(self.state.bin / "kind")
        return Commands(found, self.kubeconfig, self.folder / "kind.yaml")

    def up(self) -> Path:
        """Create the cluster unless there is one."""
        commands = self.commands()
        self.folder.mkdir(parents=True, exist_ok=True)
        if CLUSTER in self.runner(commands.clusters()).split():
            self.runner(commands.export())
        else:
            commands.config.write_text(rendered(self.state))
            self.runner(commands.create())
        return self.kubeconfig

    def is_up(self) -> bool:
        """Tell whether its API server says that it is ready."""
        return self.kubeconfig.exists() and self._ready()

    def down(self) -> None:
        """Remove the cluster and its settings."""
        self.runner(self.commands().delete())
        shutil.rmtree(self.folder, ignore_errors=True)

    def status(self) -> str:
        """Show nodes and pods."""
        return self.kube().kubectl("get", "nodes,pods", "--all-namespaces", "-o", "wide") if self.is_up() else "down"

    def kube(self) -> Kube:
        """Return kubectl and helm for it."""
        return Kube(self.kubeconfig, path_with_tools(self.state), self.runner)

    def builder(self) -> Docker:
        """Return Docker."""
        return Docker(self.state, self.runner)

    def build_image(self) -> str:
        """Build the product's image with Docker unless it is there."""
        return built(self.builder())

    def load_image(self, name: str) -> None:
        """Copy the image into the node."""
        self.runner(self.commands().load(name))

    def load_archive(self, tar: Path) -> None:
        """Copy an image into the node."""
        self.runner(self.commands().load_archive(tar))

    def on_node(self, *words: object) -> str:
        """Run a command in the node's container."""
        return self.runner(self.commands().in_node(*words))

    def daemon(self, name: str) -> KindDaemon:
        """Return a daemon by name. Raises ClusterError for a name that is none."""
        if name not in (*STATIC_PODS, *UNITS):
            raise ClusterError(f"{name}: no daemon of kind's node; there are {', '.join((*STATIC_PODS, *UNITS))}")
        return KindDaemon(self.commands(), name, self.runner, self._ready)

    def signal_container(self, container: str, name: str) -> None:
        """Send a container a signal; one that ends of it is started again by the kubelet."""
        self.runner(self.commands().signal_container(container, name))

    def power_cycle(self) -> None:
        """Kill the node's container and start it again."""
        for each in self.commands().power_cycle():
            self.runner(each)
        _wait("API server", self._ready)

    def audit_events(self, having: str = "") -> list[dict[str, Any]]:
        """Return every write so far that holds a text; those of the product's resources with request and response."""
        lines = self.runner(self.commands().in_node("sh", "-c", f"cat {AUDIT_LOGS}")).splitlines()
        return [json.loads(line) for line in lines if having in line and line.endswith("}")]

    def _ready(self) -> bool:
        try:
            self.kube().kubectl("get", "--raw", "/readyz")
        except ClusterError:
            return False
        return True


def rendered(state: State) -> str:
    """Return kind's configuration; the audit policy is rendered beside it."""
    policy = state.render("audit.yaml", state.root / "kind")
    return string.Template((HERE / "kind.yaml").read_text()).substitute(policy=policy)


def _wait(what: str, check: Callable[[], bool], timeout_s: float = 90.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not check():
        if time.monotonic() > deadline:
            raise ClusterError(f"{what}: not within {timeout_s:.0f} s; look at `docker logs {NODE}`")
        time.sleep(0.2)
