"""Breakout: follow the first price beyond the range of the last `window` decisions."""

import math

from alphatrade_runtime.plugin import Int, signal


@signal(
    name="breakout",
    api=1,
    features=("mid_ticks",),
    state=2_002,
    params={"window": Int(100, 5, 2_000), "exit_window": Int(40, 2, 2_000)},
    warmup=lambda p: int(p["window"]) + 1,
)
def breakout(x, s, p):
    """Return +1 above the range, -1 below it, 0 back through the short range, else NaN (keep).

    s: count, side, then a ring of the last 2,000 mids.
    """
    mid = x[0]
    if not mid > 0.0:
        return math.nan
    count = int(s[0])
    size = 2_000
    window = min(int(p[0]), count)
    leave = min(int(p[1]), count)
    high = -math.inf
    low = math.inf
    exit_high = -math.inf
    exit_low = math.inf
    for k in range(1, window + 1):
        value = s[2 + (count - k) % size]
        high = max(high, value)
        low = min(low, value)
        if k <= leave:
            exit_high = max(exit_high, value)
            exit_low = min(exit_low, value)
    s[2 + count % size] = mid
    s[0] = count + 1.0
    if count < int(p[0]):
        return math.nan
    if mid > high:
        s[1] = 1.0
    elif mid < low:
        s[1] = -1.0
    elif (s[1] > 0.0 and mid < exit_low) or (s[1] < 0.0 and mid > exit_high):
        s[1] = 0.0
    else:
        return math.nan
    return s[1]
