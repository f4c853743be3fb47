"""Trend following: long while the fast average of the mid is above the slow one."""

import math

from alphatrade_runtime.plugin import Int, signal


@signal(
    name="ema_cross",
    api=1,
    features=("mid_ticks",),
    state=5,
    params={"fast": Int(20, 2, 5_000), "slow": Int(50, 3, 20_000)},
    warmup=lambda p: int(p["slow"]),
)
def ema_cross(x, s, p):
    """Return +1, -1, or NaN (keep) when the averages are equal. s: averages fast, slow, started, rates fast, slow."""
    mid = x[0]
    if not mid > 0.0:
        return math.nan
    if s[2] == 0.0:
        s[0] = mid
        s[1] = mid
        s[2] = 1.0
        s[3] = 2.0 / (p[0] + 1.0)
        s[4] = 2.0 / (p[1] + 1.0)
    else:
        s[0] += s[3] * (mid - s[0])
        s[1] += s[4] * (mid - s[1])
    if s[0] > s[1]:
        return 1.0
    if s[0] < s[1]:
        return -1.0
    return math.nan
