"""The market as one session's venue shows it: marks, calendar, funding; each moves the account's value at once."""

from alphatrade_runtime.execution.broker.account_sums import move_nav
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, Kind
from alphatrade_runtime.market.view import on_quote, on_trade
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.risk.equity import start_day

_QUOTE = int(Kind.QUOTE)
_TRADE = int(Kind.TRADE)
_BAR = int(Kind.BAR)
_FUNDING = int(Kind.FUNDING)
_STATUS = int(Kind.STATUS)
_GAP = int(Kind.GAP)
_NEVER = 1 << 62


@kernel
def _turn_day(g, table, rows):
    """Start the account's day once every session that is on has entered a new one."""
    for k in range(rows):
        if table[k].on != 0 and table[k].day_ts == table[k].mark_ts:
            return
    for k in range(rows):
        table[k].mark_ts = table[k].day_ts
    start_day(g.account[0], g.limits[0])


@kernel
def _alone(table, rows, row):
    others = 0
    for k in range(rows):
        others += table[k].on
    return others - row.on == 0


@kernel
def _roll_calendar(g, table, rows, row, opens, closes, days, now):
    """Move one session's calendar up to now."""
    money = row.money[0]
    n = len(opens)
    while money.session_cursor < n and now >= closes[money.session_cursor]:
        money.session_cursor += 1
    at = money.session_cursor
    money.session_open = 1 if n == 0 or (at < n and now >= opens[at]) else 0
    upcoming = _NEVER
    if at < n:
        upcoming = closes[at] if money.session_open == 1 else opens[at]
    entered = False
    while money.day_cursor < len(days) and now >= days[money.day_cursor]:
        row.day_ts = days[money.day_cursor]
        money.day_cursor += 1
        entered = True
    if money.day_cursor < len(days):
        upcoming = min(upcoming, days[money.day_cursor])
    money.next_day_ts = upcoming
    if entered:
        if row.mark_ts == 0:
            row.mark_ts = g.day_ts if _alone(table, rows, row) else row.day_ts
        _turn_day(g, table, rows)
        g.day_ts = row.mark_ts


@inlined
def _mark(g, row, b, i, before):
    """Value a position by its new mark."""
    lots = row.exposures[i].position
    if lots == 0:
        return
    money = row.money[0]
    old = money.nav
    money.marked += lots * (b.views[i].mark2 - before) * b.instruments[i].half_mult
    money.nav = money.cash + money.marked
    move_nav(g, old, money.nav)


@kernel
def _pay_funding(g, row, b, i, rate_e8):
    """As the runtime books it: longs pay a positive rate on the marked value, rounded against us."""
    money = row.money[0]
    value = row.exposures[i].position * b.views[i].mark2 * b.instruments[i].half_mult
    whole = value // 100_000_000
    part = value - whole * 100_000_000
    paid = whole * rate_e8 - (-(part * rate_e8)) // 100_000_000
    old = money.nav
    money.cash -= paid
    money.funding += paid
    money.nav = money.cash + money.marked
    move_nav(g, old, money.nav)


@kernel
def _see_rare(g, row, b, rows, r, now):
    kind = rows.kind[r]
    i = rows.instrument[r]
    if kind == _GAP:
        for k in range(row.n):
            if i == ALL_INSTRUMENTS or i == k:
                b.views[k].quote_ts = 0
        return
    if i >= row.n:
        return
    view = b.views[i]
    if kind == _STATUS:
        view.status = rows.price[r]
    elif kind == _FUNDING and row.funding_on != 0:
        _pay_funding(g, row, b, i, rows.price[r])


@inlined
def see_row(g, table, used, row, b, rows, r, now, opens, closes, days):
    """Take a market row at the venue's time `now` into the session's look at the market and the account's value."""
    money = row.money[0]
    money.now = max(money.now, now)
    kind = rows.kind[r]
    if kind <= _BAR:
        money.stream_ts = now
    if now >= money.next_day_ts:
        _roll_calendar(g, table, used, row, opens, closes, days, now)
    i = rows.instrument[r]
    if kind == _QUOTE and i < row.n:
        view = b.views[i]
        before = view.mark2
        if on_quote(
            view, rows.bid[r], rows.ask[r], rows.bid_size[r], rows.ask_size[r], now, g.limits[0].mark_jump_bps
        ):  # fmt: skip
            _mark(g, row, b, i, before)
    elif kind == _TRADE and i < row.n:
        on_trade(b.views[i], rows.price[r], rows.size[r], rows.side[r])
    else:
        _see_rare(g, row, b, rows, r, now)
