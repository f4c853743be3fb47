"""The tapes of the ablation study and their folds: simulated ones of many regimes, and the daily prices of `arch`.

A tape is learnt from its first row on and counted from the end of its first part on, in folds: one a simulated tape,
half-years of real prices. Nothing is fitted to a tape beforehand, so each fold is out of sample.
"""

import importlib
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.market.importers.bars import write_bars
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import Rows, rows_from_columns
from alphatrade_runtime.market.simulator import iterate
from alphatrade_runtime.market.tape import Tape

Fold = tuple[int, int]  # ns since 1970, [start, end]

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
SIMULATED_SYMBOLS = ("SIM-A", "SIM-B")
STEP_S = 5  # between two decisions on a simulated tape
LEARNING = 3  # the first third of a simulated tape is not counted
SIM_START = "2026-01-05T00:00:00Z"


def simulated_rows(seed: int, decisions: int) -> Rows:
    """Simulate two instruments through calm, trends, a held level and storms, an hour each on average.

    Slower than by default and less often calm: there, a trade costs more than any of the signals earns on average.
    """
    lasting = {"mean_steps": 3_600}
    shared = {"lot_size": "1", "quotes_per_s": 2.0}
    config: dict[str, Any] = {
        "seed": seed,
        "start": SIM_START,
        "duration": f"{decisions * STEP_S}s",
        "instruments": [{"symbol": symbol, **shared} for symbol in SIMULATED_SYMBOLS],
        "correlation": 0.3,
        "regimes": {
            "calm": {**lasting, "weight": 1.0},
            "trend_up": {**lasting, "weight": 2.0, "trend": 3.0},
            "trend_down": {**lasting, "weight": 2.0, "trend": -3.0},
            "mean_reverting": {**lasting, "weight": 3.0, "reversion_steps": 300},
            "storm": {"mean_steps": 300},
        },
    }  # fmt: skip
    return Rows._make(np.concatenate(columns) for columns in zip(*iterate(config), strict=True))


def later_part(rows: Rows) -> list[Fold]:
    """Return all of a tape but its first third, as one fold."""
    first, last = int(rows.ts_init_ns[0]), int(rows.ts_init_ns[-1])
    return [(first + (last - first) // LEARNING, last)]


def half_years(rows: Rows) -> list[Fold]:
    """Return the half-years of a tape from its second calendar year on."""
    first, last = (int(rows.ts_init_ns[k]) // DAY_NS for k in (0, -1))
    year = np.datetime64(first, "D").astype("datetime64[Y]") + 1
    starts = np.arange(year.astype("datetime64[M]"), np.datetime64(last + 2, "D").astype("datetime64[M]"), 6)
    edges = [int(day.astype("datetime64[D]").astype(np.int64)) * DAY_NS for day in starts]
    edges += [(last + 1) * DAY_NS] if (last + 1) * DAY_NS - edges[-1] >= 150 * DAY_NS else []
    return list(pairwise(edges))


def daily_rows(frames: Mapping[str, Any], name: str, tolerate: frozenset[str] = frozenset()) -> Rows:
    """Place daily prices in the calendar of their exchange, as `make run-sim` does."""
    instruments = [Instrument(symbol, Decimal("0.01"), Decimal(1)) for symbol in frames]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "tape"
        write_bars(
            folder, frames, instruments, name=name, calendar="XNYS", round_to_units=True, tolerate=tolerate
        )  # fmt: skip
        with Tape.open(folder) as tape:
            mapped = tape.rows()
            return rows_from_columns({field: np.array(getattr(mapped, field)) for field in Rows._fields})


def index_rows(_seed: int, days: int) -> Rows:
    """Return the first `days` of the S&P 500 and the NASDAQ, 1999 to 2018."""
    modules = {"SP500": "sp500", "NASDAQ": "nasdaq"}
    columns = ["Open", "High", "Low", "Close"]
    frames = {symbol: _shipped(module)[columns].iloc[:days] for symbol, module in modules.items()}
    return daily_rows(frames, "arch.data: S&P 500 and NASDAQ")


def crude_rows(_seed: int, days: int) -> Rows:
    """Return the first `days` of crude oil (WTI), 1986 to 2018; a price a day, so that is open and close at once.

    An order made at a close is filled at the next day's price. Days that are no session of the calendar are left out.
    """
    prices = _shipped("wti").iloc[:, 0].dropna()
    prices = prices[prices.index < "2019"].iloc[:days]
    frame = prices.to_frame("open").assign(high=prices, low=prices, close=prices)
    return daily_rows({"WTI": frame}, "arch.data: WTI", frozenset({"not_a_session"}))


def _shipped(module: str) -> Any:
    return importlib.import_module(f"arch.data.{module}").load()
