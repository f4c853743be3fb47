"""EQUITY and MARK rows: NAV recomputed from cash, positions and marks."""

from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.risk.auditor.money import countable, value_fits
from alphatrade_runtime.risk.auditor.orders import worst_position
from alphatrade_runtime.risk.auditor.rules import Rule
from alphatrade_runtime.risk.auditor.state import MAX_UNITS, note


@inlined
def readable_mark(mark, instrument, book):
    """POSITION, MARK, RANGE: the row tells the position that the fills made, and a price to value it by."""
    if mark.position != instrument.position:
        note(book, Rule.POSITION.value, mark.seq, mark.ts_ns, 0, mark.instrument, instrument.position, mark.position)
    if mark.mark2 <= 0:
        if instrument.position != 0:
            note(book, Rule.MARK.value, mark.seq, mark.ts_ns, 0, mark.instrument, 0, mark.mark2)
        return False
    worst = worst_position(instrument)
    if not countable(mark.mark2 // 2) or not value_fits(worst, mark.mark2, instrument.mult // 2):
        note(book, Rule.RANGE.value, mark.seq, mark.ts_ns, 0, mark.instrument, MAX_UNITS, mark.mark2)
        return False
    return True


@inlined
def worst_sign(instrument):
    """Return the sign of the position that the worst case leaves behind."""
    up = instrument.position + instrument.buy_leaves
    down = instrument.position - instrument.sell_leaves
    worst = up if abs(up) >= abs(down) else down
    return 1 if worst >= 0 else -1


@kernel
def sum_marks(marks, first, seq, instruments, book):
    """Sum the MARK rows of one moment.

    Returns (next mark row, marked value, gross and net worst-case exposure, exposures known), money in quanta.
    mult is even, so mark2 * mult / 2 is exact.
    """
    book.equity += 1
    marked, gross, net = 0, 0, 0
    known = book.amending == 0
    k = first
    while k < len(marks) and marks[k].seq <= seq:
        mark = marks[k]
        if mark.instrument >= len(instruments):
            note(book, Rule.RANGE.value, mark.seq, mark.ts_ns, 0, -1, len(instruments), mark.instrument)
        elif mark.seq == seq:
            instrument = instruments[mark.instrument]
            if instrument.marked_at == book.equity:
                break  # the same step shows money twice: these rows belong to the next EQUITY row
            instrument.marked_at = book.equity
            if readable_mark(mark, instrument, book):
                marked += instrument.position * mark.mark2 * (instrument.mult // 2)
                exposure = worst_position(instrument) * mark.mark2 * (instrument.mult // 2)
                gross += exposure
                net += worst_sign(instrument) * exposure
            elif worst_position(instrument) != 0:
                known = False
        k += 1
    for i in range(len(instruments)):
        if instruments[i].position != 0 and instruments[i].marked_at != book.equity:
            note(book, Rule.MARK.value, seq, 0, 0, i, 0, 0)
    return k, marked, gross, net, known


@inlined
def blame_account(book, rule, row, expected, found):
    """Note a finding about an EQUITY row."""
    note(book, rule.value, row.seq, row.ts_ns, 0, -1, expected, found)


@inlined
def settle_pending(row, book):
    """CASH: a fill whose cash differed must be explained by funding that this row tells."""
    if book.pending != 0 and row.funding == book.funding:
        cash = book.cash_no_funding - book.funding
        note(book, Rule.CASH.value, book.pending_seq, book.pending_ts, book.pending_order, -1, cash,
             cash + book.pending_cash)  # fmt: skip
    book.pending = 0


@inlined
def audit_money(row, marked, book, limits):
    """FUNDING, CASH, FEE, TURNOVER, NAV: one EQUITY row against the auditor's own sums."""
    book.last_equity_seq = row.seq
    if limits.funding == 0 and row.funding != 0:
        blame_account(book, Rule.FUNDING, row, 0, row.funding)
    settle_pending(row, book)
    book.funding = row.funding
    cash = book.cash_no_funding - book.funding
    if row.cash != cash:
        blame_account(book, Rule.CASH, row, cash, row.cash)
    if row.fees != book.fees:
        blame_account(book, Rule.FEE, row, book.fees, row.fees)
    if row.turnover != book.turnover:
        blame_account(book, Rule.TURNOVER, row, book.turnover, row.turnover)
    if row.nav != cash + marked:
        blame_account(book, Rule.NAV, row, cash + marked, row.nav)


@inlined
def audit_exposure(row, gross, net, book):
    """EXPOSURE: gross and net are the worst case of positions and working orders, at the mark."""
    if row.gross != gross:
        blame_account(book, Rule.EXPOSURE, row, gross, row.gross)
    if row.net != net:
        blame_account(book, Rule.EXPOSURE, row, net, row.net)


@kernel
def audit_equity(equity, e, marks, m, instruments, book, limits):
    """Audit one EQUITY row with its MARK rows; return the next MARK row."""
    row = equity[e]
    if row.seq < book.equity_seq:
        blame_account(book, Rule.SEQUENCE, row, book.equity_seq, row.seq)
    book.equity_seq = max(book.equity_seq, row.seq)
    m, marked, gross, net, known = sum_marks(marks, m, row.seq, instruments, book)
    audit_money(row, marked, book, limits)
    if known:
        audit_exposure(row, gross, net, book)
    return m
