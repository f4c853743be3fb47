"""Probe 6: takers are informed: VPIN (Easley, López de Prado, O'Hara 2012) among its own earlier values.

Trades fill buckets of ten mean trades each; VPIN is the mean |bought - sold| / lots of the last 20 buckets. Tapes
say who took, so no bulk classification is needed. The score is the percentile among earlier buckets' VPIN, as
2p - 1; it reaches the firing level only when VPIN is also three standard deviations above its mean, since a high
percentile of a few hundred overlapping values is weak evidence.
"""

from math import sqrt

import numpy as np

from alphatrade_runtime.numerics.jit import entry, kernel
from alphatrade_runtime.numerics.math import NAN

WINDOW = 20
_RING = 32
_BINS = 128
_TRADES = 10  # mean trades a bucket
_FIRST = 50  # trades before the first bucket: a mean size is needed
_RATE = 0.002  # of the mean trade, a trade
_SLOW = 0.004  # of mean and variance of VPIN, a bucket
_FORGET = 2_000  # buckets at which the histogram is halved
_WIDE = 9.0
_LEAST_SD = 0.02

# bucket: lots that the bucket under way takes; bought, sold: lots in it.  share: of the last buckets, a ring.
# counts: buckets by their VPIN, in 128ths.
TOXICITY_DTYPE = np.dtype(
    [
        ("trades", "i8"), ("mean_trade", "f8"), ("bucket", "i8"), ("bought", "i8"), ("sold", "i8"), ("buckets", "i8"),
        ("vpin", "f8"), ("percentile", "f8"), ("z", "f8"), ("average", "f8"), ("variance", "f8"), ("known", "i8"),
        ("counted", "i8"), ("share", "f8", (_RING,)), ("counts", "i8", (_BINS,)),
    ],
    align=True,
)  # fmt: skip


@kernel
def _rank(t):
    """Hold the new VPIN against the earlier ones, then count it among them."""
    place = min(int(t.vpin * _BINS), _BINS - 1)
    below = 0
    for b in range(place):
        below += t.counts[b]
    t.percentile = (below + 0.5 * t.counts[place]) / t.counted if t.counted > 0 else 0.5
    sd = max(sqrt(t.variance), _LEAST_SD)
    t.z = (t.vpin - t.average) / sd
    t.known += 1
    rate = max(_SLOW, 1.0 / t.known)
    delta = t.vpin - t.average
    square = min(delta * delta, _WIDE * max(t.variance, _LEAST_SD * _LEAST_SD)) if t.known > WINDOW else delta * delta
    t.average += rate * delta
    t.variance += rate * (square - t.variance)
    t.counts[place] += 1
    t.counted += 1
    if t.counted >= _FORGET:
        t.counted = 0
        for b in range(_BINS):
            t.counts[b] //= 2
            t.counted += t.counts[b]


@kernel
def _close_bucket(t):
    """End the bucket under way and begin the next."""
    t.share[t.buckets % _RING] = abs(t.bought - t.sold) / float(t.bought + t.sold)
    t.buckets += 1
    t.bought = 0
    t.sold = 0
    t.bucket = max(1, int(_TRADES * t.mean_trade))
    if t.buckets < WINDOW:
        return
    total = 0.0
    for k in range(WINDOW):
        total += t.share[(t.buckets - 1 - k) % _RING]
    t.vpin = total / WINDOW
    _rank(t)


@kernel
def toxicity_on_trade(t, size, side):
    """Fill buckets with a trade, three at most; what one has no room for goes to the next."""
    if size <= 0:
        return
    t.trades += 1
    t.mean_trade += max(_RATE, 1.0 / t.trades) * (min(size, 100.0 * max(t.mean_trade, 1.0)) - t.mean_trade)
    if t.trades < _FIRST:
        return
    if t.bucket == 0:
        t.bucket = max(1, int(_TRADES * t.mean_trade))
    left = min(size, 3 * t.bucket)
    while left > 0:
        taken = min(left, t.bucket - t.bought - t.sold)
        left -= taken
        if side > 0:
            t.bought += taken
        else:
            t.sold += taken
        if t.bought + t.sold >= t.bucket:
            _close_bucket(t)


@entry
def toxicity_score(t, least_buckets, z_fire, fire):
    """Return the score, NaN until there is a history to rank in."""
    if t.known < least_buckets:
        return NAN
    score = max(2.0 * t.percentile - 1.0, 0.0)
    if t.z < z_fire:
        return min(score, 0.99 * fire)
    return min(fire + (1.0 - fire) * (t.z - z_fire) / z_fire, 1.0)
