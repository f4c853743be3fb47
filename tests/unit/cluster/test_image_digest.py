"""What counts as the same image: paths, modes, owners, bytes; not times."""

import io
import json
import tarfile

import pytest

from cluster.image_digest import differences, digest_of, files_of


def layer(*entries, mtime=0):
    """entries: (path, bytes, or None for a folder, or `-> target`, and optionally a mode)."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path, content, *mode in entries:
            entry = tarfile.TarInfo(path)
            entry.mtime, entry.mode = mtime, mode[0] if mode else 0o644
            if content is None:
                entry.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
            else:
                entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content if isinstance(content, bytes) else b""))
    return raw.getvalue()


@pytest.fixture
def image(tmp_path):
    def write(name, *layers):
        path = tmp_path / name
        with tarfile.open(path, "w") as tar:
            files = {f"{n}.tar": content for n, content in enumerate(layers)}
            files["manifest.json"] = json.dumps([{"Layers": list(files)}]).encode()
            for file, content in files.items():
                entry = tarfile.TarInfo(file)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return files_of(path)

    return write


def test_times_do_not_count(image):
    one = image("one", layer(("a", b"1"), ("b", None), ("c", "a"), mtime=1))
    other = image("other", layer(("a", b"1"), ("b", None), ("c", "a"), mtime=2))
    assert digest_of(one) == digest_of(other)
    assert sorted(one) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "entry", [("a", b"2"), ("a", b"1", 0o755), ("a", "b"), ("b", b"1")], ids=["bytes", "mode", "link", "path"]
)
def test_everything_else_counts(image, entry):
    assert differences(image("one", layer(("a", b"1"))), image("other", layer(entry))) != []


def test_upper_layers_replace_and_remove(image):
    lower = layer(("etc", None), ("etc/a", b"1"), ("etc/b", b"1"), ("old", None), ("old/x", b"1"), ("full/y", b"1"))
    upper = layer(("etc/a", b"2"), ("etc/.wh.b", b""), (".wh.old", b""), ("full/.wh..wh..opq", b""), ("full/z", b"3"))
    flat = layer(("etc", None), ("etc/a", b"2"), ("full/z", b"3"))
    assert differences(image("two", lower, upper), image("flat", flat)) == []
