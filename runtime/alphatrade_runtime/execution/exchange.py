"""The simulated exchange: one price-time venue that matches our orders against a recorded or simulated market.

Market rows come in at exchange time, commands after the entry latency; reports go out after the
response latency. A row processed before an order's arrival can never fill it.
"""

from alphatrade_runtime.execution.queues import join, on_level_size, on_trade_at
from alphatrade_runtime.execution.venue_state import RING
from alphatrade_runtime.market.orders import Command, OrderFlag, Reason, Report, TimeInForce
from alphatrade_runtime.market.schema import Status
from alphatrade_runtime.numerics.jit import hot, inlined, kernel

_MASK = RING - 1
_ACCEPTED = int(Report.ACCEPTED)
_REJECTED = int(Report.REJECTED)
_FILL = int(Report.FILL)
_CANCELED = int(Report.CANCELED)
_EXPIRED = int(Report.EXPIRED)
_AMENDED = int(Report.AMENDED)
_CANCEL_REJECTED = int(Report.CANCEL_REJECTED)
_AMEND_REJECTED = int(Report.AMEND_REJECTED)
_NEW = int(Command.NEW)
_AMEND = int(Command.AMEND)
_GTC = int(TimeInForce.GTC)
_FOK = int(TimeInForce.FOK)
_AT_OPEN = int(TimeInForce.AT_OPEN)
_POST_ONLY = int(OrderFlag.POST_ONLY)
_REDUCE_ONLY = int(OrderFlag.REDUCE_ONLY)
_TRADING = int(Status.TRADING)
_WOULD_TAKE = int(Reason.POST_ONLY_WOULD_TAKE)
_NOT_REDUCING = int(Reason.REDUCE_ONLY)
_SELF_TRADE = int(Reason.SELF_TRADE)
_HALTED = int(Reason.HALTED)
_DUPLICATE = int(Reason.DUPLICATE_ID)
_UNKNOWN_ORDER = int(Reason.UNKNOWN_ORDER)
_NO_LIQUIDITY = int(Reason.NO_LIQUIDITY)
_CAPACITY = int(Reason.CAPACITY)
NO_PRICE = 0


@kernel
def send_report(venue, reports, ts, kind, order_id, i, side, price, qty, leaves, maker, reason):
    """Put a report on its way, sorted by when we receive it."""
    arrives = ts + venue.response_latency_ns
    at = venue.tail
    while at > venue.head and reports[(at - 1) & _MASK].ts_ns > arrives:
        reports[at & _MASK] = reports[(at - 1) & _MASK]
        at -= 1
    report = reports[at & _MASK]
    report.ts_ns = arrives
    report.exch_ts_ns = ts
    report.order_id = order_id
    report.exec_id = 0
    if kind == _FILL:
        report.exec_id = venue.next_exec_id
        venue.next_exec_id += 1
    report.price = price
    report.qty = qty
    report.leaves = leaves
    report.instrument = i
    report.type = kind
    report.side = side
    report.maker = maker
    report.reason = reason
    venue.tail += 1


@kernel
def _remove(books, resting, i, at):
    n = books[i].resting
    for k in range(at, n - 1):
        resting[i, k] = resting[i, k + 1]
    books[i].resting = n - 1


@kernel
def _fill_resting(venue, books, resting, reports, i, at, qty, ts):
    """Fill a resting order at its own price; return True when it is done and removed."""
    order = resting[i, at]
    order.leaves -= qty
    books[i].position += order.side * qty
    send_report(
        venue, reports, ts, _FILL, order.order_id, i, order.side, order.price, qty, order.leaves, 1, 0
    )  # fmt: skip
    if order.leaves > 0:
        return False
    _remove(books, resting, i, at)
    return True


@inlined
def _requeue(venue, order, best, size, old_best, old_size):
    """Move one resting order's place by its own side's new best."""
    if order.price == best:
        on_level_size(order, old_size if old_best == best else 0, size, venue.queue_model)
    elif (order.price - best) * order.side > 0:
        join(order, 0, 1)  # nothing displayed at our price: we are first there


@hot
def _set_best(book, bid, ask, bid_size, ask_size):
    """Make this the best of both sides; what our taking orders took of the last one is back."""
    book.bid = bid
    book.ask = ask
    book.bid_size = bid_size
    book.ask_size = ask_size
    book.taken_bid = 0
    book.taken_ask = 0


@kernel
def _quote_resting(venue, books, resting, reports, i, bid, ask, bid_size, ask_size, ts):
    """Move resting orders by a new best: queue places first, then the opposite best at our price fills."""
    book = books[i]
    old_bid = book.bid
    old_ask = book.ask
    old_bid_size = book.bid_size
    old_ask_size = book.ask_size
    _set_best(book, bid, ask, bid_size, ask_size)
    at = 0
    while at < book.resting:
        order = resting[i, at]
        if order.side > 0:
            _requeue(venue, order, book.bid, book.bid_size, old_bid, old_bid_size)
            crossed = book.ask <= order.price
        else:
            _requeue(venue, order, book.ask, book.ask_size, old_ask, old_ask_size)
            crossed = book.bid >= order.price
        if not (crossed and _fill_resting(venue, books, resting, reports, i, at, order.leaves, ts)):
            at += 1


@kernel
def on_depth(venue, books, resting, depth, i, side, price, size):
    """Take a DEPTH row: set a level; an order of ours at that level and side moves with it."""
    book = books[i]
    if depth.shape[2] == 0:
        return
    if book.depth_base == 0:
        book.depth_base = max(price - depth.shape[2] // 2, 1)
    at = price - book.depth_base
    if at < 0 or at >= depth.shape[2]:
        return
    row = 0 if side > 0 else 1
    previous = depth[i, row, at]
    depth[i, row, at] = size
    for k in range(book.resting):
        order = resting[i, k]
        if order.side == side and order.price == price:
            on_level_size(order, previous, size, venue.queue_model)


@inlined
def on_quote(venue, books, resting, reports, i, bid, ask, bid_size, ask_size, ts):
    """Take a QUOTE at exchange time `ts`; crossed and empty quotes are not matched against."""
    if not 0 < bid < ask:
        return
    book = books[i]
    if book.resting > 0:
        _quote_resting(venue, books, resting, reports, i, bid, ask, bid_size, ask_size, ts)
    else:
        _set_best(book, bid, ask, bid_size, ask_size)


@kernel
def on_trade(venue, books, resting, reports, i, price, size, aggressor, ts):
    """Take a TRADE: through our price fills us, at it moves the queue. An unknown aggressor (0) serves neither side."""
    book = books[i]
    book.last = price
    at = 0
    while at < book.resting:
        order = resting[i, at]
        if order.side == -aggressor:
            through = order.price > price if order.side > 0 else order.price < price
            if through:
                _fill_resting(venue, books, resting, reports, i, at, order.leaves, ts)
                continue
            if order.price == price:
                reach = on_trade_at(order, size)
                if reach > 0:
                    order.front = 0.0
                    qty = min(order.leaves, reach) if venue.partial_fills != 0 else order.leaves
                    if _fill_resting(venue, books, resting, reports, i, at, qty, ts):
                        continue
        at += 1


@kernel
def on_bar(venue, books, resting, reports, i, bar_open, high, low, opens_ts, close_ts):
    """Take a BAR: at-the-open orders fill at its open, resting limits at the close of the bar that passed them."""
    book = books[i]
    book.last = bar_open
    at = 0
    while at < book.resting:
        order = resting[i, at]
        if order.tif == _AT_OPEN:
            order.price = bar_open
            _fill_taker_at(venue, books, resting, reports, i, at, bar_open, opens_ts)
            continue
        through = low < order.price if order.side > 0 else high > order.price
        if through and order.front_known == 1:
            _fill_resting(venue, books, resting, reports, i, at, order.leaves, close_ts)
            continue
        order.front_known = 1  # a limit made within a bar can be reached by the next one
        at += 1


@kernel
def _fill_taker_at(venue, books, resting, reports, i, at, price, ts):
    order = resting[i, at]
    books[i].position += order.side * order.leaves
    send_report(venue, reports, ts, _FILL, order.order_id, i, order.side, price, order.leaves, 0, 0, 0)
    _remove(books, resting, i, at)


@inlined
def on_status(books, i, status):
    """Take a STATUS: a halted or closed venue refuses new orders; resting ones stay."""
    books[i].halted = 0 if status == _TRADING else status


@hot
def crosses(book, side, price):
    """True when an order at this price would take."""
    if side > 0:
        return book.ask != NO_PRICE and price >= book.ask
    return book.bid != NO_PRICE and price <= book.bid


@kernel
def _reduces(book, resting, i, side, extra):
    """True when `extra` lots and all resting ones of that side can only shrink the position."""
    for k in range(book.resting):
        if resting[i, k].side == side:
            extra += resting[i, k].leaves
    return side * book.position < 0 and extra <= abs(book.position)


@kernel
def _meets_own(book, resting, i, side, price):
    """True when an order at this price could trade with one of ours that rests on the other side."""
    for k in range(book.resting):
        other = resting[i, k]
        if other.side != side and other.tif != _AT_OPEN and (price - other.price) * side >= 0:
            return True
    return False


@kernel
def _refusal(venue, books, resting, command):
    """Return why the venue refuses a new order, 0 when it does not."""
    i = command.instrument
    book = books[i]
    if command.order_id <= venue.max_order_id:
        return _DUPLICATE
    if book.halted != 0:
        return _HALTED
    if (command.order_flags & _REDUCE_ONLY) != 0 and not _reduces(book, resting, i, command.side, command.qty):
        return _NOT_REDUCING
    if book.resting >= resting.shape[1]:
        return _CAPACITY
    return _SELF_TRADE if _meets_own(book, resting, i, command.side, command.price) else 0


@kernel
def _amend_refusal(book, resting, i, order, price, leaves):
    """Return why the venue refuses to amend a resting order, 0 when it does not."""
    if book.halted != 0:
        return _HALTED
    if (order.order_flags & _POST_ONLY) != 0 and crosses(book, order.side, price):
        return _WOULD_TAKE
    if (order.order_flags & _REDUCE_ONLY) != 0 and not _reduces(book, resting, i, order.side, leaves - order.leaves):
        return _NOT_REDUCING
    return _SELF_TRADE if _meets_own(book, resting, i, order.side, price) else 0


@inlined
def displayed_at(venue, book, depth, i, side, price):
    """Return the lots displayed on one side (+1 bid, -1 ask) at a price that is not the best.

    With depth rows: the level. With quotes only: the best's size again a tick worse, the usual L1 guess.
    """
    if depth.shape[2] == 0:
        return book.bid_size if side > 0 else book.ask_size
    at = price - book.depth_base
    if at < 0 or at >= depth.shape[2]:
        return 0
    return depth[i, 0 if side > 0 else 1, at]


@kernel
def _take(venue, books, depth, reports, order_id, i, side, limit, leaves, ts, dry):
    """Take from the opposite side up to the limit; return the leaves. dry: only count what could be had."""
    book = books[i]
    best = book.ask if side > 0 else book.bid
    taken = book.taken_ask if side > 0 else book.taken_bid  # what we took since the last quote, best level first
    level = 0
    while leaves > 0:
        price = best + side * level
        if (side > 0 and price > limit) or (side < 0 and price < limit) or price <= 0:
            break
        if level == 0:
            shown = book.ask_size if side > 0 else book.bid_size
        else:
            shown = displayed_at(venue, book, depth, i, -side, price)
        gone = min(taken, shown)
        taken -= gone
        lots = leaves if venue.partial_fills == 0 else min(leaves, shown - gone)
        if lots > 0:
            leaves -= lots
            if dry == 0:
                _taken(venue, book, reports, order_id, i, side, price, lots, leaves, ts)
        level += 1
    return leaves


@inlined
def _taken(venue, book, reports, order_id, i, side, price, lots, leaves, ts):
    if side > 0:
        book.taken_ask += lots
    else:
        book.taken_bid += lots
    book.position += side * lots
    send_report(venue, reports, ts, _FILL, order_id, i, side, price, lots, leaves, 0, 0)


@kernel
def _rest(venue, books, depth, resting, command, leaves):
    """Put what is left of an order into the book at the end of its level's queue."""
    i = command.instrument
    book = books[i]
    order = resting[i, book.resting]
    order.order_id = command.order_id
    order.price = command.price
    order.qty = command.qty
    order.leaves = leaves
    order.side = command.side
    order.tif = command.tif
    order.order_flags = command.order_flags
    order.instrument = i
    best = book.bid if command.side > 0 else book.ask
    displayed = book.bid_size if command.side > 0 else book.ask_size
    if command.price == best:
        join(order, displayed, 1)
    else:
        inside = best == NO_PRICE or (command.price - best) * command.side > 0
        if not inside and depth.shape[2] > 0:
            join(order, displayed_at(venue, book, depth, i, command.side, command.price), 1)
        else:
            join(order, 0, 1 if inside else 0)
    book.resting += 1


@kernel
def _fillable(venue, books, depth, reports, command, takes):
    """True when a fill-or-kill order would fill whole now."""
    if not takes:
        return False
    side = command.side
    return _take(venue, books, depth, reports, 0, command.instrument, side, command.price, command.qty, 0, 1) == 0


@kernel
def _on_new(venue, books, depth, resting, reports, command, ts):
    i = command.instrument
    side = command.side
    book = books[i]
    reason = _refusal(venue, books, resting, command)
    venue.max_order_id = max(venue.max_order_id, command.order_id)
    if reason != 0:
        send_report(venue, reports, ts, _REJECTED, command.order_id, i, side, command.price, 0, 0, 0, reason)
        return
    if command.tif == _AT_OPEN:
        send_report(venue, reports, ts, _ACCEPTED, command.order_id, i, side, command.price, 0, command.qty, 0, 0)
        _rest(venue, books, depth, resting, command, command.qty)
        return
    takes = crosses(book, side, command.price)
    if takes and (command.order_flags & _POST_ONLY) != 0:
        send_report(venue, reports, ts, _EXPIRED, command.order_id, i, side, command.price, 0, 0, 0, _WOULD_TAKE)
        return
    if command.tif == _FOK and not _fillable(venue, books, depth, reports, command, takes):
        send_report(venue, reports, ts, _EXPIRED, command.order_id, i, side, command.price, 0, 0, 0, _NO_LIQUIDITY)
        return
    if command.tif == _GTC:
        send_report(venue, reports, ts, _ACCEPTED, command.order_id, i, side, command.price, 0, command.qty, 0, 0)
    leaves = command.qty
    if takes:
        leaves = _take(venue, books, depth, reports, command.order_id, i, side, command.price, leaves, ts, 0)
    if leaves == 0:
        return
    if command.tif == _GTC:
        _rest(venue, books, depth, resting, command, leaves)
    else:
        send_report(
            venue, reports, ts, _EXPIRED, command.order_id, i, side, command.price, 0, 0, 0, _NO_LIQUIDITY
        )  # fmt: skip


@kernel
def _find(books, resting, i, order_id):
    for k in range(books[i].resting):
        if resting[i, k].order_id == order_id:
            return k
    return -1


@kernel
def _on_cancel(venue, books, depth, resting, reports, command, ts):
    i = command.instrument
    at = _find(books, resting, i, command.order_id)
    if at < 0:
        send_report(
            venue, reports, ts, _CANCEL_REJECTED, command.order_id, i, command.side, 0, 0, 0, 0, _UNKNOWN_ORDER
        )  # fmt: skip
        return
    order = resting[i, at]
    send_report(venue, reports, ts, _CANCELED, command.order_id, i, order.side, order.price, 0, 0, 0, 0)
    _remove(books, resting, i, at)


@kernel
def _on_amend(venue, books, depth, resting, reports, command, ts):
    """Amend price or total quantity. A new price, or more lots, goes to the end of the queue."""
    i = command.instrument
    at = _find(books, resting, i, command.order_id)
    if at < 0:
        send_report(
            venue, reports, ts, _AMEND_REJECTED, command.order_id, i, command.side, 0, 0, 0, 0, _UNKNOWN_ORDER
        )  # fmt: skip
        return
    order = resting[i, at]
    leaves = command.qty - (order.qty - order.leaves)
    if leaves <= 0:
        send_report(venue, reports, ts, _CANCELED, command.order_id, i, order.side, order.price, 0, 0, 0, 0)
        _remove(books, resting, i, at)
        return
    reason = _amend_refusal(books[i], resting, i, order, command.price, leaves)
    if reason != 0:
        send_report(
            venue, reports, ts, _AMEND_REJECTED, command.order_id, i, order.side, order.price, 0, order.leaves, 0,
            reason,
        )  # fmt: skip
        return
    takes = crosses(books[i], order.side, command.price)
    send_report(venue, reports, ts, _AMENDED, command.order_id, i, order.side, command.price, 0, leaves, 0, 0)
    if command.price == order.price and leaves <= order.leaves:
        order.leaves = leaves
        order.qty = command.qty
        return
    command.order_flags = order.order_flags
    command.tif = order.tif
    command.side = order.side
    _remove(books, resting, i, at)
    if takes:
        leaves = _take(
            venue, books, depth, reports, command.order_id, i, command.side, command.price, leaves, ts, 0
        )  # fmt: skip
    if leaves > 0:
        _rest(venue, books, depth, resting, command, leaves)


@kernel
def on_command(venue, books, depth, resting, reports, command, ts):
    """Take a command that arrives at exchange time `ts`. command: COMMAND_DTYPE record, may be overwritten."""
    if command.command == _NEW:
        _on_new(venue, books, depth, resting, reports, command, ts)
    elif command.command == _AMEND:
        _on_amend(venue, books, depth, resting, reports, command, ts)
    else:
        _on_cancel(venue, books, depth, resting, reports, command, ts)
