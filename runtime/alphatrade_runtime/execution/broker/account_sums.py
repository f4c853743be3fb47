"""The account's totals: sums over its sessions, its value, and the levels at which it is held or latched."""

from alphatrade_runtime.numerics.jit import entry, hot, inlined, kernel
from alphatrade_runtime.risk.codes import Guard
from alphatrade_runtime.risk.equity import on_nav
from alphatrade_runtime.risk.kill import ARMED, REDUCE, trip
from alphatrade_runtime.risk.law import of_nav
from alphatrade_runtime.risk.state import REDUCE_DAY_DRAWDOWN

_DRAWDOWN_PEAK = int(Guard.DRAWDOWN_PEAK)


@kernel
def _add_session(g, account, row):
    """Add a session's money and exposures to the account's totals."""
    money = row.money[0]
    account.cash += money.cash
    account.marked += money.marked
    account.fees += money.fees
    account.turnover += money.turnover
    if row.on != 0:  # the windows of a session whose clock stands still would never end
        account.rate_head += money.rate_head - money.rate_tail_min
        account.rate_tail_s += money.rate_head - money.rate_tail_s
        account.turn_minute += money.turn_minute
        account.turn_hour += money.turn_hour
    for i in range(row.n):
        at = row.index[i]
        if at >= 0:
            total = g.exposures[at]
            total.position += row.exposures[i].position
            total.working_buy += row.exposures[i].working_buy
            total.working_sell += row.exposures[i].working_sell
            total.open_orders += row.exposures[i].open_orders


@kernel
def sum_totals(g, table, rows):
    account = g.account[0]
    account.cash = account.initial_cash
    account.marked = 0
    account.fees = 0
    account.turnover = 0
    account.rate_head = 0
    account.rate_tail_s = 0
    account.rate_tail_min = 0
    account.turn_minute = 0
    account.turn_hour = 0
    for i in range(g.instruments_n):
        total = g.exposures[i]
        total.position = 0
        total.working_buy = 0
        total.working_sell = 0
        total.open_orders = 0
    for k in range(rows):
        _add_session(g, account, table[k])
    account.rate_tail_s = account.rate_head - account.rate_tail_s
    account.nav = account.cash + account.marked


@entry
def sum_sessions(gate, table, rows):
    """Make the account's totals the sum over the first `rows` sessions of the table."""
    sum_totals(gate[0], table, rows)


@kernel
def publish(g, row, b):
    """Show the session's look at the market to the account."""
    for i in range(row.n):
        at = row.index[i]
        if at >= 0:
            g.views[at] = b.views[i]


@inlined
def watch(g):
    """Peak to trough latches the account for good; the day's loss leaves only reductions."""
    account = g.account[0]
    on_nav(account, g.limits[0])
    if account.kill_level != 0 and account.nav < account.kill_level:
        trip(account, REDUCE, _DRAWDOWN_PEAK, 0, 0)
    if account.day_level != 0 and account.nav < account.day_level:
        account.reduce_only |= REDUCE_DAY_DRAWDOWN


@hot
def move_nav(g, before, after):
    """Move the account's value by what one session's moved."""
    account = g.account[0]
    account.nav += after - before
    if g.open == 0 and g.quiet == 0:
        watch(g)


@entry
def set_levels(gate):
    """Move the levels at which the account is held or latched to where the limits put them."""
    account = gate[0].account[0]
    limits = gate[0].limits[0]
    account.kill_level = 0
    account.day_level = 0
    if limits.max_drawdown_bps > 0:
        account.kill_level = account.high_water - of_nav(account.high_water, limits.max_drawdown_bps)
    if limits.day_drawdown_bps > 0:
        account.day_level = account.day_start_nav - of_nav(account.day_start_nav, limits.day_drawdown_bps)


@hot
def is_held(g):
    """Return a number that changes when the account is latched or held, and when that ends."""
    account = g.account[0]
    return account.reduce_only + (0 if account.kill_state == ARMED else 4)
