"""List the files of an image tar with their SHA-256: what two builds of one commit must agree in, times aside."""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_GONE = ".wh."  # a layer's mark for a file of a lower layer that is no more
_ALL_GONE = ".wh..wh..opq"  # the same for all that a folder held


def files_of(image: Path) -> dict[str, str]:
    """Return what is at each path of an image (docker-archive or OCI tar): type, mode, owner and content's digest."""
    found: dict[str, str] = {}
    with tarfile.open(image) as outer:
        for layer in _layers(outer):
            with tarfile.open(fileobj=layer, mode="r|*") as inner:
                _lay_over(found, inner)
    return found


def digest_of(files: dict[str, str]) -> str:
    """Return one digest for all of them."""
    text = "".join(f"{path} {what}\n" for path, what in sorted(files.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """List the paths in which two images differ."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def _layers(outer: tarfile.TarFile) -> Iterator[IO[bytes]]:
    manifest = outer.extractfile("manifest.json")
    assert manifest is not None, "an image tar holds manifest.json"
    for name in json.load(manifest)[0]["Layers"]:
        layer = outer.extractfile(_target(outer, name))
        assert layer is not None, f"{name} is a file"
        yield layer


def _target(outer: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    """Follow the link that `docker save` leaves for a layer that is there twice."""
    member = outer.getmember(name)
    while member.issym():
        member = outer.getmember(str(Path(member.name).parent / member.linkname))
    return member


def _lay_over(found: dict[str, str], layer: tarfile.TarFile) -> None:
    for member in layer:
        path = member.name.removeprefix("./").rstrip("/")
        folder, _, name = path.rpartition("/")
        if name == _ALL_GONE:
            for child in [known for known in found if known.startswith(f"{folder}/")]:
                del found[child]
        elif name.startswith(_GONE):
            _remove(found, f"{folder}/{name.removeprefix(_GONE)}".lstrip("/"))
        elif path:
            found[path] = _describe(layer, member)


def _remove(found: dict[str, str], path: str) -> None:
    for gone in [known for known in found if known == path or known.startswith(f"{path}/")]:
        del found[gone]


def _describe(layer: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    what = f"{member.mode:04o} {member.uid}:{member.gid}"
    if member.issym() or member.islnk():
        return f"{what} -> {member.linkname}"
    content = layer.extractfile(member)
    if content is None:
        return f"{what} {member.type.decode()}"
    return f"{what} {hashlib.file_digest(content, 'sha256').hexdigest()}"  # type: ignore[arg-type]
