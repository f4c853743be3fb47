"""The tape: one row an event, every number an int64 in instrument units.

Columns by kind (a column that a kind does not name is 0):

QUOTE        bid, ask (ticks), bid_size, ask_size (lots): best of the book.
TRADE        price, size, side = aggressor (+1 buy, -1 sell).
DEPTH        side (+1 bid, -1 ask), price, size (new size of the level, 0 deletes it).
BAR          price = close, bid = low, ask = high, bid_size = open (all ticks), size = volume (lots),
             venue_seq = ordinal of the bar in its calendar; ts_event = open time, ts_init = close time.
MARK         price = the venue's mark price (ticks).
FUNDING      price = funding rate in 1e-8 of notional, longs pay when positive.
STATUS       price = a Status value.
GAP          size = messages known to be missing (0: unknown how many).
TIMER        a step without market data (live sessions, silence).
EXEC_REPORT  side, price and size of the fill, bid = client order id, ask = report type, bid_size = leaves,
             ask_size = 1 when maker | reason << 8, venue_seq = execution id, ts_event = exchange time.
CONTROL      price = a Control value, size = its argument; instrument ALL_INSTRUMENTS or one.
PERMIT       price = share of the flow that may explore (bps; 0 takes a permit away), size = session time until which it
             holds, venue_seq = epoch of the operator that gave it; alone in its batch.
"""

from collections.abc import Mapping
from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

TAPE_SCHEMA_VERSION = 1
ALL_INSTRUMENTS = 65535


class Kind(IntEnum):
    QUOTE = 1
    TRADE = 2
    DEPTH = 3
    BAR = 4
    MARK = 5
    FUNDING = 6
    STATUS = 7
    GAP = 8
    TIMER = 9
    EXEC_REPORT = 10
    CONTROL = 11
    PERMIT = 12


class Flag(IntFlag):
    SNAPSHOT = 1
    LAST = 2
    GAP = 4
    BUYER_MAKER = 8


class Status(IntEnum):
    TRADING = 1
    HALTED = 2
    CLOSED = 3


class Control(IntEnum):
    """What a CONTROL row asks; the kill modes rank as their numbers do."""

    ARMED = 0
    REDUCE = 1
    HALT = 2
    FLATTEN = 3
    RECONCILED = 10
    CLOCK_STEP = 11
    BREAK = 12
    LINK_LOST = 13
    KILL_STALE = 14  # the list of kill switches is too old: hold, cancel what works
    KILL_FRESH = 15  # it is complete and fresh again; released after good quotes and a reconcile
    DRAIN = 16  # get flat in order, then rest: this session is to end


ARROW_SCHEMA = pa.schema(
    [
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("ts_event_ns", pa.int64(), nullable=False),
        pa.field("ts_init_ns", pa.int64(), nullable=False),
        pa.field("instrument", pa.uint16(), nullable=False),
        pa.field("kind", pa.uint8(), nullable=False),
        pa.field("side", pa.int8(), nullable=False),
        pa.field("price", pa.int64(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("bid", pa.int64(), nullable=False),
        pa.field("ask", pa.int64(), nullable=False),
        pa.field("bid_size", pa.int64(), nullable=False),
        pa.field("ask_size", pa.int64(), nullable=False),
        pa.field("venue_seq", pa.int64(), nullable=False),
        pa.field("flags", pa.uint8(), nullable=False),
    ]
)


class Rows(NamedTuple):
    """A span of a tape as columns, each (n,), read-only; names and units as in the schema."""

    seq: npt.NDArray[np.int64]
    ts_event_ns: npt.NDArray[np.int64]
    ts_init_ns: npt.NDArray[np.int64]
    instrument: npt.NDArray[np.uint16]
    kind: npt.NDArray[np.uint8]
    side: npt.NDArray[np.int8]
    price: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    bid: npt.NDArray[np.int64]
    ask: npt.NDArray[np.int64]
    bid_size: npt.NDArray[np.int64]
    ask_size: npt.NDArray[np.int64]
    venue_seq: npt.NDArray[np.int64]
    flags: npt.NDArray[np.uint8]

    def slice(self, start: int, stop: int) -> "Rows":
        """Rows start..stop-1 without copying."""
        return Rows._make(column[start:stop] for column in self)


def rows_from_columns(columns: Mapping[str, npt.ArrayLike]) -> Rows:
    """Build Rows from columns by name; a missing column is zeros. Raises ValueError on unequal lengths."""
    n = max(len(np.asarray(c)) for c in columns.values())
    arrays = []
    for field in ARROW_SCHEMA:
        dtype = field.type.to_pandas_dtype()
        array = np.ascontiguousarray(np.asarray(columns.get(field.name, np.zeros(n, dtype)), dtype=dtype))
        if len(array) != n:
            raise ValueError(f"column {field.name} has {len(array)} rows, others have {n}")
        array.setflags(write=False)  # one numba type for built and memory-mapped columns
        arrays.append(array)
    return Rows._make(arrays)
