"""The highest epoch of an operator that this pod has seen, on disk: an operator of the past is not obeyed."""

import json
import threading
from pathlib import Path

from alphatrade_runtime.market.faults import disk_errors
from alphatrade_runtime.service.kept_file import replace_kept

FILE = "epoch.json"


class EpochRefused(Exception):
    """An epoch that is not obeyed: one line that says why."""


class EpochFile:
    """The epoch in a folder; `highest` is 0 before the first. A file that cannot be read lets nobody through."""

    def __init__(self, folder: Path) -> None:
        """Read it. Raises InputError when the folder cannot be read."""
        self._path = folder / FILE
        self._lock = threading.Lock()  # Apply brings epochs, and so do answers to what the pod asks
        self.highest = 0
        self.fault = ""
        with disk_errors(self._path):
            folder.mkdir(parents=True, exist_ok=True)
            given = self._path.read_bytes() if self._path.exists() else b'{"epoch": 0}'
        try:
            self.highest = _epoch(json.loads(given))
        except (ValueError, TypeError, KeyError, RecursionError):
            self.fault = (
                f"{self._path}: cannot be read, so any operator may be one of the past; delete it, then restart"
            )

    def admit(self, epoch: int) -> None:
        """Take an epoch that is as high as any seen, and keep it. Raises EpochRefused; InputError when disk fails."""
        with self._lock:
            self._admit(epoch)

    def _admit(self, epoch: int) -> None:
        if self.fault:
            raise EpochRefused(self.fault)
        if epoch < self.highest or epoch <= 0:
            raise EpochRefused(
                f"epoch {epoch}: an operator with epoch {self.highest} was here; only that or a later one"
            )
        if epoch > self.highest:
            replace_kept(self._path, json.dumps({"epoch": epoch}) + "\n")
            self.highest = epoch


def _epoch(given: dict[str, object]) -> int:
    epoch = given["epoch"]
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0:
        raise ValueError("no epoch")
    return epoch
