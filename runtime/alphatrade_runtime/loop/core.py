"""All state of a running strategy as arrays: what a checkpoint holds and the compiled step works on."""

from typing import Any

import numpy as np

from alphatrade_runtime.execution.orders import EXEC_RING, MAX_ACTIVE, SLOT_DTYPE
from alphatrade_runtime.execution.topology import INTENT_DTYPE, MAX_INTENTS, PLAN_DTYPE
from alphatrade_runtime.execution.venue_state import BOOK_DTYPE, RESTING_DTYPE, RING, VENUE_DTYPE
from alphatrade_runtime.market.orders import (
    COMMAND_DTYPE,
    EQUITY_DTYPE,
    FILL_DTYPE,
    MARK_DTYPE,
    ORDER_DTYPE,
    REPORT_DTYPE,
)
from alphatrade_runtime.market.view import INSTRUMENT_DTYPE, VIEW_DTYPE
from alphatrade_runtime.perception.features import FLOW_DTYPE
from alphatrade_runtime.reflection.records import DECISION_DTYPE, EXPOST_DTYPE
from alphatrade_runtime.risk.codes import CODE_COUNT
from alphatrade_runtime.risk.state import ACCOUNT_DTYPE, EXPOSURE_DTYPE, LIMITS_DTYPE, RATE_RING, REQUEST_DTYPE

Core = Any  # numpy record array of CORE_DTYPE, shape (1,): numpy's types cannot name its fields

# The loop's own position in its inputs, its decision clock, its diary fold, its counters.
# think, note, watch, booked, room, sent, mind: addresses of the understanding loop (loop/mind_link.py), 0 without one.
# report: 1 it has found something that must be on disk before another order leaves, 2 it asks for a row.
LOOP_DTYPE = np.dtype(
    [
        ("local_row", "i8"), ("venue_row", "i8"), ("venue_ts", "i8"), ("step_pending", "i8"), ("step_ts", "i8"),
        ("step_seq", "i8"), ("clock_type", "i8"), ("clock_interval", "i8"), ("feature_needs", "i8"),
        ("instruments", "i8"), ("sessions", "i8"), ("days", "i8"),
        ("bar_mode", "i8"), ("funding_on", "i8"), ("live", "i8"), ("config_epoch", "i8"),
        ("commands_head", "i8"), ("commands_tail", "i8"), ("next_equity_ts", "i8"), ("row_ts", "i8"),
        ("first_seq", "i8"), ("last_seq", "i8"), ("n", "i8"), ("fold64", "u8"), ("x_n", "i8"),
        ("score", "f8"), ("decision_id", "i8"), ("events", "i8"), ("steps", "i8"), ("decisions", "i8"),
        ("actions", "i8"), ("orders", "i8"), ("acks", "i8"), ("fills", "i8"), ("denied", "i8"),
        ("near_misses", "i8"), ("plugin_faults", "i8"), ("breaks", "i8"),
        ("drain", "i8"), ("think", "i8"), ("note", "i8"), ("watch", "i8"),
        ("booked", "i8"), ("room", "i8"), ("sent", "i8"), ("mind", "i8"), ("report", "i8"),
        ("denials", "i8", (CODE_COUNT,)),
    ]
)  # fmt: skip

POLICY_DTYPE = np.dtype(
    [
        ("address", "i8"), ("quoting", "i8"), ("features", "i8"), ("state", "i8"), ("params", "i8"), ("warmup", "i8"),
        ("topology", "i8"),
    ]
)  # fmt: skip

# An action whose outcome is still being followed; `since` is its instrument's count of decisions then.
PENDING_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("decision_id", "i8"), ("order_id", "i8"), ("since", "i8"), ("ref2", "i8"), ("side", "i8"),
        ("fills", "i8"), ("filled_lots", "i8"), ("filled_value", "i8"), ("fees", "i8"),
    ]
)  # fmt: skip
MAX_PENDING = 256  # a power of two, as MID_RING: they are rings
MID_RING = 128

OUT_DECISIONS, OUT_EXPOST, OUT_ORDERS, OUT_FILLS, OUT_EQUITY, OUT_MARKS = range(6)
STREAMS = ("decisions", "expost", "orders", "fills", "equity", "marks")
STREAM_DTYPES = (DECISION_DTYPE, EXPOST_DTYPE, ORDER_DTYPE, FILL_DTYPE, EQUITY_DTYPE, MARK_DTYPE)
ROWS_PER_DRAIN = 4_096  # small enough to stay in the cache between the loop and the diary


# One tape row on its way into the step or the venue; columns as in market/schema.py.
ROW_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("ts_event_ns", "i8"), ("ts_init_ns", "i8"), ("instrument", "i8"), ("kind", "i8"),
        ("side", "i8"), ("price", "i8"), ("lots", "i8"), ("bid", "i8"), ("ask", "i8"), ("bid_size", "i8"),
        ("ask_size", "i8"), ("venue_seq", "i8"), ("row_flags", "i8"),
    ]
)  # fmt: skip

MAX_INSTRUMENTS = 64
MAX_POLICIES = 16
MAX_FEATURES = 64
MAX_PARAMS = 64
MAX_STATE = 4_096
MAX_SESSIONS = 32_768
MAX_SLOTS = MAX_ACTIVE * MAX_INSTRUMENTS
OUT_ROWS = ROWS_PER_DRAIN + MAX_INSTRUMENTS * (MAX_ACTIVE + 40) + 64  # one step may add this much past the mark

_N = MAX_INSTRUMENTS
STATE_FIELDS: list[Any] = [
    ("loop", LOOP_DTYPE, (1,)),
    ("account", ACCOUNT_DTYPE, (1,)),
    ("limits", LIMITS_DTYPE, (1,)),
    ("venue", VENUE_DTYPE, (1,)),
    ("instruments", INSTRUMENT_DTYPE, (_N,)),
    ("views", VIEW_DTYPE, (_N,)),
    ("exposures", EXPOSURE_DTYPE, (_N,)),
    ("flows", FLOW_DTYPE, (_N,)),
    ("plans", PLAN_DTYPE, (_N,)),
    ("policies", POLICY_DTYPE, (MAX_POLICIES,)),
    ("feature_ids", "i8", (MAX_POLICIES, MAX_FEATURES)),
    ("params", "f8", (MAX_POLICIES, MAX_PARAMS)),
    ("signal_state", "f8", (_N, MAX_STATE)),
    ("slots", SLOT_DTYPE, (MAX_SLOTS + 1,)),
    ("free", "i8", (MAX_SLOTS + 1,)),
    ("active", "i8", (_N, MAX_ACTIVE)),
    ("exec_seen", "i8", (EXEC_RING,)),
    ("rate_ring", "i8", (RATE_RING,)),
    ("pending", PENDING_DTYPE, (_N, MAX_PENDING)),
    ("pending_head", "i8", (_N,)),
    ("pending_tail", "i8", (_N,)),
    ("follow_due", "i8", (_N,)),  # decision count at which the oldest one followed is emitted, or earlier
    ("mids", "i8", (_N, MID_RING)),
    ("x", "f8", (MAX_FEATURES,)),
    ("session_open", "i8", (MAX_SESSIONS,)),
    ("session_close", "i8", (MAX_SESSIONS,)),
    ("day_start", "i8", (MAX_SESSIONS,)),
    ("commands", COMMAND_DTYPE, (RING,)),
    ("reports", REPORT_DTYPE, (RING,)),
    ("books", BOOK_DTYPE, (_N,)),
    ("resting", RESTING_DTYPE, (_N, MAX_ACTIVE)),
]
SCRATCH_FIELDS: list[Any] = [
    ("row", ROW_DTYPE, (1,)),
    ("want", "i8", (4,)),
    ("request", REQUEST_DTYPE, (1,)),
    ("util", "u2", (CODE_COUNT,)),
    ("intents", INTENT_DTYPE, (MAX_INTENTS,)),
    ("scratch_report", REPORT_DTYPE, (1,)),
    ("out_n", "i8", (len(STREAMS),)),
]
OUT_FIELDS: list[Any] = [(f"out_{s}", d, (OUT_ROWS,)) for s, d in zip(STREAMS, STREAM_DTYPES, strict=True)]

# Everything of a run in one record: compiled code passes one pointer (numba counts references to arrays,
# which cost 500 ns an event when they were passed one by one: measured), and a checkpoint is its first bytes.
CORE_DTYPE = np.dtype(STATE_FIELDS + SCRATCH_FIELDS + OUT_FIELDS, align=True)
STATE_BYTES = np.dtype(STATE_FIELDS, align=True).itemsize


def new_core() -> Core:
    """Return a zeroed state, shape (1,): compiled functions take it, the Python side reads core[0]."""
    return np.zeros(1, CORE_DTYPE).view(np.recarray)


def part(core: Core, name: str) -> Any:
    """Return one field of the state as an array view. (`core[0].name` would copy: numpy's records do.)"""
    return core[name][0]
