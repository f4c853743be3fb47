"""What the probes are, all their state for one instrument, and the row that is stored."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.probes.imbalance_surge import SURGE_DTYPE
from alphatrade_runtime.reflection.probes.liquidity_gap import GAP_DTYPE
from alphatrade_runtime.reflection.probes.momentum_residual import MOMENTUM_DTYPE
from alphatrade_runtime.reflection.probes.opening_auction import OPENING_DTYPE
from alphatrade_runtime.reflection.probes.sweep_risk import SWEEP_DTYPE
from alphatrade_runtime.reflection.probes.toxicity import TOXICITY_DTYPE


class Probe(IntEnum):
    OPENING_AUCTION = 0
    SWEEP_RISK = 1
    IMBALANCE_SURGE = 2
    LIQUIDITY_GAP = 3
    MOMENTUM_RESIDUAL = 4
    TOXICITY = 5


PROBES = 6


@dataclass(frozen=True, slots=True)
class ProbeDoc:
    """What a probe reads, without which it is unavailable; tags: features whose neurons count as its own."""

    doc: str
    inputs: tuple[str, ...]
    unavailable: str
    tags: tuple[str, ...]


DOCS: dict[Probe, ProbeDoc] = {
    Probe.OPENING_AUCTION: ProbeDoc(
        "volume of a session's first minutes against a profile of earlier sessions",
        ("trades", "session calendar"),
        "24/7 market, no trades, fewer than 5 sessions seen, first minute",
        ("volume_lots", "trade_flow_10s", "open_ticks"),
    ),
    Probe.SWEEP_RISK: ProbeDoc(
        "intensity of same-side trades that walk two levels or more in 500 ms",
        ("trades", "best sizes"),
        "fewer than 30 trades",
        ("trade_flow_1s", "last_trade_ticks"),
    ),
    Probe.IMBALANCE_SURGE: ProbeDoc(
        "order-flow imbalance over 1 s and 10 s against its own spread",
        ("quotes with sizes",),
        "no quotes, first 200 decisions",
        ("order_flow_1s", "order_flow_10s", "book_imbalance"),
    ),
    Probe.LIQUIDITY_GAP: ProbeDoc(
        "displayed size under a fifth of its median, or spread over four times; best sizes only without depth",
        ("quotes with sizes", "depth, where the feed has it"),
        "no quotes, crossed quote, first 200 decisions",
        ("spread_ticks", "bid_lots", "ask_lots"),
    ),
    Probe.MOMENTUM_RESIDUAL: ProbeDoc(
        "t statistic of the mean return that volatility and the market's return leave",
        ("return", "volatility", "returns of other instruments"),
        "tape of one instrument, an input that is NaN, first 200 decisions",
        ("return_ticks", "volatility_ticks"),
    ),
    Probe.TOXICITY: ProbeDoc(
        "VPIN among its own earlier values",
        ("trades",),
        "fewer than 100 buckets of ten mean trades",
        ("trade_flow_1s", "trade_flow_10s"),
    ),
}

# fire: score from which a probe fires.  latch: decisions for which it then stays fired.  warm: decisions before the
# probes with a running scale are asked.  The others: values at which each reaches `fire`.
PROBE_PARAMS_DTYPE = np.dtype(
    [
        ("fire", "f8"), ("latch", "i8"), ("warm", "i8"), ("opening_sessions", "i8"), ("opening_z", "f8"),
        ("sweep_trades", "i8"), ("sweep_excess", "f8"), ("surge_z", "f8"), ("gap_depth", "f8"),
        ("gap_spread", "f8"), ("momentum_t", "f8"), ("least_volatility", "f8"), ("toxicity_buckets", "i8"),
        ("toxicity_z", "f8"),
    ],
    align=True,
)  # fmt: skip

# scores, available, fired: of the latest decision; a score is NaN where it is not available.
PROBE_STATE_DTYPE = np.dtype(
    [
        ("scores", "f8", (PROBES,)), ("latch", "i8", (PROBES,)), ("opening", OPENING_DTYPE, (1,)),
        ("sweep", SWEEP_DTYPE, (1,)), ("surge", SURGE_DTYPE, (1,)), ("gap", GAP_DTYPE, (1,)),
        ("momentum", MOMENTUM_DTYPE, (1,)), ("toxicity", TOXICITY_DTYPE, (1,)), ("available", "u1", (PROBES,)),
        ("fired", "u1", (PROBES,)),
    ],
    align=True,
)  # fmt: skip

# The probes at one decision, as stored. synapse: mean effective synapse between a probe's neurons and the policy.
PROBE_ROW_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("decision_id", "i8"), ("belief_id", "i8"), ("event_ts_ns", "i8"), ("score", "f8", (PROBES,)),
        ("available", "u1", (PROBES,)), ("fired", "u1", (PROBES,)), ("synapse", "f8", (PROBES,)),
        ("instrument", "u2"),
    ],
    align=True,
)  # fmt: skip


def prepare(
    p: Any,
    *,
    fire: float = 0.7,
    latch: int = 3,
    warm: int = 200,
    opening_sessions: int = 5,
    opening_z: float = 3.0,
    sweep_trades: int = 30,
    sweep_excess: float = 4.0,
    surge_z: float = 5.0,
    gap_depth: float = 0.2,
    gap_spread: float = 4.0,
    momentum_t: float = 4.0,
    least_volatility: float = 0.05,
    toxicity_buckets: int = 100,
    toxicity_z: float = 3.0,
) -> None:
    """Fill a record of PROBE_PARAMS_DTYPE. Raises InputError naming the field."""
    if not (0.0 < fire < 1.0 and 0.0 < gap_depth < 1.0 < gap_spread):
        raise InputError("probes: give fire and gap_depth between 0 and 1, and gap_spread above 1")
    if min(opening_z, sweep_excess, surge_z, momentum_t, toxicity_z, least_volatility) <= 0.0:
        raise InputError("probes: opening_z, sweep_excess, surge_z, momentum_t, toxicity_z must be above 0")
    p.fire, p.latch, p.warm = fire, latch, warm
    p.opening_sessions, p.opening_z = opening_sessions, opening_z
    p.sweep_trades, p.sweep_excess = sweep_trades, sweep_excess
    p.surge_z, p.gap_depth, p.gap_spread = surge_z, gap_depth, gap_spread
    p.momentum_t, p.least_volatility = momentum_t, least_volatility
    p.toxicity_buckets, p.toxicity_z = toxicity_buckets, toxicity_z


def reset(s: Any) -> None:
    """Make a record of PROBE_STATE_DTYPE one that has seen nothing."""
    s.scores[:] = np.nan
    for name in ("opening", "sweep", "surge", "gap", "momentum", "toxicity"):
        s[name][0] = np.zeros((), s[name].dtype)[()]
    s.latch[:], s.available[:], s.fired[:] = 0, 0, 0
