"""A stream and its venue in one process, both over one tape, as the gateways of a cluster serve them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.execution.broker.exchange_log import ExchangeLog
from alphatrade_runtime.execution.broker.in_process import InProcessSteppedBroker
from alphatrade_runtime.execution.broker.stepped_exchange import SteppedExchange
from alphatrade_runtime.loop.live_clock import ClockFacts, Clocks, parse_speed
from alphatrade_runtime.loop.live_feed import tape_source
from alphatrade_runtime.loop.stream import Stream
from alphatrade_runtime.loop.window import mapped
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.service.feed.cursor import NEVER, Cursor
from alphatrade_runtime.service.feed.pace import Clocked

BATCH_ROWS = 8_192

Indices = npt.NDArray[np.uint16] | None


@dataclass(frozen=True)
class Sides:
    """What a session on a stream's clock runs on: its stream, and what opens its venue at logon."""

    stream: Stream
    broker: InProcessSteppedBroker


def sides_of(session: Session, tape: Tape, instruments: list[Instrument], log: Path) -> Sides:
    """Return both sides of a session over a tape. log: folder of the exchange's own log.

    Raises InputError when the tape has bars only, or lacks one of the session's `instruments`.
    """
    source = tape_source(tape, instruments)
    speed = parse_speed(session.feed.speed)

    def exchange(session_id: str) -> SteppedExchange:
        return open_exchange(session, TapeMarket(tape, source.table), log, depth=source.depth)

    stream = Stream(
        source.digest, source.first_ts_ns, source.last_ts_ns, speed,
        lambda seq: TapeStream(tape, source.table, seq, speed),
    )  # fmt: skip
    return Sides(stream, InProcessSteppedBroker(exchange))


def open_exchange(session: Session, market: "TapeMarket", folder: Path, *, depth: bool) -> SteppedExchange:
    """Open the session's exchange over its log, which it goes on with. Its fills are simulated."""
    log = ExchangeLog(folder)
    try:
        n = len(session.policy.envelope.instruments)
        return SteppedExchange(session.exchange, n, market, log, depth=depth)
    except BaseException:
        log.close()
        raise


@dataclass(frozen=True)
class Given:
    """Rows that were given out: loop.stream_contract.Batch."""

    rows: Rows
    complete_through_ns: int
    number: int


class TapeStream:
    """Rows by time of arrival at a multiple of real time: none is given out before its time.

    The clock starts when the first row is asked for, at that row's time: what a start costs is not caught up with.
    """

    def __init__(
        self,
        tape: Tape,
        table: Indices,
        from_seq: int,
        speed: int,
        clocks: Clocks | None = None,
        idle: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cursor = Cursor(tape, False, from_seq)
        self._table, self._speed, self._idle = table, speed, idle
        self._clocks = clocks or Clocks()
        self._clock: Clocked | None = None
        self._number = 0

    @property
    def ended(self) -> bool:
        """Whether all rows were taken."""
        return self._cursor.ended

    def take(self, timeout_s: float) -> Given | None:
        """Return the rows due, about 8,192 at most; None when none is due in time."""
        if self.ended:
            return None
        clock = self._started()
        wait_s = clock.seconds_to(self._cursor.next_due_ns())
        if wait_s > 0:
            self._idle(min(wait_s, timeout_s))
        span = self._cursor.take(clock.due_ns(), BATCH_ROWS)
        if span is None:
            return None
        self._number += 1
        return Given(mapped(span.rows, self._table), span.complete_through_ns, self._number)

    def acknowledge(self, number: int) -> None:
        """Nothing to do: what was taken is here."""

    def close(self) -> None:
        """Nothing to let go: the tape is its opener's."""

    def _started(self) -> Clocked:
        if self._clock is None:
            facts = ClockFacts(self._cursor.next_due_ns(), self._clocks.wall_ns(), self._speed)
            self._clock = Clocked(facts, self._clocks)
        return self._clock


class TapeMarket:
    """The tape in the exchange's order of time: execution.broker.stepped_exchange.SteppedMarket."""

    def __init__(self, tape: Tape, table: Indices) -> None:
        self._cursor, self._table = Cursor(tape, True, 0), table

    def take(self) -> tuple[Rows, int] | None:
        """Return the next rows and the exchange time that they are complete through; None at the end."""
        span = self._cursor.take(NEVER, BATCH_ROWS)
        return None if span is None else (mapped(span.rows, self._table), span.complete_through_ns)

    def close(self) -> None:
        """Nothing to let go: the tape is its opener's."""
