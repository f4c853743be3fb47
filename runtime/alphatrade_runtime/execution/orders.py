"""Our side of an order's life: slots, reservations, the state machine, the booking of fills."""

import numpy as np

from alphatrade_runtime.market.orders import Command, OrderState, Report
from alphatrade_runtime.numerics.jit import hot, kernel
from alphatrade_runtime.risk.law import add_turnover
from alphatrade_runtime.risk.state import REDUCE_BREAK

MAX_ACTIVE = 80  # slots an instrument: the law's 64, and room for flattening
EXEC_RING = 4096

SLOT_DTYPE = np.dtype(
    [
        ("order_id", "i8"), ("decision_id", "i8"), ("price", "i8"), ("qty", "i8"), ("leaves", "i8"),
        ("reserved", "i8"), ("pending_price", "i8"), ("pending_qty", "i8"), ("ref2", "i8"), ("sent_ts", "i8"),
        ("instrument", "i8"), ("state", "i8"), ("prior", "i8"), ("side", "i8"), ("tif", "i8"), ("order_flags", "i8"),
        ("purpose", "i8"), ("topology", "i8"),
    ]
)  # fmt: skip

_IN_FLIGHT = int(OrderState.IN_FLIGHT_NEW)
_ACCEPTED = int(OrderState.ACCEPTED)
_REJECTED = int(OrderState.REJECTED)
_UNKNOWN = int(OrderState.UNKNOWN)
_PARTIAL = int(OrderState.PARTIALLY_FILLED)
_FILLED = int(OrderState.FILLED)
_CANCELED = int(OrderState.CANCELED)
_EXPIRED = int(OrderState.EXPIRED)
_PENDING_CANCEL = int(OrderState.PENDING_CANCEL)
_PENDING_AMEND = int(OrderState.PENDING_AMEND)
_R_ACCEPTED = int(Report.ACCEPTED)
_R_REJECTED = int(Report.REJECTED)
_R_FILL = int(Report.FILL)
_R_CANCELED = int(Report.CANCELED)
_R_EXPIRED = int(Report.EXPIRED)
_R_AMENDED = int(Report.AMENDED)
_R_CANCEL_REJECTED = int(Report.CANCEL_REJECTED)
_R_AMEND_REJECTED = int(Report.AMEND_REJECTED)
_NEW = int(Command.NEW)
_AMEND = int(Command.AMEND)
_CANCEL = int(Command.CANCEL)
EVENT_REPORT = 100  # an ORDER row's event: a Command, or EVENT_REPORT + Report


@hot
def fee_of(value, rate_e7, flat_fee):
    """Return the fee in quanta, rounded against us, exact without overflow. value: quanta, >= 0."""
    whole = value // 10_000_000
    part = value - whole * 10_000_000
    return whole * rate_e7 - (-(part * rate_e7)) // 10_000_000 + flat_fee


@hot
def reserve(exposure, side, lots):
    """Add lots (may be negative) to the reservations of one side."""
    if side > 0:
        exposure.working_buy += lots
    else:
        exposure.working_sell += lots


@kernel
def take_slot(slots, free, active, exposures, i):
    """Return a free slot appended to the instrument's active list, or -1 when there is none."""
    exposure = exposures[i]
    if free[0] == 0 or exposure.open_orders >= active.shape[1]:
        return -1
    slot = free[free[0]]
    free[0] -= 1
    active[i, exposure.open_orders] = slot
    exposure.open_orders += 1
    return slot


@kernel
def release_slot(slots, free, active, exposures, slot):
    """End an order: free its reservations and its place; the active list keeps its order."""
    order = slots[slot]
    i = order.instrument
    exposure = exposures[i]
    reserve(exposure, order.side, -order.reserved)
    order.reserved = 0
    n = exposure.open_orders
    at = 0
    while active[i, at] != slot:
        at += 1
    for k in range(at, n - 1):
        active[i, k] = active[i, k + 1]
    exposure.open_orders = n - 1
    free[0] += 1
    free[free[0]] = slot


@kernel
def find_slot(slots, active, exposures, i, order_id):
    """Return the slot of a working order of the instrument, or -1."""
    for k in range(exposures[i].open_orders):
        if slots[active[i, k]].order_id == order_id:
            return active[i, k]
    return -1


@kernel
def book_fill(account, exposure, view, instrument, side, price, qty, maker, now):
    """Move cash, fees, position, marked value and turnover by a fill; return its fee in quanta."""
    value = qty * price * instrument.mult
    fee = fee_of(value, instrument.maker_fee_e7 if maker else instrument.taker_fee_e7, instrument.flat_fee)
    if view.mark2 == 0:  # filled before the first valid quote: the fill is all we know
        view.mark2 = 2 * price
        account.marked += exposure.position * view.mark2 * instrument.half_mult
    account.cash -= side * value + fee
    account.fees += fee
    exposure.position += side * qty
    account.marked += side * qty * view.mark2 * instrument.half_mult
    account.nav = account.cash + account.marked
    add_turnover(account, value, now)
    return fee


@hot
def _settle_amend(order, exposure):
    """End an amend's wait: what is reserved is what is left; a cancel that was asked meanwhile stays asked."""
    reserve(exposure, order.side, order.leaves - order.reserved)
    order.reserved = order.leaves
    if order.state == _PENDING_AMEND:
        order.state = order.prior
    elif order.state == _PENDING_CANCEL and order.prior == _PENDING_AMEND:
        order.prior = _PARTIAL if order.leaves < order.qty else _ACCEPTED


@hot
def _on_partial(order, exposure, qty):
    order.leaves -= qty
    freed = min(qty, order.reserved)
    order.reserved -= freed
    reserve(exposure, order.side, -freed)
    if order.leaves <= 0:
        order.state = _FILLED
    elif order.state == _PENDING_CANCEL or order.state == _PENDING_AMEND:
        order.prior = _PARTIAL if order.prior != _PENDING_AMEND else _PENDING_AMEND
    else:
        order.state = _PARTIAL


@hot
def is_terminal(state):
    """True for Rejected, Filled, Canceled, Expired."""
    return state == _FILLED or state == _CANCELED or state == _EXPIRED or state == _REJECTED


@kernel
def advance(order, exposure, report):
    """Move a working order by a report; return False when the report does not fit its state.

    A fill beats a cancel; a reject of a cancel or amend returns to the prior state.
    """
    kind = report.type
    if kind == _R_FILL:
        fits = report.qty > 0 and report.qty <= order.leaves
        _on_partial(order, exposure, report.qty)
        return fits
    if kind == _R_ACCEPTED:
        if order.state == _IN_FLIGHT or order.state == _UNKNOWN:
            order.state = _ACCEPTED
        elif order.prior == _IN_FLIGHT:
            order.prior = _ACCEPTED
        return True
    if kind == _R_REJECTED:
        order.state = _REJECTED
    elif kind == _R_CANCELED:
        order.state = _CANCELED
    elif kind == _R_EXPIRED:
        order.state = _EXPIRED
    elif kind == _R_AMENDED:
        filled = order.qty - order.leaves
        order.price = report.price
        order.qty = filled + report.leaves
        order.leaves = report.leaves
        _settle_amend(order, exposure)
    elif kind == _R_AMEND_REJECTED:
        _settle_amend(order, exposure)
    elif kind == _R_CANCEL_REJECTED:
        if order.state == _PENDING_CANCEL:
            order.state = order.prior
    else:
        return False
    return True


@hot
def seen_execution(exec_seen, exec_id):
    """True when this execution id was booked before; remembers it otherwise."""
    at = exec_id % EXEC_RING
    if exec_seen[at] == exec_id:
        return True
    exec_seen[at] = exec_id
    return False


@hot
def note_break(account):
    """A report that our books cannot explain: only reductions may leave until reconciled."""
    account.reduce_only |= REDUCE_BREAK


@hot
def doubt(order):
    """Say that nobody knows where a working order stands; only the venue's word ends this."""
    order.state = _UNKNOWN


@hot
def can_cancel(state):
    """True for states from which a cancel may be asked: at the venue as far as we know."""
    return state == _ACCEPTED or state == _PARTIAL or state == _PENDING_AMEND
