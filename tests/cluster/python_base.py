"""A stand-in for the official Python image where no registry can be reached: Debian 12's own Python 3.11."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cluster.command import Command, command, run, say
from cluster.image_writer import write_image
from cluster.settings import ClusterError, State

PYTHON_BASE = "localhost/python:3.11-slim-bookworm"
_PACKAGES = ("python3", "python3-pip", "python3-venv", "ca-certificates", "netbase", "tzdata")
_WASTE = ("var/lib/apt/lists", "var/cache", "var/log", "usr/share/doc", "usr/share/man", "usr/share/locale")
_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "cert")


class Store:
    """buildah with images of its own, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def command(self, *words: object) -> Command:
        """Return a buildah command on this store."""
        store = ("--root", self.folder / "root", "--runroot", self.folder / "run", "--storage-driver", "overlay")
        return command("buildah", *store, *words, env={"TMPDIR": "/var/tmp"})

    def unmounted(self) -> Command:
        """Return what undoes the mount of its own folder that buildah leaves behind."""
        return command("umount", self.folder / "root" / "overlay")


def python_base(state: State) -> Path:
    """Return the base image's tar, made once."""
    target = state.root / "base" / f"{PYTHON_BASE.rpartition(':')[2]}.tar"
    if not target.exists():
        say("making the Python base image")
        with tempfile.TemporaryDirectory(dir=state.root) as work:
            root = Path(work) / "root"
            run(
                command(
                    "debootstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}", "bookworm", root, _mirror()
                )
            )
            _slim(root)
            layer = Path(work) / "layer.tar"
            run(command("tar", "-C", root, "--numeric-owner", "--sort=name", "-cf", layer, "."))
            write_image(target, PYTHON_BASE, layer.read_bytes(), command=["python3"])
    return target


def _mirror() -> str:
    """Return where this machine's apt gets Debian from."""
    try:
        lines = _SOURCES.read_text().splitlines()
    except OSError:
        raise ClusterError(
            f"{_SOURCES}: not there; the base image can only be made on Debian 12, or use Docker"
        ) from None
    return next(line.removeprefix("URIs:").strip() for line in lines if line.startswith("URIs:"))


def _slim(root: Path) -> None:
    for folder in _WASTE:
        shutil.rmtree(root / folder)
        (root / folder).mkdir()
    for name in ("python", "python3"):
        (root / "usr/local/bin" / name).symlink_to("/usr/bin/python3")
    # As in the official image, pip may install into the system's Python.
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()


def pip_mounts(state: State) -> Iterator[str]:
    """Let a build reach the index that this machine's pip reaches: SOURCE:TARGET, mounted and not kept in the image."""
    settings = _pip_settings()
    config = state.root / "pip.conf"
    config.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()))
    yield f"{config}:/etc/pip.conf"
    if "cert" in settings:
        yield f"{settings['cert']}:{settings['cert']}"


def _pip_settings() -> dict[str, str]:
    asked = [sys.executable, "-m", "pip", "config", "list"]
    shown = subprocess.run(asked, capture_output=True, text=True, env=dict(os.environ)).stdout
    found = {}
    for line in shown.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in _PIP_SETTINGS:
            found[name] = value.strip("'\"")
    return found
