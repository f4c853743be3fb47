"""A cluster that somebody else runs, named by KUBECONFIG_TEST; tests make their own namespaces in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.backend import Daemon
from cluster.command import works
from cluster.kubectl import Kube
from cluster.product_image import Builder
from cluster.settings import ClusterError, State
from cluster.tools import path_with_tools

_NO_FAULTS = (
    "KUBECONFIG_TEST names this cluster: the harness touches neither its parts nor its nodes; unset it for this test"
)


class Given:
    """The backend that starts and stops nothing."""

    name = "KUBECONFIG_TEST"

    def __init__(self, state: State, kubeconfig: Path, environ: Mapping[str, str]) -> None:
        self.state, self.kubeconfig = state, kubeconfig
        self.image = environ.get("TEST_IMAGE", "")

    def up(self) -> Path:
        """Return its kubeconfig. Raises ClusterError when it does not answer."""
        if not self.is_up():
            raise ClusterError(f"KUBECONFIG_TEST={self.kubeconfig}: no API server answers there; correct or unset it")
        return self.kubeconfig

    def is_up(self) -> bool:
        """Tell whether its API server says that it is ready."""
        return works(self.kube().command("kubectl", "get", "--raw", "/readyz"))

    def down(self) -> None:
        """Leave it as it is."""

    def status(self) -> str:
        """Show its nodes."""
        return self.kube().kubectl("get", "nodes", "-o", "wide")

    def kube(self) -> Kube:
        """Return kubectl and helm for it."""
        return Kube(self.kubeconfig, path_with_tools(self.state))

    def builder(self) -> Builder:
        """Refuse: images for this cluster are built elsewhere."""
        raise ClusterError("KUBECONFIG_TEST is set, so no image is built here; unset it for this command")

    def build_image(self) -> str:
        """Return the image that TEST_IMAGE names. Raises ClusterError when it names none."""
        if not self.image:
            raise ClusterError(
                "KUBECONFIG_TEST is set, so TEST_IMAGE must name an image of this commit that the cluster can pull:"
                " build the Dockerfile and push it to where the cluster pulls from"
            )
        return self.image

    def load_image(self, name: str) -> None:
        """Do nothing: the cluster pulls it."""

    def load_archive(self, tar: Path) -> None:
        """Refuse: nothing here reaches its nodes."""
        raise ClusterError(f"{tar.name}: {_NO_FAULTS}")

    def on_node(self, *words: object) -> str:
        """Refuse: nothing here reaches its nodes."""
        raise ClusterError(f"{' '.join(map(str, words))}: {_NO_FAULTS}")

    def daemon(self, name: str) -> Daemon:
        """Refuse: somebody else runs it."""
        raise ClusterError(f"{name}: {_NO_FAULTS}")

    def signal_container(self, container: str, name: str) -> None:
        """Refuse: its nodes are out of reach."""
        raise ClusterError(f"container {container}: {_NO_FAULTS}")

    def power_cycle(self) -> None:
        """Refuse: its nodes are out of reach."""
        raise ClusterError(f"power: {_NO_FAULTS}")

    def audit_events(self, having: str = "") -> list[dict[str, Any]]:
        """Refuse: the log is not to be had."""
        raise ClusterError(f"audit log: {_NO_FAULTS}")
