"""Mean reversion: lean against the distance from a slow average, in units of its own typical distance."""

import math

from alphatrade_runtime.plugin import Float, Int, signal


@signal(
    name="mean_reversion",
    api=1,
    features=("mid_ticks",),
    state=3,
    params={"window": Int(200, 5, 50_000), "enter": Float(1.5, 0.1, 10.0), "exit": Float(0.25, 0.0, 5.0)},
    warmup=lambda p: int(p["window"]),
)
def mean_reversion(x, s, p):
    """Return the share against the move beyond `enter`, 0 within `exit`, NaN (keep) between.

    s: average, mean absolute distance, started.
    """
    mid = x[0]
    if not mid > 0.0:
        return math.nan
    if s[2] == 0.0:
        s[0] = mid
        s[2] = 1.0
        return 0.0
    rate = 2.0 / (p[0] + 1.0)
    distance = mid - s[0]
    z = distance / s[1] if s[1] > 0.0 else 0.0
    s[0] += rate * distance
    s[1] += rate * (abs(distance) - s[1])
    if abs(z) <= p[2]:
        return 0.0
    if abs(z) < p[1]:
        return math.nan
    return -1.0 if z > 0.0 else 1.0
