"""The exploration budget: what may be tried, when, and how much of the flow it may be.

Held at every prefix of a UTC day: E <= X (E + N), E and N the sent notional of exploring and of normal orders; and in
any 1,000 orders at most X of them explore. A bucket fills by X / (1 - X) of normal notional, up to 50 median orders, so
that a long quiet time is not spent at once; one of turns does the same for their number, up to 10: without it small
orders use up the count, and of log-normal sizes only 63% of X got through (measured). All amounts are int64 quanta and
every division rounds down, so the share is held exactly. X is 0 in live modes whatever is configured or permitted
(semantics §11).
"""

from enum import IntEnum
from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import inlined, kernel

SHARES_BPS = {"Sim": 1_000, "Paper": 500, "LiveShadow": 0, "Live": 0}  # X by mode, and its ceiling
CADENCE = 50
WINDOW = 1_000
CAP_ORDERS = 50
MOST_TURNS = 10
RING = 1_024  # orders kept, at least WINDOW
MEDIAN_OF = 101  # the latest normal orders that the median is of

FREEZE_WARNING, FREEZE_ALERT, FREEZE_OPERATOR, FREEZE_DRAWDOWN, FREEZE_NEAR_MISSES, FREEZE_GUARD = 1, 2, 4, 8, 16, 32
FOREVER = 1 << 62  # a permit of a session that asks nobody


class Verdict(IntEnum):
    """Why an exploring order may not go out; the first that holds is the reason."""

    GRANTED = 0
    LIVE = 1
    NO_SHARE = 2
    FROZEN = 3
    NO_PERMIT = 4
    PERMIT_EXPIRED = 5
    CADENCE = 6
    BAD_NOTIONAL = 7
    NO_NORMAL_FLOW = 8
    TOKENS = 9
    SHARE = 10
    COUNT = 11


# share_bps: X.  cadence: decisions between two mutants.  window: orders that the count is held over.  cap_orders: of
# the bucket, in median orders.  live: 1 in Live and LiveShadow.
BUDGET_PARAMS_DTYPE = np.dtype(
    [("share_bps", "i8"), ("cadence", "i8"), ("window", "i8"), ("cap_orders", "i8"), ("live", "i8")], align=True
)

# day: UTC day since 1970 that the sums are of.  normal, exploring: N and E, quanta.  remainder: of the bucket's last
# division.  frozen: causes, a bit each.  permit_*: the latest permit.  slots, last_slot: mutants granted, and at which
# decision the latest was.  verdict: of the latest question.  orders: booked ever.  explored: of the last `window`.
# turns: orders that may explore, in 1 / (10,000 - X).
# breaches: exploring orders that were booked beyond the share.  latest, sorted: normal orders for the median, by time
# and by size.  kinds, notionals: the last orders (kind 1 explored); window_*: sums of those notionals.
BUDGET_DTYPE = np.dtype(
    [
        ("day", "i8"), ("normal", "i8"), ("exploring", "i8"), ("tokens", "i8"), ("remainder", "i8"), ("frozen", "i8"),
        ("permit_bps", "i8"), ("permit_until_ns", "i8"), ("permit_epoch", "i8"), ("slots", "i8"), ("last_slot", "i8"),
        ("verdict", "i8"), ("orders", "i8"), ("explored", "i8"), ("breaches", "i8"), ("normals", "i8"), ("turns", "i8"),
        ("window_normal", "i8"), ("window_exploring", "i8"),
        ("latest", "i8", (MEDIAN_OF,)), ("sorted", "i8", (MEDIAN_OF,)),
        ("notionals", "i8", (RING,)), ("kinds", "u1", (RING,)),
    ],
    align=True,
)  # fmt: skip

_DAY_NS = 86_400_000_000_000
_WHOLE = 10_000
_MOST_BPS = 5_000
_MOST = 1 << 60  # quanta: no order can be worth more (semantics §0)
_FULL = 1 << 62  # where the day's sums stop, far beyond any account
_IN_WINDOW = 1 << 52  # an order's part in the rolling share is cut here, so that the sum of 1,000 fits
_MASK = RING - 1
_GRANTED = int(Verdict.GRANTED)
_LIVE = int(Verdict.LIVE)
_NO_SHARE = int(Verdict.NO_SHARE)
_FROZEN = int(Verdict.FROZEN)
_NO_PERMIT = int(Verdict.NO_PERMIT)
_PERMIT_EXPIRED = int(Verdict.PERMIT_EXPIRED)
_CADENCE = int(Verdict.CADENCE)
_BAD_NOTIONAL = int(Verdict.BAD_NOTIONAL)
_NO_NORMAL_FLOW = int(Verdict.NO_NORMAL_FLOW)
_TOKENS = int(Verdict.TOKENS)
_SHARE = int(Verdict.SHARE)
_COUNT = int(Verdict.COUNT)


def prepare_budget(
    params: Any,
    mode: str,
    *,
    share_bps: int | None = None,
    cadence: int = CADENCE,
    window: int = WINDOW,
    cap_orders: int = CAP_ORDERS,
) -> None:
    """Fill zeroed params. mode: Sim, Paper, LiveShadow, Live.  share_bps: X, the mode's own when not given.

    Raises InputError naming what to change.
    """
    if mode not in SHARES_BPS:
        raise InputError(f"exploration: mode {mode!r} is not known; use {', '.join(SHARES_BPS)}")
    most = SHARES_BPS[mode]
    share = most if share_bps is None else share_bps
    if not 0 <= share <= most:
        raise InputError(f"explorationBudget.maxFlowShareBps: {share} lies outside 0..{most}, the most in {mode}")
    if cadence < 1:
        raise InputError(f"explorationBudget.mutateEveryDecisions: {cadence} is below 1; raise it")
    if not 1 <= window <= WINDOW:
        raise InputError(f"explorationBudget.windowDecisions: {window} lies outside 1..{WINDOW}; choose one within")
    if not 1 <= cap_orders <= 1_000:
        raise InputError(f"exploration: a cap of {cap_orders} median orders lies outside 1..1000; choose one within")
    params.share_bps, params.cadence, params.window, params.cap_orders = share, cadence, window, cap_orders
    params.live = 1 if most == 0 else 0


def permit_for_good(state: Any, share_bps: int) -> None:
    """Give a zeroed state the permit of a session that asks nobody."""
    state.permit_bps, state.permit_until_ns, state.permit_epoch = share_bps, FOREVER, 1


def rolling_share(state: Any) -> float:
    """Return exploring notional over all notional of the last orders; 0 before the first."""
    total = int(state.window_normal) + int(state.window_exploring)
    return int(state.window_exploring) / total if total else 0.0


def share_of_day(state: Any) -> float:
    """Return exploring notional over all notional since the UTC day began; 0 before the first order."""
    total = int(state.normal) + int(state.exploring)
    return int(state.exploring) / total if total else 0.0


@inlined
def _part(notional, bps):
    """Return floor(notional * bps / (10,000 - bps)), exact without overflow. bps: 0..5,000."""
    rest = _WHOLE - bps
    return (notional // rest) * bps + (notional % rest) * bps // rest


@inlined
def _begin_day(s, now_ns):
    """Begin the sums anew on a later UTC day; a clock set back stays in the day it was in."""
    day = now_ns // _DAY_NS
    if day > s.day:
        s.day = day
        s.normal = 0
        s.exploring = 0
        s.tokens = 0
        s.remainder = 0


@inlined
def _share_now(s, p):
    """Return X as budget and permit allow it, in bps."""
    return max(min(min(p.share_bps, s.permit_bps), _MOST_BPS), 0)


@inlined
def barred(s, p, now_ns):
    """Return why nobody may explore now, whatever the order."""
    if p.live != 0:
        return _LIVE
    if p.share_bps <= 0:
        return _NO_SHARE
    if s.frozen != 0:
        return _FROZEN
    if s.permit_bps <= 0:
        return _NO_PERMIT
    return _PERMIT_EXPIRED if now_ns >= s.permit_until_ns else _GRANTED


@inlined
def _too_many(s, p, share):
    """Tell whether one more exploring order would break the bound on their number."""
    if s.turns < _WHOLE - p.share_bps:
        return True
    leaving = s.kinds[(s.orders - p.window) & _MASK] if s.orders >= p.window else 0
    return (s.explored - leaving + 1) * _WHOLE > share * p.window


@kernel
def _beyond(s, p, notional):
    """Return which bound an exploring order of this notional would break."""
    share = _share_now(s, p)
    if not 0 < notional <= _MOST:
        return _BAD_NOTIONAL
    if s.normal <= 0:
        return _NO_NORMAL_FLOW
    if notional > s.tokens:
        return _TOKENS
    if notional > _part(s.normal, share) - s.exploring:
        return _SHARE
    return _COUNT if _too_many(s, p, share) else _GRANTED


@kernel
def room(s, p, now_ns):
    """Return the largest notional that `covers` grants now, 0 when none; `verdict` stays as it was."""
    _begin_day(s, now_ns)
    share = _share_now(s, p)
    if barred(s, p, now_ns) != _GRANTED or s.normal <= 0 or _too_many(s, p, share):
        return 0
    return max(min(min(s.tokens, _part(s.normal, share) - s.exploring), _MOST), 0)


@kernel
def covers(s, p, now_ns, notional):
    """Return 1 when a running mutant may send an exploring order of this notional, else 0; `verdict` says why.

    notional: quanta.  now_ns: the clock that permits expire on.
    """
    _begin_day(s, now_ns)
    verdict = barred(s, p, now_ns)
    if verdict == _GRANTED:
        verdict = _beyond(s, p, notional)
    s.verdict = verdict
    return 1 if verdict == _GRANTED else 0


@kernel
def offer(s, p, now_ns, decisions, notional):
    """Return 1 when a new mutant may start with an order of this notional, else 0; `verdict` says why.

    At most one is granted in `cadence` decisions. decisions: count of the strategy's decisions, never falling; after a
    fall the next grant waits a whole cadence. A grant is of the slot only: each order asks `covers` and is booked.
    """
    _begin_day(s, now_ns)
    verdict = barred(s, p, now_ns)
    if verdict == _GRANTED and s.slots > 0:
        s.last_slot = min(s.last_slot, decisions)
        if decisions - s.last_slot < p.cadence:
            verdict = _CADENCE
    if verdict == _GRANTED:
        verdict = _beyond(s, p, notional)
    s.verdict = verdict
    if verdict != _GRANTED:
        return 0
    s.slots += 1
    s.last_slot = decisions
    return 1


@kernel
def _keep_for_median(s, notional):
    """Add a normal order to the latest 101, by time and by size; the oldest leaves."""
    at = s.normals % MEDIAN_OF
    sizes = s.sorted
    count = min(s.normals, MEDIAN_OF)
    if s.normals >= MEDIAN_OF:
        gone = s.latest[at]
        k = 0
        while sizes[k] != gone:
            k += 1
        count -= 1
        while k < count:
            sizes[k] = sizes[k + 1]
            k += 1
    k = count
    while k > 0 and sizes[k - 1] > notional:
        sizes[k] = sizes[k - 1]
        k -= 1
    sizes[k] = notional
    s.latest[at] = notional
    s.normals += 1


@kernel
def _fill_bucket(s, p, notional):
    """Add X / (1 - X) of a normal order to the bucket, up to its cap; the remainder is carried on."""
    share = max(min(p.share_bps, _MOST_BPS), 0) if p.live == 0 else 0
    rest = _WHOLE - share
    upper = (notional % rest) * share + s.remainder
    s.remainder = upper % rest
    median = s.sorted[(min(s.normals, MEDIAN_OF) - 1) // 2]
    cap = min(median, _FULL // p.cap_orders) * p.cap_orders
    s.tokens = min(s.tokens + (notional // rest) * share + upper // rest, cap)
    s.turns = min(s.turns + share, MOST_TURNS * rest)


@kernel
def _keep_in_window(s, p, exploring, notional):
    """Add an order to the last ones; the one that leaves the window is no longer counted."""
    if s.orders >= p.window:
        old = (s.orders - p.window) & _MASK
        if s.kinds[old] != 0:
            s.explored -= 1
            s.window_exploring -= s.notionals[old]
        else:
            s.window_normal -= s.notionals[old]
    at = s.orders & _MASK
    part = min(notional, _IN_WINDOW)
    s.notionals[at] = part
    s.kinds[at] = exploring
    if exploring != 0:
        s.explored += 1
        s.window_exploring += part
    else:
        s.window_normal += part
    s.orders += 1


@kernel
def book(s, p, exploring, notional, now_ns):
    """Book an order that was sent; return 1 when the share is held with it.

    exploring: 1 or 0.  notional: quanta; nothing is booked for none. An exploring order that nobody granted is booked
    all the same, as it is out: it is a breach, and the bucket is below zero until normal flow has made it good.
    """
    if notional <= 0:
        return 1
    _begin_day(s, now_ns)
    notional = min(notional, _MOST)
    _keep_in_window(s, p, 1 if exploring != 0 else 0, notional)
    if exploring == 0:
        s.normal = min(s.normal + notional, _FULL)
        _keep_for_median(s, notional)
        _fill_bucket(s, p, notional)
        return 1
    s.exploring = min(s.exploring + notional, _FULL)
    s.tokens = max(s.tokens - notional, -_FULL)
    share = max(min(p.share_bps, _MOST_BPS), 0) if p.live == 0 else 0
    s.turns = max(s.turns - (_WHOLE - share), -_FULL)
    if s.exploring > _part(s.normal, share):
        s.breaches += 1
        return 0
    return 1


@kernel
def freeze(s, cause):
    """Explore nothing while a cause holds. cause: FREEZE_* bits."""
    s.frozen |= cause


@kernel
def release(s, cause):
    """Let go of a cause. cause: FREEZE_* bits."""
    s.frozen &= ~cause


@kernel
def permit(s, share_bps, until_ns, epoch):
    """Take a permit; return 1 when it was taken. One of a lower epoch is not: its writer has been replaced.

    until_ns: on our own clock, when it was asked for plus its time to live; FOREVER where nobody is asked.
    """
    if epoch < s.permit_epoch:
        return 0
    s.permit_epoch = epoch
    s.permit_bps = share_bps
    s.permit_until_ns = until_ns
    return 1
