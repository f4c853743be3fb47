"""Import quotes, trades, bars and funding rates from CSV or Parquet files.

A message is a data row, counted from 1. Quotes and trades are read in blocks and must be sorted by
receive time (or time); bars are few and may be grouped by symbol. Without a receive time column a
row is received `base_latency_ns` after its time. Funding rows and bars keep their own time.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alphatrade_runtime.market.fault_ledger import FaultLedger
from alphatrade_runtime.market.faults import InputError, RowFault
from alphatrade_runtime.market.importers import times
from alphatrade_runtime.market.importers.bars import BarTable, bar_rows
from alphatrade_runtime.market.importers.capture_writer import CaptureWriter
from alphatrade_runtime.market.importers.columns import RowFaults, UnitReader, read_each, read_units, texts
from alphatrade_runtime.market.importers.options import ImportOptions, check_options
from alphatrade_runtime.market.importers.table_reader import map_columns, open_table
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.manifest import Manifest
from alphatrade_runtime.market.schema import Flag, Kind, Rows, rows_from_columns
from alphatrade_runtime.market.tape import file_sha256

NAME = "table"
READS = frozenset({"rows", "columns", "ts_unit", "bar_duration", "bar_label", "round_to_units"})
RATE_UNIT = Decimal("1e-8")
_SIDES = {"buy": 1, "b": 1, "1": 1, "sell": -1, "s": -1, "-1": -1, "": 0, "0": 0}

Ints = npt.NDArray[np.int64]


def import_table(path: Path, folder: str | os.PathLike[str], options: ImportOptions) -> Manifest:
    """Import a table as a tape; returns its manifest. Raises InputError naming the row or column at fault."""
    check_options(options, NAME, READS)
    header, batches = open_table(path)
    kind, columns = map_columns(path, header, options.rows, options.columns)
    first = next(batches, None)
    if first is None or first.num_rows == 0:
        raise InputError(f"{path}: the table has 0 rows; give data that holds at least one")
    instruments = options.instruments or _instruments(path, kind, columns, first, options)
    unit = options.ts_unit or times.guess_unit(texts(first.column(columns["ts"]).slice(0, 1))[0])
    source = {
        "type": f"table-{kind}",
        "name": path.name,
        "simulated": False,
        "sha256": file_sha256(path),
        "columns": dict(sorted(columns.items())),
        "ts_unit": unit,
    }
    ledger = FaultLedger(str(path), "row", options.tolerate)
    table = Table(kind, columns, instruments, unit, options)
    with CaptureWriter(
        folder,
        instruments,
        ledger,
        source=source,
        calendar=options.calendar,
        base_latency_ns=options.base_latency_ns,
        replace=options.replace,
    ) as writer:
        if kind == "bars":
            rows, places = bar_rows(table.bars(_chain(first, batches), ledger), ledger, options)
            writer.append(rows, places)
        else:
            for rows, places in table.blocks(_chain(first, batches), ledger):
                writer.append(rows, places)
        return writer.finish()


def _chain(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


@dataclass
class Table:
    """How to read one table."""

    kind: str
    columns: dict[str, str]
    instruments: tuple[Instrument, ...]
    unit: str
    options: ImportOptions

    def __post_init__(self) -> None:
        rounding = self.options.round_to_units
        self._prices = [UnitReader(each.tick_size, "tick", rounding) for each in self.instruments]
        self._sizes = [UnitReader(each.lot_size, "lot", rounding) for each in self.instruments]
        self._rates = [UnitReader(RATE_UNIT, "tick", rounding) for _ in self.instruments]
        self._index = {each.symbol: i for i, each in enumerate(self.instruments)}
        self._read_time = times.reader(self.unit)

    def blocks(self, batches: Iterator[Any], ledger: FaultLedger) -> Iterator[tuple[Rows, Ints]]:
        """Yield (rows, their numbers) of each batch; rows with a fault are counted and left out."""
        for batch in batches:
            faults = RowFaults()
            columns = {"quotes": self._quotes, "trades": self._trades, "funding": self._funding}[self.kind](
                batch, faults
            )
            rows = rows_from_columns(columns)
            stop = min((row for row, fault in faults.by_row.items() if ledger.stops_at(fault.fault)), default=0)
            if stop:  # an earlier row may have a fault of its own, which the consumer finds
                before = np.array([row for row in range(stop) if row not in faults.by_row], np.int64)
                yield Rows._make(column[before] for column in rows), before + ledger.read + 1
            yield self._settle(rows, batch.num_rows, faults, ledger)

    def _settle(self, rows: Rows, count: int, faults: RowFaults, ledger: FaultLedger) -> tuple[Rows, Ints]:
        first = ledger.read + 1
        ledger.read += count
        for row in sorted(faults.by_row):
            ledger.refuse(faults.by_row[row].fault, first + row, faults.by_row[row].detail)
        for row in sorted(faults.rounded - faults.by_row.keys()):
            ledger.notice("rounded", first + row)
        keep = np.ones(count, np.bool_)
        keep[list(faults.by_row)] = False
        return Rows._make(column[keep] for column in rows), np.arange(first, first + count, dtype=np.int64)[keep]

    def _common(self, batch: Any, faults: RowFaults, kind: Kind) -> dict[str, Any]:
        which = self._which(batch, faults)
        event_ns = self._times(batch, "ts", faults)
        init_ns = self._times(batch, "ts_init", faults) if "ts_init" in self.columns else event_ns
        common = {"ts_event_ns": event_ns, "ts_init_ns": init_ns, "instrument": np.maximum(which, 0)}
        if "seq" in self.columns:
            common["venue_seq"] = read_each(self._column(batch, "seq"), _sequence, faults)
        return {**common, "kind": np.full(batch.num_rows, kind), "which": which}

    def _quotes(self, batch: Any, faults: RowFaults) -> dict[str, Any]:
        columns = self._common(batch, faults, Kind.QUOTE)
        which = columns.pop("which")
        for name in ("bid", "ask"):
            columns[name] = read_units(self._column(batch, name), which, self._prices, faults)
            columns[f"{name}_size"] = read_units(self._column(batch, f"{name}_size"), which, self._sizes, faults)
        return columns

    def _trades(self, batch: Any, faults: RowFaults) -> dict[str, Any]:
        columns = self._common(batch, faults, Kind.TRADE)
        which = columns.pop("which")
        columns["price"] = read_units(self._column(batch, "price"), which, self._prices, faults)
        columns["size"] = read_units(self._column(batch, "size"), which, self._sizes, faults)
        if "side" in self.columns:
            side = read_each(self._column(batch, "side"), _side, faults)
            columns["side"] = side
            columns["flags"] = np.where(side < 0, int(Flag.BUYER_MAKER), 0)
        return columns

    def _funding(self, batch: Any, faults: RowFaults) -> dict[str, Any]:
        columns = self._common(batch, faults, Kind.FUNDING)
        which = columns.pop("which")
        columns["price"] = read_units(self._column(batch, "rate"), which, self._rates, faults)
        return columns

    def bars(self, batches: Iterator[Any], ledger: FaultLedger) -> BarTable:
        """Read all bars; rows with a fault are counted and left out."""
        parts = [self._bars(batch, ledger) for batch in batches]
        return BarTable(self.instruments, *(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _bars(self, batch: Any, ledger: FaultLedger) -> tuple[Ints, ...]:
        faults = RowFaults()
        columns = self._common(batch, faults, Kind.BAR)
        which = columns["which"]
        prices = [read_units(self._column(batch, name), which, self._prices, faults) for name in _OHLC]
        volume = np.zeros(batch.num_rows, np.int64)
        if "volume" in self.columns:
            volume = read_units(self._column(batch, "volume"), which, self._sizes, faults)
        opened, high, low, closed = prices
        packed = rows_from_columns(
            {**{k: v for k, v in columns.items() if k != "which"}, "bid": low, "ask": high, "bid_size": opened}
            | {"price": closed, "size": volume}
        )
        rows, places = self._settle(packed, batch.num_rows, faults, ledger)
        index = rows.instrument.astype(np.int64)
        return places, index, rows.ts_event_ns, rows.bid_size, rows.ask, rows.bid, rows.price, rows.size

    def _which(self, batch: Any, faults: RowFaults) -> Ints:
        if "symbol" not in self.columns:
            return np.zeros(batch.num_rows, np.int64)
        return read_each(self._column(batch, "symbol"), self._position, faults)

    def _position(self, symbol: str) -> int:
        index = self._index.get(symbol)
        if index is None:
            raise RowFault("unknown_instrument", f"symbol {symbol[:20]!r} is not among {sorted(self._index)}")
        return index

    def _times(self, batch: Any, name: str, faults: RowFaults) -> Ints:
        column = self._column(batch, name)
        ns = times.arrow_ns(column)
        if ns is None:
            return read_each(column, self._read_time, faults)
        for row in np.flatnonzero(ns.is_null().to_numpy(zero_copy_only=False)).tolist():
            faults.add(row, RowFault("not_a_number", f"{self.columns[name]} is empty"))
        return np.asarray(ns.fill_null(0).to_numpy(zero_copy_only=False), np.int64)

    def _column(self, batch: Any, name: str) -> Any:
        column = batch.column(self.columns[name])
        return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


_OHLC = ("open", "high", "low", "close")


def _sequence(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise RowFault("not_a_number", f"sequence number {text[:40]!r} is no whole number")
    return int(text)


def _side(text: str) -> int:
    side = _SIDES.get(text.strip().lower())
    if side is None:
        raise RowFault("missing_field", f"side {text[:20]!r} is neither buy nor sell")
    return side


def _instruments(
    path: Path, kind: str, columns: dict[str, str], batch: Any, options: ImportOptions
) -> tuple[Instrument, ...]:
    """Make instruments from the options; sizes that they leave out are powers of ten seen in the first block."""
    if "symbol" in columns:
        symbols = sorted(set(texts(batch.column(columns["symbol"]))) - {""})
    else:
        symbols = [options.symbol or path.name.split(".")[0].upper()]
    if options.symbol:
        symbols = [options.symbol]
    prices = [name for name in ("bid", "ask", "price", *_OHLC) if name in columns]
    sizes = [name for name in ("bid_size", "ask_size", "size", "volume") if name in columns]
    tick = options.tick_size or _power_of_ten(path, "tick-size", batch, columns, prices)
    lot = options.lot_size or _power_of_ten(path, "lot-size", batch, columns, sizes)
    facts = [{"symbol": symbol, "tick_size": tick, "lot_size": lot} for symbol in symbols]
    return tuple(Instrument.from_mapping(each) for each in facts)


def _power_of_ten(path: Path, option: str, batch: Any, columns: dict[str, str], names: Sequence[str]) -> str:
    seen = {text.strip() for name in names for text in texts(batch.column(columns[name]))}
    places = max((len(text.partition(".")[2].rstrip("0")) for text in seen if text[-1:].isdigit()), default=0)
    if places > 6:
        raise InputError(f"{path}: values have up to {places} decimals; give --{option}, and --round to round to it")
    return str(Decimal(1).scaleb(-places))
