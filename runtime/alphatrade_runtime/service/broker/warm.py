"""Load every compiled function before the first logon: loading takes a second, compiling more."""

import numpy as np

from alphatrade_runtime.execution.broker import account_sums
from alphatrade_runtime.execution.broker.account import open_seat
from alphatrade_runtime.execution.broker.venue import Venue
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE
from alphatrade_runtime.policy.document import Exchange


def warm_up(terms: Exchange) -> None:
    """Run every compiled function of a gateway once, on an account that nobody needs afterwards."""
    seat = open_seat(1)
    Venue(terms, 1, seat, depth=False)
    none = np.zeros(0, REPORT_DTYPE)
    seat.restore(np.zeros(0, COMMAND_DTYPE), np.zeros(0, np.uint8), none)
    seat.book(none)
    account_sums.set_levels(seat.account.gate)
    seat.account.totals()
