"""Fills: each belongs to an order that left, and moves position, fees and cash by exactly its own terms."""

from alphatrade_runtime.market.orders import OrderFlag, TimeInForce
from alphatrade_runtime.numerics.jit import inlined
from alphatrade_runtime.risk.auditor.money import countable, fee_of, value_fits
from alphatrade_runtime.risk.auditor.orders import blame, reserve
from alphatrade_runtime.risk.auditor.rules import Rule
from alphatrade_runtime.risk.auditor.state import MAX_CASH, MAX_UNITS, find, seen_before

_AT_OPEN = int(TimeInForce.AT_OPEN)
_REDUCE_ONLY = int(OrderFlag.REDUCE_ONLY)
_SAME_MOMENT = 32  # fills looked back on for a counterpart of ours


@inlined
def readable_fill(row, instruments, book):
    """RANGE: instrument, side, price, quantity and value can be computed with."""
    if row.instrument >= len(instruments):
        blame(book, Rule.RANGE, row, len(instruments), row.instrument)
        return False
    if not (countable(row.price) and countable(row.qty) and row.price > 0 and row.qty > 0):
        blame(book, Rule.RANGE, row, MAX_UNITS, row.price)
        return False
    if (row.side != 1 and row.side != -1) or not value_fits(row.qty, row.price, instruments[row.instrument].mult):
        blame(book, Rule.RANGE, row, MAX_UNITS, row.qty)
        return False
    return True


@inlined
def audit_against_order(row, slot, instrument, book):
    """FILL_MISMATCH, FILL_PRICE, OVERFILL: the fill is within what its order allowed."""
    if row.instrument != slot.instrument:
        blame(book, Rule.FILL_MISMATCH, row, slot.instrument, row.instrument)
        return
    if row.side != slot.side:
        blame(book, Rule.FILL_MISMATCH, row, slot.side, row.side)
        return
    if slot.tif != _AT_OPEN:
        if row.side > 0 and row.price > slot.price_high:
            blame(book, Rule.FILL_PRICE, row, slot.price_high, row.price)
        if row.side < 0 and row.price < slot.price_low:
            blame(book, Rule.FILL_PRICE, row, slot.price_low, row.price)
    if slot.filled + row.qty > slot.qty:
        blame(book, Rule.OVERFILL, row, slot.qty, slot.filled + row.qty)
    slot.filled += row.qty
    slot.fill_tick = book.tick
    if slot.ended == 0:
        reserve(instrument, row.side, -row.qty)


@inlined
def audit_owner(row, ids, slots, instrument, book):
    """FILL_UNKNOWN_ORDER, FILL_AFTER_END: the fill's order had left and was still open."""
    place = find(ids, row.order_id)
    if place < 0 or slots[place].departed == 0:
        blame(book, Rule.FILL_UNKNOWN_ORDER, row, 0, row.order_id)
        return
    slot = slots[place]
    if slot.ended != 0 and row.seq < book.break_seq:
        blame(book, Rule.FILL_AFTER_END, row, slot.state, slot.state)
        return
    audit_against_order(row, slot, instrument, book)
    if (slot.order_flags & _REDUCE_ONLY) != 0:
        before = instrument.position
        after = before + row.side * row.qty
        if abs(after) > abs(before) or before * row.side > 0 or after * row.side > 0:
            blame(book, Rule.REDUCE_ONLY, row, abs(before), row.qty)


@inlined
def both_out(ids, slots, taker_id, maker_id):
    """True when the taking order left before the resting one was known to be filled."""
    taker = find(ids, taker_id)
    maker = find(ids, maker_id)
    return taker >= 0 and maker >= 0 and slots[taker].depart_tick < slots[maker].fill_tick


@inlined
def audit_self_trade(fills, i, ids, slots, book):
    """SELF_TRADE: a maker and a taker of ours, both out there, same moment, price and lots, opposite sides."""
    row = fills[i]
    for back in range(1, min(i, _SAME_MOMENT) + 1):
        other = fills[i - back]
        if other.exch_ts_ns != row.exch_ts_ns:
            return
        same = other.instrument == row.instrument and other.price == row.price and other.qty == row.qty
        if same and other.side == -row.side and other.maker != row.maker:
            taker, maker = (row.order_id, other.order_id) if other.maker != 0 else (other.order_id, row.order_id)
            if both_out(ids, slots, taker, maker):
                blame(book, Rule.SELF_TRADE, row, 0, other.order_id)
                return


@inlined
def book_money(row, instrument, book, limits):
    """FEE, CASH: the fee is the schedule's and cash moved by value and fee only.

    With funding, cash may also have moved by funding that the next EQUITY row tells: the first such fill is
    kept until then.
    """
    value = row.qty * row.price * instrument.mult
    rate = instrument.maker_fee_e7 if row.maker != 0 else instrument.taker_fee_e7
    fee = fee_of(value, rate, instrument.flat_fee)
    if row.fee != fee:
        blame(book, Rule.FEE, row, fee, row.fee)
    book.cash_no_funding -= row.side * value + fee
    book.fees += fee
    book.turnover += value
    if abs(float(book.cash_no_funding)) >= MAX_CASH:
        blame(book, Rule.RANGE, row, 2**62, book.cash_no_funding)
    cash = book.cash_no_funding - book.funding
    if row.cash_after == cash:
        return
    if limits.funding == 0:
        blame(book, Rule.CASH, row, cash, row.cash_after)
    elif book.pending == 0:
        book.pending, book.pending_cash, book.pending_seq = 1, row.cash_after - cash, row.seq
        book.pending_ts, book.pending_order = row.ts_ns, row.order_id


@inlined
def audit_fill(fills, i, ids, slots, execs, instruments, book, limits):
    """Audit one FILL row and book it."""
    row = fills[i]
    book.fills += 1
    book.last_fill_seq = row.seq
    if not readable_fill(row, instruments, book):
        return
    if seen_before(execs, row.exec_id):
        blame(book, Rule.EXEC_DUPLICATE, row, 0, row.exec_id)
    instrument = instruments[row.instrument]
    audit_owner(row, ids, slots, instrument, book)
    audit_self_trade(fills, i, ids, slots, book)
    instrument.position += row.side * row.qty
    if row.position_after != instrument.position:
        blame(book, Rule.POSITION, row, instrument.position, row.position_after)
    book_money(row, instrument, book, limits)
