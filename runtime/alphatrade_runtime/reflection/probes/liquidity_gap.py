"""Probe 4: the book is thin, or its spread is wide, against what it mostly is.

Displayed size and spread are averaged over about a second, so that a flicker is no gap, and held against running
medians at decisions. Displayed size is that of the three best levels where the feed has depth, else of the best of
both sides: with the top of the book only, a gap behind it is not seen. A book with an empty side is a gap of 1.
"""

import numpy as np

from alphatrade_runtime.numerics.jit import entry, hot, inlined
from alphatrade_runtime.numerics.math import NAN

_ONE_NS = 1e9
_FIRST_STEP = 1.05  # a median moves by so much a decision, later by less
_LATER_STEP = 1.005
_SETTLED = 200

# shown, spread: averages in lots and ticks at `ts`, of latest_*; depth: lots of the best three levels, both sides.
# empty: 1 a side of the book is empty.  crossed: 1 the quote is no use.
GAP_DTYPE = np.dtype(
    [
        ("quotes", "i8"), ("decisions", "i8"), ("ts", "i8"), ("depths", "i8"), ("latest_size", "f8"),
        ("latest_spread", "f8"), ("depth", "f8"), ("shown", "f8"), ("spread", "f8"), ("median_size", "f8"),
        ("median_spread", "f8"), ("empty", "i8"), ("crossed", "i8"), ("with_depth", "i8"),
    ],
    align=True,
)  # fmt: skip


@inlined
def _average(g, now):
    """Bring the averages up to now with what was displayed until now."""
    passed = float(max(now - g.ts, 0))
    keep = _ONE_NS / (_ONE_NS + passed)
    g.shown = g.latest_size + (g.shown - g.latest_size) * keep
    g.spread = g.latest_spread + (g.spread - g.latest_spread) * keep
    g.ts = max(now, g.ts)


@inlined
def gap_on_quote(g, bid, ask, bid_size, ask_size, now):
    """Take a quote; one without a side is a gap, one that is crossed is left out."""
    g.empty = 1 if bid <= 0 or ask <= 0 else 0
    g.crossed = 1 if 0 < ask <= bid else 0
    if g.empty != 0 or g.crossed != 0:
        return
    if g.quotes > 0:
        _average(g, now)
    spread = float(ask - bid)
    size = g.depth if g.depths > 0 else float(bid_size + ask_size)
    if g.quotes == 0:
        g.shown = size
        g.spread = spread
        g.ts = now
    g.latest_size = size
    g.latest_spread = spread
    g.quotes += 1


@inlined
def gap_on_depth(g, lots, now):
    """Take the lots of the three best levels of both sides together."""
    if g.depths == 0:  # sizes of one level and of three are not compared
        g.decisions = 0
        g.shown = float(lots)
    elif g.quotes > 0:
        _average(g, now)
    g.depth = float(lots)
    g.latest_size = g.depth
    g.depths += 1


@hot
def _median(median, x, n):
    """Move a running median one step towards x."""
    if n == 0:
        return x
    step = _FIRST_STEP if n < _SETTLED else _LATER_STEP
    if x > median:
        return median * step
    if x < median:
        return median / step
    return median


@hot
def _thin(size, median, threshold, fire):
    """Score a size: 0 from the median up, `fire` at threshold x median, 1 at nothing."""
    ratio = size / median
    if ratio >= threshold:
        return max(fire * (1.0 - ratio) / (1.0 - threshold), 0.0)
    return fire + (1.0 - fire) * (threshold - ratio) / threshold


@hot
def _wide(spread, median, threshold, fire):
    """Score a spread: 0 up to the median, `fire` at threshold x median, 1 at twice that."""
    ratio = spread / median
    if ratio <= threshold:
        return max(fire * (ratio - 1.0) / (threshold - 1.0), 0.0)
    return min(fire + (1.0 - fire) * (ratio - threshold) / threshold, 1.0)


@entry
def gap_score(g, now, warm, least_depth, most_spread, fire):
    """Return the score, NaN without quotes, on a crossed one, and for the first decisions."""
    if g.quotes == 0 or g.crossed != 0:
        return NAN
    known = g.decisions >= warm
    if g.empty != 0:
        return 1.0 if known else NAN
    _average(g, now)
    score = NAN
    if known and g.median_size > 0.0:
        thin = _thin(g.shown, g.median_size, least_depth, fire)
        score = max(thin, _wide(g.spread, g.median_spread, most_spread, fire))
    g.median_size = _median(g.median_size, g.shown, g.decisions)
    g.median_spread = _median(g.median_spread, g.spread, g.decisions)
    g.decisions += 1
    return score
