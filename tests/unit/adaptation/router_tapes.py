"""Planted tapes of market returns, policies that trade them, and the router among their shadows; as a program, digests.

The regime is hidden: what the router sees of it is filtered from the returns (`_filter`), which a control takes from
another tape. Its own account is a shadow of its own, at the same costs.
"""

import hashlib
import json
import math

import numpy as np

from alphatrade_runtime.adaptation.router.attention import (
    ROUTER_DTYPE,
    ROUTER_PARAMS_DTYPE,
    choose,
    context,
    credit,
    prepare_router,
    remember,
    reset_router,
)
from alphatrade_runtime.adaptation.router.projection import CONTEXT, STATES, WIDTH
from alphatrade_runtime.adaptation.router.shadow import SHADOW_DTYPE, due, reset_shadow, shadow_step
from alphatrade_runtime.numerics.jit import entry, kernel
from alphatrade_runtime.numerics.math import exp_det
from alphatrade_runtime.numerics.rng import normal, stream, uniform

BULL, BEAR, REVERTING, NOISE = range(STATES)
LONG, SHORT, REVERT, FOLLOW = range(4)
POLICIES = 4
SELF = 15  # the router's own account among the shadows
ALL = (1 << POLICIES) - 1
SWITCH = 0.002  # chance a decision that the regime changes
MEAN_BPS, SD_BPS, PULL = 0.45, 1.0, 0.5
START_TICKS, SPREAD_TICKS, FEE = 1e6, 10.0, 2e-6  # a spread of 0.1 bps, a fee of 0.02 bps
DECISION_NS = 100_000_000


@kernel
def _next_return(regime, last, rng):
    """Draw a decision's return in bps: a drift up or down, a pull against the last one, or noise alone."""
    mean = 0.0
    if regime == BULL:
        mean = MEAN_BPS
    elif regime == BEAR:
        mean = -MEAN_BPS
    elif regime == REVERTING:
        mean = -PULL * last
    return mean + SD_BPS * normal(rng)


@entry
def walk(returns, regimes, fixed, rng):
    """Write a tape of returns, bps. fixed: the one regime, -1 for three that change."""
    regime = fixed if fixed >= 0 else int(uniform(rng) * 3.0)
    last = 0.0
    for t in range(len(returns)):
        if fixed < 0 and uniform(rng) < SWITCH:
            regime = (regime + 1 + int(uniform(rng) * 2.0)) % 3
        last = _next_return(regime, last, rng)
        returns[t] = last
        regimes[t] = regime


@kernel
def _filter(posterior, r, before):
    """Move the posterior of the four regimes by one return (forward filter of a hidden Markov model)."""
    total = 0.0
    for k in range(STATES):
        mean = 0.0
        if k == BULL:
            mean = MEAN_BPS
        elif k == BEAR:
            mean = -MEAN_BPS
        elif k == REVERTING:
            mean = -PULL * before
        off = (r - mean) / SD_BPS
        prior = (1.0 - SWITCH) * posterior[k] + SWITCH * 0.25
        posterior[k] = prior * exp_det(-0.5 * min(off * off, 50.0))
        total += posterior[k]
    for k in range(STATES):
        posterior[k] /= total


@kernel
def _value(v, returns, t):
    """Write the last 32 returns at mean 0 and length sqrt(32), as a belief's value would be."""
    mean = 0.0
    for k in range(WIDTH):
        v[k] = returns[t - k] if t >= k else 0.0
        mean += v[k] / WIDTH
    squares = 0.0
    for k in range(WIDTH):
        v[k] -= mean
        squares += v[k] * v[k]
    scale = math.sqrt(WIDTH / (squares + 1e-12))
    for k in range(WIDTH):
        v[k] *= scale


@entry
def route(shadow, router, params, returns, seen, shares, posterior, v, latent, c, multipliers, chosen):
    """Run the router over a tape. seen: the returns that the regime is filtered from.

    Returns its net bps; each policy's is in the shadows. chosen: (n,) int64, written.
    """
    mid = START_TICKS
    for t in range(len(returns)):
        mid *= 1.0 + returns[t] * 1e-4
        _filter(posterior, seen[t], seen[t - 1] if t > 0 else 0.0)
        _value(v, seen, t)
        shares[LONG] = 1.0
        shares[SHORT] = -1.0
        shares[REVERT] = -1.0 if returns[t] > 0.0 else 1.0
        shares[FOLLOW] = -shares[REVERT]
        for j in range(POLICIES):
            shadow_step(shadow, j, shares[j], mid, SPREAD_TICKS, FEE)
            known, reward = due(shadow, j)
            if known != 0:
                credit(router, params, j, reward)
        context(c, posterior, v, latent, SD_BPS * 100.0, SPREAD_TICKS, t * DECISION_NS)
        remember(router, params, c)
        j = choose(router, params, ALL, multipliers, shadow.sigma_bps)
        chosen[t] = j
        shadow_step(shadow, SELF, shares[j], mid, SPREAD_TICKS, FEE)
    return shadow.value_bps[SELF]


def tape(n, seed, fixed=-1):
    """Return a tape's returns in bps and its hidden regimes."""
    returns, regimes = np.zeros(n), np.zeros(n, np.int64)
    walk(returns, regimes, fixed, stream(seed, f"tape.{fixed}"))
    return returns, regimes


def record(dtype):
    return np.zeros(1, dtype).view(np.recarray)[0]


def routed(n, seed, fixed=-1, seen=None, **settings):
    """Run the router over a planted tape; return (its bps a decision, each policy's, what it chose, its state)."""
    returns, _ = tape(n, seed, fixed)
    shadow, router, params = record(SHADOW_DTYPE), record(ROUTER_DTYPE), record(ROUTER_PARAMS_DTYPE)
    reset_shadow(shadow)
    reset_router(router)
    prepare_router(params, [10_000] * POLICIES, seed=seed, **settings)
    chosen = np.zeros(n, np.int64)
    posterior = np.full(STATES, 0.25)
    c, v, latent = np.zeros(CONTEXT), np.zeros(WIDTH), np.zeros(WIDTH)
    seen = returns if seen is None else seen
    shares, multipliers = np.zeros(POLICIES), np.ones(POLICIES)
    total = route(shadow, router, params, returns, seen, shares, posterior, v, latent, c, multipliers, chosen)
    return total / n, shadow.value_bps[:POLICIES] / n, chosen, (shadow, router)


def digests(n=1_000):
    """Return digests of the states after a run, for compiled code and plain Python to agree on."""
    _, _, chosen, (shadow, router) = routed(n, 55)
    states = (shadow.tobytes(), router.tobytes(), chosen.tobytes())
    return {
        "states": [hashlib.sha256(state).hexdigest() for state in states],
        "choices": sorted({int(j) for j in chosen}),
        "context": router.total.tolist(),
    }


if __name__ == "__main__":
    print(json.dumps(digests()))
