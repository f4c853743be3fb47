"""The diary's rows as the hot loop writes them; strings are attached from dictionaries on reading."""

from enum import IntEnum

import numpy as np

from alphatrade_runtime.risk.codes import CODE_COUNT


class DiaryKind(IntEnum):
    ACTION = 1  # an order command that left
    DENIAL = 2  # an order command that the law refused
    GUARD = 3  # a transition of the kill state, reduce-only, halt or clock guard
    FOLD = 4  # nothing happened for 1,000 decisions or 1 s of event time
    CLOSE = 5  # the last row of a session


DECISION_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("decision_id", "i8"), ("event_ts_ns", "i8"), ("order_id", "i8"), ("qty", "i8"),
        ("limit", "i8"), ("target_lots", "i8"), ("position_lots", "i8"), ("ref2", "i8"), ("nav", "i8"),
        ("first_seq", "i8"), ("last_seq", "i8"), ("n", "i8"), ("fold64", "u8"), ("features_digest", "u8"),
        ("score", "f8"), ("config_epoch", "i8"), ("instrument", "u2"), ("policy", "u1"), ("topology", "u1"),
        ("kind", "u1"), ("action", "u1"), ("side", "i1"), ("code", "u1"), ("tif", "u1"), ("purpose", "u1"),
        ("kill_state", "u1"), ("guard", "u1"), ("util", "u2", (CODE_COUNT,)),
    ],
    align=True,
)  # fmt: skip

# What became of an action 1, 10 and 100 decisions of its instrument later. mid2_* in half ticks (0: not reached).
EXPOST_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("decision_id", "i8"), ("event_ts_ns", "i8"), ("order_id", "i8"), ("fills", "i8"),
        ("filled_lots", "i8"), ("filled_value", "i8"), ("fees", "i8"), ("ref2", "i8"), ("mid2_1", "i8"),
        ("mid2_10", "i8"), ("mid2_100", "i8"), ("worst2", "i8"), ("best2", "i8"), ("instrument", "u2"),
        ("side", "i1"), ("complete", "u1"),
    ],
    align=True,
)  # fmt: skip
