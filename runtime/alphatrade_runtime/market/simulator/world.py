"""The state of a simulated market: one record for the market, one for each instrument."""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.schema import ARROW_SCHEMA
from alphatrade_runtime.market.simulator.config import (
    DAY_NS,
    EDGE_TYPES,
    REGIMES,
    SECOND_NS,
    InstrumentConfig,
    SimulatorConfig,
)
from alphatrade_runtime.numerics.math import exp_det, log_det
from alphatrade_runtime.numerics.rng import stream

YEAR_NS = 365 * DAY_NS
LN2 = 0.6931471805599453
NOT_CROSSED = -1
EDGE_NONE, EDGE_MOMENTUM, EDGE_REVERSION, EDGE_IMBALANCE = range(len(EDGE_TYPES))

# Times in ns; common is the market's own path in standard deviations; the factors are of log volatility.
MARKET_DTYPE = np.dtype(
    [
        ("now_ns", "i8"), ("end_ns", "i8"), ("step_ns", "i8"), ("next_step_ns", "i8"), ("mark_ns", "i8"),
        ("next_mark_ns", "i8"), ("latency_ns", "i8"), ("jitter_ns", "f8"), ("last_init_ns", "i8"),
        ("next_action", "i8"), ("rows", "i8"), ("levels", "i8"), ("regime", "i8"), ("common", "f8"),
        ("volatility", "f8"), ("fast", "f8"), ("fast_keep", "f8"), ("fast_shock", "f8"),
        ("slow", "f8"), ("slow_keep", "f8"), ("slow_shock", "f8"), ("log_shift", "f8"),
        ("common_share", "f8"), ("own_share", "f8"), ("clustering", "f8"), ("clustering_decay", "f8"),
        ("persistence", "f8"), ("momentum", "f8"), ("mean_reversion", "f8"), ("mean_trade", "f8"),
        ("edge", "i8"), ("strength", "f8"), ("horizon", "f8"),
    ]
)  # fmt: skip

# log_price: ln of the fair price in ticks; predictor: the planted edge's, about unit variance;
# fast_return, slow_return: recent moves in standard deviations of a step; drift: of a crash, per step.
INSTRUMENT_STATE_DTYPE = np.dtype(
    [
        ("log_price", "f8"), ("anchor", "f8"), ("common_seen", "f8"), ("moved_ns", "i8"), ("sigma", "f8"),
        ("predictor", "f8"), ("fast_return", "f8"), ("slow_return", "f8"), ("sign_trend", "f8"), ("drift", "f8"),
        ("excitement", "f8"), ("next_ns", "i8"), ("spread", "i8"), ("bid", "i8"), ("ask", "i8"), ("bid_size", "i8"),
        ("ask_size", "i8"), ("halted", "i8"), ("told_halted", "i8"), ("silent", "i8"), ("missed", "i8"),
        ("crossed", "i8"), ("venue_seq", "i8"), ("book_bid", "i8"), ("book_ask", "i8"),
        ("spread_mean", "f8"), ("depth", "f8"), ("rate", "f8"), ("trade_share", "f8"),
    ]
)  # fmt: skip

REGIME_DTYPE = np.dtype(
    [("volatility", "f8"), ("trend", "f8"), ("reversion", "f8"), ("spread", "f8"), ("depth", "f8"), ("rate", "f8")]
)

# A row being written: the columns of the tape side by side.
ROW_DTYPE = np.dtype([(field.name, field.type.to_pandas_dtype()) for field in ARROW_SCHEMA])


class World(NamedTuple):
    """Everything the kernel changes or reads.

    market: (1,) MARKET_DTYPE.  instruments: (n,) INSTRUMENT_STATE_DTYPE.  regimes: (5,) REGIME_DTYPE.
    market_rng: uint64[4].  rng: (n, 4) uint64.  book: (n, 2, levels) int64 lots, bids first, best first.
    """

    market: Any
    instruments: Any
    regimes: Any
    market_rng: npt.NDArray[np.uint64]
    rng: npt.NDArray[np.uint64]
    book: npt.NDArray[np.int64]


def make_world(config: SimulatorConfig, step_ns: int, end_ns: int, steps_per_year: float) -> World:
    """Set a market up as it is before its first event."""
    n = len(config.instruments)
    market = np.zeros(1, MARKET_DTYPE).view(np.recarray)
    instruments = np.zeros(n, INSTRUMENT_STATE_DTYPE).view(np.recarray)
    _set_market(market[0], config, step_ns, end_ns)
    for i, one in enumerate(config.instruments):
        _set_instrument(instruments[i], one, config.start_ns, steps_per_year)
    rng = np.array([stream(config.seed, f"instrument {one.symbol}") for one in config.instruments])
    book = np.zeros((n, 2, max(1, config.depth_levels)), np.int64)
    return World(market, instruments, _regimes(config), stream(config.seed, "market"), rng, book)


def _set_market(market: Any, config: SimulatorConfig, step_ns: int, end_ns: int) -> None:
    market.now_ns = market.next_step_ns = config.start_ns
    market.end_ns, market.step_ns = end_ns, step_ns
    market.mark_ns = config.mark_interval_ns
    market.next_mark_ns = config.start_ns + config.mark_interval_ns if config.mark_interval_ns else 2**62
    market.latency_ns, market.jitter_ns = config.latency_ns, float(config.latency_jitter_ns)
    market.levels = config.depth_levels
    market.volatility = 1.0
    volatility, flow = config.volatility, config.flow
    market.fast_keep, market.fast_shock = _ornstein(volatility.fast_half_life_steps, volatility.fast_sd)
    market.slow_keep, market.slow_shock = _ornstein(volatility.slow_half_life_steps, volatility.slow_sd)
    fast_sd, slow_sd = volatility.fast_sd, volatility.slow_sd
    market.log_shift = -(fast_sd * fast_sd + slow_sd * slow_sd)  # makes the mean variance 1
    market.common_share = math.sqrt(config.correlation)
    market.own_share = math.sqrt(1.0 - config.correlation)
    market.clustering = flow.clustering
    market.clustering_decay = LN2 / (flow.clustering_half_life_ns / SECOND_NS)
    market.persistence, market.momentum = flow.persistence, flow.momentum
    market.mean_reversion, market.mean_trade = flow.mean_reversion, flow.mean_trade
    market.edge = EDGE_TYPES.index(config.edge.type)
    market.strength, market.horizon = config.edge.strength, float(config.edge.horizon_steps)


def _ornstein(half_life_steps: int, sd: float) -> tuple[float, float]:
    keep = exp_det(-LN2 / half_life_steps)
    return keep, sd * math.sqrt(1.0 - keep * keep)


def _set_instrument(state: Any, one: InstrumentConfig, start_ns: int, steps_per_year: float) -> None:
    ticks = int(one.price / one.tick_size)
    state.log_price = state.anchor = log_det(float(ticks))
    state.moved_ns = state.next_ns = start_ns
    state.sigma = one.annual_volatility / math.sqrt(steps_per_year)
    state.spread, state.crossed = 1, NOT_CROSSED
    state.spread_mean, state.depth = one.spread_ticks, float(one.depth_lots)
    state.rate, state.trade_share = one.quotes_per_s, one.trade_share


def _regimes(config: SimulatorConfig) -> Any:
    table = np.zeros(len(REGIMES), REGIME_DTYPE).view(np.recarray)
    for i, name in enumerate(REGIMES):
        one = getattr(config.regimes, name)
        pull = 1.0 - exp_det(-LN2 / one.reversion_steps) if one.reversion_steps else 0.0
        table[i] = (
            one.volatility, one.trend / math.sqrt(float(one.mean_steps)), pull, one.spread, one.depth, one.rate,
        )  # fmt: skip
    return table
