"""How the displayed book follows the fair price, and how trades take from it."""

import math

from alphatrade_runtime.market.simulator.price import fair_ticks
from alphatrade_runtime.market.simulator.world import EDGE_IMBALANCE
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.numerics.math import exp_det
from alphatrade_runtime.numerics.rng import exponential, normal, uniform

SIZE_SD = 0.5
SKEW = 0.8  # log size of one side for one standard deviation of an imbalance edge's predictor
FLOW_SKEW = 0.4
SLACK_TICKS = 0.75  # the book stays until the fair price is this far from its mid: fewer flickers
RESIZE_SPREAD = 0.1
SIGN_KEEP = 0.8
MAX_SIZE = 1e12


@kernel
def draw_size(market, state, regimes, side, rng):
    """Lots newly displayed on a side (+1 bid, -1 ask)."""
    skew = SKEW * state.predictor if market.edge == EDGE_IMBALANCE else 0.0
    scale = exp_det(SIZE_SD * normal(rng) + side * skew)
    return max(1, int(min(state.depth * regimes[market.regime].depth * scale, MAX_SIZE)))


@kernel
def draw_spread(market, state, regimes, rng):
    """Spread in ticks: one, and an exponential excess rounded."""
    excess = max(0.0, state.spread_mean * regimes[market.regime].spread - 1.0)
    return 1 + int(exponential(rng) * excess + 0.5)


@kernel
def follow(market, state, regimes, rng):
    """Quote around the fair price: move the best prices if it left them, else renew one side's size."""
    if uniform(rng) < RESIZE_SPREAD or state.bid == 0:
        state.spread = draw_spread(market, state, regimes, rng)
    fair = fair_ticks(state)
    centred = abs(fair - 0.5 * (state.bid + state.ask)) <= SLACK_TICKS + 0.5 * (state.spread - 1)
    if centred and state.ask - state.bid == state.spread:
        if uniform(rng) < 0.5:
            state.bid_size = draw_size(market, state, regimes, 1.0, rng)
        else:
            state.ask_size = draw_size(market, state, regimes, -1.0, rng)
        return
    state.bid = max(1, math.floor(fair - 0.5 * state.spread + 0.5))
    state.ask = state.bid + state.spread
    state.bid_size = draw_size(market, state, regimes, 1.0, rng)
    state.ask_size = draw_size(market, state, regimes, -1.0, rng)


@inlined
def bounded(x):
    """Squeeze into (-1, 1)."""
    return x / (1.0 + abs(x))


@kernel
def draw_sign(market, state, rng):
    """Side of the next aggressor: it follows recent signs and moves, leans against longer ones."""
    lean = market.persistence * state.sign_trend + market.momentum * bounded(state.fast_return)
    lean -= market.mean_reversion * bounded(0.2 * state.slow_return)
    if market.edge == EDGE_IMBALANCE:
        lean += FLOW_SKEW * bounded(state.predictor)
    side = 1 if uniform(rng) < 0.5 + 0.5 * min(max(lean, -0.95), 0.95) else -1
    state.sign_trend = state.sign_trend * SIGN_KEEP + side * (1.0 - SIGN_KEEP)
    return side


@kernel
def take(market, state, regimes, side, rng):
    """Trade against the best price; what is taken is gone from it, and all of it moves the price a tick away.

    Returns (price in ticks, lots).
    """
    shown = state.ask_size if side > 0 else state.bid_size
    lots = min(shown, 1 + int(exponential(rng) * market.mean_trade * shown))
    if side > 0:
        price = state.ask
        state.ask_size -= lots
        if state.ask_size == 0:
            state.ask += 1
            state.ask_size = draw_size(market, state, regimes, -1.0, rng)
        return price, lots
    price = state.bid
    state.bid_size -= lots
    if state.bid_size == 0:
        if state.bid > 1:
            state.bid -= 1
        state.bid_size = draw_size(market, state, regimes, 1.0, rng)
    return price, lots
