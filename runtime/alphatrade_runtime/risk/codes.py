"""Why the law denies, in the order in which the checks are asked; the first failing one is the reason."""

from enum import IntEnum


class Code(IntEnum):
    ACCEPT = 0
    KILL = 1
    SESSION = 2
    STALE = 3
    SYMBOL = 4
    SIZE = 5
    NOTIONAL = 6
    PRICE_BAND = 7
    INVENTORY = 8
    EXPOSURE = 9
    LEVERAGE = 10
    MARGIN = 11
    DRAWDOWN = 12
    RATE = 13
    OPEN_ORDERS = 14
    TURNOVER = 15
    RISK_PER_TRADE = 16
    BUDGET = 17
    DUP = 18


CODE_COUNT = len(Code)


class KillState(IntEnum):
    ARMED = 0
    TRIPPED = 1
    FLATTENING = 2
    HALTED = 3


class Guard(IntEnum):
    """What moved when a GUARD row is written."""

    NONE = 0
    KILL_SWITCH = 1
    DRAWDOWN_PEAK = 2
    DRAWDOWN_DAY = 3
    AUDITOR = 4
    CLOCK_STEP = 5
    RECONCILE_BREAK = 6
    FLATTENED = 7
    RELEASED = 8
    DAY_ROLL = 9
    HALT_STATUS = 10
    LINK_LOST = 11
    KILL_STALE = 12
    DRAIN = 13
    LIMITS = 14
    DRIFT = 15
    FAST_WEIGHTS = 16
