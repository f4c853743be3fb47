"""Order life: transitions, leaves, and what every departing order had to respect."""

import numpy as np

from alphatrade_runtime.market.orders import OrderFlag, OrderState, Purpose, TimeInForce
from alphatrade_runtime.market.schema import Control
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.risk.auditor.money import countable
from alphatrade_runtime.risk.auditor.rules import Rule
from alphatrade_runtime.risk.auditor.state import EMPTY, MAX_UNITS, claim, find, note
from alphatrade_runtime.risk.codes import Code, KillState

_S = OrderState
_WORKING = (_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.PENDING_AMEND, _S.UNKNOWN)
_ENDS = (_S.FILLED, _S.CANCELED, _S.EXPIRED)
_NEXT: dict[OrderState, tuple[OrderState, ...]] = {
    _S.NEW: (_S.DENIED, _S.IN_FLIGHT_NEW),
    _S.IN_FLIGHT_NEW: (*_WORKING[:3], _S.UNKNOWN, *_ENDS, _S.REJECTED),  # a fill or an end implies acceptance
    _S.ACCEPTED: (*_WORKING, *_ENDS),
    _S.PARTIALLY_FILLED: (_S.PARTIALLY_FILLED, *_WORKING[2:], *_ENDS),
    _S.PENDING_CANCEL: (*_WORKING, *_ENDS, _S.REJECTED),
    _S.PENDING_AMEND: (*_WORKING, *_ENDS),
    _S.UNKNOWN: (*_WORKING, *_ENDS, _S.REJECTED),
}


def _transition_table() -> np.ndarray:
    table = np.zeros((len(OrderState), len(OrderState)), np.uint8)
    for before, allowed in _NEXT.items():
        for after in allowed:
            table[before, after] = 1
    return table


ALLOWED = _transition_table()
_STATES = len(OrderState)
_NEW, _DENIED, _IN_FLIGHT = int(_S.NEW), int(_S.DENIED), int(_S.IN_FLIGHT_NEW)
_REJECTED, _FILLED, _CANCELED, _EXPIRED = int(_S.REJECTED), int(_S.FILLED), int(_S.CANCELED), int(_S.EXPIRED)
_PENDING_AMEND, _PENDING_CANCEL = int(_S.PENDING_AMEND), int(_S.PENDING_CANCEL)
_ACCEPTED, _PARTIALLY_FILLED = int(_S.ACCEPTED), int(_S.PARTIALLY_FILLED)
_UNKNOWN = int(_S.UNKNOWN)
_IOC, _FOK, _AT_OPEN = int(TimeInForce.IOC), int(TimeInForce.FOK), int(TimeInForce.AT_OPEN)
_TRADE, _FLATTEN = int(Purpose.TRADE), int(Purpose.FLATTEN)
_REDUCE_ONLY = int(OrderFlag.REDUCE_ONLY)
_ARMED = int(KillState.ARMED)
_KILL_REDUCE = int(Control.REDUCE)
_DUP = int(Code.DUP)


@inlined
def is_end(state):
    """True for a state that releases the reservation."""
    return state in (_DENIED, _REJECTED, _FILLED, _CANCELED, _EXPIRED)


@kernel
def blame(book, rule, row, expected, found):
    """Note a finding about an ORDER or FILL row."""
    note(book, rule.value, row.seq, row.ts_ns, row.order_id, row.instrument, expected, found)


@inlined
def readable(row, instruments, book):
    """RANGE: instrument, state, side and every count of the row can be computed with."""
    if row.instrument >= len(instruments):
        blame(book, Rule.RANGE, row, len(instruments), row.instrument)
        return False
    if row.state >= _STATES or (row.side != 1 and row.side != -1):
        blame(book, Rule.RANGE, row, _STATES, row.state)
        return False
    worst = max(max(abs(row.price), abs(row.qty)), max(abs(row.leaves), abs(row.ref2) // 2))
    if not countable(worst) or worst < 0:
        blame(book, Rule.RANGE, row, MAX_UNITS, worst)
        return False
    return True


@inlined
def begin(row, ids, slots, book):
    """Open the auditor's record of an order at its first row; -1 when it cannot begin like this."""
    if row.state > _IN_FLIGHT:
        blame(book, Rule.ORDER_UNKNOWN, row, _NEW, row.state)
        return -1
    place = claim(ids, slots, row.order_id)
    if place < 0:
        blame(book, Rule.CAPACITY, row, len(ids), len(ids))
        return -1
    ids[place] = row.order_id
    slot = slots[place]
    slot.qty, slot.filled, slot.ref2 = row.qty, 0, row.ref2
    slot.price_low, slot.price_high = row.price, row.price
    slot.instrument, slot.side, slot.tif = row.instrument, row.side, row.tif
    slot.order_flags, slot.purpose, slot.state = row.order_flags, row.purpose, row.state
    slot.departed, slot.ended, slot.amending = 0, 0, 0
    return place


@inlined
def continues(row, slot, book):
    """ORDER_DUPLICATE, ORDER_STATE, ORDER_CHANGED: the row can follow what was seen of this order."""
    if row.state == _NEW or (slot.ended != 0 and row.state <= _IN_FLIGHT):
        blame(book, Rule.ORDER_DUPLICATE, row, slot.state, row.state)
        return False
    if ALLOWED[slot.state, row.state] == 0 or slot.ended != 0:
        blame(book, Rule.ORDER_STATE, row, slot.state, row.state)
        return slot.ended == 0
    if row.instrument != slot.instrument:
        blame(book, Rule.ORDER_CHANGED, row, slot.instrument, row.instrument)
        return False
    if row.side != slot.side:
        blame(book, Rule.ORDER_CHANGED, row, slot.side, row.side)
        return False
    if row.tif != slot.tif or row.purpose != slot.purpose or row.order_flags != slot.order_flags:
        blame(book, Rule.ORDER_CHANGED, row, slot.purpose, row.purpose)
    return True


@inlined
def reserve(instrument, side, lots):
    """Add lots (negative: release) to the working leaves of one side."""
    if side > 0:
        instrument.buy_leaves += lots
    else:
        instrument.sell_leaves += lots


@inlined
def worst_position(instrument):
    """Return the largest |position| that working orders could leave behind: all buys filled, or all sells."""
    return max(abs(instrument.position + instrument.buy_leaves), abs(instrument.position - instrument.sell_leaves))


@inlined
def same_side_fits(instrument, side):
    """True when all working leaves of this side together can only shrink the position."""
    if side > 0:
        return instrument.position < 0 and instrument.buy_leaves <= -instrument.position
    return instrument.position > 0 and instrument.sell_leaves <= instrument.position


@inlined
def audit_band(row, ref2, limits, book):
    """PRICE_BAND: |2p - ref2| * 10,000 <= band * ref2, exact; a market-at-open without price has no band."""
    if row.tif == _AT_OPEN and row.price == 0:
        return
    band = limits.band_limit_bps
    if row.tif == _IOC or row.tif == _FOK or row.tif == _AT_OPEN:
        band = limits.band_marketable_bps
    if row.purpose == _FLATTEN:
        band = book.flatten_bps
    distance = abs(2 * row.price - ref2) * 10_000
    if ref2 <= 0 or row.price <= 0 or distance > band * ref2:
        blame(book, Rule.PRICE_BAND, row, band * ref2, distance)


@inlined
def audit_size(row, instrument, book):
    """SIZE: between minimum and maximum, a multiple of the lot step."""
    if row.qty < max(instrument.min_order, 1):
        blame(book, Rule.SIZE, row, max(instrument.min_order, 1), row.qty)
    elif row.qty > instrument.max_order:
        blame(book, Rule.SIZE, row, instrument.max_order, row.qty)
    elif row.qty % instrument.lot_step != 0:
        blame(book, Rule.SIZE, row, instrument.lot_step, row.qty)


@inlined
def audit_inventory(row, before, instrument, book):
    """INVENTORY: an order that raises the worst position keeps it within the limit."""
    after = worst_position(instrument)
    if after > before and after > instrument.max_position:
        blame(book, Rule.INVENTORY, row, instrument.max_position, after)


@inlined
def audit_kill(row, instrument, book):
    """KILL, FLATTEN: what may leave while the latch is not ARMED, and what only then."""
    if book.kill_known == 0:
        return
    armed = book.kill_state == _ARMED
    if row.purpose == _TRADE and not armed and book.arming == 0:
        if book.kill_mode != _KILL_REDUCE or not same_side_fits(instrument, row.side):
            blame(book, Rule.KILL, row, _ARMED, book.kill_state)
    if row.purpose == _FLATTEN and armed and book.tripping == 0:
        blame(book, Rule.FLATTEN, row, _ARMED, book.kill_state)


@inlined
def depart(row, slot, instrument, book, limits):
    """Reserve a departing order and hold it against every limit that needs no law to compute."""
    ref2 = row.ref2 if row.ref2 != 0 else slot.ref2
    before = worst_position(instrument)
    reserve(instrument, row.side, row.qty)
    instrument.open_orders += 1
    slot.departed, slot.depart_tick, slot.qty = 1, book.tick, row.qty
    slot.price_low, slot.price_high = row.price, row.price
    audit_size(row, instrument, book)
    audit_band(row, ref2, limits, book)
    audit_inventory(row, before, instrument, book)
    audit_kill(row, instrument, book)
    if instrument.open_orders > limits.max_open_orders and row.purpose != _FLATTEN:
        blame(book, Rule.OPEN_ORDERS, row, limits.max_open_orders, instrument.open_orders)
    if (row.order_flags & _REDUCE_ONLY) != 0 and not same_side_fits(instrument, row.side):
        leaves = instrument.buy_leaves if row.side > 0 else instrument.sell_leaves
        blame(book, Rule.REDUCE_ONLY, row, abs(instrument.position), leaves)


@inlined
def amend(row, slot, instrument, limits, book):
    """Widen an order to the worse of old and new while its amend is under way."""
    before = worst_position(instrument)
    if row.price < slot.price_low or row.price > slot.price_high:
        audit_band(row, row.ref2, limits, book)
    slot.price_low, slot.price_high = min(slot.price_low, row.price), max(slot.price_high, row.price)
    if row.qty > slot.qty:
        reserve(instrument, row.side, row.qty - slot.qty)
        slot.qty = row.qty
        audit_size(row, instrument, book)
        audit_inventory(row, before, instrument, book)
    book.amending += 1 - slot.amending
    slot.amending = 1


@inlined
def settle(row, slot, instrument, book):
    """Take quantity and price of a working row; they may differ only where an amend was under way."""
    if row.price != slot.price_low or row.price != slot.price_high or row.qty != slot.qty:
        if slot.amending == 0:
            blame(book, Rule.ORDER_CHANGED, row, slot.qty, row.qty)
        reserve(instrument, row.side, row.qty - slot.qty)
        slot.qty, slot.price_low, slot.price_high = row.qty, row.price, row.price
    book.amending -= slot.amending
    slot.amending = 0


@inlined
def release(slot, instrument, book):
    """End an order: what is left of its reservation is free again."""
    slot.ended = 1
    if slot.departed != 0:
        reserve(instrument, slot.side, slot.filled - slot.qty)
        instrument.open_orders -= 1
        book.amending -= slot.amending


@inlined
def leaves_agree(row, slot):
    """True when leaves are quantity minus fills; an end may show 0, an amend under way less than the larger size."""
    left = slot.qty - slot.filled
    if row.state == _FILLED:
        return row.leaves == 0 and (left == 0 or (slot.amending != 0 and row.qty == slot.filled))
    if slot.amending != 0:
        return 0 <= row.leaves <= left
    return row.leaves == left or (row.leaves == 0 and is_end(row.state))


@inlined
def audit_order(row, ids, slots, instruments, book, limits):
    """Audit one ORDER row; the fill that it tells of is booked already."""
    book.orders += 1
    if not readable(row, instruments, book):
        return
    place = find(ids, row.order_id)
    if row.order_id == EMPTY or (place >= 0 and row.state == _DENIED and row.code == _DUP):
        return
    instrument = instruments[row.instrument]
    if place < 0:
        place = begin(row, ids, slots, book)
        if place < 0:
            return
    elif not continues(row, slots[place], book):
        return
    slot = slots[place]
    slot.state = row.state
    if row.state == _NEW:
        return
    if slot.departed == 0 and row.state != _DENIED:
        depart(row, slot, instrument, book, limits)
    elif row.state == _PENDING_AMEND:
        amend(row, slot, instrument, limits, book)
    elif row.state == _ACCEPTED or row.state == _PARTIALLY_FILLED:
        settle(row, slot, instrument, book)
    if not leaves_agree(row, slot):
        blame(book, Rule.LEAVES, row, slot.qty - slot.filled, row.leaves)
    if is_end(row.state):
        release(slot, instrument, book)
