"""From an intent to a command that left, or a denial: the only place where an order is made."""

from alphatrade_runtime.execution.orders import can_cancel, release_slot, reserve, take_slot
from alphatrade_runtime.execution.topology import HOLD_AFTER_DENIAL_NS
from alphatrade_runtime.execution.venue_state import RING
from alphatrade_runtime.loop.core import MAX_SLOTS
from alphatrade_runtime.loop.emit import amend_row, diary_row, order_row
from alphatrade_runtime.loop.follow import follow
from alphatrade_runtime.loop.mind_call import call_mind
from alphatrade_runtime.market.orders import Command, OrderState, Purpose, TimeInForce
from alphatrade_runtime.market.view import reference2
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.risk.codes import CODE_COUNT, Code
from alphatrade_runtime.risk.law import check, product
from alphatrade_runtime.risk.state import RATE_RING

_NEW = int(Command.NEW)
_AMEND = int(Command.AMEND)
_CANCEL = int(Command.CANCEL)
_DENIED = int(OrderState.DENIED)
_IN_FLIGHT = int(OrderState.IN_FLIGHT_NEW)
_PENDING_CANCEL = int(OrderState.PENDING_CANCEL)
_PENDING_AMEND = int(OrderState.PENDING_AMEND)
_AT_OPEN = int(TimeInForce.AT_OPEN)
_ACTION = int(DiaryKind.ACTION)
_DENIAL = int(DiaryKind.DENIAL)
_DUP = int(Code.DUP)
_OPEN_ORDERS = int(Code.OPEN_ORDERS)
_BUDGET = int(Code.BUDGET)
_TRADE = int(Purpose.TRADE)
_MASK = RING - 1


@inlined
def commands_full(c):
    """True when no further command fits on its way to the venue, or its reports might not fit on their way back."""
    loop = c.loop[0]
    venue = c.venue[0]
    return loop.commands_tail - loop.commands_head >= RING - 1 or venue.tail - venue.head >= RING // 2


@kernel
def _push_command(c, order, command, price, qty):
    """Put a command on its way; it arrives after the entry latency, an at-the-open order at once."""
    loop = c.loop[0]
    now = c.account[0].now
    sent = c.commands[loop.commands_tail & _MASK]
    loop.commands_tail += 1
    sent.ts_ns = now if loop.live != 0 or order.tif == _AT_OPEN else now + c.venue[0].entry_latency_ns
    sent.order_id = order.order_id
    sent.price = price
    sent.qty = qty
    sent.decision_id = c.loop[0].decision_id
    sent.instrument = order.instrument
    sent.command = command
    sent.side = order.side
    sent.tif = order.tif
    sent.order_flags = order.order_flags
    sent.purpose = order.purpose
    sent.topology = order.topology
    loop.orders += 1


@kernel
def _ask(c, i, side, price, qty, extra, tif, flags, purpose, is_amend, order_id, notional):
    """Fill the request and ask the law; return the code. notional: quanta that the order adds to what was sent."""
    request = c.request[0]
    request.instrument = i
    request.side = side
    request.price = price
    request.qty = qty
    request.extra = extra
    request.tif = tif
    request.order_flags = flags
    request.purpose = purpose
    request.order_id = order_id
    request.is_amend = is_amend
    request.ref2 = reference2(c.views[i])
    request.spend = 0
    if c.loop[0].room != 0 and purpose == _TRADE:
        _ask_for_room(c, i, notional)
    account = c.account[0]
    n = c.loop[0].instruments
    return check(request, c.exposures, c.views, c.instruments, n, c.limits[0], account, c.rate_ring, c.util)


@kernel
def _ask_for_room(c, i, notional):
    """Let an exploring order say what it spends of the exploration budget, and the budget what it covers."""
    room = call_mind(c.loop[0].room, c, c.loop[0].mind, i, notional)
    if room >= 0:
        c.request[0].spend = notional
        c.request[0].room = room


@kernel
def _tell_budget(c, i, code, purpose, notional):
    """Tell the exploration budget of flow that left, or of what it refused: then the notional is negative."""
    if c.loop[0].sent == 0 or purpose != _TRADE:
        return
    if code == 0 or code == _BUDGET:
        call_mind(c.loop[0].sent, c, c.loop[0].mind, i, notional if code == 0 else -notional)


@kernel
def _count(c, code):
    loop = c.loop[0]
    if code != 0:
        loop.denied += 1
        loop.denials[code] += 1
        return
    near = c.limits[0].near_miss_bps
    for k in range(1, CODE_COUNT):
        if c.util[k] >= near:
            loop.near_misses += 1
            return


@kernel
def _note_rate(c):
    account = c.account[0]
    c.rate_ring[account.rate_head & (RATE_RING - 1)] = account.now
    account.rate_head += 1


@kernel
def send_new(c, i, side, price, qty, tif, flags, purpose):
    """Ask the law for a new order and send it, or record the denial; return the code."""
    account = c.account[0]
    order_id = account.next_order_id
    notional = product(qty, price, c.instruments[i].mult)
    code = _ask(c, i, side, price, qty, qty, tif, flags, purpose, 0, order_id, notional)
    slot = -1
    if code == 0:
        slot = -1 if commands_full(c) else take_slot(c.slots, c.free, c.active, c.exposures, i)
        if slot < 0:
            code = _OPEN_ORDERS  # no room to follow it: unknown orders never leave
    _count(c, code)
    if code == _DUP:
        account.next_order_id = account.max_order_id + 1
    else:
        account.next_order_id = order_id + 1
        account.max_order_id = order_id
    order = c.slots[slot] if slot >= 0 else c.slots[MAX_SLOTS]  # the last slot is scratch for denials
    order.order_id = order_id
    order.decision_id = c.loop[0].decision_id
    order.price = price
    order.qty = qty
    order.leaves = qty if code == 0 else 0
    order.reserved = order.leaves
    order.pending_qty = 0
    order.ref2 = c.request[0].ref2
    order.sent_ts = account.now
    order.instrument = i
    order.state = _IN_FLIGHT if code == 0 else _DENIED
    order.prior = order.state
    order.side = side
    order.tif = tif
    order.order_flags = flags
    order.purpose = purpose
    order.topology = c.plans[i].topology
    if code == 0:
        reserve(c.exposures[i], side, qty)
        _note_rate(c)
        _push_command(c, order, _NEW, price, qty)
        c.loop[0].actions += 1
        follow(c, i, order)
    elif code != _BUDGET:  # what was tried ends with that, and its side is the incumbent's again
        hold(c, i, side)
    order_row(c, order, _NEW, code)
    diary_row(c, _ACTION if code == 0 else _DENIAL, i, _NEW, side, qty, price, order_id, code, tif, purpose, 0)
    _tell_budget(c, i, code, purpose, notional)
    return code


@kernel
def hold(c, i, side):
    """After a denial leave that side alone for a second, so that a standing wish is not a row a quote."""
    until = c.account[0].now + HOLD_AFTER_DENIAL_NS
    if side > 0:
        c.plans[i].hold_buy_until = until
    else:
        c.plans[i].hold_sell_until = until


@kernel
def send_amend(c, i, slot, price, qty):
    """Ask the law with max(old, new) leaves and send the amend, or record the denial."""
    order = c.slots[slot]
    new_leaves = max(qty - (order.qty - order.leaves), 0)
    extra = max(new_leaves - order.leaves, 0)
    mult = c.instruments[i].mult
    more = max(product(new_leaves, price, mult) - product(order.leaves, order.price, mult), 1)  # it takes a turn
    code = _ask(
        c, i, order.side, price, max(new_leaves, order.leaves), extra, order.tif, order.order_flags, order.purpose, 1,
        order.order_id, more,
    )  # fmt: skip
    if code == 0 and commands_full(c):
        code = _OPEN_ORDERS
    _count(c, code)
    if code == 0:
        order.prior = order.state
        order.state = _PENDING_AMEND
        order.pending_price = price
        order.pending_qty = qty
        reserve(c.exposures[i], order.side, extra)
        order.reserved += extra
        _note_rate(c)
        _push_command(c, order, _AMEND, price, qty)
        c.loop[0].actions += 1
        amend_row(c, order, price, qty, c.request[0].ref2)
    else:
        if code != _BUDGET:
            hold(c, i, order.side)
        order_row(c, order, _AMEND, code)
    kind = _ACTION if code == 0 else _DENIAL
    diary_row(c, kind, i, _AMEND, order.side, qty, price, order.order_id, code, order.tif, order.purpose, 0)
    if c.request[0].spend > 0:  # a normal order's amend adds nothing to the flow that pays for exploring
        _tell_budget(c, i, code, order.purpose, more)


@kernel
def send_cancel(c, i, slot):
    """Send a cancel; nothing may deny it. A full command ring leaves it for the next step."""
    order = c.slots[slot]
    if not can_cancel(order.state) or commands_full(c):
        return
    order.prior = order.state
    order.state = _PENDING_CANCEL
    _push_command(c, order, _CANCEL, order.price, order.leaves)
    c.loop[0].actions += 1
    order_row(c, order, _CANCEL, 0)
    diary_row(
        c, _ACTION, i, _CANCEL, order.side, order.leaves, order.price, order.order_id, 0, order.tif, order.purpose, 0
    )  # fmt: skip


@kernel
def carry_out(c, i, n):
    """Send the first n intents of the scratch list, cancels first."""
    for k in range(n):
        if c.intents[k].command == _CANCEL:
            send_cancel(c, i, c.intents[k].slot)
    for k in range(n):
        intent = c.intents[k]
        if intent.command == _NEW:
            send_new(c, i, intent.side, intent.price, intent.qty, intent.tif, intent.order_flags, _TRADE)
        elif intent.command == _AMEND:
            send_amend(c, i, intent.slot, intent.price, intent.qty)


@inlined
def drop(c, slot):
    """End an order and free its place."""
    release_slot(c.slots, c.free, c.active, c.exposures, slot)
