"""Probe 5: the instrument moves by itself, beyond its volatility and the market's move.

The return of a decision in mean absolute returns, r, is regressed on the market's, by exponential moments of
half-life 500 decisions; the score is of the t statistic of the mean residual, of half-life 20, by the residuals'
slow mean square. The market is the other instruments of the tape. On a tape of one instrument there is none, and the
probe is unavailable: a return less nothing is no residual.
"""

from math import sqrt

import numpy as np

from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.numerics.math import INF, NAN

_SLOW = 0.0013853338989711084  # 1 - 2 ** (-1 / 500)
_FAST = 0.0340636710751544  # 1 - 2 ** (-1 / 20)
_SPREAD = _FAST / (2.0 - _FAST)  # variance of the fast mean, in variances of what is averaged
_MOST = 8.0  # a return counts as at most so many mean absolute returns
_WIDE = 16.0
_LEAST_SQUARE = 1e-4

# cross, square: mean of r*market and market^2, slow.  fast, variance: mean and mean square of the residual.
MOMENTUM_DTYPE = np.dtype(
    [("decisions", "i8"), ("cross", "f8"), ("square", "f8"), ("fast", "f8"), ("variance", "f8")], align=True
)


@entry
def momentum_score(s, ret, volatility, market_ret, warm, least_volatility, t_fire, fire):
    """Return the score, NaN for an input that is not known and for the first decisions.

    ret, volatility: ticks, of this decision and its mean size.  market_ret: in the market's own mean absolute returns.
    """
    if not (-INF < ret < INF and 0.0 <= volatility < INF and -INF < market_ret < INF):
        return NAN
    r = min(max(ret / max(volatility, least_volatility), -_MOST), _MOST)
    market = min(max(market_ret, -_MOST), _MOST)
    beta = s.cross / s.square if s.square > _LEAST_SQUARE else 0.0
    residual = r - beta * market
    s.decisions += 1
    slow = max(_SLOW, 1.0 / s.decisions)
    s.cross += slow * (r * market - s.cross)
    s.square += slow * (market * market - s.square)
    taken = residual * residual
    if s.decisions > 50:
        taken = min(taken, _WIDE * s.variance)
    s.variance += slow * (taken - s.variance)
    s.fast += _FAST * (residual - s.fast)
    if s.decisions <= warm:
        return NAN
    t = abs(s.fast) / sqrt(max(s.variance, _LEAST_SQUARE) * _SPREAD)
    return min(t * fire / t_fire, 1.0)
