"""Small files that a pod keeps on its volume: the old content or the new one is there, also after a power cut."""

import os
from pathlib import Path

from alphatrade_runtime.market.faults import disk_errors


def replace_kept(path: Path, text: str) -> None:
    """Replace a file's content; when this returns the disk has it. Raises InputError when it cannot be written."""
    partial = path.with_name(f"{path.name}.partial")
    with disk_errors(path):
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        _sync(path.parent)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
