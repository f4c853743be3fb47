"""Orders of one session at its account: the law asked on the account's totals, reservations, fills.

Nothing here knows a venue: the same functions keep a session's books while it runs and rebuild them from its log.
"""

import numpy as np

from alphatrade_runtime.execution.broker.account_sums import move_nav, publish, sum_totals
from alphatrade_runtime.execution.broker.exchange_log import OWN
from alphatrade_runtime.execution.orders import (
    advance,
    book_fill,
    can_cancel,
    find_slot,
    is_terminal,
    release_slot,
    reserve,
    take_slot,
)
from alphatrade_runtime.market.orders import Command, OrderFlag, OrderState, Purpose, Report
from alphatrade_runtime.market.view import reference2
from alphatrade_runtime.numerics.jit import entry, kernel
from alphatrade_runtime.risk.codes import Code
from alphatrade_runtime.risk.law import check, expire_rates, expire_turnover, reduces
from alphatrade_runtime.risk.state import RATE_RING

DECIDE = -1  # in place of a code: ask the law
FLATTEN_BAND_BPS = 10_000  # the widest that a KillSwitch may name; which one did, only the runtime knows
_NEW = int(Command.NEW)
_AMEND = int(Command.AMEND)
_CANCEL = int(Command.CANCEL)
_FILL = int(Report.FILL)
_IN_FLIGHT = int(OrderState.IN_FLIGHT_NEW)
_PENDING_CANCEL = int(OrderState.PENDING_CANCEL)
_PENDING_AMEND = int(OrderState.PENDING_AMEND)
_REDUCE_ONLY = int(OrderFlag.REDUCE_ONLY)
_TRADE = int(Purpose.TRADE)
_FLATTEN = int(Purpose.FLATTEN)
_KILL = int(Code.KILL)
_SYMBOL = int(Code.SYMBOL)
_OPEN_ORDERS = int(Code.OPEN_ORDERS)


@kernel
def _ask_law(g, table, used, row, b, command, extra, qty):
    """Ask the law on the account's totals; return the code.

    REDUCE_ONLY is of the session's own position, so the venue tests it; FLATTEN is taken at its word only where it
    can do no more than reduce that position.
    """
    i = command.instrument
    at = row.index[i] if i < row.n else -1
    if at < 0:
        return _SYMBOL
    money = row.money[0]
    expire_rates(money, b.rate_ring, money.now)
    expire_turnover(money, money.now)
    publish(g, row, b)
    sum_totals(g, table, used)
    account = g.account[0]
    account.now = money.now
    account.stream_ts = money.stream_ts
    account.session_open = money.session_open
    account.max_order_id = money.max_order_id
    account.turn_s_at = money.now // 1_000_000_000
    account.turn_min_at = money.now // 60_000_000_000
    account.flatten_slippage_bps = FLATTEN_BAND_BPS
    request = g.request[0]
    request.instrument = i
    request.side = command.side
    request.price = command.price
    request.qty = qty
    request.extra = extra
    request.tif = command.tif
    request.order_flags = command.order_flags & ~_REDUCE_ONLY
    request.order_id = command.order_id
    request.is_amend = 1 if command.command == _AMEND else 0
    request.ref2 = reference2(b.views[i])
    flattens = command.purpose == _FLATTEN and reduces(request, row.exposures[i])
    request.purpose = _FLATTEN if flattens else _TRADE
    request.instrument = at
    code = check(
        request, g.exposures, g.views, g.instruments, g.instruments_n, g.limits[0], account, g.ring, g.util
    )  # fmt: skip
    if code == 0 and account.halt != 0:
        return _KILL
    return code


@kernel
def _note_rate(row, b):
    money = row.money[0]
    b.rate_ring[money.rate_head & (RATE_RING - 1)] = money.now
    money.rate_head += 1


@kernel
def _book_new(row, b, command):
    """Reserve a new order; return False when there is no room for it."""
    i = command.instrument
    slot = take_slot(b.slots, b.free, b.active, row.exposures, i)
    if slot < 0:
        return False
    order = b.slots[slot]
    order.order_id = command.order_id
    order.decision_id = command.decision_id
    order.price = command.price
    order.qty = command.qty
    order.leaves = command.qty
    order.reserved = command.qty
    order.pending_qty = 0
    order.ref2 = 0
    order.sent_ts = row.money[0].now
    order.instrument = i
    order.state = _IN_FLIGHT
    order.prior = _IN_FLIGHT
    order.side = command.side
    order.tif = command.tif
    order.order_flags = command.order_flags
    order.purpose = command.purpose
    order.topology = command.topology
    reserve(row.exposures[i], command.side, command.qty)
    _note_rate(row, b)
    return True


@kernel
def _take_new(g, table, used, row, b, command, code):
    if code == DECIDE:
        code = 0 if g.open != 0 else _ask_law(g, table, used, row, b, command, command.qty, command.qty)
    if code == 0 and not _book_new(row, b, command) and g.open == 0:
        code = _OPEN_ORDERS  # no room to follow it
    row.money[0].max_order_id = max(row.money[0].max_order_id, command.order_id)
    return code


@kernel
def _take_amend(g, table, used, row, b, command, code):
    """An amend is asked with max(old, new) leaves. One of an order that is not known here is the venue's to refuse."""
    i = command.instrument
    slot = find_slot(b.slots, b.active, row.exposures, i, command.order_id)
    if slot < 0:
        return 0 if code == DECIDE else code
    order = b.slots[slot]
    leaves = max(command.qty - (order.qty - order.leaves), 0)
    extra = max(leaves - order.leaves, 0)
    command.side = order.side
    command.tif = order.tif
    if code == DECIDE:
        code = 0 if g.open != 0 else _ask_law(g, table, used, row, b, command, extra, max(leaves, order.leaves))
    if code == 0:
        if order.state != _PENDING_AMEND and order.state != _PENDING_CANCEL:
            order.prior = order.state
            order.state = _PENDING_AMEND
        reserve(row.exposures[i], order.side, extra)
        order.reserved += extra
        _note_rate(row, b)
    return code


@kernel
def _take_cancel(row, b, command):
    i = command.instrument
    slot = find_slot(b.slots, b.active, row.exposures, i, command.order_id)
    if slot >= 0 and can_cancel(b.slots[slot].state):
        b.slots[slot].prior = b.slots[slot].state
        b.slots[slot].state = _PENDING_CANCEL


@kernel
def take_command(g, table, used, row, b, command, now, code):
    """Ask the law for a command that arrives at `now` and book it; return the code by which it is denied, or 0.

    code: DECIDE, or what was decided before (a session rebuilt from its log). A cancel is never
    denied, but for one of an instrument that the session does not have.
    """
    row.money[0].now = max(row.money[0].now, now)
    if command.purpose != OWN:
        row.commands += 1
    if command.instrument >= row.n:
        code = _SYMBOL
    elif command.command == _CANCEL:
        _take_cancel(row, b, command)
        return 0
    elif command.command == _NEW:
        code = _take_new(g, table, used, row, b, command, code)
    else:
        code = _take_amend(g, table, used, row, b, command, code)
    if code != 0:
        g.denied[code] += 1
    return code


@kernel
def book_report(g, row, b, report):
    """Take a report at the time it was made into the session's books and the account's value."""
    i = report.instrument
    money = row.money[0]
    money.now = max(money.now, report.exch_ts_ns)
    if i >= row.n:
        return
    slot = find_slot(b.slots, b.active, row.exposures, i, report.order_id)
    if report.type == _FILL:
        old = money.nav
        book_fill(
            money, row.exposures[i], b.views[i], b.instruments[i], report.side, report.price, report.qty,
            report.maker, money.now,
        )  # fmt: skip
        move_nav(g, old, money.nav)
    if slot < 0:
        row.breaks += 1 if report.type == _FILL else 0
        return
    order = b.slots[slot]
    if not advance(order, row.exposures[i], report):
        row.breaks += 1
    if is_terminal(order.state):
        release_slot(b.slots, b.free, b.active, row.exposures, slot)


@entry
def restore(gate, table, used, at, books, commands, verdicts, reports):
    """Rebuild a session's books from its log: commands with what was decided on them, and reports, by time.

    verdicts: (k,) uint8, k <= len(commands); a command without one had no effect. No value of the past moves a level.
    """
    g = gate[0]
    row = table[at]
    b = books[0]
    quiet = g.quiet
    g.quiet = 1
    k = 0
    for r in range(len(reports)):
        while k < len(verdicts) and commands[k].ts_ns <= reports[r].exch_ts_ns:
            take_command(g, table, used, row, b, commands[k], commands[k].ts_ns, np.int64(verdicts[k]))
            k += 1
        book_report(g, row, b, reports[r])
    while k < len(verdicts):
        take_command(g, table, used, row, b, commands[k], commands[k].ts_ns, np.int64(verdicts[k]))
        k += 1
    g.quiet = quiet


@entry
def ask(gate, table, used, at, books, commands, k, now, code):
    """Ask for command k of `commands`, which arrives at `now`: see `take_command`."""
    return take_command(gate[0], table, used, table[at], books[0], commands[k], now, code)


@entry
def book(gate, table, used, at, books, reports):
    """Book reports that no venue of ours made: orders that ended with their exchange."""
    sum_totals(gate[0], table, used)
    for r in range(len(reports)):
        book_report(gate[0], table[at], books[0], reports[r])
