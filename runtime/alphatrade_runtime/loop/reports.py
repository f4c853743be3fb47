"""Take execution reports into our books."""

from alphatrade_runtime.execution.orders import (
    EVENT_REPORT,
    advance,
    book_fill,
    find_slot,
    is_terminal,
    note_break,
    seen_execution,
)
from alphatrade_runtime.loop.act import drop
from alphatrade_runtime.loop.emit import fill_row, guard_row, order_row
from alphatrade_runtime.loop.follow import follow_fill
from alphatrade_runtime.loop.mind_call import call_mind
from alphatrade_runtime.market.orders import Report
from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.risk.codes import Guard
from alphatrade_runtime.risk.equity import on_nav

_ACCEPTED = int(Report.ACCEPTED)
_FILL = int(Report.FILL)
_BREAK = int(Guard.RECONCILE_BREAK)


@kernel
def _book(c, report, decision_id, topology, purpose, ref2):
    i = report.instrument
    account = c.account[0]
    fee = book_fill(
        account, c.exposures[i], c.views[i], c.instruments[i], report.side, report.price, report.qty, report.maker,
        account.now,
    )  # fmt: skip
    on_nav(account, c.limits[0])
    fill_row(c, report, decision_id, fee, topology, purpose)
    follow_fill(c, i, report.order_id, report.qty, report.qty * report.price * c.instruments[i].mult, fee)
    c.loop[0].fills += 1
    if c.loop[0].booked != 0:
        call_mind(c.loop[0].booked, c, c.loop[0].mind, i, ref2)


@kernel
def _unexplained(c, report):
    """A report that fits no working order: a fill is booked all the same, and only reductions may leave."""
    account = c.account[0]
    account.max_order_id = max(account.max_order_id, report.order_id)
    if report.type == _FILL:
        _book(c, report, 0, 0, 0, 0)
    elif report.type != _ACCEPTED:
        return  # a late word about an order that has ended changes nothing
    c.loop[0].breaks += 1
    if account.reduce_only & 2 == 0:
        note_break(account)
        guard_row(c, _BREAK)


@kernel
def on_report(c, report, now):
    """Take one report at local time `now`. report: REPORT_DTYPE record."""
    account = c.account[0]
    account.now = max(account.now, now)
    if report.type == _FILL and report.exec_id > 0 and seen_execution(c.exec_seen, report.exec_id):
        return
    i = report.instrument
    slot = find_slot(c.slots, c.active, c.exposures, i, report.order_id)
    if slot < 0:
        _unexplained(c, report)
        return
    order = c.slots[slot]
    if report.type == _FILL:
        _book(c, report, order.decision_id, order.topology, order.purpose, order.ref2)
    else:
        c.loop[0].acks += 1
    if not advance(order, c.exposures[i], report):
        c.loop[0].breaks += 1
        if account.reduce_only & 2 == 0:
            note_break(account)
            guard_row(c, _BREAK)
    order_row(c, order, EVENT_REPORT + report.type, report.reason)
    if is_terminal(order.state):
        drop(c, slot)
