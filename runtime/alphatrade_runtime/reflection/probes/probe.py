"""Feed the probes with market events, and ask them at decisions."""

from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.reflection.probes.imbalance_surge import surge_on_quote, surge_score
from alphatrade_runtime.reflection.probes.liquidity_gap import gap_on_depth, gap_on_quote, gap_score
from alphatrade_runtime.reflection.probes.momentum_residual import momentum_score
from alphatrade_runtime.reflection.probes.opening_auction import opening_on_trade, opening_score
from alphatrade_runtime.reflection.probes.state import PROBES, Probe
from alphatrade_runtime.reflection.probes.sweep_risk import sweep_on_quote, sweep_on_trade, sweep_score
from alphatrade_runtime.reflection.probes.toxicity import toxicity_on_trade, toxicity_score

_OPENING = int(Probe.OPENING_AUCTION)
_SWEEP = int(Probe.SWEEP_RISK)
_SURGE = int(Probe.IMBALANCE_SURGE)
_GAP = int(Probe.LIQUIDITY_GAP)
_MOMENTUM = int(Probe.MOMENTUM_RESIDUAL)
_TOXICITY = int(Probe.TOXICITY)


@kernel
def on_quote(s, bid, ask, bid_size, ask_size, now):
    """Take a quote. Prices in ticks, sizes in lots, now in ns. A crossed or empty one reaches the gap probe only."""
    gap_on_quote(s.gap[0], bid, ask, bid_size, ask_size, now)
    if 0 < bid < ask:
        surge_on_quote(s.surge[0], bid, ask, bid_size, ask_size, now)
        sweep_on_quote(s.sweep[0], bid_size, ask_size)


@kernel
def on_trade(s, price, size, side, now):
    """Take a trade; side +1: a buyer took, -1 a seller. One without a side, a price or a size is left out."""
    if price <= 0 or size <= 0 or side == 0:
        return
    opening_on_trade(s.opening[0], size, now)
    sweep_on_trade(s.sweep[0], price, size, side, now)
    toxicity_on_trade(s.toxicity[0], size, side)


@kernel
def on_depth(s, lots, now):
    """Take the lots of the three best levels of both sides together; only where the feed has depth."""
    gap_on_depth(s.gap[0], lots, now)


@kernel
def probe(s, p, now, session_open_ts, has_depth, ret, volatility, market_ret):
    """Ask every probe at a decision: fill s.scores, s.available and s.fired.

    session_open_ts: open of the session under way, 0 in a 24/7 market.  has_depth: 1 on_depth is called.
    ret, volatility: ticks.  market_ret: return of the other instruments in their mean absolute returns, NaN alone.
    """
    s.gap[0].with_depth = 1 if has_depth != 0 and s.gap[0].depths > 0 else 0
    fire = p.fire
    s.scores[_OPENING] = opening_score(s.opening[0], now, session_open_ts, p.opening_sessions, p.opening_z, fire)
    s.scores[_SWEEP] = sweep_score(s.sweep[0], now, p.sweep_trades, p.sweep_excess, fire)
    s.scores[_SURGE] = surge_score(s.surge[0], now, p.warm, p.surge_z, fire)
    s.scores[_GAP] = gap_score(s.gap[0], now, p.warm, p.gap_depth, p.gap_spread, fire)
    s.scores[_MOMENTUM] = momentum_score(
        s.momentum[0], ret, volatility, market_ret, p.warm, p.least_volatility, p.momentum_t, fire
    )
    s.scores[_TOXICITY] = toxicity_score(s.toxicity[0], p.toxicity_buckets, p.toxicity_z, fire)
    for k in range(PROBES):
        known = s.scores[k] == s.scores[k]
        s.available[k] = 1 if known else 0
        if known and s.scores[k] >= fire:
            s.latch[k] = p.latch
        elif s.latch[k] > 0:
            s.latch[k] -= 1
        s.fired[k] = 1 if known and s.latch[k] > 0 else 0
