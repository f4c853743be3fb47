"""How far what was read moves each policy's score: recursive least squares of its rewards, trusted once proved.

A prediction is scored before it is learnt from, and only rewards of horizons that do not overlap are taken: of two
that do, the second would find the noise it shares already learnt. So the record is out of sample. Until the lower 90%
bound of what predictions save in squared error, against the mean reward alone, is above 0, the policy's multiplier is 1
(semantics §3).
"""

import math
from typing import Any

import numpy as np

from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.numerics.math import tanh_det
from alphatrade_runtime.perception.belief.shape import WIDTH

MAX_POLICIES = 16
LEAST_REWARDS = 50.0  # discounted count of them before anything is trusted
REWARD_CLIP = 4.0
FORGET = 0.999  # a reward
# Prior precision of a weight, renewed as fast as it is forgotten, so that directions that nothing excites stay bounded.
# Measured over 2,000 rewards, 12 seeds: an edge of 4% of the variance is trusted at the end by 1,000 in all, by 100 in
# 1 to 2, by 10 in none; without an edge 1,000 trusts at 0.3 to 0.6% of decisions.
RIDGE = 1_000.0
_RENEWED = RIDGE * WIDTH * (1.0 - FORGET)  # of one weight in turn
_Z90 = 1.2815515655446004
_BOOSTED = 1.05
_BOOST_SHARE = 0.4
_GAMMA = 1.0
_MOST_READ = WIDTH + 1.0  # a layer norm's squares sum to WIDTH at most

# u: weights by policy.  inverse: of the precision, symmetric to the bit.  average: of rewards.  n, gain, gain2:
# discounted count and moments of what a prediction saved.  lcb: lower 90% bound of the mean gain.  free: the first
# decision whose reward overlaps none that was taken.  trusted: 1 the multiplier counts.  k: scratch.
MULTIPLIER_DTYPE = np.dtype(
    [
        ("u", "f8", (MAX_POLICIES, WIDTH)), ("inverse", "f8", (MAX_POLICIES, WIDTH, WIDTH)),
        ("k", "f8", (WIDTH,)), ("average", "f8", (MAX_POLICIES,)), ("n", "f8", (MAX_POLICIES,)),
        ("gain", "f8", (MAX_POLICIES,)), ("gain2", "f8", (MAX_POLICIES,)), ("lcb", "f8", (MAX_POLICIES,)),
        ("free", "i8", (MAX_POLICIES,)), ("learnt", "i8", (MAX_POLICIES,)), ("resets", "i8", (MAX_POLICIES,)),
        ("trusted", "i8", (MAX_POLICIES,)),
    ],
    align=True,
)  # fmt: skip


def reset(s: Any) -> None:
    """Make a zeroed record of MULTIPLIER_DTYPE one that has learnt nothing."""
    for j in range(MAX_POLICIES):
        s.inverse[j] = np.eye(WIDTH) / RIDGE


@inlined
def _dot(x, y):
    a0 = a1 = a2 = a3 = 0.0
    for d in range(0, WIDTH, 4):
        a0 += x[d] * y[d]
        a1 += x[d + 1] * y[d + 1]
        a2 += x[d + 2] * y[d + 2]
        a3 += x[d + 3] * y[d + 3]
    return (a0 + a1) + (a2 + a3)


@kernel
def _score(s, j, reward, predicted):
    """Note what the prediction saved against the mean reward, and whether that is beyond doubt."""
    plain = reward - s.average[j]
    missed = plain - predicted
    gain = plain * plain - missed * missed
    s.n[j] = FORGET * s.n[j] + 1.0
    rate = 1.0 / s.n[j]
    s.gain[j] += rate * (gain - s.gain[j])
    s.gain2[j] += rate * (gain * gain - s.gain2[j])
    variance = max(s.gain2[j] - s.gain[j] * s.gain[j], 0.0)
    s.lcb[j] = s.gain[j] - _Z90 * math.sqrt(variance * rate)
    s.trusted[j] = 1 if s.n[j] >= LEAST_REWARDS and s.lcb[j] > 0.0 else 0


@kernel
def learn(s, j, made, horizon, la, reward):
    """Score, then learn from, the reward of policy j's decision `made`; return 1 when it was taken.

    made, horizon: decisions; the reward is of those from `made` to `made + horizon`.  la: float64[32], LN of what was
    read at that decision.  Left out: what is not finite, a horizon that overlaps one that was taken, a decision at
    which nothing was read.
    """
    if made < s.free[j] or not 0.0 < _dot(la, la) <= _MOST_READ or not abs(reward) < math.inf:
        return 0
    predicted = _dot(s.u[j], la)
    if not abs(predicted) < math.inf:
        _begin_anew(s, j)
        return 0
    r = min(max(reward, -REWARD_CLIP), REWARD_CLIP)
    _score(s, j, r, predicted)
    error = r - s.average[j] - predicted
    s.free[j] = made + horizon
    s.learnt[j] += 1
    s.average[j] += max(1.0 / s.learnt[j], 1.0 - FORGET) * (r - s.average[j])
    _take(s, j, la, error)
    _renew(s, j, (s.learnt[j] - 1) % WIDTH)
    return 1


@kernel
def _take(s, j, la, error):
    """Move the weights by one prediction's error, and the precision to FORGET of itself and la la'."""
    for a in range(WIDTH):
        s.k[a] = _dot(s.inverse[j, a], la)
    spread = FORGET + _dot(s.k, la)
    if not FORGET <= spread < math.inf:
        _begin_anew(s, j)
        return
    per = error / spread
    for a in range(WIDTH):
        s.u[j, a] += s.k[a] * per
    _shrink(s, j, spread, 1.0 / FORGET)


@kernel
def _renew(s, j, i):
    """Add prior precision to weight i, which draws it to 0: else directions that nothing excites grow without bound."""
    spread = 1.0 / _RENEWED + s.inverse[j, i, i]
    pull = s.u[j, i] / spread
    for a in range(WIDTH):
        s.k[a] = s.inverse[j, i, a]
        s.u[j, a] -= s.k[a] * pull
    _shrink(s, j, spread, 1.0)


@kernel
def _shrink(s, j, spread, scale):
    """Take k k' / spread from the inverse, then scale it."""
    root = 1.0 / math.sqrt(spread)
    for a in range(WIDTH):
        s.k[a] *= root
    for a in range(WIDTH):
        x = s.k[a]
        for b in range(WIDTH):
            s.inverse[j, a, b] = (s.inverse[j, a, b] - x * s.k[b]) * scale


@kernel
def _begin_anew(s, j):
    """Forget policy j's weights and their record: numbers that cannot be right prove nothing."""
    s.resets[j] += 1
    s.trusted[j] = 0
    s.n[j] = s.gain[j] = s.gain2[j] = s.lcb[j] = 0.0
    for a in range(WIDTH):
        s.u[j, a] = 0.0
        for b in range(WIDTH):
            s.inverse[j, a, b] = 1.0 / RIDGE if a == b else 0.0


@kernel
def multipliers(s, p, la, policies, out):
    """Write the first `policies` multipliers into out, float64. p: FAST_PARAMS record, of which kappa is used."""
    boosted = 0
    for j in range(policies):
        out[j] = 1.0
        if s.trusted[j] != 0 and p.kappa > 0.0:
            pull = _dot(s.u[j], la)
            if abs(pull) < math.inf:
                out[j] = min(max(1.0 + _GAMMA * tanh_det(pull), 1.0 - p.kappa), 1.0 + p.kappa)
        if out[j] > _BOOSTED:
            boosted += 1
    most = math.ceil(_BOOST_SHARE * policies)
    while boosted > most:
        _lower_least(out, policies)
        boosted -= 1


@kernel
def _lower_least(out, policies):
    """Lower the smallest boost to 1.05, of equal ones that of the last policy."""
    least = -1
    for j in range(policies):
        if out[j] > _BOOSTED and (least < 0 or out[j] <= out[least]):
            least = j
    out[least] = _BOOSTED
