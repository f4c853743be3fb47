"""Keep an export: whole and on the disk, or not there at all."""

import hashlib
import os
from pathlib import Path

from alphatrade_operator.kubectl.kubectl import KubectlError
from alphatrade_operator.kubectl.ledger import Export, continues


def keep(export: Export, path: Path) -> None:
    """Write an export; return when the disk has it. An earlier export of the same ledger is replaced.

    Raises KubectlError when another file is there, or it cannot be written.
    """
    try:
        old = path.read_bytes() if path.exists() else None
        if old is not None and not continues(old, export):
            raise KubectlError(f"{path}: there already, and no earlier export of this ledger; name another file")
        if old != export.text:
            write(path, export.text)
        kept = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise KubectlError(f"{path}: {error.strerror or error}; name a file that can be written") from None
    if kept != export.sha256:
        raise KubectlError(f"{path}: what was read back is not what was written; name a file on another disk")


def write(path: Path, text: bytes) -> None:
    """Write a file under its name only once the disk has all of it. Raises OSError."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with new.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
