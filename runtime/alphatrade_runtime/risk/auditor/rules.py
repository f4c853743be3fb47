"""What the auditor can find, and how a finding reads."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class Rule(IntEnum):
    """Names are what run.json and the report show; numbers are private to a run."""

    SEQUENCE = 1
    RANGE = 2
    CAPACITY = 3
    ORDER_UNKNOWN = 4
    ORDER_DUPLICATE = 5
    ORDER_STATE = 6
    ORDER_CHANGED = 7
    LEAVES = 8
    PRICE_BAND = 9
    SIZE = 10
    INVENTORY = 11
    OPEN_ORDERS = 12
    REDUCE_ONLY = 13
    KILL = 14
    FLATTEN = 15
    FILL_UNKNOWN_ORDER = 16
    FILL_AFTER_END = 17
    FILL_MISMATCH = 18
    FILL_PRICE = 19
    OVERFILL = 20
    EXEC_DUPLICATE = 21
    SELF_TRADE = 22
    POSITION = 23
    FEE = 24
    CASH = 25
    FUNDING = 26
    MARK = 27
    NAV = 28
    EXPOSURE = 29
    EQUITY_MISSING = 30
    TURNOVER = 31


class _Text(NamedTuple):
    claim: str
    expected: str
    found: str


_TEXTS: dict[Rule, _Text] = {
    Rule.SEQUENCE: _Text("a record stream runs backwards", "seq at least", "seq"),
    Rule.RANGE: _Text("a number is outside what money can be computed with", "below", "number"),
    Rule.CAPACITY: _Text("more orders are open than the auditor can follow", "open orders at most", "open orders"),
    Rule.ORDER_UNKNOWN: _Text("an order appears in the middle of its life", "first state", "state"),
    Rule.ORDER_DUPLICATE: _Text("a client order id is used twice", "state", "state"),
    Rule.ORDER_STATE: _Text("an order made a transition that does not exist", "from state", "to state"),
    Rule.ORDER_CHANGED: _Text("a fact of an order changed without an amend", "was", "is"),
    Rule.LEAVES: _Text("leaves are not quantity minus fills", "leaves", "leaves"),
    Rule.PRICE_BAND: _Text("an order left outside its price band", "|2p - ref2| x 10,000 at most", "found"),
    Rule.SIZE: _Text("an order's quantity breaks the instrument's limits", "limit in lots", "lots"),
    Rule.INVENTORY: _Text("an order left that could exceed the position limit", "worst lots at most", "worst lots"),
    Rule.OPEN_ORDERS: _Text("too many orders of an instrument were open", "open orders at most", "open orders"),
    Rule.REDUCE_ONLY: _Text("a reduce-only order could raise or did raise the position", "lots at most", "lots"),
    Rule.KILL: _Text("an order left although the kill state was not ARMED", "kill state", "kill state"),
    Rule.FLATTEN: _Text("a FLATTEN order left although nothing was tripped", "kill state above", "kill state"),
    Rule.FILL_UNKNOWN_ORDER: _Text("a fill names an order that had not left", "an order that left", "order"),
    Rule.FILL_AFTER_END: _Text("a fill came after the order's end and was not flagged as a break", "state", "state"),
    Rule.FILL_MISMATCH: _Text("a fill differs from its order in instrument or side", "was", "is"),
    Rule.FILL_PRICE: _Text("a fill is worse than the order's limit", "limit", "price"),
    Rule.OVERFILL: _Text("fills exceed the order's quantity", "lots at most", "lots"),
    Rule.EXEC_DUPLICATE: _Text("an execution id is booked twice", "a new id", "id"),
    Rule.SELF_TRADE: _Text("two orders of ours traded with each other", "an order of others", "order"),
    Rule.POSITION: _Text("a position is not the sum of its fills", "lots", "lots"),
    Rule.FEE: _Text("a fee is not the schedule's", "quanta", "quanta"),
    Rule.CASH: _Text("cash is not initial - fills - fees - funding", "quanta", "quanta"),
    Rule.FUNDING: _Text("funding moved without a funding model", "quanta", "quanta"),
    Rule.MARK: _Text("a held position has no mark", "mark2 above", "mark2"),
    Rule.NAV: _Text("NAV is not cash plus marked positions", "quanta", "quanta"),
    Rule.EXPOSURE: _Text("gross or net is not the worst case of positions and orders", "quanta", "quanta"),
    Rule.TURNOVER: _Text("turnover is not the sum of filled value", "quanta", "quanta"),
    Rule.EQUITY_MISSING: _Text("the last fill has no EQUITY row after it", "seq at least", "seq"),
}


@dataclass(frozen=True)
class Violation:
    """One disagreement between the records and the auditor's own arithmetic."""

    rule: str
    seq: int
    ts_ns: int
    order_id: int
    instrument: str
    expected: int
    found: int
    text: str


def violation(rule: Rule, seq: int, ts_ns: int, order_id: int, instrument: str, expected: int, found: int) -> Violation:
    """Put a finding into one line of words; order_id 0 means that no order is concerned."""
    words = _TEXTS[rule]
    where = f"order {order_id} {instrument}" if order_id else instrument
    text = (
        f"{rule.name}: {words.claim}: seq {seq}, {where or 'account'}: "
        f"{words.expected} {expected}, found {words.found} {found}"
    )
    return Violation(rule.name, seq, ts_ns, order_id, instrument, expected, found, text)
