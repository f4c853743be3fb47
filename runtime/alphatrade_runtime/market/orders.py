"""The vocabulary of orders, and the fixed-width rows that record orders and money: no strings, no wall clock."""

from enum import IntEnum

import numpy as np


class OrderState(IntEnum):
    NEW = 0
    DENIED = 1
    IN_FLIGHT_NEW = 2
    ACCEPTED = 3
    REJECTED = 4
    UNKNOWN = 5
    PARTIALLY_FILLED = 6
    FILLED = 7
    CANCELED = 8
    EXPIRED = 9
    PENDING_CANCEL = 10
    PENDING_AMEND = 11


class TimeInForce(IntEnum):
    GTC = 0
    IOC = 1
    FOK = 2
    GTD = 3
    AT_OPEN = 4


class OrderFlag(IntEnum):
    POST_ONLY = 1
    REDUCE_ONLY = 2


class Purpose(IntEnum):
    TRADE = 0
    FLATTEN = 1
    REDUCE = 2


class Reason(IntEnum):
    """Why the venue refused or ended an order."""

    NONE = 0
    POST_ONLY_WOULD_TAKE = 1
    REDUCE_ONLY = 2
    SELF_TRADE = 3
    HALTED = 4
    DUPLICATE_ID = 5
    UNKNOWN_ORDER = 6
    NO_LIQUIDITY = 7
    NEVER_ARRIVED = 8
    CAPACITY = 9


class Command(IntEnum):
    NEW = 1
    AMEND = 2
    CANCEL = 3


class Report(IntEnum):
    """Types of execution report; a FILL is final when leaves is 0."""

    ACCEPTED = 1
    REJECTED = 2
    FILL = 3
    CANCELED = 4
    EXPIRED = 5
    AMENDED = 6
    CANCEL_REJECTED = 7
    AMEND_REJECTED = 8


# A command on its way to the broker; `ts_ns` is when it arrives there (simulated) or left (live).
COMMAND_DTYPE = np.dtype(
    [
        ("ts_ns", "i8"), ("order_id", "i8"), ("price", "i8"), ("qty", "i8"), ("decision_id", "i8"),
        ("instrument", "u2"), ("command", "u1"), ("side", "i1"), ("tif", "u1"), ("order_flags", "u1"),
        ("purpose", "u1"), ("topology", "u1"),
    ]
)  # fmt: skip

# An execution report on its way back; `ts_ns` is when we receive it, `exch_ts_ns` when it happened.
REPORT_DTYPE = np.dtype(
    [
        ("ts_ns", "i8"), ("exch_ts_ns", "i8"), ("order_id", "i8"), ("exec_id", "i8"), ("price", "i8"),
        ("qty", "i8"), ("leaves", "i8"), ("instrument", "u2"), ("type", "u1"), ("side", "i1"),
        ("maker", "u1"), ("reason", "u1"),
    ],
)  # fmt: skip

# Every change of an order as the runtime saw it. `ref2` is bid + ask (half ticks) at that moment.
ORDER_DTYPE = np.dtype(
    [
        ("ts_ns", "i8"), ("seq", "i8"), ("order_id", "i8"), ("decision_id", "i8"), ("price", "i8"),
        ("qty", "i8"), ("leaves", "i8"), ("ref2", "i8"), ("instrument", "u2"), ("event", "u1"),
        ("state", "u1"), ("side", "i1"), ("tif", "u1"), ("order_flags", "u1"), ("purpose", "u1"),
        ("topology", "u1"), ("code", "u1"),
    ],
    align=True,
)  # fmt: skip

# A fill. Money in quanta of 1e-8 account currency; `fee` > 0 is paid, < 0 a rebate.
FILL_DTYPE = np.dtype(
    [
        ("ts_ns", "i8"), ("exch_ts_ns", "i8"), ("seq", "i8"), ("order_id", "i8"), ("decision_id", "i8"),
        ("exec_id", "i8"), ("price", "i8"), ("qty", "i8"), ("fee", "i8"), ("position_after", "i8"),
        ("cash_after", "i8"), ("ref2", "i8"), ("instrument", "u2"), ("side", "i1"), ("maker", "u1"),
        ("topology", "u1"), ("purpose", "u1"),
    ],
    align=True,
)  # fmt: skip

# Money over time: one row a minute of event time (bar tapes: a step), and one at the end. Quanta.
EQUITY_DTYPE = np.dtype(
    [
        ("ts_ns", "i8"), ("seq", "i8"), ("nav", "i8"), ("cash", "i8"), ("funding", "i8"), ("fees", "i8"),
        ("gross", "i8"), ("net", "i8"), ("high_water", "i8"), ("day_start_nav", "i8"), ("turnover", "i8"),
        ("kill_state", "u1"), ("reduce_only", "u1"),
    ],
    align=True,
)  # fmt: skip

# Position and mark by instrument at the same moments as EQUITY rows: what the auditor recomputes NAV from.
MARK_DTYPE = np.dtype(
    [("ts_ns", "i8"), ("seq", "i8"), ("position", "i8"), ("mark2", "i8"), ("instrument", "u2")],
    align=True,
)
