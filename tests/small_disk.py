"""A disk that is soon full: a tmpfs of a given size, where the host lets us mount one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk_at(folder: Path, size: str) -> Iterator[Path]:
    """Mount a tmpfs of `size` (such as 64k) at a new folder; skip the test, saying so, where that is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this host lets nobody mount a tmpfs, so no disk of ours can be full")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
