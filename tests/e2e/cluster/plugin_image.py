"""An image that brings one file of a user's own: `cp`, which the pod runs, and the file under /plugin."""

import re
from pathlib import Path

from cluster.backend import Backend
from cluster.command import command, run
from cluster.image_writer import layer_of, write_image

CP = Path("/bin/cp")
_LIBRARY = re.compile(r"(/\S+) \(0x")


def plugin_image(backend: Backend, folder: Path, plugin: Path) -> str:
    """Write the image from this machine's `cp`, load it, return its name by digest: no registry, no builder."""
    libraries = map(Path, _LIBRARY.findall(run(command("ldd", CP))))
    layer = layer_of({str(path): path for path in (CP, *libraries)} | {f"/plugin/{plugin.name}": plugin})
    tar = folder / "plugin.tar"
    digest = write_image(tar, "localhost/plugin", layer)
    name = f"localhost/plugin@{digest}"
    write_image(tar, name, layer)
    backend.load_archive(tar)
    return name
