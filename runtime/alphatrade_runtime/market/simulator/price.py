"""How fair prices move: a common and an own path, volatility in two factors, regimes, planted edges."""

import math

from alphatrade_runtime.market.simulator.world import EDGE_IMBALANCE, EDGE_MOMENTUM, EDGE_NONE, EDGE_REVERSION
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.numerics.math import exp_det
from alphatrade_runtime.numerics.rng import normal

FAST_STEPS = 5.0
SLOW_STEPS = 60.0
MAX_PREDICTOR = 3.0
MAX_LOG_PRICE = 30.0  # keeps ticks far below 2**48
LOWEST_VOLATILITY, HIGHEST_VOLATILITY = 0.02, 50.0


@kernel
def set_volatility(market, regimes):
    """Volatility of the market now, a factor on each instrument's sigma."""
    factor = regimes[market.regime].volatility * exp_det(market.fast + market.slow + market.log_shift)
    market.volatility = min(max(factor, LOWEST_VOLATILITY), HIGHEST_VOLATILITY)


@kernel
def step_volatility(market, regimes, rng):
    """Move both log-volatility factors by one step."""
    market.fast = market.fast * market.fast_keep + market.fast_shock * normal(rng)
    market.slow = market.slow * market.slow_keep + market.slow_shock * normal(rng)
    set_volatility(market, regimes)


@kernel
def move_common(market, steps, rng):
    """Move the path that all instruments share by `steps` (float)."""
    market.common += market.volatility * math.sqrt(steps) * normal(rng)


@inlined
def keep_share(steps, horizon):
    """Share of an average that is left after `steps`; needs no exponential."""
    return 1.0 / (1.0 + steps / horizon)


@kernel
def trend(market, state, regimes):
    """Expected move in one step, in log price: regime, pull to the anchor, crash, planted edge."""
    regime = regimes[market.regime]
    sigma = state.sigma * market.volatility
    drift = state.drift + regime.trend * sigma - 0.5 * sigma * sigma
    drift -= regime.reversion * (state.log_price - state.anchor)
    if market.edge != EDGE_NONE:
        sign = -1.0 if market.edge == EDGE_REVERSION else 1.0
        drift += sign * market.strength * sigma / math.sqrt(market.horizon) * state.predictor
    return drift


@kernel
def move_predictor(market, state, steps, shock, rng):
    """Move the planted edge's predictor: a hidden factor, or the recent return in its standard deviations."""
    keep = keep_share(steps, market.horizon)
    if market.edge == EDGE_IMBALANCE:
        state.predictor = state.predictor * keep + math.sqrt(1.0 - keep * keep) * normal(rng)
    elif market.edge == EDGE_MOMENTUM or market.edge == EDGE_REVERSION:
        moved = state.predictor * keep + shock / math.sqrt(0.5 * market.horizon)
        state.predictor = min(max(moved, -MAX_PREDICTOR), MAX_PREDICTOR)


@inlined
def shift(state, log_return):
    """Move the fair price at once; it stays at 1 tick or more."""
    state.log_price = min(max(state.log_price + log_return, 0.0), MAX_LOG_PRICE)


@kernel
def move_price(market, state, regimes, steps, rng):
    """Move one instrument's fair price by `steps` (float, > 0) and the common path since its last move."""
    unit = state.sigma * market.volatility
    drift = trend(market, state, regimes)
    noise = state.sigma * market.common_share * (market.common - state.common_seen)
    noise += unit * market.own_share * math.sqrt(steps) * normal(rng)
    state.common_seen = market.common
    moved = drift * steps + noise
    shift(state, moved)
    state.anchor += state.drift * steps
    shock = moved / unit if unit > 0.0 else 0.0
    state.fast_return = (state.fast_return + shock) * keep_share(steps, FAST_STEPS)
    state.slow_return = (state.slow_return + shock) * keep_share(steps, SLOW_STEPS)
    move_predictor(market, state, steps, shock, rng)


@inlined
def jump(state, log_return):
    """Move the fair price for good: what pulls it back moves along."""
    shift(state, log_return)
    state.anchor += log_return


@inlined
def hold_price(market, state):
    """Let time pass without a move, as in a halt."""
    state.moved_ns = market.now_ns
    state.common_seen = market.common


@inlined
def fair_ticks(state):
    """Fair price in ticks, a float."""
    return exp_det(state.log_price)
