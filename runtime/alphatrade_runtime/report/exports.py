"""A run's closed trades and money as files for notebooks and spreadsheets."""

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from alphatrade_runtime.execution.topology import Topology
from alphatrade_runtime.market.faults import disk_errors
from alphatrade_runtime.report.run_data import RunData
from alphatrade_runtime.report.tallies import name_of
from alphatrade_runtime.report.trades import ClosedTrades

_MONEY = pa.decimal128(38, 8)
_TIME = pa.timestamp("ns", "UTC")
_EQUITY_MONEY = ("nav", "cash", "funding", "fees", "gross", "net", "high_water", "turnover")


def write_exports(run: RunData, trades: ClosedTrades) -> list[Path]:
    """Write trades.csv, trades.parquet and equity.parquet into the run's exports/; return their paths."""
    folder = run.folder / "exports"
    with disk_errors(folder):
        folder.mkdir(exist_ok=True)
        closed, equity = trade_table(run, trades), equity_table(run)
        return [
            _replace(folder / "trades.csv", lambda path: pc.write_csv(closed, path)),
            _replace(folder / "trades.parquet", lambda path: pq.write_table(closed, path, compression="zstd")),
            _replace(folder / "equity.parquet", lambda path: pq.write_table(equity, path, compression="zstd")),
        ]


def trade_table(run: RunData, trades: ClosedTrades) -> pa.Table:
    """Return closed trades, a row each: exact money, average prices to 1e-12, times in UTC."""
    n = len(trades)
    instruments = [run.instruments[int(i)] for i in trades.instrument]
    unit = [terms.lot_size * terms.multiplier for terms in instruments]

    def price(values: np.ndarray) -> pa.Array:
        averages = [_average(int(values[k]), int(trades.lots[k]), unit[k]) for k in range(n)]
        return pa.array(averages, pa.decimal128(38, 12))

    columns = {
        "trade": pa.array(range(1, n + 1), pa.int64()),
        "symbol": pa.array([terms.symbol for terms in instruments], pa.string()),
        "side": pa.array(["long" if side > 0 else "short" for side in trades.side], pa.string()),
        "topology": pa.array([name_of(Topology, int(t)).lower() for t in trades.topology], pa.string()),
        "opened": pa.array(trades.opened_ns).cast(_TIME),
        "closed": pa.array(trades.closed_ns).cast(_TIME),
        "fills": pa.array(trades.fills),
        "lots": pa.array(trades.lots),
        "entry_price": price(trades.entry_value),
        "exit_price": price(trades.exit_value),
        "gross": money_array(trades.gross),
        "fees": money_array(trades.fees),
        "net": money_array(trades.net),
        "slippage": money_array(trades.slippage),
    }
    return pa.table(columns)


def equity_table(run: RunData) -> pa.Table:
    """Return the money rows with exact decimals and times in UTC."""
    equity = run.streams["equity"]
    columns: dict[str, Any] = {"ts": pa.array(equity["ts_ns"]).cast(_TIME), "seq": pa.array(equity["seq"])}
    columns |= {name: money_array(equity[name]) for name in _EQUITY_MONEY}
    columns |= {name: pa.array(equity[name]) for name in ("kill_state", "reduce_only")}
    return pa.table(columns)


def money_array(quanta: np.ndarray) -> pa.Array:
    """Return quanta of 1e-8 as exact decimals (n,)."""
    n = len(quanta)
    words = np.empty((n, 2), np.int64)  # a decimal128 is a little-endian 128-bit integer: the value, then its sign
    words[:, 0] = quanta
    words[:, 1] = np.asarray(quanta) >> 63
    return pa.Array.from_buffers(_MONEY, n, [None, pa.py_buffer(words)])


def _average(quanta: int, lots: int, unit: Decimal) -> Decimal:
    return (Decimal(quanta) / (Decimal(lots) * unit * 10**8)).quantize(Decimal("1e-12"))


def _replace(path: Path, write: Callable[[Path], None]) -> Path:
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    try:
        write(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path
