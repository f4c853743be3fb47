"""Two builds are the same or the paths that differ are named."""

import io
import tarfile
from contextlib import contextmanager

import pytest

from cluster.reproducible import build_again
from cluster.settings import ClusterError, State


class Writes:
    """A builder of images of one file each."""

    def __init__(self, state, content):
        self.state, self.content, self.second, self.built = state, content, content, 0

    def has(self, name):
        return self.built > 0

    def build(self, context, name):
        self.built += 1

    @contextmanager
    def anew(self):
        yield Writes(self.state, self.second)

    def saved(self, name, folder):
        layer = _tar({"opt/file": self.content})
        (folder / "image.tar").write_bytes(_tar({"l.tar": layer, "manifest.json": b'[{"Layers": ["l.tar"]}]'}))
        return folder / "image.tar"


def _tar(files):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return raw.getvalue()


@pytest.fixture
def builder(tmp_path):
    return Writes(State(tmp_path), b"1")


def test_the_same(builder):
    assert len(build_again(builder)) == 64
    assert builder.built == 1


def test_what_is_there_is_not_built_first(builder):
    builder.built = 1
    build_again(builder)
    assert builder.built == 1


def test_a_difference_is_named(builder):
    builder.second = b"2"
    with pytest.raises(ClusterError, match=r"differ in 1 files:\nopt/file"):
        build_again(builder)
