"""Build the image once more, from nothing, and compare every file: `make image-reproducible`."""

import tempfile
from pathlib import Path

from cluster.command import say
from cluster.image_digest import differences, digest_of, files_of
from cluster.product_image import Builder, name_of, snapshot
from cluster.settings import ClusterError

SHOWN = 40


def build_again(builder: Builder) -> str:
    """Return the digest that both builds agree in. Raises ClusterError with the paths that differ."""
    with snapshot(builder.state) as context, tempfile.TemporaryDirectory(dir=builder.state.root) as folder:
        name = name_of(context)
        if not builder.has(name):
            _build(builder, context, name)
        one = files_of(builder.saved(name, Path(folder)))
        with builder.anew() as second:
            _build(second, context, name)
            other = files_of(second.saved(name, Path(folder)))
    if differ := differences(one, other):
        shown = "\n".join(differ[:SHOWN])
        raise ClusterError(f"two builds of one commit differ in {len(differ)} files:\n{shown}")
    say(f"{len(one)} files, the same in both builds")
    return digest_of(one)


def _build(builder: Builder, context: Path, name: str) -> None:
    say(f"building {name}")
    builder.build(context, name)
