"""Follow each action for 100 decisions of its instrument, then record what became of it.

Nothing is touched a decision but one ring of mids: an action's extremes are read from it when its row is due.
"""

import numpy as np

from alphatrade_runtime.loop.core import MAX_PENDING, MID_RING, OUT_EXPOST, OUT_ROWS
from alphatrade_runtime.loop.emit import count_row
from alphatrade_runtime.numerics.jit import inlined, kernel

HORIZON = 100  # decisions; MID_RING holds more
NEVER = 1 << 62
_PENDING_MASK = MAX_PENDING - 1
_MID_MASK = MID_RING - 1


@inlined
def _extremes(ring, first, n, start):
    """Return the least and greatest of `start` and n items of a ring, in two runs that compile to SIMD."""
    low = start
    high = start
    head = first & _MID_MASK
    split = min(head + n, MID_RING)
    for k in range(head, split):
        low = min(low, ring[np.uint64(k)])
        high = max(high, ring[np.uint64(k)])
    for k in range(n - (split - head)):
        low = min(low, ring[np.uint64(k)])
        high = max(high, ring[np.uint64(k)])
    return low, high


@kernel
def _expost_row(c, i):
    """Append the row of the oldest followed action of instrument i, and let go of it."""
    pending = c.pending[i, c.pending_head[i] & _PENDING_MASK]
    c.pending_head[i] += 1
    since = pending.since
    age = min(c.plans[i].decisions - since, HORIZON)
    low, high = _extremes(c.mids[i], since + 1, age, pending.ref2)
    row = c.out_expost[c.out_n[OUT_EXPOST]]
    count_row(c, OUT_EXPOST)
    row.seq = pending.seq
    row.decision_id = pending.decision_id
    row.event_ts_ns = c.account[0].now
    row.order_id = pending.order_id
    row.fills = pending.fills
    row.filled_lots = pending.filled_lots
    row.filled_value = pending.filled_value
    row.fees = pending.fees
    row.ref2 = pending.ref2
    row.mid2_1 = c.mids[i, (since + 1) & _MID_MASK] if age >= 1 else 0
    row.mid2_10 = c.mids[i, (since + 10) & _MID_MASK] if age >= 10 else 0
    row.mid2_100 = c.mids[i, (since + HORIZON) & _MID_MASK] if age >= HORIZON else 0
    row.worst2 = low if pending.side > 0 else high
    row.best2 = high if pending.side > 0 else low
    row.instrument = i
    row.side = pending.side
    row.complete = 1 if age >= HORIZON else 0


@kernel
def follow(c, i, order):
    """Start following an action; the oldest one gives way, incomplete, when 256 are followed."""
    if c.pending_tail[i] - c.pending_head[i] == MAX_PENDING:
        _expost_row(c, i)
    pending = c.pending[i, c.pending_tail[i] & _PENDING_MASK]
    c.pending_tail[i] += 1
    c.follow_due[i] = min(c.follow_due[i], c.plans[i].decisions + HORIZON)
    pending.seq = c.account[0].seq
    pending.decision_id = order.decision_id
    pending.order_id = order.order_id
    pending.since = c.plans[i].decisions
    pending.ref2 = order.ref2
    pending.side = order.side
    pending.fills = 0
    pending.filled_lots = 0
    pending.filled_value = 0
    pending.fees = 0


@kernel
def follow_fill(c, i, order_id, qty, value, fee):
    """Add a fill to the followed action of its order, if it is still followed."""
    for k in range(c.pending_tail[i] - 1, c.pending_head[i] - 1, -1):  # the newest first: most fills are theirs
        pending = c.pending[i, k & _PENDING_MASK]
        if pending.order_id == order_id:
            pending.fills += 1
            pending.filled_lots += qty
            pending.filled_value += value
            pending.fees += fee
            return


@kernel
def _emit_due(c, i, decisions):
    """Emit the actions that are 100 decisions old, and note when the next one will be."""
    due = NEVER
    while c.pending_head[i] < c.pending_tail[i]:
        due = c.pending[i, c.pending_head[i] & _PENDING_MASK].since + HORIZON
        if due > decisions:
            break
        _expost_row(c, i)
        due = NEVER
    c.follow_due[i] = due


@inlined
def follow_decision(c, i, mid2):
    """Note the mid of a decision of instrument i, already counted; emit the actions that are 100 old."""
    decisions = c.plans[i].decisions
    c.mids[i, np.uint64(decisions) & np.uint64(_MID_MASK)] = mid2
    if decisions >= c.follow_due[i]:
        _emit_due(c, i, decisions)


@kernel
def finish_followed(c):
    """Emit what is still followed at the end of a session, as incomplete."""
    for i in range(c.loop[0].instruments):
        while c.pending_head[i] < c.pending_tail[i] and c.out_n[OUT_EXPOST] < OUT_ROWS:
            _expost_row(c, i)
