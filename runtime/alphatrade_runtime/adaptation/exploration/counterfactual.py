"""Price a candidate order both ways on one book, and hold it to its bounds against the incumbent.

Costs are bps of the mid; fees stand in their own columns.

Aggressive: cross. Displayed size at the far touch, then one tick worse for each further displayed size, as the
simulated exchange fills a taker on quotes (semantics §24). C_aggr = half the spread + the mean of ticks walked.

Passive: join the near touch at the end of its queue, cross with what is left at the end of the horizon. The whole order
is filled when takers trade at least the displayed size and our lots against our side; that volume is taken as
exponential with the mean that the recent flow expects, the least that is assumed when only a mean is known:
p = exp(-(ahead + lots) / expected). C_pass = p · (-half the spread) + (1 - p) · C_aggr.
"""

from enum import IntEnum
from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import hot, inlined, kernel
from alphatrade_runtime.numerics.math import exp_det


class Finding(IntEnum):
    """What became of a candidate. CLIP_*: may go, within bounds; PAPER_*: belongs to Paper; the rest have no price."""

    WITHIN = 0
    CLIP_SIZE = 1
    CLIP_COST = 2
    PAPER_SIZE = 3
    PAPER_COST = 4
    EMPTY_BOOK = 5
    CROSSED_BOOK = 6
    NO_DEPTH = 7
    BAD_ORDER = 8
    NO_INCUMBENT = 9


# Sizes are shares of the largest position.
GUARD_PARAMS_DTYPE = np.dtype(
    [("most_up", "f8"), ("most_down", "f8"), ("cost_bps", "f8"), ("cost_spreads", "f8")], align=True
)

# What takers lately bought and sold, lots, decayed over 10 s as T / (T + t).
TAKEN_DTYPE = np.dtype([("bought", "f8"), ("sold", "f8"), ("ts_ns", "i8")], align=True)

# size_delta: candidate less incumbent, along the incumbent.  share: what may be held, the candidate's or clipped.
# cross: 1 when the order may take.  cost_gap_bps, cost_bound_bps: C_aggr - C_pass and the most it may be.
PRICED_DTYPE = np.dtype(
    [
        ("passive_cost_bps", "f8"), ("passive_fill_probability", "f8"), ("passive_fee_bps", "f8"),
        ("aggressive_cost_bps", "f8"), ("aggressive_fee_bps", "f8"), ("size_delta", "f8"), ("share", "f8"),
        ("cost_gap_bps", "f8"), ("cost_bound_bps", "f8"), ("finding", "i8"), ("cross", "i8"),
    ],
    align=True,
)  # fmt: skip

_NAN = float("nan")
_INF = float("inf")
_BPS = 1e4
_E7_TO_BPS = 1e-3
_SLACK = 1e-9  # shares differ by rounding
_DECAY_NS = 1e10
_DECAY_S = 10.0
_WITHIN = int(Finding.WITHIN)
_CLIP_SIZE = int(Finding.CLIP_SIZE)
_CLIP_COST = int(Finding.CLIP_COST)
_PAPER_SIZE = int(Finding.PAPER_SIZE)
_PAPER_COST = int(Finding.PAPER_COST)
_EMPTY_BOOK = int(Finding.EMPTY_BOOK)
_CROSSED_BOOK = int(Finding.CROSSED_BOOK)
_NO_DEPTH = int(Finding.NO_DEPTH)
_BAD_ORDER = int(Finding.BAD_ORDER)
_NO_INCUMBENT = int(Finding.NO_INCUMBENT)


def prepare_guard(
    params: Any, *, most_up: float = 0.20, most_down: float = 0.35, cost_bps: float = 3.0, cost_spreads: float = 1.5
) -> None:
    """Fill zeroed params with the bounds of a candidate. Raises InputError for one that is negative or not finite."""
    given = {"most_up": most_up, "most_down": most_down, "cost_bps": cost_bps, "cost_spreads": cost_spreads}
    for name, value in given.items():
        if not 0.0 <= value < _INF:
            raise InputError(f"guardrail {name}: {value} is no bound; give 0 or more")
        params[name] = value


@hot
def count_taken(taken, side, size, now_ns):
    """Count a trade. side: +1 a taker bought, -1 one sold, 0 unknown and not counted.  size: lots."""
    keep = _DECAY_NS / (_DECAY_NS + float(max(now_ns - taken.ts_ns, 0)))
    taken.bought = taken.bought * keep + (size if side > 0 else 0)
    taken.sold = taken.sold * keep + (size if side < 0 else 0)
    taken.ts_ns = now_ns


@hot
def expected_against(taken, side, now_ns, horizon_s):
    """Return the lots that takers are expected to trade against a resting order within a horizon.

    side: of our order, +1 buy.  A steady flow of r lots a second leaves 10 r in the decayed sum.
    """
    keep = _DECAY_NS / (_DECAY_NS + float(max(now_ns - taken.ts_ns, 0)))
    flow = taken.sold if side > 0 else taken.bought
    return flow * keep * horizon_s / _DECAY_S


@inlined
def _unpriced(out, finding, incumbent):
    out.passive_cost_bps = _NAN
    out.passive_fill_probability = _NAN
    out.passive_fee_bps = _NAN
    out.aggressive_cost_bps = _NAN
    out.aggressive_fee_bps = _NAN
    out.size_delta = _NAN
    out.share = incumbent
    out.cost_gap_bps = _NAN
    out.cost_bound_bps = _NAN
    out.finding = finding
    out.cross = 0


@inlined
def _unavailable(view, side, lots, share, incumbent):
    """Return why there is nothing to price."""
    if view.bid <= 0 or view.ask <= 0:
        return _EMPTY_BOOK
    if view.bid >= view.ask:
        return _CROSSED_BOOK
    if lots <= 0 or (side != 1 and side != -1) or not -1.0 <= share <= 1.0:
        return _BAD_ORDER
    if not -1.0 <= incumbent <= 1.0:
        return _NO_INCUMBENT
    shown = view.ask_size if side > 0 else view.bid_size
    if shown <= 0:
        return _NO_DEPTH
    deepest = (lots - 1) // shown
    return _NO_DEPTH if side < 0 and view.bid - deepest <= 0 else _WITHIN


@inlined
def _walked_ticks(shown, lots):
    """Return the mean ticks beyond the touch that a taker of `lots` pays when every level shows `shown`."""
    full = lots // shown
    rest = lots - full * shown
    levels = float(full)
    return (float(shown) * (levels * (levels - 1.0) * 0.5) + float(rest) * levels) / float(lots)


@kernel
def _price(out, view, expected, side, lots, maker_fee_e7, taker_fee_e7):
    """Price both ways on a book that is there."""
    per_mid = 2.0 * _BPS / float(view.bid + view.ask)
    half = 0.5 * float(view.ask - view.bid) * per_mid
    shown = view.ask_size if side > 0 else view.bid_size
    ahead = view.bid_size if side > 0 else view.ask_size
    aggressive = half + _walked_ticks(shown, lots) * per_mid
    filled = 0.0
    if 0.0 < expected < _INF:
        filled = exp_det(-float(max(ahead, 0) + lots) / expected)
    out.passive_fill_probability = filled
    out.aggressive_cost_bps = aggressive
    out.passive_cost_bps = filled * -half + (1.0 - filled) * aggressive
    maker = maker_fee_e7 * _E7_TO_BPS
    taker = taker_fee_e7 * _E7_TO_BPS
    out.aggressive_fee_bps = taker
    out.passive_fee_bps = filled * maker + (1.0 - filled) * taker
    return half


@kernel
def _guard(out, p, half, share, incumbent):
    """Hold the candidate to its bounds: what breaks one and raises risk goes to Paper, what lowers it is clipped."""
    along = 1.0 if incumbent > 0.0 or (incumbent == 0.0 and share >= 0.0) else -1.0
    out.size_delta = (share - incumbent) * along
    out.cost_gap_bps = out.aggressive_cost_bps - out.passive_cost_bps
    out.cost_bound_bps = max(p.cost_bps, p.cost_spreads * 2.0 * half)
    out.share = share
    out.cross = 1
    out.finding = _WITHIN
    more = abs(share) - abs(incumbent)
    if more > p.most_up + _SLACK:
        out.finding = _PAPER_SIZE
    elif out.cost_gap_bps > out.cost_bound_bps:
        out.finding = _PAPER_COST if more > 0.0 else _CLIP_COST
        out.cross = 0
    if out.finding >= _PAPER_SIZE:
        out.share = incumbent
        out.cross = 0
    elif -out.size_delta > p.most_down + _SLACK:
        out.share = incumbent - along * p.most_down
        out.finding = _CLIP_SIZE


@kernel
def price_both(out, p, view, expected, side, lots, share, incumbent, maker_fee_e7, taker_fee_e7):
    """Price a candidate passive and aggressive on the same book, compare it with the incumbent; return the finding.

    out: a record of PRICED_DTYPE, written.  view: bid, ask (ticks), bid_size, ask_size (lots).  expected: lots that
    takers should trade against our side while the order rests (`expected_against`).  side: +1 buy, -1 sell.  lots: of
    the order.  share, incumbent: what candidate and incumbent want to hold, share of the largest position; an incumbent
    of NaN is none, and without one nothing is tried. An empty book (bar tapes), a crossed or locked one, and one
    without size have no price, each its finding; the share is then the incumbent's.
    """
    finding = _unavailable(view, side, lots, share, incumbent)
    if finding != _WITHIN:
        _unpriced(out, finding, incumbent)
        return finding
    half = _price(out, view, expected, side, lots, maker_fee_e7, taker_fee_e7)
    _guard(out, p, half, share, incumbent)
    return out.finding
