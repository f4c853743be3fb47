"""Where tests get a cluster from: one interface, three backends, the first that works here."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cluster.kubectl import Kube
from cluster.product_image import Builder
from cluster.settings import ClusterError, State, default_state


class Daemon(Protocol):
    """A part of the control plane or of the node that a test may take away."""

    def stop(self) -> None:
        """End it and keep it from coming back."""

    def start(self) -> None:
        """Let it run again; returns when it answers."""

    def kill(self) -> None:
        """End it with SIGKILL; whoever looks after it starts it again."""

    def freeze(self) -> None:
        """Keep its process from running, for as long as a test says to the second; it answers nothing."""

    def thaw(self) -> None:
        """Let a frozen process run on."""


class Backend(Protocol):
    """A cluster that can be had here."""

    name: str

    def up(self) -> Path:
        """Bring the cluster up unless it is; return its kubeconfig."""

    def is_up(self) -> bool:
        """Tell whether it answers now."""

    def down(self) -> None:
        """Remove it and every trace of it, but what makes the next start fast."""

    def status(self) -> str:
        """Say what runs."""

    def kube(self) -> Kube:
        """Return kubectl and helm for it."""

    def builder(self) -> Builder:
        """Return what builds images here. Raises ClusterError where a backend builds none."""

    def build_image(self) -> str:
        """Build the product's image unless it is there; return its name."""

    def load_image(self, name: str) -> None:
        """Let pods use an image that `build_image` made."""

    def load_archive(self, tar: Path) -> None:
        """Let pods use an image from a tar of `write_image`. Raises ClusterError where a backend cannot."""

    def on_node(self, *words: object) -> str:
        """Run a command on the node as root; return what it printed. Raises ClusterError where a backend cannot."""

    def daemon(self, name: str) -> Daemon:
        """Return a daemon by name, such as kube-apiserver. Raises ClusterError where a backend cannot."""

    def signal_container(self, container: str, name: str) -> None:
        """Send a container a signal: KILL, as a machine without memory does; STOP and CONT. container: as a pod has it.

        Raises ClusterError where a backend cannot.
        """

    def power_cycle(self) -> None:
        """End the node with all that runs on it at once, and start it again; returns when it answers.

        Volumes and what the API server had on record stay. Raises ClusterError where a backend cannot.
        """

    def audit_events(self, having: str = "") -> list[dict[str, Any]]:
        """Return the API server's audit log so far: the lines that hold a text. Raises ClusterError where it cannot.

        The log grows by megabytes a minute; `having` keeps the rest from being parsed.
        """


@dataclass(frozen=True)
class Way:
    """A backend and what keeps it from being used here, one line each."""

    name: str
    make: Callable[[], Backend]
    faults: tuple[str, ...]


def choose(environ: Mapping[str, str] = os.environ, state: State | None = None) -> Backend:
    """Return the first backend that works here. Raises ClusterError that says what to install when none does."""
    return first_of(ways(environ, state or State(default_state())))


def ways(environ: Mapping[str, str], state: State) -> list[Way]:
    """List the backends in the order in which they are tried."""
    from cluster.given import Given
    from cluster.kind import Kind, kind_faults
    from cluster.local_node import LocalNode, local_faults

    asked = environ.get("KUBECONFIG_TEST", "")
    unset = () if asked else ("KUBECONFIG_TEST is not set: set it to the kubeconfig of a cluster that tests may use",)
    return [
        Way("KUBECONFIG_TEST", lambda: Given(state, Path(asked), environ), unset),
        Way("kind", lambda: Kind(state), () if asked else kind_faults()),
        Way("local node", lambda: LocalNode(state), () if asked else local_faults(state)),
    ]


def first_of(found: list[Way]) -> Backend:
    """Return the first backend without a fault; none is an error that lists all of them."""
    for way in found:
        if not way.faults:
            return way.make()
    lines = [f"  {way.name}: {'; '.join(way.faults)}" for way in found]
    raise ClusterError("\n".join(["no Kubernetes cluster can be had here. One of these would do:", *lines]))
