"""Place bars in a calendar: open time, close time, ordinal; a bar is released at its close.

What a bar's time says is its label: `date` (the session's local date), `open` or `close` (of the
bar). A daily bar of an exchange opens with the session and closes with it, early closes included.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.calendar import DAY_NS, Calendar
from alphatrade_runtime.market.fault_ledger import FaultLedger
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.importers.capture_writer import CaptureWriter
from alphatrade_runtime.market.importers.columns import RowFaults, UnitReader
from alphatrade_runtime.market.importers.options import ImportOptions
from alphatrade_runtime.market.importers.times import duration_ns
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.manifest import Manifest
from alphatrade_runtime.market.schema import Kind, Rows, rows_from_columns

LABELS = ("date", "open", "close")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BarTable:
    """Bars as read; each array (n,) int64: row number, instrument, label time ns, ticks, lots."""

    instruments: tuple[Instrument, ...]
    places: Ints
    index: Ints
    ts_ns: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


def bar_rows(table: BarTable, ledger: FaultLedger, options: ImportOptions) -> tuple[Rows, Ints]:
    """Return (BAR rows sorted by close time, then instrument; the row number of each).

    Refuses bars outside the calendar's sessions and, within an instrument, times that go backwards.
    """
    duration = duration_ns(options.bar_duration or "1d")
    label = options.bar_label or ("date" if duration == DAY_NS else "open")
    if label not in LABELS:
        raise InputError(f"--bar-label {label}: unknown; choose from {', '.join(LABELS)}")
    if label == "date" and duration != DAY_NS:
        raise InputError("--bar-label date: only bars of 1d have a date; choose open or close")
    if len(table.ts_ns) == 0:
        return rows_from_columns({"seq": np.zeros(0, np.int64)}), table.places
    calendar = Calendar.load(options.calendar, int(table.ts_ns.min()), int(table.ts_ns.max()))
    opened, closed, sound = _spans(calendar, table.ts_ns, duration, label)
    backwards = _backwards(table)
    _refuse(ledger, "not_a_session", ~sound, table, f"the time is no {label} of a {calendar.name} bar")
    _refuse(ledger, "time_backwards", backwards & sound, table, "an earlier row of this symbol has a later time")
    keep = np.flatnonzero(sound & ~backwards)
    order = keep[np.lexsort((table.index[keep], closed[keep]))]
    columns: dict[str, npt.ArrayLike] = {
        "ts_event_ns": opened[order],
        "ts_init_ns": closed[order],
        "instrument": table.index[order],
        "kind": np.full(len(order), Kind.BAR),
        "price": table.close[order],
        "size": table.volume[order],
        "bid": table.low[order],
        "ask": table.high[order],
        "bid_size": table.open[order],
        "venue_seq": calendar.bar_ordinal(opened[order], duration),
    }
    return rows_from_columns(columns), table.places[order]


def _spans(calendar: Calendar, ts_ns: Ints, duration: int, label: str) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
    """Return (open, close, whether the label fits a bar of the calendar) of each bar."""
    if label == "date":
        session = calendar.session_of_date(ts_ns // DAY_NS)
        at = np.maximum(session, 0)
        return calendar.day_start_ns[at], calendar.session_close_ns[at], (session >= 0) & (ts_ns % DAY_NS == 0)
    inside = ts_ns if label == "open" else ts_ns - 1
    opened, closed = calendar.bar_span(inside, duration)
    return opened, closed, np.asarray(ts_ns == (opened if label == "open" else closed))


def _backwards(table: BarTable) -> npt.NDArray[np.bool_]:
    mask = np.zeros(len(table.ts_ns), np.bool_)
    for index in np.unique(table.index).tolist():
        at = np.flatnonzero(table.index == index)
        mask[at] = table.ts_ns[at] < np.maximum.accumulate(table.ts_ns[at])
    return mask


def _refuse(ledger: FaultLedger, fault: str, mask: npt.NDArray[np.bool_], table: BarTable, detail: str) -> None:
    if mask.any():
        ledger.refuse(fault, int(table.places[np.argmax(mask)]), detail, int(mask.sum()))


def write_bars(
    folder: str | os.PathLike[str],
    frames: Mapping[str, Any],
    instruments: Sequence[Instrument],
    *,
    name: str,
    calendar: str,
    bar_duration: str = "1d",
    bar_label: str = "date",
    round_to_units: bool = False,
    tolerate: frozenset[str] = frozenset(),
    replace: bool = False,
) -> Manifest:
    """Write bars that are in memory as a tape; returns its manifest.

    frames: symbol -> pandas DataFrame with a DatetimeIndex (naive means UTC) and columns open, high,
    low, close and perhaps volume, in any case. A message is a row, counted from 1 through the frames in order.
    """
    options = ImportOptions(
        calendar=calendar, bar_duration=bar_duration, bar_label=bar_label, round_to_units=round_to_units
    )
    ledger = FaultLedger(name, "row", tolerate)
    table = _from_frames(frames, tuple(instruments), ledger, round_to_units)
    source = {"type": "frames-bars", "name": name, "simulated": False}
    with CaptureWriter(folder, instruments, ledger, source=source, calendar=calendar, replace=replace) as writer:
        writer.append(*bar_rows(table, ledger, options))
        return writer.finish()


def _from_frames(
    frames: Mapping[str, Any], instruments: tuple[Instrument, ...], ledger: FaultLedger, rounding: bool
) -> BarTable:
    symbols = [instrument.symbol for instrument in instruments]
    parts: list[tuple[Ints, ...]] = []
    for symbol, frame in frames.items():
        if symbol not in symbols:
            raise InputError(f"{ledger.path}: symbol {symbol!r} is not among {symbols}; add its instrument")
        index = symbols.index(symbol)
        parts.append(_from_frame(index, instruments[index], frame, ledger, rounding))
    return BarTable(instruments, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def _from_frame(
    index: int, instrument: Instrument, frame: Any, ledger: FaultLedger, rounding: bool
) -> tuple[Ints, ...]:
    by_name = {str(column).lower(): column for column in frame.columns}
    missing = [name for name in ("open", "high", "low", "close") if name not in by_name]
    if missing:
        raise InputError(f"{ledger.path}: {instrument.symbol} has no column {missing[0]}; it has {list(frame.columns)}")
    n, first = len(frame), ledger.read + 1
    ledger.read += n
    faults, rows = RowFaults(), np.arange(n, dtype=np.int64)

    def units(name: str, unit: Decimal, unit_name: str) -> Ints:
        values = np.asarray(frame[by_name[name]], np.float64)
        return UnitReader(unit, unit_name, rounding).floats(values, rows, faults)

    prices = [units(name, instrument.tick_size, "tick") for name in ("open", "high", "low", "close")]
    volume = units("volume", instrument.lot_size, "lot") if "volume" in by_name else np.zeros(n, np.int64)
    for row in sorted(faults.by_row):
        ledger.refuse(faults.by_row[row].fault, first + row, f"{instrument.symbol}: {faults.by_row[row].detail}")
    for row in sorted(faults.rounded - faults.by_row.keys()):
        ledger.notice("rounded", first + row)
    keep = np.ones(n, np.bool_)
    keep[list(faults.by_row)] = False
    ts_ns = np.asarray(frame.index, "datetime64[ns]").astype(np.int64)
    columns = (rows + first, np.full(n, index, np.int64), ts_ns, *prices, volume)
    return tuple(column[keep] for column in columns)
