"""What was tried beside the policy that trades, at what price, within which budget, and what ended it: one row each."""

from enum import IntEnum

import numpy as np


class Event(IntEnum):
    """What a row is of."""

    REFUSED = 0  # a slot was offered, and what could have been tried was not
    BEGUN = 1  # a policy is tried from this decision on
    ENDED = 2  # it is not any more


class Ending(IntEnum):
    """What ended a trial."""

    NONE = 0
    TIME = 1  # its slot is over
    BUDGET = 2  # the law denied its order with code BUDGET
    BARRED = 3  # frozen, no permit, no share
    GUARDRAIL = 4  # its order has no price, or belongs to Paper
    REGIME = 5  # it may not trade in the regime that there is now
    CHOSEN = 6  # it is what trades by choice now
    NO_INCUMBENT = 7  # nobody trades


# policy: what is tried, in place of incumbent; 255 none.  verdict: of adaptation/exploration/budget.py, 255 not asked.
# finding: of adaptation/exploration/counterfactual.py.  frozen: causes, FREEZE_* bits.  cross: 1 its order may take.
# notional: of the order.  normal, exploring: sent since the UTC day began.  tokens: of the bucket; all in quanta.
# rolling_share: of the notional of the last orders, what explored.  costs: bps of the mid, both ways on one book.
# share, incumbent_share: of the largest position, as it may be held.
EXPLORATION_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("decision_id", "i8"), ("event_ts_ns", "i8"), ("slots", "i8"), ("lots", "i8"),
        ("notional", "i8"), ("normal", "i8"), ("exploring", "i8"), ("tokens", "i8"),
        ("passive_cost_bps", "f8"), ("passive_fill_probability", "f8"), ("passive_fee_bps", "f8"),
        ("aggressive_cost_bps", "f8"), ("aggressive_fee_bps", "f8"), ("cost_gap_bps", "f8"), ("cost_bound_bps", "f8"),
        ("size_delta", "f8"), ("share", "f8"), ("incumbent_share", "f8"), ("rolling_share", "f8"),
        ("instrument", "u2"), ("event", "u1"), ("ending", "u1"), ("policy", "u1"), ("incumbent", "u1"),
        ("verdict", "u1"), ("finding", "u1"), ("frozen", "u1"), ("cross", "u1"),
    ],
    align=True,
)  # fmt: skip
