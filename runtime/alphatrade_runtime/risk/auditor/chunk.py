"""Put the record streams back into the order in which things happened, and audit row by row.

A step writes, under its seq: guards of its rows, reports that came before it, orders, money; then, still
under that seq, reports that come before the next row. Each FILL row is told of by the ORDER row that follows
it (event = REPORTED + FILL), so ORDER rows say when a fill was booked.
"""

from alphatrade_runtime.market.orders import Report
from alphatrade_runtime.numerics.jit import entry, inlined, kernel
from alphatrade_runtime.risk.auditor.equity import audit_equity
from alphatrade_runtime.risk.auditor.fills import audit_fill
from alphatrade_runtime.risk.auditor.orders import audit_order
from alphatrade_runtime.risk.auditor.rules import Rule
from alphatrade_runtime.risk.auditor.state import note
from alphatrade_runtime.risk.codes import Guard, KillState

REPORTED = 100  # an ORDER row's event: a Command below it, REPORTED + Report above
_FILL_EVENT = REPORTED + int(Report.FILL)
_NEVER = 2**62
_ARMED = int(KillState.ARMED)
_BREAK = int(Guard.RECONCILE_BREAK)


@inlined
def in_order(last, row, book):
    """SEQUENCE: a stream never runs backwards. Returns the higher of the two."""
    if row.seq < last:
        note(book, Rule.SEQUENCE.value, row.seq, row.ts_ns, row.order_id, -1, last, row.seq)
    return max(last, row.seq)


@inlined
def move_guards(guards, g, seq, book):
    """Take the guards before a step; tell its orders whether the latch trips or is released in the same step."""
    while g < len(guards) and guards[g].seq < seq:
        book.kill_state = guards[g].kill_state
        book.kill_mode = guards[g].kill_mode
        if guards[g].slippage_bps > 0:
            book.flatten_bps = guards[g].slippage_bps
        g += 1
    book.arming, book.tripping = 0, 0
    k = g
    while k < len(guards) and guards[k].seq == seq:
        if guards[k].kill_state == _ARMED:
            book.arming = 1
        else:
            book.tripping = 1
            book.flatten_bps = max(book.flatten_bps, guards[k].slippage_bps)
        k += 1
    return g


@inlined
def first_break(guards, book):
    """Remember the step of the first reconciliation break: from then on fills may come that fit no open order."""
    for k in range(len(guards)):
        if guards[k].guard == _BREAK:
            book.break_seq = min(book.break_seq, guards[k].seq)


@inlined
def comes_after(order, equity, book):
    """True when an ORDER row happened after an EQUITY row: a later step, or a report that this step still awaited."""
    if order.seq != equity.seq:
        return order.seq > equity.seq
    return order.ts_ns > equity.ts_ns or (order.event >= REPORTED and book.command_seq == order.seq)


@inlined
def fill_told_of(fills, f, order):
    """Return the place after the fill that an ORDER row tells of, or f when it is not there."""
    k = f
    while k < len(fills) and fills[k].seq <= order.seq:
        if fills[k].order_id == order.order_id:
            return k + 1
        k += 1
    return f


@inlined
def fills_before(fills, f, seq, ts_ns):
    """Return the first FILL row that is later than a moment of step `seq`."""
    while f < len(fills) and (fills[f].seq < seq or (fills[f].seq == seq and fills[f].ts_ns <= ts_ns)):
        f += 1
    return f


@kernel
def audit_fills(fills, f, stop, ids, slots, execs, instruments, book, limits):
    """Audit FILL rows f..stop-1; return stop."""
    for k in range(f, stop):
        book.fill_seq = in_order(book.fill_seq, fills[k], book)
        audit_fill(fills, k, ids, slots, execs, instruments, book, limits)
    return stop


@entry
def audit_chunk(orders, fills, guards, marks, equity, ids, slots, execs, instruments, books, limit_rows):
    """Audit rows that follow on those of the last call; state and findings are written in place."""
    book = books[0]
    limits = limit_rows[0]
    first_break(guards, book)
    f, g, m, e = 0, 0, 0, 0
    shown = -1
    for o in range(len(orders)):
        order = orders[o]
        book.tick += 1
        book.order_seq = in_order(book.order_seq, order, book)
        while e < len(equity) and equity[e].seq != shown and comes_after(order, equity[e], book):
            until = equity[e].ts_ns if order.seq > equity[e].seq or order.ts_ns > equity[e].ts_ns else 0
            stop = fills_before(fills, f, equity[e].seq, until)
            f = audit_fills(fills, f, stop, ids, slots, execs, instruments, book, limits)
            m = audit_equity(equity, e, marks, m, instruments, book, limits)
            shown = equity[e].seq if equity[e].seq == order.seq else -1
            e += 1
        stop = fills_before(fills, f, order.seq, 0)
        if order.event == _FILL_EVENT:
            stop = fill_told_of(fills, stop, order)
        if stop > f:
            f = audit_fills(fills, f, stop, ids, slots, execs, instruments, book, limits)
        g = move_guards(guards, g, order.seq, book)
        audit_order(order, ids, slots, instruments, book, limits)
        if order.event < REPORTED:
            book.command_seq = order.seq
    while e < len(equity):
        stop = fills_before(fills, f, equity[e].seq, equity[e].ts_ns)
        f = audit_fills(fills, f, stop, ids, slots, execs, instruments, book, limits)
        m = audit_equity(equity, e, marks, m, instruments, book, limits)
        e += 1
    audit_fills(fills, f, len(fills), ids, slots, execs, instruments, book, limits)
    move_guards(guards, g, _NEVER, book)
