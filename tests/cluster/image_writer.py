"""Write container images as tar files, from files alone: no registry, no builder."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def layer_of(files: Mapping[str, Path]) -> bytes:
    """Return a layer that holds each file under its path in the image, executable by all."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, source in files.items():
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.mode, entry.size = 0o755, source.stat().st_size
            with source.open("rb") as content:
                tar.addfile(entry, content)
    return raw.getvalue()


class _Blobs:
    """Content by its digest."""

    def __init__(self) -> None:
        self.by_digest: dict[str, bytes] = {}

    def add(self, content: bytes, media_type: str) -> dict[str, Any]:
        """Keep content; return its descriptor."""
        digest = hashlib.sha256(content).hexdigest()
        self.by_digest[digest] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def write_image(
    target: Path, name: str, layer: bytes, entrypoint: Sequence[str] = (), command: Sequence[str] = ()
) -> str:
    """Write one tar that `ctr images import`, `docker load` and `buildah pull docker-archive:` all take.

    Returns the digest by which it can be named, which the name is no part of.
    """
    blobs = _Blobs()
    packed = blobs.add(gzip.compress(layer, 1, mtime=0), _LAYER)
    config = blobs.add(json.dumps(_config_of(layer, entrypoint, command)).encode(), _CONFIG)
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": [packed]}
    described = blobs.add(json.dumps(manifest).encode(), _MANIFEST)
    described["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
    files = {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [described]}).encode(),
        "manifest.json": json.dumps(
            [{"Config": _blob_path(config), "RepoTags": [name], "Layers": [_blob_path(packed)]}]
        ).encode(),
        **{f"blobs/sha256/{digest}": content for digest, content in blobs.by_digest.items()},
    }
    _write_tar(target, files)
    return str(described["digest"])


def _config_of(layer: bytes, entrypoint: Sequence[str], command: Sequence[str]) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": list(entrypoint), "Cmd": list(command), "Env": [_PATH], "User": ""},
        # One entry a layer: buildah refuses to cache on a base that has none.
        "history": [{"created_by": "tests/cluster/image_writer.py"}],
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    }


def _blob_path(description: Mapping[str, Any]) -> str:
    return "blobs/" + str(description["digest"]).replace(":", "/")


def _write_tar(target: Path, files: Mapping[str, bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    with tarfile.open(partial, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    partial.rename(target)
