"""What makes rows due: the session's clock in real time, a multiple of it, or nothing at all."""

import json
import os
from pathlib import Path
from typing import Protocol

from alphatrade_runtime.loop.live_clock import ClockFacts, Clocks, SessionClock
from alphatrade_runtime.market.faults import disk_errors
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.service.feed.cursor import NEVER

CLOCK_FILE = "feed-clock.json"


class Pace(Protocol):
    """When rows are due."""

    def due_ns(self) -> int:
        """Return the time up to which rows are due now."""

    def seconds_to(self, due_ns: int) -> float:
        """Return how long it takes until rows of a time are due."""


class Unpaced:
    """Everything is due."""

    def due_ns(self) -> int:
        """Return NEVER: there is no end."""
        return NEVER

    def seconds_to(self, due_ns: int) -> float:
        """Return 0."""
        return 0.0


class Clocked:
    """By a session's clock."""

    def __init__(self, facts: ClockFacts, clocks: Clocks) -> None:
        self._clock = SessionClock(facts, clocks)

    def due_ns(self) -> int:
        """Return session time."""
        return self._clock()

    def seconds_to(self, due_ns: int) -> float:
        """Return how long it is until then, in seconds of the wall."""
        return max(self._clock.real_s(due_ns - self._clock()), 0.0)


def clock_facts(data: Path, tape: Tape, clocks: Clocks) -> ClockFacts:
    """Return the clock of a real-time feed: the one kept on the volume for this tape, or one that starts now.

    A gateway that starts again goes on with it. Raises InputError when it cannot be written.
    """
    path = data / CLOCK_FILE
    with disk_errors(path):
        kept = _kept(path, tape.digest)
        if kept is not None:
            return kept
        facts = ClockFacts(int(tape.manifest["first_ts_ns"]), clocks.wall_ns(), 1)
        _write(path, {"digest": tape.digest, **facts.to_mapping()})
        return facts


def _kept(path: Path, digest: str) -> ClockFacts | None:
    """Return the clock in a file; None for no file, another tape's, or a damaged one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return ClockFacts.from_mapping(content) if content["digest"] == digest else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, content: dict[str, object]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(content, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
