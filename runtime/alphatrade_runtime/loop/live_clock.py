"""The clock of a wall-clock session: event time that goes on at a set pace, in every process alike."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from alphatrade_runtime.market.faults import InputError

STEP_NS = 100_000_000  # a change of wall minus monotonic above this is a clock step


@dataclass(frozen=True)
class Clocks:
    """The host's clocks: time of day, and one that no one sets."""

    wall_ns: Callable[[], int] = time.time_ns
    mono_ns: Callable[[], int] = time.monotonic_ns


@dataclass(frozen=True)
class ClockFacts:
    """What a session's clock is made of: it showed origin_ns when the time of day was wall_start_ns."""

    origin_ns: int
    wall_start_ns: int
    speed: int

    @classmethod
    def from_mapping(cls, facts: Mapping[str, Any]) -> "ClockFacts":
        """Read what `to_mapping` returned."""
        return cls(int(facts["origin_ns"]), int(facts["wall_start_ns"]), int(facts["speed"]))

    def to_mapping(self) -> dict[str, int]:
        """Return plain values."""
        return asdict(self)


class SessionClock:
    """Tell session time: by the time of day once, at the start, and by the monotonic clock from then on.

    not_before: session time already reached; the clock starts there when the time of day was set back.
    """

    def __init__(self, facts: ClockFacts, clocks: Clocks, not_before: int = 0) -> None:
        self._mono_ns, self._speed = clocks.mono_ns, facts.speed
        elapsed = clocks.wall_ns() - facts.wall_start_ns
        self._start_mono = clocks.mono_ns()
        self._start = max(facts.origin_ns + elapsed * facts.speed, not_before)

    def __call__(self) -> int:
        """Return session time in ns."""
        return self._start + (self._mono_ns() - self._start_mono) * self._speed

    def span_ns(self, real_ns: int) -> int:
        """Return how long a span of the wall lasts in session time, ns."""
        return real_ns * self._speed

    def real_s(self, session_ns: int) -> float:
        """Return how long a span of session time lasts, in seconds of the wall."""
        return session_ns / self._speed / 1e9


class StepWatch:
    """Notice when the time of day was set: wall minus monotonic moved by more than 100 ms since the last look."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._offset = clocks.wall_ns() - clocks.mono_ns()

    def moved_ns(self) -> int:
        """Return by how much the time of day was set since the last look, 0 when by 100 ms or less."""
        offset = self._clocks.wall_ns() - self._clocks.mono_ns()
        moved, self._offset = offset - self._offset, offset
        return moved if abs(moved) > STEP_NS else 0


def parse_speed(speed: str) -> int:
    """Return the pace of a wall-clock session: 1 for Realtime, n for `<n>x`. Raises InputError for Max."""
    if speed == "Realtime":
        return 1
    if speed.endswith("x") and speed[:-1].isdigit() and int(speed[:-1]) > 0:
        return int(speed[:-1])
    raise InputError(f"feed.speed {speed}: a wall-clock session runs at Realtime or at a multiple such as 200x")
