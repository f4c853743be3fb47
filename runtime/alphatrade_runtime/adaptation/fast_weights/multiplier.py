"""What the fast weights say of each policy: a multiplier, only for what proved itself out of sample (semantics §3)."""

from typing import Any

import numpy as np

from alphatrade_runtime.adaptation.fast_weights.sigma import _dot
from alphatrade_runtime.adaptation.fast_weights.state import WIDTH
from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.numerics.math import tanh_det

POLICIES = 16
FORGETTING = 0.999  # a reward
RIDGE = 100.0  # prior precision, renewed at the rate of forgetting: P stays bounded whatever the input
REWARD_LIMIT = 4.0  # sigmas; beyond it a reward is winsorised
BATCH = 20  # rewards a batch: the mean gain of a batch is one observation
LEAST_BATCHES = 20
BATCH_FORGETTING = 0.986  # half-life about 50 batches
BOOST = 1.05
_T90 = 1.328  # one-sided 90% of Student's t with 19 degrees of freedom: 20 batches
_LA2_MAX = 33.0  # a layer norm of 32 has at most 32
_RENEWAL = RIDGE * WIDTH * (1.0 - FORGETTING)
_TRACE_MAX = 2.0 * WIDTH / RIDGE

MULTIPLIER_DTYPE = np.dtype(
    [
        ("u", "f8", (POLICIES, WIDTH)), ("P", "f8", (POLICIES, WIDTH, WIDTH)), ("n", "i8", (POLICIES,)),
        ("batch_sum", "f8", (POLICIES,)), ("batch_n", "i8", (POLICIES,)), ("batches", "i8", (POLICIES,)),
        ("weight", "f8", (POLICIES,)), ("weight2", "f8", (POLICIES,)), ("mean", "f8", (POLICIES,)),
        ("square", "f8", (POLICIES,)), ("lcb90", "f8", (POLICIES,)), ("trusted", "i8", (POLICIES,)),
        ("refused", "i8", (POLICIES,)), ("resets", "i8", (POLICIES,)), ("q", "f8", (WIDTH,)),
    ],
    align=True,
)  # fmt: skip
"""mean, square: of the gain r^2 - (r - prediction)^2 by batch, with weight and weight2 their sums of weights;
refused: rewards or inputs that are no numbers; resets: of P; q: scratch."""


def reset(s: Any) -> None:
    """Fill a record with the state of before the first reward."""
    for name in MULTIPLIER_DTYPE.names or ():
        s[name] = 0
    for i in range(WIDTH):
        s["P"][:, i, i] = 1.0 / RIDGE


@kernel
def _reset_policy(s, j):
    for i in range(WIDTH):
        s.u[j, i] = 0.0
        for k in range(WIDTH):
            s.P[j, i, k] = 1.0 / RIDGE if i == k else 0.0
    s.trusted[j] = 0
    s.resets[j] += 1


@kernel
def _predict(s, j, la):
    total = 0.0
    for i in range(WIDTH):
        total += s.u[j, i] * la[i]
    return total


@kernel
def _close_batch(s, j):
    """Take the batch's mean gain as one observation, and trust the policy iff its LCB90 is above 0."""
    gain = s.batch_sum[j] / BATCH
    s.batch_sum[j] = 0.0
    s.batch_n[j] = 0
    s.batches[j] += 1
    s.weight[j] = BATCH_FORGETTING * s.weight[j] + 1.0
    s.weight2[j] = BATCH_FORGETTING * BATCH_FORGETTING * s.weight2[j] + 1.0
    rate = 1.0 / s.weight[j]
    gap = gain - s.mean[j]
    s.mean[j] += rate * gap
    s.square[j] = (1.0 - rate) * (s.square[j] + rate * gap * gap)
    effective = s.weight[j] * s.weight[j] / s.weight2[j]
    s.lcb90[j] = s.mean[j] - _T90 * np.sqrt(s.square[j] / max(effective - 1.0, 1.0))
    s.trusted[j] = 1 if s.batches[j] >= LEAST_BATCHES and s.lcb90[j] > 0.0 else 0
    trace = 0.0
    for i in range(WIDTH):
        trace += s.P[j, i, i]
    if not 0.0 < trace <= _TRACE_MAX:
        _reset_policy(s, j)


@kernel
def _shrink(s, j, denominator, scale):
    """Take q q^T / denominator from P, then scale it: symmetric to the bit."""
    root = 1.0 / np.sqrt(denominator)
    for i in range(WIDTH):
        s.q[i] *= root
    for i in range(WIDTH):
        x = s.q[i]
        for k in range(WIDTH):
            s.P[j, i, k] = (s.P[j, i, k] - x * s.q[k]) * scale


@kernel
def _update(s, j, la, error):
    """Take one observation, then renew the prior of one coordinate."""
    for k in range(WIDTH):
        s.q[k] = 0.0
    for i in range(WIDTH):
        for k in range(WIDTH):
            s.q[k] += la[i] * s.P[j, i, k]
    denominator = FORGETTING + _dot(la, s.q)
    if not denominator >= FORGETTING:
        _reset_policy(s, j)
        return
    for k in range(WIDTH):
        s.u[j, k] += s.q[k] * (error / denominator)
    _shrink(s, j, denominator, 1.0 / FORGETTING)
    i = s.n[j] % WIDTH
    denominator = 1.0 / _RENEWAL + s.P[j, i, i]
    pull = s.u[j, i] / denominator
    for k in range(WIDTH):
        s.q[k] = s.P[j, i, k]
        s.u[j, k] -= s.q[k] * pull
    _shrink(s, j, denominator, 1.0)


@kernel
def learn(s, j, la, reward):
    """Score the prediction of a reward, then learn it. la: float64[32], LN(a) at the key of the reward's decision.

    reward: sigmas. Rewards of one policy must be of windows that do not overlap: else the noise they share is learnt.
    """
    if not (_dot(la, la) <= _LA2_MAX and abs(reward) < np.inf):
        s.refused[j] += 1
        return
    r = min(max(reward, -REWARD_LIMIT), REWARD_LIMIT)
    guess = _predict(s, j, la)
    s.batch_sum[j] += guess * (2.0 * r - guess)
    s.batch_n[j] += 1
    s.n[j] += 1
    _update(s, j, la, r - guess)
    if s.batch_n[j] == BATCH:
        _close_batch(s, j)


@kernel
def _hold_boosts(policies, out):
    """Leave the ceil(0.4 J) largest over 1.05, ties by policy id; the rest of them is 1.05."""
    most = (2 * policies + 4) // 5
    for j in range(policies):
        rank = 0
        for k in range(policies):
            if out[k] > out[j] or (out[k] == out[j] and k < j):
                rank += 1
        if out[j] > BOOST and rank >= most:
            out[j] = BOOST


@kernel
def multipliers(s, p, la, policies, out):
    """Write the multiplier of each policy into out, 1 where it is not trusted. out: float64[>= policies]."""
    known = p.kappa > 0.0 and _dot(la, la) <= _LA2_MAX
    for j in range(policies):
        out[j] = 1.0
        if known and s.trusted[j] != 0:
            m = 1.0 + p.gain * tanh_det(_predict(s, j, la))
            out[j] = min(max(m, 1.0 - p.kappa), 1.0 + p.kappa)
    _hold_boosts(policies, out)
