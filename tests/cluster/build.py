"""Get everything that the local node is made of: Debian packages, Go programs, images of single binaries."""

from cluster import packages
from cluster.image_writer import layer_of, write_image
from cluster.programs import build_program, node_programs
from cluster.settings import State

IMAGES = ("pause", "coredns")


def build(state: State) -> None:
    """Install and build what is missing; a no-op of a fraction of a second when nothing is."""
    packages.install()
    for program in node_programs():
        build_program(state, program)
    for name in IMAGES:
        _build_image(state, name)
    link_kubectl(state)


def link_kubectl(state: State) -> None:
    """Give kube its name as kubectl: the first word says which program it is."""
    kubectl = state.bin / "kubectl"
    if not kubectl.is_symlink():
        kubectl.unlink(missing_ok=True)
        kubectl.symlink_to("kube")


def _build_image(state: State, name: str) -> None:
    source, target = state.bin / name, state.images / f"{name}.tar"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        write_image(target, f"localhost/{name}:1", layer_of({f"/{name}": source}), entrypoint=[f"/{name}"])
