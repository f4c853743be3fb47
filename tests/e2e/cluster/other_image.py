"""The product's image with one file of the runtime changed: another code hash, and nothing to compile anew."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from cluster.backend import Backend
from cluster.settings import ROOT

# Of the runtime, and imported by nothing that is compiled: a pod finds all of it in the image's cache.
CHANGED = "runtime/alphatrade_runtime/cli/kill.py"
INSTALLED = "opt/alphatrade/app/alphatrade_runtime/cli/kill.py"
_LEGACY = ("manifest.json", "index.json", "oci-layout", "repositories")


def other_image(backend: Backend, image: str, folder: Path) -> str:
    """Write the image, load it, return its name."""
    name = f"{image}-next"
    source = backend.builder().saved(image, folder)
    tar = folder / "other.tar"
    with tarfile.open(source) as old, tarfile.open(tar, "w") as new:
        described = _read(old, "manifest.json")[0]
        config, layer = _read(old, described["Config"]), _layer()
        config["rootfs"]["diff_ids"].append("sha256:" + hashlib.sha256(layer).hexdigest())
        config["history"].append({"created_by": "tests/e2e/cluster/other_image.py"})
        for member in _kept(old):
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
        _add(new, "other/layer.tar", layer)
        _add(new, "other/config.json", json.dumps(config).encode())
        layers = [*described["Layers"], "other/layer.tar"]
        manifest = [{"Config": "other/config.json", "RepoTags": [name], "Layers": layers}]
        _add(new, "manifest.json", json.dumps(manifest).encode())
    backend.load_archive(tar)
    tar.unlink()
    return name


def _layer() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        _add(tar, INSTALLED, (ROOT / CHANGED).read_bytes() + b"#\n")
    return raw.getvalue()


def _kept(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """Return the members that the new archive has as well: layers, but for the links that old programs follow."""
    return [member for member in archive.getmembers() if member.isfile() and member.name not in _LEGACY]


def _read(archive: tarfile.TarFile, name: str) -> Any:
    file = archive.extractfile(name)
    assert file is not None, name
    return json.load(file)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = 0o644, len(content)
    archive.addfile(entry, io.BytesIO(content))
