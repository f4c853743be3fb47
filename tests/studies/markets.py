"""What the ablation study trades: simulated tapes of many regimes, and the daily prices that `arch` ships.

A tape is learnt from its first row on and counted from the end of its first part on, in folds: one a simulated tape,
half-years of real prices. Nothing is fitted to a tape beforehand, so each fold is out of sample.
"""

import importlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
STEP_S = 5  # between two decisions on a simulated tape
LEARNING = 3  # the first third of a simulated tape is not counted
SIM_START = "2026-01-05T00:00:00Z"


@dataclass(frozen=True)
class Market:
    """A kind of tape and how it is traded. seeds: of tape and system, or (one tape for all) of the system alone.

    lots: the largest position of each symbol.  spans: in decisions.  signals: ref and parameters by policy.
    shuffle_rows: a few decisions, a hundredth of what rho holds.
    """

    name: str
    what: str
    symbols: tuple[str, ...]
    lots: tuple[int, ...]
    calendar: str
    clock: Mapping[str, Any]
    fee_e7: int
    latency_ns: int
    features: tuple[str, ...]
    spans: Mapping[str, int]
    signals: Mapping[str, tuple[str, Mapping[str, float]]]
    drift: Mapping[str, str | int]
    fold_name: str
    a_tape_a_seed: bool
    shuffle_rows: int
    rows: Callable[[int, int], Rows]
    folds: Callable[[Rows], list[Fold]]


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
        "instruments": [{"symbol": symbol, **shared} for symbol in SIMULATED.symbols],
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


SIMULATED = Market(
    name="simulated",
    what="simulated market: two instruments, calm, trends, a held level, storms; a decision each 5 s; 1 bps a fill",
    symbols=("SIM-A", "SIM-B"),
    lots=(1_000, 1_000),
    calendar="24/7",
    clock={"type": "timer", "interval_ns": STEP_S * SECOND_NS},
    fee_e7=1_000,
    latency_ns=10_000_000,
    features=(
        "spread_ticks", "book_imbalance", "order_flow_10s", "return_ticks", "volatility_ticks", "trade_flow_10s",
    ),
    spans={"belief": 500, "fast": 20, "slow": 200, "rho": 700, "router": 2_000},
    signals={
        "trend": ("ema_cross", {"fast": 30, "slow": 120}),
        "revert": ("mean_reversion", {"window": 120, "enter": 1.5, "exit": 0.25}),
        "breakout": ("breakout", {"window": 100, "exit_window": 40}),
    },
    drift={"reference": 1_000, "cusum": "10"},
    fold_name="a tape",
    a_tape_a_seed=True,
    shuffle_rows=128,
    rows=simulated_rows,
    folds=later_part,
)  # fmt: skip

_DAILY: dict[str, Any] = {
    "calendar": "XNYS",
    "clock": {"type": "bar", "interval_ns": DAY_NS},
    "fee_e7": 1_000,
    "latency_ns": 0,
    "spans": {"belief": 250, "fast": 20, "slow": 200, "rho": 250, "router": 500},
    "signals": {
        "trend": ("ema_cross", {"fast": 20, "slow": 100}),
        "revert": ("mean_reversion", {"window": 10, "enter": 1.5, "exit": 0.25}),
        "breakout": ("breakout", {"window": 50, "exit_window": 20}),
    },
    "drift": {"reference": 250, "cusum": "11.25"},  # sentry.SHORT_REFERENCE
    "fold_name": "a half-year",
    "a_tape_a_seed": False,
    "shuffle_rows": 6,
    "folds": half_years,
}
INDICES = Market(
    name="indices",
    what="S&P 500 and NASDAQ, daily, 1999 to 2018; orders of a close fill at the next open; 1 bps a fill",
    symbols=("SP500", "NASDAQ"),
    lots=(80, 45),  # about a tenth of the account each at the start
    features=("return_ticks", "volatility_ticks", "open_ticks", "high_ticks", "low_ticks"),
    rows=index_rows,
    **_DAILY,
)
CRUDE = Market(
    name="crude",
    what="crude oil (WTI), daily, 1986 to 2018; orders of a day fill at the next day's price; 1 bps a fill",
    symbols=("WTI",),
    lots=(2_000,),
    features=("return_ticks", "volatility_ticks", "mid_ticks"),
    rows=crude_rows,
    **_DAILY,
)
MARKETS = (SIMULATED, INDICES, CRUDE)
