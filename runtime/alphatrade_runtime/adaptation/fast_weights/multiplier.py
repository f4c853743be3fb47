"""How far what was read moves each policy's score: recursive least squares of its rewards, trusted once proved.

A prediction is scored before it is learnt from, so its record is out of sample. Until the lower 90% bound of what it
saves in squared error, against the mean reward alone, is above 0, the policy's multiplier is 1 (semantics §3).
"""

import math
from typing import Any

import numpy as np

from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.numerics.math import tanh_det
from alphatrade_runtime.perception.belief.shape import WIDTH

MAX_POLICIES = 16
_FORGET = 0.999
_START = 0.1  # of the inverse covariance's diagonal: a prior of small weights
_MOST_TRACE = 1e3 * WIDTH
_Z90 = 1.2815515655446004
_OVERLAP = 10.0  # rewards of one horizon share decisions: so many count as one
_LEAST = 50.0  # independent rewards before anything is trusted
_BOOSTED = 1.05
_BOOST_SHARE = 0.4
_GAMMA = 1.0
_MOST_REWARD = 4.0

# u: weights by policy.  inverse: of the covariance.  average: of rewards.  n, gain, gain2: discounted count and
# moments of what a prediction saved.  lcb: lower 90% bound of the mean gain.  trusted: 1 the multiplier counts.
MULTIPLIER_DTYPE = np.dtype(
    [
        ("u", "f8", (MAX_POLICIES, WIDTH)), ("inverse", "f8", (MAX_POLICIES, WIDTH, WIDTH)),
        ("k", "f8", (WIDTH,)), ("average", "f8", (MAX_POLICIES,)), ("n", "f8", (MAX_POLICIES,)),
        ("gain", "f8", (MAX_POLICIES,)), ("gain2", "f8", (MAX_POLICIES,)), ("lcb", "f8", (MAX_POLICIES,)),
        ("learnt", "i8", (MAX_POLICIES,)), ("resets", "i8", (MAX_POLICIES,)), ("trusted", "i8", (MAX_POLICIES,)),
    ],
    align=True,
)  # fmt: skip


def reset(s: Any) -> None:
    """Make a zeroed record of MULTIPLIER_DTYPE one that has learnt nothing."""
    for j in range(MAX_POLICIES):
        s.inverse[j] = _START * np.eye(WIDTH)


@inlined
def _dot(u, j, x):
    a0 = a1 = a2 = a3 = 0.0
    for d in range(0, WIDTH, 4):
        a0 += u[j, d] * x[d]
        a1 += u[j, d + 1] * x[d + 1]
        a2 += u[j, d + 2] * x[d + 2]
        a3 += u[j, d + 3] * x[d + 3]
    return (a0 + a1) + (a2 + a3)


@kernel
def _score(s, j, reward, predicted):
    """Note what the prediction saved against the mean reward, and whether that is beyond doubt."""
    plain = reward - s.average[j]
    missed = plain - predicted
    gain = plain * plain - missed * missed
    s.n[j] = _FORGET * s.n[j] + 1.0
    rate = 1.0 / s.n[j]
    s.gain[j] += rate * (gain - s.gain[j])
    s.gain2[j] += rate * (gain * gain - s.gain2[j])
    independent = s.n[j] / _OVERLAP
    variance = max(s.gain2[j] - s.gain[j] * s.gain[j], 0.0)
    s.lcb[j] = s.gain[j] - _Z90 * math.sqrt(variance / independent)
    s.trusted[j] = 1 if independent >= _LEAST and s.lcb[j] > 0.0 else 0


@kernel
def learn(s, j, la, reward):
    """Score, then learn from, one reward of policy j. la: float64[32], LN of what was read at its decision.

    What is not finite is left out.
    """
    r = min(max(reward, -_MOST_REWARD), _MOST_REWARD)
    predicted = _dot(s.u, j, la)
    if not (abs(predicted) < math.inf) or r != r:
        return
    _score(s, j, r, predicted)
    s.learnt[j] += 1
    error = r - s.average[j] - predicted
    s.average[j] += max(1.0 / s.learnt[j], 1.0 - _FORGET) * (r - s.average[j])
    spread = _FORGET
    for a in range(WIDTH):
        total = 0.0
        for b in range(WIDTH):
            total += s.inverse[j, a, b] * la[b]
        s.k[a] = total
        spread += la[a] * total
    per = 1.0 / spread
    trace = 0.0
    for a in range(WIDTH):
        gain = s.k[a] * per
        s.u[j, a] += gain * error
        for b in range(WIDTH):
            s.inverse[j, a, b] = (s.inverse[j, a, b] - gain * s.k[b]) / _FORGET
        trace += s.inverse[j, a, a]
    if not (0.0 < trace < _MOST_TRACE):
        _begin_anew(s, j)


@kernel
def _begin_anew(s, j):
    """Directions that nothing excites grow without bound under forgetting: start their covariance over."""
    s.resets[j] += 1
    for a in range(WIDTH):
        for b in range(WIDTH):
            s.inverse[j, a, b] = _START if a == b else 0.0
        if not abs(s.u[j, a]) < math.inf:
            s.u[j, a] = 0.0


@kernel
def multipliers(s, p, la, policies, out):
    """Write the first `policies` multipliers into out, float64. p: FAST_PARAMS record, of which kappa is used."""
    boosted = 0
    for j in range(policies):
        out[j] = 1.0
        if s.trusted[j] != 0 and p.kappa > 0.0:
            pull = _dot(s.u, j, la)
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
