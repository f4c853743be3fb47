"""What an account keeps on disk: its latch, and the counters that a restart must not reset."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LATCH, COUNTERS = "latch.json", "counters.json"


@dataclass(frozen=True)
class Latch:
    """Why an account takes no order that raises its exposure any more. Money in quanta; at_ns: time of day."""

    reason: str
    session: str
    nav: int
    high_water: int
    at_ns: int


@dataclass(frozen=True)
class Counters:
    """Where an account stands. Money in quanta.

    marks: half ticks by symbol.  sessions: by key, how far its exchange time has come.
    """

    initial_cash: int
    high_water: int
    day_start_nav: int
    day_ts: int
    reduce_only: int
    marks: Mapping[str, int]
    sessions: Mapping[str, int]


class AccountStore:
    """A folder of its own. What is written is whole and on the disk when a call returns; each may raise OSError."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def latch(self) -> Latch | None:
        """Return the latch; None while the account trades."""
        held = self._read(LATCH)
        return None if held is None else Latch(**held)

    def counters(self) -> Counters | None:
        """Return the counters; None for an account that never traded."""
        held = self._read(COUNTERS)
        return None if held is None else Counters(**held)

    def write_latch(self, latch: Latch) -> None:
        """Keep the latch for good."""
        self._write(LATCH, asdict(latch))

    def write_counters(self, counters: Counters) -> None:
        """Keep the counters in place of those before."""
        self._write(COUNTERS, asdict(counters))

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self._folder / name
        return json.loads(path.read_bytes()) if path.exists() else None

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        partial = self._folder / f"{name}.partial"
        with partial.open("wb") as file:
            file.write(json.dumps(value, sort_keys=True).encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
