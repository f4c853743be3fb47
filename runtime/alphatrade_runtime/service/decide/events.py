"""Market events of a call: checked one by one, kept as columns until loop and exchange are through with them."""

from typing import Any

import numpy as np

from alphatrade.v1.market_pb2 import MarketEvent
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, ARROW_SCHEMA, Flag, Kind, Rows

MAX_PENDING = 100_000  # a client that lets more pile up could take the memory that the pod trades in
_START_ROWS = 4_096
_KINDS = frozenset(
    int(kind) for kind in (Kind.QUOTE, Kind.TRADE, Kind.DEPTH, Kind.MARK, Kind.FUNDING, Kind.STATUS, Kind.GAP)
)
_DEPTH, _GAP, _LAST = int(Kind.DEPTH), int(Kind.GAP), int(Flag.LAST)
_SIDES = frozenset((-1, 0, 1))
_MAX_FLAGS = int(Flag.SNAPSHOT | Flag.LAST | Flag.GAP | Flag.BUYER_MAKER)
_LARGE = 1 << 48  # ticks, lots: as of imported tapes
END_NS = 4_000_000_000_000_000_000  # 2096


class EventFault(InputError):
    """An event that breaks the rules of the stream; what is wrong with the session itself is an InputError."""


class Events:
    """Rows that have arrived. n: how many are held.  cursors: loop.local_row and loop.venue_row of the state."""

    def __init__(self, instruments: int, depth: bool, cursors: tuple[Any, Any]) -> None:
        self.n = 0
        self._instruments, self._depth, self._cursors = instruments, depth, cursors
        self._seq, self._ts_ns, self._stepped_ns = -1, 0, -1
        self._columns: list[Any] = []
        self._grow(_START_ROWS)

    def add(self, e: MarketEvent) -> bool:
        """Take an event; return whether it is LAST. Raises EventFault naming the field that breaks the rules."""
        seq, ts_ns, last = e.seq, e.ts_init_ns, e.flags & _LAST != 0
        if seq <= self._seq:
            raise EventFault(f"event {seq}: seq must be above {self._seq}, that of the event before")
        if not self._ts_ns <= ts_ns < END_NS:
            raise EventFault(f"event {seq}: ts_init_ns {ts_ns} must not be below {self._ts_ns}, nor past 2096")
        if ts_ns <= self._stepped_ns:
            raise EventFault(f"event {seq}: ts_init_ns {ts_ns} has had its LAST event; only the final one may be LAST")
        self._check(e)
        if self.n == self._room:
            self._make_room()
        self._put(e)
        self._seq, self._ts_ns = seq, ts_ns
        if last:
            self._stepped_ns = ts_ns
        return last

    def _check(self, e: MarketEvent) -> None:
        kind, instrument = e.kind, e.instrument
        if kind not in _KINDS:
            raise EventFault(f"event {e.seq}: kind {kind}: there is {', '.join(map(str, sorted(_KINDS)))}")
        if instrument >= self._instruments and not (kind == _GAP and instrument == ALL_INSTRUMENTS):
            raise EventFault(f"event {e.seq}: instrument {instrument}: the session has {self._instruments}, from 0")
        if kind == _DEPTH and not self._depth:
            raise EventFault(f"event {e.seq}: kind DEPTH was not announced; set depth in the first request")
        if e.side not in _SIDES or e.flags > _MAX_FLAGS:
            raise EventFault(f"event {e.seq}: side {e.side} must be -1, 0 or 1, flags {e.flags} at most {_MAX_FLAGS}")
        if not 0 <= e.ts_event_ns < END_NS:
            raise EventFault(f"event {e.seq}: ts_event_ns {e.ts_event_ns} must not be below 0, nor past 2096")
        numbers = (e.price, e.size, e.bid, e.ask, e.bid_size, e.ask_size)
        if max(numbers) >= _LARGE or min(numbers) <= -_LARGE:
            raise EventFault(f"event {e.seq}: a price or size is 2**48 or more; give ticks and lots")

    def _put(self, e: MarketEvent) -> None:
        n = self.n
        (
            seq, ts_event_ns, ts_init_ns, instrument, kind, side, price, size, bid, ask, bid_size, ask_size,
            venue_seq, flags,
        ) = self._columns  # fmt: skip
        seq[n] = e.seq
        ts_event_ns[n] = e.ts_event_ns
        ts_init_ns[n] = e.ts_init_ns
        instrument[n] = e.instrument
        kind[n] = e.kind
        side[n] = e.side
        price[n] = e.price
        size[n] = e.size
        bid[n] = e.bid
        ask[n] = e.ask
        bid_size[n] = e.bid_size
        ask_size[n] = e.ask_size
        venue_seq[n] = e.venue_seq
        flags[n] = e.flags
        self.n = n + 1

    def _make_room(self) -> None:
        """Forget rows that loop and exchange have both taken; grow when half of them or more are still held."""
        taken = min(int(cursor[0]) for cursor in self._cursors)
        held = self.n - taken
        if held >= MAX_PENDING:
            raise EventFault(
                f"{held} events are pending; flag arrival times' final events LAST, and give exchange times of now"
            )
        for column in self._columns:
            column[:held] = column[taken : self.n].copy()
        for cursor in self._cursors:
            cursor[0] -= taken
        self.n = held
        if held > self._room // 2:
            self._grow(2 * self._room)

    def _grow(self, room: int) -> None:
        before, self._columns = self._columns, [np.zeros(room, f.type.to_pandas_dtype()) for f in ARROW_SCHEMA]
        for column, old in zip(self._columns, before, strict=False):
            column[: self.n] = old[: self.n]
        self._room = room
        self.rows = Rows._make(_frozen(column) for column in self._columns)


def _frozen(column: Any) -> Any:
    view = column[:]
    view.setflags(write=False)  # one numba type for built and memory-mapped columns
    return view
