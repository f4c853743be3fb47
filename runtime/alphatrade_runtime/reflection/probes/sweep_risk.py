"""Probe 2: takers are walking the book.

A sweep is a run of trades of one side within 500 ms that reaches a second price level, away from the first, after
at least the size that was displayed at the best when the run began; each further level counts again. Sweeps excite
an intensity that decays exponentially with a half-life of 5 s (Hawkes), one for each side; the score is its excess
over the ordinary, which is the same sum with a half-life of 10 minutes.
"""

from math import sqrt

import numpy as np

from alphatrade_runtime.numerics.jit import entry, inlined, kernel
from alphatrade_runtime.numerics.math import NAN, exp_det

RUN_NS = 500_000_000
_DECAY = 0.6931471805599453 / 5e9  # a nanosecond
_SLOW_DECAY = 0.6931471805599453 / 600e9
_ORDINARY = 5.0 / 600.0  # of the slow sum to the fast one, when sweeps come evenly

# bid_size, ask_size: displayed at the best, lots.  side, start, edge, lots, shown, levels: of the run under way.
# fast, slow: intensities of buyers [0] and sellers [1] at `ts`.
SWEEP_DTYPE = np.dtype(
    [
        ("trades", "i8"), ("bid_size", "i8"), ("ask_size", "i8"), ("side", "i8"), ("start", "i8"), ("edge", "i8"),
        ("lots", "i8"), ("shown", "i8"), ("levels", "i8"), ("counted", "i8"), ("ts", "i8"), ("fast", "f8", (2,)),
        ("slow", "f8", (2,)),
    ],
    align=True,
)  # fmt: skip


@inlined
def sweep_on_quote(s, bid_size, ask_size):
    """Note what is displayed."""
    s.bid_size = bid_size
    s.ask_size = ask_size


@kernel
def _decay(s, now):
    passed = float(max(now - s.ts, 0))
    fast = exp_det(-_DECAY * passed)
    slow = exp_det(-_SLOW_DECAY * passed)
    for k in range(2):
        s.fast[k] *= fast
        s.slow[k] *= slow
    s.ts = max(now, s.ts)


@kernel
def sweep_on_trade(s, price, size, side, now):
    """Take a trade into its run; side +1: a buyer took."""
    s.trades += 1
    if side != s.side or now - s.start > RUN_NS or now < s.start:
        s.side = side
        s.start = now
        s.edge = price
        s.lots = 0
        s.levels = 1
        s.counted = 1
        s.shown = s.ask_size if side > 0 else s.bid_size
    s.lots += size
    if (price - s.edge) * side > 0:
        s.edge = price
        s.levels += 1
    if s.levels > s.counted and s.lots >= s.shown:
        _decay(s, now)
        k = 0 if side > 0 else 1
        s.fast[k] += s.levels - s.counted
        s.slow[k] += s.levels - s.counted
        s.counted = s.levels


@entry
def sweep_score(s, now, least_trades, excess_fire, fire):
    """Return the score, NaN until there were enough trades."""
    if s.trades < least_trades:
        return NAN
    _decay(s, now)
    worst = 0.0
    for k in range(2):
        ordinary = s.slow[k] * _ORDINARY
        worst = max(worst, (s.fast[k] - ordinary) / sqrt(max(ordinary, 1.0)))
    return min(worst * fire / excess_fire, 1.0)
