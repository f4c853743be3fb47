"""What the ablation study trades: how each kind of tape is decided on, sized and charged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from alphatrade_runtime.market.schema import Rows
from studies.tapes import (
    DAY_NS,
    SECOND_NS,
    SIMULATED_SYMBOLS,
    STEP_S,
    Fold,
    crude_rows,
    half_years,
    index_rows,
    later_part,
    simulated_rows,
)


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


SIMULATED = Market(
    name="simulated",
    what="simulated market: two instruments, calm, trends, a held level, storms; a decision each 5 s; 1 bps a fill",
    symbols=SIMULATED_SYMBOLS,
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
    lots=(500,),  # so that no year of prices six times as high puts the whole account at risk
    features=("return_ticks", "volatility_ticks", "mid_ticks"),
    rows=crude_rows,
    **_DAILY,
)
MARKETS = (SIMULATED, INDICES, CRUDE)
