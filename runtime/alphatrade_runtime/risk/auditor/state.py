"""What the auditor remembers between chunks: constant in size, exact integers only."""

import numpy as np

from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.risk.auditor.rules import Rule

EMPTY = -(2**63)
PROBES = 8
MAX_UNITS = 2**48  # ticks and lots; the same bound as on import
MAX_VALUE = 2.0**60  # quanta of one fill or one marked position
MAX_CASH = 2.0**62

# An order as far as it was seen. price_low..price_high spans old and new price while an amend is under way.
SLOT_DTYPE = np.dtype(
    [
        ("qty", "i8"), ("filled", "i8"), ("price_low", "i8"), ("price_high", "i8"), ("ref2", "i8"),
        ("depart_tick", "i8"), ("fill_tick", "i8"), ("instrument", "u2"), ("state", "u1"), ("side", "i1"),
        ("tif", "u1"), ("order_flags", "u1"), ("purpose", "u1"), ("departed", "u1"), ("ended", "u1"),
        ("amending", "u1"),
    ]
)  # fmt: skip

INSTRUMENT_DTYPE = np.dtype(
    [
        ("mult", "i8"), ("maker_fee_e7", "i8"), ("taker_fee_e7", "i8"), ("flat_fee", "i8"),
        ("max_position", "i8"), ("max_order", "i8"), ("min_order", "i8"), ("lot_step", "i8"),
        ("position", "i8"), ("buy_leaves", "i8"), ("sell_leaves", "i8"), ("open_orders", "i8"), ("marked_at", "i8"),
    ]
)  # fmt: skip

FINDING_FIELDS = ("rule", "seq", "ts_ns", "order_id", "instrument", "expected", "found")
FINDINGS = 256  # kept with their facts between two feeds; all are counted

# The run's own scalars. Findings live in it because a record, unlike an array, costs nothing to pass on.
# `tick` counts rows in the order in which they happened; `command_seq` is the last step that sent a command.
BOOK_DTYPE = np.dtype(
    [
        ("tick", "i8"), ("cash_no_funding", "i8"), ("fees", "i8"), ("funding", "i8"), ("turnover", "i8"),
        ("pending", "i8"), ("pending_cash", "i8"), ("pending_seq", "i8"), ("pending_ts", "i8"),
        ("pending_order", "i8"), ("last_fill_seq", "i8"), ("last_equity_seq", "i8"), ("kill_state", "i8"),
        ("kill_mode", "i8"), ("kill_known", "i8"), ("flatten_bps", "i8"), ("break_seq", "i8"), ("arming", "i8"),
        ("tripping", "i8"), ("amending", "i8"), ("command_seq", "i8"), ("orders", "i8"), ("fills", "i8"),
        ("equity", "i8"), ("order_seq", "i8"), ("fill_seq", "i8"), ("equity_seq", "i8"), ("kept", "i8"),
        ("by_rule", "i8", (len(Rule) + 1,)), ("findings", "i8", (FINDINGS, len(FINDING_FIELDS))),
    ]
)  # fmt: skip

LIMITS_DTYPE = np.dtype(
    [
        ("band_limit_bps", "i8"), ("band_marketable_bps", "i8"), ("max_open_orders", "i8"), ("funding", "i8"),
    ]
)  # fmt: skip

# A guard transition out of the diary's GUARD rows: the state after it, the kill mode, the slippage of a flatten.
GUARD_DTYPE = np.dtype(
    [("seq", "i8"), ("kill_state", "i8"), ("kill_mode", "i8"), ("slippage_bps", "i8"), ("guard", "i8")]
)


@inlined
def find(ids, key):
    """Return the place of `key` in a hash table of ids, or -1."""
    mask = len(ids) - 1
    at = home(key, mask)
    for step in range(PROBES):
        place = (at + step) & mask
        if ids[place] == key:
            return place
        if ids[place] == EMPTY:
            return -1
    return -1


@inlined
def home(key, mask):
    """Return where the search for `key` starts; spreads neighbouring ids (Fibonacci hashing)."""
    return ((key * 0x61C8864680B583EB) >> 20) & mask


@inlined
def claim(ids, slots, key):
    """Return a place for a new order: empty, else the oldest ended one nearby; -1 when all are open."""
    mask = len(ids) - 1
    at = home(key, mask)
    best = -1
    for step in range(PROBES):
        place = (at + step) & mask
        if ids[place] == EMPTY:
            return place
        if slots[place].ended != 0 and (best < 0 or ids[place] < ids[best]):
            best = place
    return best


@inlined
def seen_before(ids, key):
    """True when `key` is remembered; otherwise remember it in place of the smallest id nearby."""
    if find(ids, key) >= 0:
        return True
    mask = len(ids) - 1
    at = home(key, mask)
    best = at & mask
    for step in range(PROBES):
        place = (at + step) & mask
        if ids[place] < ids[best]:
            best = place
    ids[best] = key
    return False


@kernel
def note(book, rule, seq, ts_ns, order_id, instrument, expected, found):
    """Count a finding; keep its facts while there is room."""
    book.by_rule[rule] += 1
    kept = book.kept
    if kept < FINDINGS:
        book.findings[kept, 0], book.findings[kept, 1], book.findings[kept, 2] = rule, seq, ts_ns
        book.findings[kept, 3], book.findings[kept, 4] = order_id, instrument
        book.findings[kept, 5], book.findings[kept, 6] = expected, found
        book.kept = kept + 1
