"""Take one tape row into what the strategy knows: its view, flow, mark, status, controls, reports."""

from alphatrade_runtime.execution.orders import EVENT_REPORT, doubt
from alphatrade_runtime.loop.emit import guard_row, order_row
from alphatrade_runtime.loop.mind_call import call_mind
from alphatrade_runtime.loop.reports import on_report
from alphatrade_runtime.loop.step import TOUCHED_OTHER, TOUCHED_QUOTE
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, Control, Flag, Kind, Status
from alphatrade_runtime.market.view import on_bar, on_quote, on_trade
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.perception.features import NEEDS_FLOW, flow_on_quote, flow_on_trade
from alphatrade_runtime.risk.codes import Guard
from alphatrade_runtime.risk.equity import on_nav, remark
from alphatrade_runtime.risk.kill import FLATTEN, REDUCE, trip
from alphatrade_runtime.risk.state import (
    HALT_CLOCK_STEP,
    HALT_KILL_STALE,
    HALT_LINK_LOST,
    HALT_RECONCILED,
    HALT_RESUMING,
    REDUCE_BREAK,
)

_QUOTE = int(Kind.QUOTE)
_TRADE = int(Kind.TRADE)
_DEPTH = int(Kind.DEPTH)
_BAR = int(Kind.BAR)
_FUNDING = int(Kind.FUNDING)
_STATUS = int(Kind.STATUS)
_GAP = int(Kind.GAP)
_TIMER = int(Kind.TIMER)
_EXEC_REPORT = int(Kind.EXEC_REPORT)
_CONTROL = int(Kind.CONTROL)
_LAST = int(Flag.LAST)
_TRADING = int(Status.TRADING)
_RECONCILED = int(Control.RECONCILED)
_CLOCK_STEP = int(Control.CLOCK_STEP)
_BREAK = int(Control.BREAK)
_LINK_LOST = int(Control.LINK_LOST)
_KILL_STALE = int(Control.KILL_STALE)
_KILL_FRESH = int(Control.KILL_FRESH)
_DRAIN = int(Control.DRAIN)
_G_KILL = int(Guard.KILL_SWITCH)
_G_CLOCK = int(Guard.CLOCK_STEP)
_G_BREAK = int(Guard.RECONCILE_BREAK)
_G_RELEASED = int(Guard.RELEASED)
_G_HALT = int(Guard.HALT_STATUS)
_G_LINK = int(Guard.LINK_LOST)
_G_STALE = int(Guard.KILL_STALE)
_G_DRAIN = int(Guard.DRAIN)
GOOD_QUOTES = 3  # valid quotes after a clock step before its halt may end


@inlined
def _take_quote(c, i, bid, ask, bid_size, ask_size, now):
    view = c.views[i]
    before = view.mark2
    view.touched |= TOUCHED_QUOTE
    if c.loop[0].feature_needs & NEEDS_FLOW:
        flow_on_quote(c.flows[i], bid, ask, bid_size, ask_size, now)
    moved = on_quote(view, bid, ask, bid_size, ask_size, now, c.limits[0].mark_jump_bps)
    if moved and c.exposures[i].position != 0:
        remark(c.account[0], c.exposures[i], c.instruments[i], c.limits[0], before, view.mark2)
    if c.account[0].halt != 0:
        _count_good_quote(c, view.crossed == 0)
    if c.loop[0].watch != 0:
        call_mind(c.loop[0].watch, c, c.loop[0].mind, i, now)


@kernel
def _count_good_quote(c, good):
    account = c.account[0]
    if good:
        account.good_quotes += 1
    if account.halt & HALT_KILL_STALE == 0 and account.good_quotes >= GOOD_QUOTES and account.halt & HALT_RECONCILED:
        account.halt = 0
        guard_row(c, _G_RELEASED)


@kernel
def _take_bar(c, i, now):
    row = c.row[0]
    view = c.views[i]
    before = view.mark2
    view.touched |= TOUCHED_QUOTE
    ordinal = row.venue_seq
    moved = on_bar(
        view, row.bid_size, row.ask, row.bid, row.price, row.lots, ordinal, now
    )  # fmt: skip
    account = c.account[0]
    account.bar_ordinal = max(account.bar_ordinal, ordinal)
    if moved and c.exposures[i].position != 0:
        remark(account, c.exposures[i], c.instruments[i], c.limits[0], before, view.mark2)


@kernel
def _pay_funding(c, i, rate_e8):
    """Longs pay a positive rate on the marked value; rounded against us."""
    account = c.account[0]
    value = c.exposures[i].position * c.views[i].mark2 * c.instruments[i].half_mult
    whole = value // 100_000_000
    part = value - whole * 100_000_000
    paid = whole * rate_e8 - (-(part * rate_e8)) // 100_000_000
    account.cash -= paid
    account.funding += paid
    account.nav = account.cash + account.marked
    on_nav(account, c.limits[0])


@kernel
def _lose_link(c):
    """Hold all trading: what became of the working orders is unknown until the venue has told."""
    account = c.account[0]
    account.halt = (account.halt & HALT_KILL_STALE) | HALT_LINK_LOST
    account.good_quotes = 0
    for i in range(c.loop[0].instruments):
        for k in range(c.exposures[i].open_orders):
            order = c.slots[c.active[i, k]]
            doubt(order)
            order_row(c, order, EVENT_REPORT, 0)
    guard_row(c, _G_LINK)


@kernel
def take_control(c, what, argument):
    """Take a control: kill modes, halts and their release. argument: slippage in bps, for kill modes."""
    account = c.account[0]
    if REDUCE <= what <= FLATTEN:
        if trip(account, what, _G_KILL, argument, account.seq):
            guard_row(c, _G_KILL)
    elif what == _CLOCK_STEP:
        account.halt = (account.halt & HALT_KILL_STALE) | HALT_CLOCK_STEP
        account.good_quotes = 0
        guard_row(c, _G_CLOCK)
    elif what == _BREAK:
        account.reduce_only |= REDUCE_BREAK
        guard_row(c, _G_BREAK)
    elif what == _LINK_LOST:
        _lose_link(c)
    elif what == _KILL_STALE:
        account.halt = (account.halt & ~HALT_RECONCILED) | HALT_KILL_STALE
        account.good_quotes = 0
        guard_row(c, _G_STALE)
    elif what == _KILL_FRESH:
        account.halt = (account.halt & ~HALT_KILL_STALE) | HALT_RESUMING
    elif what == _DRAIN:
        if trip(account, FLATTEN, _G_DRAIN, argument, account.seq):
            guard_row(c, _G_DRAIN)
    elif what == _RECONCILED:
        account.reduce_only &= ~REDUCE_BREAK
        if account.halt != 0:
            account.halt |= HALT_RECONCILED
            _count_good_quote(c, False)


@kernel
def _take_report(c, now):
    row = c.row[0]
    report = c.scratch_report[0]
    report.ts_ns = now
    report.exch_ts_ns = row.ts_event_ns
    report.order_id = row.bid
    report.exec_id = row.venue_seq
    report.price = row.price
    report.qty = row.lots
    report.leaves = row.bid_size
    report.instrument = row.instrument
    report.type = row.ask
    report.side = row.side
    report.maker = row.ask_size & 1
    report.reason = row.ask_size >> 8
    on_report(c, report, now)


@kernel
def _take_gap(c, i):
    """What was known before a gap is old: quotes count as missing until the next one."""
    if i == ALL_INSTRUMENTS:
        for k in range(c.loop[0].instruments):
            c.views[k].quote_ts = 0
    else:
        c.views[i].quote_ts = 0


@kernel
def _take_rare(c, kind, i, now):
    row = c.row[0]
    if kind == _BAR:
        _take_bar(c, i, now)
    elif kind == _STATUS:
        if (c.views[i].status == _TRADING) != (row.price == _TRADING):
            c.views[i].status = row.price
            guard_row(c, _G_HALT)
        c.views[i].status = row.price
        c.views[i].touched |= TOUCHED_OTHER
    elif kind == _EXEC_REPORT:
        _take_report(c, now)
    elif kind == _CONTROL:
        take_control(c, row.price, row.lots)
    elif kind == _FUNDING:
        if c.loop[0].funding_on != 0:
            _pay_funding(c, i, row.price)
    elif kind == _GAP:
        _take_gap(c, i)


@inlined
def _arrive(c, now, seq):
    loop = c.loop[0]
    account = c.account[0]
    account.now = max(account.now, now)
    account.seq = seq
    loop.events += 1


@inlined
def take_quote_row(c, seq, now, i, bid, ask, bid_size, ask_size):
    """Take a QUOTE row, the kind that most rows are; quotes of instruments not traded only pass."""
    _arrive(c, now, seq)
    c.account[0].stream_ts = now
    if i < c.loop[0].instruments:
        _take_quote(c, i, bid, ask, bid_size, ask_size, now)


@kernel
def take_row(c):
    """Take the row in c.row, of any kind; a LAST row leaves a step pending."""
    row = c.row[0]
    loop = c.loop[0]
    if row.row_flags & _LAST:
        loop.step_pending = 1
        loop.step_ts = row.ts_init_ns
        loop.step_seq = row.seq
    kind = row.kind
    i = row.instrument
    now = row.ts_init_ns
    if kind == _QUOTE:
        take_quote_row(c, row.seq, now, i, row.bid, row.ask, row.bid_size, row.ask_size)
        return
    _arrive(c, now, row.seq)
    if kind <= _BAR:
        c.account[0].stream_ts = now
    if i >= c.loop[0].instruments and i != ALL_INSTRUMENTS:
        return
    if kind == _TRADE:
        c.views[i].touched |= TOUCHED_OTHER
        on_trade(c.views[i], row.price, row.lots, row.side)
        if c.loop[0].feature_needs & NEEDS_FLOW:
            flow_on_trade(c.flows[i], row.side, row.lots, now)
        if c.loop[0].watch != 0:
            call_mind(c.loop[0].watch, c, c.loop[0].mind, -1 - i, now)
    elif kind != _DEPTH:
        _take_rare(c, kind, i, now)
