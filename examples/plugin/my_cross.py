"""A strategy of one's own: two averages of the mid; long while the fast one is above the slow one, else short."""

import math

from alphatrade_runtime.plugin import Int, signal


@signal(
    name="my_cross",
    api=1,
    features=("mid_ticks",),
    state=3,
    params={"fast": Int(20, 2, 500), "slow": Int(50, 3, 5000)},
    warmup=lambda p: p["slow"],
)
def my_cross(x, s, p):
    """Return the share of the largest position that is wanted, -1 to 1; NaN keeps the position."""
    if math.isnan(x[0]):
        return math.nan
    if s[2] == 0.0:
        s[0] = s[1] = x[0]
    s[0] += 2.0 / (p[0] + 1.0) * (x[0] - s[0])  # fast average
    s[1] += 2.0 / (p[1] + 1.0) * (x[0] - s[1])  # slow average
    s[2] = 1.0
    return 1.0 if s[0] > s[1] else -1.0
