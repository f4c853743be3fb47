"""What a fault is planted with, and what comes back: rows and when the fault was at work."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.redteam.edit import Ints, valid_quotes, within
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.numerics.rng import State, stream

SECOND_NS = 1_000_000_000
T = TypeVar("T")


class Severity(Enum):
    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


@dataclass(frozen=True)
class Place:
    """Where a fault goes: seed, severity, when it starts, in which instruments (indices), and what their law says.

    quote_age_ns, stream_stale_ns: the ages above which the law calls quote or stream stale.
    band_bps: how far from the mark a taking order may be.  mark_jump_bps: how far the mark follows a single quote.
    """

    seed: int
    severity: Severity
    start_ns: int
    instruments: tuple[int, ...]
    quote_age_ns: int
    stream_stale_ns: int
    band_bps: int
    mark_jump_bps: int

    def of(self, low: T, medium: T, high: T) -> T:
        """Choose by severity."""
        return {Severity.LOW: low, Severity.MEDIUM: medium, Severity.HIGH: high}[self.severity]

    def draws(self, name: str) -> State:
        """Return the generator of one fault."""
        return stream(self.seed, f"redteam {name} {self.severity.value}")


@dataclass(frozen=True)
class Planted:
    """A tape with a fault in it.

    start_ns, end_ns: the time of arrival over which it is at work.
    due_ns: when the law has all it needs to answer, None when no answer is due.
    moments: times right behind planted rows that stand only for a moment; the law must be asked there.
    count: rows that an import must refuse.
    """

    rows: Rows
    start_ns: int
    end_ns: int
    due_ns: int | None = None
    moments: tuple[int, ...] = field(default=())
    count: int = 0


Transform = Callable[[Rows, Place], Planted]


def quotes_within(rows: Rows, instrument: int, start_ns: int, end_ns: int) -> Ints:
    """Positions of the valid quotes of one instrument in [start, end). Raises InputError when there is none."""
    found = (valid_quotes(rows, instrument) & within(rows, start_ns, end_ns)).nonzero()[0]
    if len(found) == 0:
        raise InputError(
            f"red team: no valid quote of instrument {instrument} in the {(end_ns - start_ns) / SECOND_NS:g} s behind "
            "the fault's start; give a tape with quotes, or another --seed"
        )
    return found
