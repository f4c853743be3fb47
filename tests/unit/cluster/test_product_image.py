"""The image's name follows its inputs, and it is built once a name."""

from typing import Any

import pytest

from cluster import product_image
from cluster.product_image import Buildah, built, image_tar, name_of, snapshot
from cluster.settings import ROOT, State


@pytest.fixture
def context(tmp_path):
    (tmp_path / "context/runtime").mkdir(parents=True)
    (tmp_path / "context/runtime/a.py").write_text("1")
    return tmp_path / "context"


def test_the_same_files_are_the_same_image(context):
    name = name_of(context)
    assert name.startswith("localhost/alphatrade:")
    (context / "runtime/a.py").touch()
    assert name_of(context) == name


@pytest.mark.parametrize(("path", "text"), [("runtime/a.py", "2"), ("runtime/b.py", "1"), ("a.py", "1")])
def test_another_byte_or_path_is_another_image(context, path, text):
    name = name_of(context)
    (context / path).write_text(text)
    assert name_of(context) != name


def test_the_snapshot_holds_what_the_dockerfile_copies_and_nothing_made(tmp_path):
    with snapshot(State(tmp_path)) as context:
        assert (context / "Dockerfile").read_bytes() == (ROOT / "Dockerfile").read_bytes()
        assert (context / "runtime/alphatrade_runtime/cli/bake.py").is_file()
        assert not [path for path in context.rglob("*") if path.name == "__pycache__" or path.suffix == ".egg-info"]
        lines = (context / "Dockerfile").read_text().splitlines()
        copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ")]
        sources = [word for words in copied for word in words if not word.startswith("/") and "--from" not in word]
        assert all((context / source).exists() for source in sources)
    assert not context.exists()


def test_dockerignore_lets_the_inputs_pass():
    lines = (ROOT / ".dockerignore").read_text().split()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert allowed == {name for name in product_image.INPUTS if name != "Dockerfile"}


def test_an_image_is_built_once(tmp_path):
    names: list[str] = []

    class Once:
        state = State(tmp_path)

        def has(self, name):
            return name in names

        def build(self, context, name):
            names.append(name)

    builder: Any = Once()
    assert built(builder) == built(builder)
    assert len(names) == 1


def test_buildah_builds_offline_of_any_registry_and_keeps_no_setting(tmp_path, context, monkeypatch):
    state, lines = State(tmp_path / "state"), []

    def runner(command):
        lines.append(" ".join(command.argv))
        for word in command.argv:
            if word.startswith("docker-archive:"):
                image_tar(state, "localhost/alphatrade:1").with_suffix(".partial").touch()
        return ""

    state.root.mkdir()
    monkeypatch.setattr(product_image, "works", lambda command: True)  # the base is there
    builder = Buildah(state, runner)
    builder.build(context, "localhost/alphatrade:1")
    build, push = lines
    assert "--isolation chroot --pull-never" in build
    assert "--build-arg=BASE=localhost/python:3.11-slim-bookworm" in build
    assert f"--volume={state.root}/pip.conf:/etc/pip.conf:ro" in build
    assert push.endswith(f"docker-archive:{image_tar(state, 'x:1').with_suffix('.partial')}:localhost/alphatrade:1")
    assert builder.has("localhost/alphatrade:1")
