"""Build the image twice from nothing and compare every file: `make image-reproducible`."""

import tempfile
from pathlib import Path

from cluster.command import say
from cluster.image_digest import differences, digest_of, files_of
from cluster.product_image import Buildah, image_tar, name_of, snapshot
from cluster.python_base import Store
from cluster.settings import ClusterError, State

SHOWN = 40


def build_twice(state: State) -> str:
    """Return the digest that both builds agree in. Raises ClusterError with the paths that differ."""
    with snapshot(state) as context:
        listings = [_built_anew(state, context, turn) for turn in (1, 2)]
    if differ := differences(*listings):
        shown = "\n".join(differ[:SHOWN])
        raise ClusterError(f"two builds of one commit differ in {len(differ)} files:\n{shown}")
    say(f"{len(listings[0])} files, the same in both builds")
    return digest_of(listings[0])


def _built_anew(state: State, context: Path, turn: int) -> dict[str, str]:
    name = name_of(context)
    say(f"building {name}, {turn} of 2")
    with tempfile.TemporaryDirectory(dir=state.root, prefix="reproducible-") as folder:
        Buildah(state, store=Store(Path(folder))).build(context, name)
    return files_of(image_tar(state, name))
