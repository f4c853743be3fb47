"""Probe 3: order flow leans to one side far more than it does.

Order-flow imbalance at the best (Cont, Kukanov, Stoikov 2014, eq. 4), decayed over 1 s and 10 s as in
perception/features.py; z of each by its own mean square at decisions. Both must lean to the same side; the score is
of the root mean square of the two.
"""

from math import sqrt

import numpy as np

from alphatrade_runtime.numerics.jit import entry, inlined
from alphatrade_runtime.numerics.math import NAN

_ONE_NS = 1e9
_TEN_NS = 1e10
_RATE = 0.0013853338989711084  # 1 - 2 ** (-1 / 500): half-life of 500 decisions
_WIDE = 16.0  # a square counts as 16 mean squares at most, so that a surge does not hide the next

# order_1s, order_10s: lots at `ts`; square_*: mean squares at decisions.
SURGE_DTYPE = np.dtype(
    [
        ("quotes", "i8"), ("decisions", "i8"), ("bid", "i8"), ("ask", "i8"), ("bid_size", "i8"), ("ask_size", "i8"),
        ("ts", "i8"), ("order_1s", "f8"), ("order_10s", "f8"), ("square_1s", "f8"), ("square_10s", "f8"),
    ],
    align=True,
)  # fmt: skip


@inlined
def surge_on_quote(s, bid, ask, bid_size, ask_size, now):
    """Add a valid quote's imbalance, after decay by the time passed."""
    if s.quotes > 0:
        e = 0
        if bid >= s.bid:
            e += bid_size
        if bid <= s.bid:
            e -= s.bid_size
        if ask <= s.ask:
            e -= ask_size
        if ask >= s.ask:
            e += s.ask_size
        passed = float(max(now - s.ts, 0))
        s.order_1s = s.order_1s * (_ONE_NS / (_ONE_NS + passed)) + e
        s.order_10s = s.order_10s * (_TEN_NS / (_TEN_NS + passed)) + e
    s.quotes += 1
    s.ts = now
    s.bid = bid
    s.ask = ask
    s.bid_size = bid_size
    s.ask_size = ask_size


@inlined
def _moved(square, x, n):
    """Move a mean square by x: a plain mean at first, then exponential; a large x counts as four roots of it."""
    if n < 50:
        return square + (x * x - square) / (n + 1)
    rate = max(_RATE, 1.0 / (n + 1.0))
    return square + rate * (min(x * x, _WIDE * square) - square)


@entry
def surge_score(s, now, warm, z_fire, fire):
    """Return the score, NaN without quotes and for the first decisions."""
    if s.quotes == 0:
        return NAN
    passed = float(max(now - s.ts, 0))
    one = s.order_1s * (_ONE_NS / (_ONE_NS + passed))
    ten = s.order_10s * (_TEN_NS / (_TEN_NS + passed))
    score = NAN
    if s.decisions >= warm:
        score = 0.0
        if one * ten > 0.0 and s.square_1s > 0.0 and s.square_10s > 0.0:
            z = sqrt(0.5 * (one * one / s.square_1s + ten * ten / s.square_10s))
            score = min(z * fire / z_fire, 1.0)
    s.square_1s = _moved(s.square_1s, one, s.decisions)
    s.square_10s = _moved(s.square_10s, ten, s.decisions)
    s.decisions += 1
    return score
