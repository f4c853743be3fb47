"""Build the image twice from nothing and compare every file: `make image-reproducible`."""

from cluster.command import say
from cluster.image_digest import differences, digest_of, files_of
from cluster.product_image import Buildah, image_tar, name_of, snapshot
from cluster.settings import ClusterError, State

SHOWN = 40


def build_twice(state: State) -> str:
    """Return the digest that both builds agree in. Raises ClusterError with the paths that differ."""
    builder = Buildah(state)
    listings = []
    with snapshot(state) as context:
        name = name_of(context)
        for turn in (1, 2):
            say(f"building {name}, {turn} of 2")
            builder.build(context, name, fresh=True)
            listings.append(files_of(image_tar(state, name)))
    if differ := differences(*listings):
        shown = "\n".join(differ[:SHOWN])
        raise ClusterError(f"two builds of one commit differ in {len(differ)} files:\n{shown}")
    say(f"{len(listings[0])} files, the same in both builds")
    return digest_of(listings[0])
