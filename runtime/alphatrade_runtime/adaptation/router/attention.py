"""The linear-attention router: in contexts like this one, which policy's shadow earned most?

S_j (`rewards`) sums the rewards of policy j, Z_j (`weights`) their weights, each at the key of the decision that made
it; the query of now reads both in O(J r), however many decisions they hold.

k = q = phi(W c) / 16, phi(u) = elu(u) + 1; the division brings keys to a length of about 1, so that kappa counts
decisions. W is shared, see projection.py.
score_j = (q·S_j + kappa·prior_j) / (q·Z_j + kappa) + bias of the regime, in scales of the market's return over the
horizon; with a policy's multiplier m: score·m if score >= 0, else score/m.

Order of a decision: `credit` what is due, `context`, `remember`, `choose`.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.adaptation.router.projection import (
    AT_LATENT,
    AT_MARKET,
    AT_POSTERIOR,
    AT_TIME,
    AT_VALUE,
    CONTEXT,
    FEATURES,
    PAIRS,
    STATES,
    WIDTH,
    projection,
)
from alphatrade_runtime.adaptation.router.shadow import HALF_LIFE, HORIZON, MAX_HORIZON, MAX_POLICIES, REWARD_CLIP, RING
from alphatrade_runtime.adaptation.router.weighted import NOBODY
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.numerics.math import exp_det, log_det, sincos_det

LABELS = 11
KAPPA = 20.0
SWITCH_COST_BPS = 1.0

# keep: mu, what a decision leaves of the sums.  projection: context entries by directions.  prior, regime_bias: in
# scales of the market's return over the horizon.
ROUTER_PARAMS_DTYPE = np.dtype(
    [
        ("policies", "i8"), ("horizon", "i8"), ("kappa", "f8"), ("keep", "f8"), ("switch_cost_bps", "f8"),
        ("prior", "f8", (MAX_POLICIES,)), ("regime_bias", "f8", (MAX_POLICIES, LABELS)),
        ("projection", "f8", (CONTEXT, PAIRS)),
    ],
    align=True,
)  # fmt: skip

# label: the regime now, 0..10, written by the caller before `choose`; any other has no bias.  decisions: keys made.
# credited: decisions of a policy whose credit is settled.  best: highest allowed score now.  gain_bps, cost_bps: what
# the best promised beyond the current one, and what it had to exceed; 0 where nothing was to be weighed.
# of_prior, attention, bias: parts of a score before its multiplier; total: the score after it.
ROUTER_DTYPE = np.dtype(
    [
        ("current", "i8"), ("best", "i8"), ("label", "i8"), ("decisions", "i8"), ("gain_bps", "f8"), ("cost_bps", "f8"),
        ("credited", "i8", (MAX_POLICIES,)), ("of_prior", "f8", (MAX_POLICIES,)), ("attention", "f8", (MAX_POLICIES,)),
        ("bias", "f8", (MAX_POLICIES,)), ("multiplier", "f8", (MAX_POLICIES,)), ("total", "f8", (MAX_POLICIES,)),
        ("keys", "f8", (RING, FEATURES)), ("rewards", "f8", (MAX_POLICIES, FEATURES)),
        ("weights", "f8", (MAX_POLICIES, FEATURES)),
    ],
    align=True,
)  # fmt: skip

_MASK = RING - 1
_INF = math.inf
_DAY_NS = 86_400_000_000_000
_TURN = 6.283185307179586 / 86_400_000_000_000.0  # radians a ns of the day
_MOST = 1e6
_LEAST_MULTIPLIER, _MOST_MULTIPLIER = 0.1, 10.0
_UNIT = 0.0625  # brings a key to a length of about 1


def prepare_router(
    params: Any,
    weights_bps: Sequence[int],
    *,
    seed: int,
    switch_cost_bps: float = SWITCH_COST_BPS,
    horizon: int = HORIZON,
    half_life: int = HALF_LIFE,
    kappa: float = KAPPA,
    regime_bias: npt.NDArray[np.float64] | None = None,
) -> None:
    """Fill zeroed params for policies of these weights, by id. Raises InputError naming what to change.

    The prior is a policy's share of all weights less an equal share: before evidence, weight chooses.
    regime_bias: (policies, 11).
    """
    n = len(weights_bps)
    _check(n, switch_cost_bps, horizon, half_life, kappa)
    if any(weight < 0 for weight in weights_bps):
        raise InputError("router: a policy's weight is negative; give weights of 0 or more")
    total = float(sum(weights_bps)) or 1.0
    for j, weight in enumerate(weights_bps):
        params.prior[j] = weight / total - 1.0 / n
    if regime_bias is not None:
        if regime_bias.shape != (n, LABELS) or not np.isfinite(regime_bias).all():
            raise InputError(f"router: regime biases are not {n} x {LABELS} finite numbers; give one a policy, label")
        params.regime_bias[:n] = regime_bias
    params.policies, params.horizon, params.kappa = n, horizon, kappa
    params.keep = 2.0 ** (-1.0 / half_life)
    params.switch_cost_bps = switch_cost_bps
    params.projection[:] = projection(seed)


def _check(policies: int, switch_cost_bps: float, horizon: int, half_life: int, kappa: float) -> None:
    if not 1 <= policies <= MAX_POLICIES:
        raise InputError(f"router: {policies} policies; it chooses among 1 to {MAX_POLICIES}")
    if not 1 <= horizon <= MAX_HORIZON:
        raise InputError(f"router.horizon: {horizon} lies outside 1..{MAX_HORIZON} decisions; choose one within")
    if half_life < 1:
        raise InputError(f"router.halfLife: {half_life} is below 1 decision; raise it")
    if not 0.0 <= switch_cost_bps < _INF:
        raise InputError(f"router.switchingCostBps: {switch_cost_bps} is no cost; give 0 or more")
    if not 0.0 < kappa < _INF:
        raise InputError(f"router.kappa: {kappa} is no weight of a prior; give one above 0")


def reset_router(state: Any) -> None:
    """Make a zeroed state ready: nobody trades yet."""
    state.current = state.best = NOBODY
    state.multiplier[:] = 1.0


@inlined
def _clean(x, least, most):
    """Cut x to its bounds; NaN is 0, so that it says nothing."""
    return 0.0 if x != x else min(max(x, least), most)


@inlined
def _squares(out, at, size):
    total = 0.0
    for k in range(at, at + size):
        total += out[k] * out[k]
    return total


@kernel
def _norm(out):
    """Scale to a root mean square of 1 over the blocks that say something; a part that is off changes no other."""
    total = 0.0
    there = 0
    for block in range(5):
        at, size = AT_POSTERIOR, STATES
        if block == 1:
            at, size = AT_VALUE, WIDTH
        elif block == 2:
            at, size = AT_LATENT, WIDTH
        elif block == 3:
            at, size = AT_MARKET, 2
        elif block == 4:
            at, size = AT_TIME, 2
        squares = _squares(out, at, size)
        if squares > 0.0:
            total += squares
            there += size
    scale = math.sqrt(there / total) if total > 0.0 else 0.0
    for k in range(CONTEXT):
        out[k] *= scale


@kernel
def context(out, posterior, v, vstar, volatility, spread, ts_ns):
    """Write the context of a decision: (72,) float64, root mean square 1.

    posterior: (4,) of the regime.  v, vstar: (32,) value and latent of the belief; zeros where it is off.
    volatility, spread: ticks, taken as log(1 + x).  ts_ns: UTC. What is not finite or out of bounds counts as 0 or as
    its bound.
    """
    for k in range(STATES):
        out[AT_POSTERIOR + k] = _clean(posterior[k], 0.0, 1.0)
    for k in range(WIDTH):
        out[AT_VALUE + k] = _clean(v[k], -_MOST, _MOST)
        out[AT_LATENT + k] = _clean(vstar[k], -_MOST, _MOST)
    out[AT_MARKET] = log_det(1.0 + _clean(volatility, 0.0, _MOST))
    out[AT_MARKET + 1] = log_det(1.0 + _clean(spread, 0.0, _MOST))
    sine, cosine = sincos_det(float(ts_ns % _DAY_NS) * _TURN)
    out[AT_TIME] = sine
    out[AT_TIME + 1] = cosine
    _norm(out)


@inlined
def _pair(keys, at, m, u):
    """Write phi of a direction and of its opposite."""
    less = exp_det(-abs(u))
    more = abs(u) + 1.0
    keys[at, m] = _UNIT * (more if u > 0.0 else less)
    keys[at, m + PAIRS] = _UNIT * (less if u > 0.0 else more)


@kernel
def remember(s, p, c):
    """Make the key of this decision from its context, (72,) float64; it is the query of `choose` too."""
    at = s.decisions & _MASK
    s.decisions += 1
    w = p.projection
    u0 = u1 = u2 = u3 = u4 = u5 = u6 = u7 = 0.0
    for i in range(CONTEXT):
        x = _clean(c[i], -_MOST, _MOST)
        u0 += w[i, 0] * x
        u1 += w[i, 1] * x
        u2 += w[i, 2] * x
        u3 += w[i, 3] * x
        u4 += w[i, 4] * x
        u5 += w[i, 5] * x
        u6 += w[i, 6] * x
        u7 += w[i, 7] * x
    _pair(s.keys, at, 0, u0)
    _pair(s.keys, at, 1, u1)
    _pair(s.keys, at, 2, u2)
    _pair(s.keys, at, 3, u3)
    _pair(s.keys, at, 4, u4)
    _pair(s.keys, at, 5, u5)
    _pair(s.keys, at, 6, u6)
    _pair(s.keys, at, 7, u7)


@kernel
def credit(s, p, j, reward):
    """Add a reward of policy j at the key of the decision `horizon` ago, once; return 1 when it was taken.

    Called before this decision's `remember`. A second reward for a decision, one for a decision before the first, and
    NaN are not taken.
    """
    made = s.decisions - p.horizon
    if made < s.credited[j] or made < 0 or reward != reward:
        return 0
    s.credited[j] = made + 1
    at = made & _MASK
    r = min(max(reward, -REWARD_CLIP), REWARD_CLIP)
    keep = p.keep
    keys, rewards, weights = s.keys, s.rewards, s.weights
    for m in range(FEATURES):
        rewards[j, m] = keep * rewards[j, m] + r * keys[at, m]
        weights[j, m] = keep * weights[j, m] + keys[at, m]
    return 1


@inlined
def _read(q, sums, at, j):
    """Return the query's product with a policy's sums: 8 accumulators, combined in pairs."""
    a0 = q[at, 0] * sums[j, 0] + q[at, 8] * sums[j, 8]
    a1 = q[at, 1] * sums[j, 1] + q[at, 9] * sums[j, 9]
    a2 = q[at, 2] * sums[j, 2] + q[at, 10] * sums[j, 10]
    a3 = q[at, 3] * sums[j, 3] + q[at, 11] * sums[j, 11]
    a4 = q[at, 4] * sums[j, 4] + q[at, 12] * sums[j, 12]
    a5 = q[at, 5] * sums[j, 5] + q[at, 13] * sums[j, 13]
    a6 = q[at, 6] * sums[j, 6] + q[at, 14] * sums[j, 14]
    a7 = q[at, 7] * sums[j, 7] + q[at, 15] * sums[j, 15]
    return ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))


@inlined
def _score(s, p, at, j, multiplier):
    """Score policy j now and leave the parts where the explainer finds them."""
    per_weight = 1.0 / (_read(s.keys, s.weights, at, j) + p.kappa)
    s.of_prior[j] = p.kappa * p.prior[j] * per_weight
    s.attention[j] = _read(s.keys, s.rewards, at, j) * per_weight
    s.bias[j] = p.regime_bias[j, s.label] if 0 <= s.label < LABELS else 0.0
    m = multiplier if _LEAST_MULTIPLIER <= multiplier <= _MOST_MULTIPLIER else 1.0
    s.multiplier[j] = m
    score = s.of_prior[j] + s.attention[j] + s.bias[j]
    s.total[j] = score * m if score >= 0.0 else score / m


@kernel
def choose(s, p, allowed, multipliers, sigma_h_bps):
    """Return the policy that trades from now on, -1 when none may.

    allowed: int64, bit j set when policy j may trade.  multipliers: (>= policies,) of the fast weights, 1 without; what
    lies outside 0.1..10 counts as 1.  sigma_h_bps: scale of the market's return over the horizon. The current
    policy stays while it may trade and the best does not exceed it by more than the switching cost.
    """
    at = (s.decisions - 1) & _MASK
    best = NOBODY
    for j in range(p.policies):
        _score(s, p, at, j, multipliers[j])
        if (allowed >> j) & 1 and (best == NOBODY or s.total[j] > s.total[best]):
            best = j
    s.best = best
    s.gain_bps = 0.0
    s.cost_bps = 0.0
    now = s.current
    if best != NOBODY and now != NOBODY and now != best and (allowed >> now) & 1:
        s.gain_bps = (s.total[best] - s.total[now]) * sigma_h_bps
        s.cost_bps = p.switch_cost_bps
        if not s.cost_bps < s.gain_bps < _INF:
            return now
    s.current = best
    return best
