"""The running moments of one instrument's returns and spreads that both classifiers read."""

import math

from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.numerics.math import bits_float, float_bits, log_det
from alphatrade_runtime.perception.regime.state import MEDIAN_BINS

LIMIT = 2.0**48  # ticks; what is larger is no price (market/faults.py: too_large)
_RATIO_CLIP = 3.0  # of the log volatility ratio, a factor of 20
_MEAN_ABSOLUTE = 1.2533  # deviation over mean absolute deviation of a normal (semantics §2)
_SHIFT = 48  # leaves four bits of the mantissa: 16 bins an octave
_FIRST = 0x3FF0  # bits of 1.0, shifted


@inlined
def _clipped(x, most):
    return min(max(x, -most), most)


@inlined
def _bin(spread):
    """Return the bin of a spread: whole ticks up to 32 have their own, wider ones share 1/16 of an octave."""
    return min((float_bits(max(spread, 1.0)) >> _SHIFT) - _FIRST, MEDIAN_BINS - 1)


@kernel
def _halve(s):
    """Forget half of each bin's count, so that the median follows a market that has changed."""
    total = 0
    for k in range(MEDIAN_BINS):
        s.median_counts[k] = s.median_counts[k] >> 1
        total += s.median_counts[k]
    s.median_total = total
    s.median_at = 0
    s.median_below = 0


@kernel
def count_spread(s, p, spread):
    """Add a spread to the histogram and move the lower median to its place, at most 6.25% below the true one."""
    at = _bin(spread)
    s.median_counts[at] += 1
    s.median_total += 1
    if at < s.median_at:
        s.median_below += 1
    if s.median_total >= p.median_window:
        _halve(s)
    while s.median_at > 0 and 2 * s.median_below >= s.median_total:
        s.median_at -= 1
        s.median_below -= s.median_counts[s.median_at]
    while 2 * (s.median_below + s.median_counts[s.median_at]) < s.median_total:
        s.median_below += s.median_counts[s.median_at]
        s.median_at += 1
    s.spread_median = bits_float((s.median_at + _FIRST) << _SHIFT)


@kernel
def _measure_spread(s, p, spread):
    """Take a spread in; its z and its multiple of the median are against what was before it."""
    s.spread_known = 0
    s.spread_multiple = 0.0
    s.observation[2] = 0.0
    if spread != spread:
        return  # bars have none
    if not 0.0 < spread < LIMIT:
        s.masked += 1
        return
    if s.spreads == 0:
        s.spread_mean = spread
    scale = max(_MEAN_ABSOLUTE * s.spread_deviation, p.spread_floor)
    moved = _clipped(spread - s.spread_mean, p.cut * scale)
    s.spread_known = 1
    s.observation[2] = moved / scale
    if s.spreads >= p.warmup:
        s.spread_multiple = spread / s.spread_median
    s.spreads += 1
    rate = max(p.slow_rate, 1.0 / s.spreads)
    s.spread_mean += rate * moved
    s.spread_deviation += rate * (abs(moved) - s.spread_deviation)
    count_spread(s, p, spread)


@kernel
def _measure_return(s, p, ret):
    """Take a return in. Until 1 / n falls below a rate, the moment is the plain mean of what there is.

    Second moments are about 0: a decision's mean return is far below its deviation, and a price that only
    drifts has a finite t. What enters is cut at 8 deviations of what was before it.
    """
    floor = p.return_floor * p.return_floor
    deviation = math.sqrt(max(s.square_slow, floor))
    w = _clipped(ret, p.cut * deviation)
    s.observation[0] = w / deviation
    s.returns += 1
    share = 1.0 / s.returns
    fast = max(p.fast_rate, share)
    slow = max(p.slow_rate, share)
    s.mean_fast += fast * (w - s.mean_fast)
    s.square_fast += fast * (w * w - s.square_fast)
    s.square_slow += slow * (w * w - s.square_slow)
    square_slow = max(s.square_slow, floor)
    s.t = s.mean_fast / (p.mean_scale * math.sqrt(square_slow))
    s.log_ratio = 0.5 * log_det(max(s.square_fast, floor) / square_slow)
    s.observation[1] = _clipped(s.log_ratio, _RATIO_CLIP)


@kernel
def measure(s, p, ret, spread):
    """Take one decision in. Returns 1 when its return can be used; what cannot is counted and left out.

    ret: ticks.  spread: ticks, NaN where the tape has none.
    """
    _measure_spread(s, p, spread)
    if not abs(ret) < LIMIT:
        s.masked += 1
        return 0
    _measure_return(s, p, ret)
    return 1
