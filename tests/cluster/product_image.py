"""The product's image: named by its inputs, so that it is built again only when one of them changed."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from cluster.command import Runner, command, run, say, works
from cluster.python_base import PYTHON_BASE, Store, pip_mounts, python_base
from cluster.settings import ROOT, State

REPOSITORY = "localhost/alphatrade"  # never `latest`: that would be pulled, and there is nowhere to pull from
INPUTS = ("Dockerfile", "LICENSE", "operator", "protos", "pyproject.toml", "requirements/runtime.lock", "runtime")
_NOT_INPUTS = ("__pycache__", "*.egg-info", "*.pyc")
_STALE_S = 3600.0
_KEPT = 3  # built images, the newest


class Builder(Protocol):
    """A program that builds Dockerfiles."""

    state: State

    def has(self, name: str) -> bool:
        """Tell whether an image was built already."""

    def build(self, context: Path, name: str) -> None:
        """Build a context."""

    def anew(self) -> AbstractContextManager["Builder"]:
        """Give a builder that has nothing to reuse."""

    def saved(self, name: str, folder: Path) -> Path:
        """Return an image as a tar, in `folder` unless it is one already."""


def built(builder: Builder) -> str:
    """Build the image of what lies in the work tree now unless it is there; return its name."""
    with snapshot(builder.state) as context:
        name = name_of(context)
        if not builder.has(name):
            say(f"building {name}")
            builder.build(context, name)
    return name


@contextmanager
def snapshot(state: State) -> Iterator[Path]:
    """Give a copy of the inputs: what is named by their digest must not change while it is built."""
    state.root.mkdir(parents=True, exist_ok=True)
    for left in state.root.glob("context-*"):  # of a build that was killed
        if time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=state.root, prefix="context-") as folder:
        for name in INPUTS:
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(ROOT / name, target)
        yield Path(folder)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_NOT_INPUTS))
    else:
        shutil.copy2(source, target)


def name_of(context: Path) -> str:
    """Return repository:tag; the tag is the digest of every input's path and bytes."""
    digest = hashlib.sha256()
    for path in sorted(path for path in context.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(context)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{REPOSITORY}:{digest.hexdigest()[:16]}"


def image_tar(state: State, name: str) -> Path:
    """Return where buildah leaves an image for `ctr images import`."""
    return state.root / "product" / f"{name.rpartition(':')[2]}.tar"


class Docker:
    """Build with Docker, from the base that the Dockerfile names."""

    def __init__(self, state: State, runner: Runner = run, *, cached: bool = True) -> None:
        self.state, self.runner, self.cached = state, runner, cached

    def has(self, name: str) -> bool:
        """Ask Docker's store."""
        return works(command("docker", "image", "inspect", name))

    def build(self, context: Path, name: str) -> None:
        """Build into Docker's store."""
        again = () if self.cached else ("--no-cache",)
        self.runner(command("docker", "build", "--quiet", *again, "--tag", name, context))

    @contextmanager
    def anew(self) -> Iterator["Docker"]:
        """Give a builder that runs every step; what it builds takes the place of what was there."""
        yield Docker(self.state, self.runner, cached=False)

    def saved(self, name: str, folder: Path) -> Path:
        """Save the image."""
        target = folder / f"{name.rpartition(':')[2]}.tar"
        self.runner(command("docker", "save", "--output", target, name))
        return target


class Buildah:
    """Build with buildah's chroot isolation: a step needs no privilege and has the host's network.

    The base is a stand-in for the official Python image, made from Debian packages: there is nowhere to pull from.
    """

    def __init__(self, state: State, runner: Runner = run) -> None:
        self.state, self.runner = state, runner
        self.store = Store(state.root / "buildah")

    def has(self, name: str) -> bool:
        """Look for the tar that a build leaves."""
        return image_tar(self.state, name).exists()

    def build(self, context: Path, name: str) -> None:
        """Build into a tar."""
        works(self.store.command("rm", "--all"))  # what a build that was killed left mounted
        if not works(self.store.command("inspect", "--type", "image", PYTHON_BASE)):
            self.runner(self.store.command("pull", "--quiet", f"docker-archive:{python_base(self.state)}"))
        mounts = [f"--volume={mount}:ro" for mount in pip_mounts(self.state)]
        isolated = ("--isolation", "chroot", "--pull-never", "--force-rm", f"--build-arg=BASE={PYTHON_BASE}")
        try:
            self.runner(self.store.command("build", "--quiet", *isolated, "--layers", "--tag", name, *mounts, context))
            self._export(name)
        finally:
            works(self.store.unmounted())

    @contextmanager
    def anew(self) -> Iterator["Buildah"]:
        """Give a builder with an empty store of its own."""
        with tempfile.TemporaryDirectory(dir=self.state.root, prefix="anew-") as folder:
            own = State(Path(folder))
            own.root.joinpath("base").symlink_to(self.state.root / "base")
            yield Buildah(own, self.runner)

    def saved(self, name: str, folder: Path) -> Path:
        """Return the tar that the build left."""
        return image_tar(self.state, name)

    def _export(self, name: str) -> None:
        target = image_tar(self.state, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        self.runner(self.store.command("push", "--quiet", name, f"docker-archive:{partial}:{name}"))
        partial.rename(target)
        self._drop_old(target.parent)

    def _drop_old(self, folder: Path) -> None:
        tars = sorted(folder.glob("*.tar"), key=lambda path: path.stat().st_mtime)
        for tar in tars[:-_KEPT]:
            works(self.store.command("rmi", f"{REPOSITORY}:{tar.stem}"))
            tar.unlink()
