"""Where runs lie: `<base>/<kind>/<YYYY>/<MM>/<DD>/<run_id>/`, each there whole or not at all.

A run is written in `<base>/<kind>/.unfinished/<key>/` and moved when it has ended, so that a killed run is found
again by the same command on any later day, and an identical run takes the place of the old one.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

from alphatrade_runtime.loop.checkpoint import NAME as CHECKPOINT
from alphatrade_runtime.market.faults import InputError, disk_errors

UNFINISHED = ".unfinished"
RUN_FILE = "run.json"
JOURNAL = "journal/journal-*.bin"


class RunFolder:
    """The folder of a run under way; another process that wants the same one is refused.

    `resumed` is True when it holds what an earlier attempt can go on from: a checkpoint or a journal.
    Leaving the `with` block by an error drops what was written, but never a journal: what was sent to a broker
    must stay known. A Ctrl-C keeps a checkpoint, too. A killed process leaves all as it is.
    """

    def __init__(self, base: Path, kind: str, key: str) -> None:
        self.base, self.kind = base, kind
        self.path = base / kind / UNFINISHED / key
        self._new_from = _first_missing(self.path)
        with disk_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.path)
        self._open = True
        self.resumed = self._has(CHECKPOINT) or self._has(JOURNAL)
        if not self.resumed:
            _empty(self.path)

    def publish(self, day: date, run_id: str) -> Path:
        """Move the finished run to its place under `day`, over an identical earlier one; return where."""
        final = self.base / self.kind / f"{day:%Y}" / f"{day:%m}" / f"{day:%d}" / run_id
        (self.path / CHECKPOINT).unlink(missing_ok=True)
        with disk_errors(final):
            final.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.path, final)
        self._close()
        _prune(self.path.parent, self.base)
        return final

    def discard(self) -> None:
        """Remove what was written, and the folders that were made for it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._close()
        _prune(self.path.parent, self._new_from.parent)

    def _has(self, pattern: str) -> bool:
        return any(self.path.glob(pattern))

    def _close(self) -> None:
        self._open = False
        os.close(self._lock)

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._open:
            return
        stopped = isinstance(error, KeyboardInterrupt) and self._has(CHECKPOINT)
        if error is not None and (stopped or self._has(JOURNAL)):
            error.add_note(f"the same command goes on with the run in {self.path}")
            self._close()
        else:
            self.discard()


def write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write a run's run.json, whole or not at all."""
    partial = folder / f"{RUN_FILE}.partial-{os.getpid()}"
    with disk_errors(folder / RUN_FILE):
        try:
            partial.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            os.replace(partial, folder / RUN_FILE)
        finally:
            partial.unlink(missing_ok=True)


def find_run(base: Path, run: str) -> Path:
    """Return the folder of a run given as a path or as an id under `base`. Raises InputError when there is none."""
    path = Path(run)
    if path.is_dir():
        return path
    places = (f"*/*/*/*/{run}", f"*/{UNFINISHED}/{run}")
    found = [folder for place in places for folder in sorted(base.glob(place))] if "/" not in run else []
    if not found:
        raise InputError(f"{run}: no such folder, and no run of that id under {base}; give the folder of a run")
    return found[0]


def cached_tape(base: Path, key: str, write: Callable[[Path], object], check: Callable[[Path], object]) -> Path:
    """Return `<base>/tapes/<key>`: as it is there when `check` passes, else written anew by `write`."""
    folder = base / "tapes" / key
    with suppress(InputError):
        check(folder)
        return folder
    made = _first_missing(folder)
    try:
        write(folder)
    except BaseException:
        _prune(folder.parent, made.parent)
        raise
    return folder


def _locked(path: Path) -> int:
    """Take the folder for this process until it ends. Raises InputError when another one has it."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise InputError(
            f"{path}: the same run is under way in another process; wait for its end, or give --artifacts a folder"
        ) from None
    return fd


def _replace(folder: Path, final: Path) -> None:
    """Move a folder; what was there is moved aside first and then removed."""
    aside = final.with_name(f".{final.name}.replaced-{os.getpid()}")
    if final.exists():
        os.replace(final, aside)
    os.replace(folder, final)
    shutil.rmtree(aside, ignore_errors=True)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _first_missing(path: Path) -> Path:
    """Return the highest folder on the way to `path` that does not exist yet, or `path` itself."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    return missing[-1] if missing else path


def _prune(folder: Path, stop: Path) -> None:
    """Remove empty folders from `folder` upwards, `stop` excluded."""
    while folder != stop and folder != folder.parent:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
