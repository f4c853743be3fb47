"""Tapes that feed tests serve: made of what is given, or busy ones with both orders of time apart."""

from decimal import Decimal

import numpy as np

from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import Kind, Rows, rows_from_columns
from alphatrade_runtime.market.tape import Tape, write_tape

SOURCE = {"type": "test", "name": "made by a test", "simulated": True}
BTC = Instrument("BTC", Decimal("0.1"), Decimal("0.001"))
ETH = Instrument("ETH", Decimal("0.01"), Decimal("0.01"))
MS = 1_000_000
START_NS = 1_700_000_000_000_000_000


def make(folder, arrivals, events=None, kinds=None, instruments=None):
    """Write a tape with a row at each time of arrival; events: exchange times, a millisecond before by default."""
    arrivals = np.asarray(arrivals, np.int64)
    n = len(arrivals)
    kinds = np.full(n, int(Kind.QUOTE), np.uint8) if kinds is None else np.asarray(kinds, np.uint8)
    price = 1_000 + np.arange(n, dtype=np.int64) % 500
    columns = {
        "ts_init_ns": arrivals,
        "ts_event_ns": arrivals - MS if events is None else np.asarray(events, np.int64),
        "kind": kinds,
        "instrument": np.arange(n) % 2 if instruments is None else instruments,
        "bid": price,
        "ask": price + 1,
        "bid_size": price % 7 + 1,
        "ask_size": price % 5 + 1,
        "price": np.where(kinds == int(Kind.STATUS), 1, price),
        "size": np.ones(n, np.int64),
    }
    write_tape(folder, rows_from_columns(columns), (BTC, ETH), source=SOURCE)
    return Tape.open(folder)


def busy(folder, rows=50_000, step_ns=MS, seed=1):
    """Write a tape with bursts of rows of one time, and exchange times that run backwards now and then."""
    rng = np.random.default_rng(seed)
    arrivals = START_NS + np.cumsum(rng.choice([0, 0, 1, 3], rows)) * step_ns
    return make(folder, arrivals, arrivals - rng.integers(1, 40, rows) * step_ns)


def times_of(tape, venue_side):
    """Return when each row of a tape is due, computed on the whole."""
    rows = tape.rows()
    return np.maximum.accumulate(rows.ts_event_ns) if venue_side else rows.ts_init_ns


def joined(spans):
    """Return spans as one."""
    return Rows._make(np.concatenate(columns) for columns in zip(*spans, strict=True))


def same(ours, theirs):
    """Whether two spans of rows are equal, column by column, types included."""
    pairs = list(zip(ours, theirs, strict=True))
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)
