"""NAV, its high-water mark, and the levels at which the law holds or kills."""

from alphatrade_runtime.numerics.jit import hot
from alphatrade_runtime.risk.law import of_nav
from alphatrade_runtime.risk.state import REDUCE_DAY_DRAWDOWN


@hot
def on_nav(account, limits):
    """Move the high-water mark and the kill level below it. 0 bps switches a level off."""
    if account.nav > account.high_water:
        account.high_water = account.nav
        if limits.max_drawdown_bps > 0:
            account.kill_level = account.nav - of_nav(account.nav, limits.max_drawdown_bps)


@hot
def remark(account, exposure, instrument, limits, old_mark2, new_mark2):
    """Move NAV by a new mark of one instrument."""
    account.marked += exposure.position * (new_mark2 - old_mark2) * instrument.half_mult
    account.nav = account.cash + account.marked
    on_nav(account, limits)


@hot
def start_day(account, limits):
    """Take NAV as the day's start and release the day's reduce-only."""
    account.day_start_nav = account.nav
    account.reduce_only = account.reduce_only & ~REDUCE_DAY_DRAWDOWN
    if limits.day_drawdown_bps > 0:
        account.day_level = account.nav - of_nav(account.nav, limits.day_drawdown_bps)
