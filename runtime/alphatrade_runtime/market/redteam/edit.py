"""Change a copy of a tape: insert, drop, move and delay rows; what is finished is sorted, numbered and flagged."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, Flag, Kind, Rows, rows_from_columns
from alphatrade_runtime.market.stream_check import joined, take

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_LAST = np.uint8(Flag.LAST)
PRICED = (Kind.TRADE, Kind.DEPTH, Kind.MARK)  # kinds whose price is in the column `price`


def finished(rows: Rows, first_seq: int) -> Rows:
    """Sort rows by arrival (stable: equal times stay as they are), number them, set LAST as TapeWriter does."""
    ordered = take(rows, np.argsort(rows.ts_init_ns, kind="stable"))
    ends = np.append(ordered.ts_init_ns[1:] != ordered.ts_init_ns[:-1], True)
    flags = (ordered.flags & ~_LAST) | np.where(ends, _LAST, np.uint8(0))
    columns = ordered._asdict()
    columns.update(seq=np.arange(first_seq, first_seq + len(ends), dtype=np.int64), flags=flags)
    return rows_from_columns(columns)


def changed(rows: Rows, **columns: npt.ArrayLike) -> Rows:
    """Rows with other columns, not finished yet."""
    return rows._replace(**{name: np.asarray(values, getattr(rows, name).dtype) for name, values in columns.items()})


def with_rows(rows: Rows, more: Rows) -> Rows:
    """Rows and others among them by time of arrival, finished; at equal times the others come last."""
    return finished(joined(rows, more), int(rows.seq[0]))


def without(rows: Rows, gone: Mask) -> Rows:
    """Rows but those marked, not finished yet."""
    return take(rows, np.flatnonzero(~gone))


def with_timers(rows: Rows, every_ns: int, moments: Sequence[int] = ()) -> Rows:
    """Rows with a TIMER row each `every_ns` and at some moments, as a live session has them in silence."""
    first, last = int(rows.ts_init_ns[0]), int(rows.ts_init_ns[-1])
    times = np.union1d(np.arange(first + every_ns, last, every_ns), np.asarray(moments, np.int64))
    return with_rows(rows, timers(times[(times > first) & (times < last)]))


def timers(ts_ns: Ints) -> Rows:
    """TIMER rows at some times."""
    return made(Kind.TIMER, ts_ns, instrument=ALL_INSTRUMENTS)


def made(kind: Kind, ts_ns: npt.ArrayLike, **columns: Any) -> Rows:
    """New rows of one kind that arrive when they happen, unless told. Columns are arrays or one value for all."""
    ts = np.asarray(ts_ns, np.int64)
    cells = {"kind": int(kind), "ts_event_ns": ts, "ts_init_ns": ts, **columns}
    return rows_from_columns({name: np.broadcast_to(np.asarray(values), ts.shape) for name, values in cells.items()})


def within(rows: Rows, start_ns: int, end_ns: int) -> Mask:
    """Rows that arrive in [start, end)."""
    return np.asarray((rows.ts_init_ns >= start_ns) & (rows.ts_init_ns < end_ns))


def of(rows: Rows, instrument: int, *kinds: Kind) -> Mask:
    """Rows of one instrument and some kinds."""
    return np.asarray((rows.instrument == instrument) & np.isin(rows.kind, kinds))


def valid_quotes(rows: Rows, instrument: int) -> Mask:
    """Quotes of one instrument that a mark is taken from."""
    return of(rows, instrument, Kind.QUOTE) & (rows.bid > 0) & (rows.bid < rows.ask)


def last_before(mask: Mask) -> Ints:
    """Index of the last marked row at or before each row, -1 when there is none. (n,) int64."""
    return np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1))


def shifted(rows: Rows, instrument: int, shift_ticks: Ints) -> Rows:
    """Move one instrument's prices by ticks. shift_ticks: (n,), as of each row; what is no price stays."""
    quote, priced = of(rows, instrument, Kind.QUOTE), of(rows, instrument, *PRICED)
    by = np.where(quote | priced, shift_ticks, 0)

    def moved(column: Ints, where: Mask) -> Ints:
        return np.where(where & (column > 0), np.maximum(column + by, 1), column)

    return changed(rows, bid=moved(rows.bid, quote), ask=moved(rows.ask, quote), price=moved(rows.price, priced))
