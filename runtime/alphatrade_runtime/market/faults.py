"""What can be wrong with data from outside, and what an import does about each fault.

STOP  a strict import fails at the first one; `--tolerate NAME` keeps the message out and counts it.
SKIP  the message is kept out and counted, always: it is well formed but is no market event.
WARN  the row is kept and counted; the tape's manifest shows where it was seen first.

A fault refuses the whole message (a line, or a row of a table), so read == used + refused.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import NamedTuple


class InputError(ValueError):
    """Refused input: one line that names the file, row or field and says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class RowFault(InputError):
    """One message that cannot be used; `fault` is its name in FAULTS, `detail` names field and value."""

    def __init__(self, fault: str, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = str(self)


class Severity(Enum):
    STOP = "stop"
    SKIP = "skip"
    WARN = "warn"


class Fault(NamedTuple):
    severity: Severity
    meaning: str


FAULTS: dict[str, Fault] = {
    # what the text is
    "not_json": Fault(Severity.STOP, "the line is not `local_ns {json object}`"),
    "unknown_stream": Fault(Severity.STOP, "the stream is none of bookTicker, trade, depth, depth snapshot"),
    "missing_field": Fault(Severity.STOP, "a field that the stream must carry is absent or has another type"),
    "not_a_number": Fault(Severity.STOP, "a price, size or time is NaN, infinite or not a decimal number"),
    "too_large": Fault(Severity.STOP, "a number is 2**48 ticks or lots or more"),
    "blank_line": Fault(Severity.SKIP, "the line is empty"),
    "not_market_data": Fault(Severity.SKIP, "a reply to a subscription, no market event"),
    # what the values are
    "unknown_instrument": Fault(Severity.STOP, "the symbol is not among the instruments of this import"),
    "tick_mismatch": Fault(Severity.STOP, "a price is no multiple of the tick size"),
    "lot_mismatch": Fault(Severity.STOP, "a size is no multiple of the lot size"),
    "price_not_positive": Fault(Severity.STOP, "a price is zero or negative"),
    "size_negative": Fault(Severity.STOP, "a size is negative, or a trade's size is zero"),
    "crossed_book": Fault(Severity.STOP, "the best bid is above the best ask"),
    "bar_range": Fault(Severity.STOP, "a bar's open or close is outside its low and high"),
    "not_a_session": Fault(Severity.STOP, "a bar's time is not in a session of the calendar"),
    "off_book_trade": Fault(Severity.SKIP, "a trade outside the order book (insurance fund, auto-deleveraging)"),
    # what the order of messages is
    "time_backwards": Fault(Severity.STOP, "the receive time is before that of an earlier message"),
    "duplicate": Fault(Severity.STOP, "the same message of this instrument and kind came before"),
    "out_of_order": Fault(Severity.STOP, "the venue's sequence number is below that of an earlier message"),
    # kept, and told
    "locked_book": Fault(Severity.WARN, "the best bid equals the best ask"),
    "sequence_gap": Fault(Severity.WARN, "the venue's sequence numbers show missing messages; a GAP row marks it"),
    "price_jump": Fault(Severity.WARN, "the mid or trade price moved more than 5% in one message"),
    "stuck_quote": Fault(Severity.WARN, "the same quote was sent 50 times in a row"),
    "stale_span": Fault(Severity.WARN, "no message of the instrument for more than 5 s"),
    "missing_bar": Fault(Severity.WARN, "the calendar has bars here that the data has not"),
    "rounded": Fault(Severity.WARN, "a price or size was rounded to a tick or lot, as the import asked"),
}


def check_tolerated(names: frozenset[str]) -> frozenset[str]:
    """Return the names when each is a fault that can be tolerated. Raises InputError otherwise."""
    allowed = sorted(name for name, fault in FAULTS.items() if fault.severity is Severity.STOP)
    for name in sorted(names):
        if name not in allowed:
            raise InputError(f"--tolerate {name}: no such fault; choose from {', '.join(allowed)}")
    return names


def remedy(fault: str) -> str:
    """Say in a few words how to get past a fault in a strict import."""
    if fault in ("tick_mismatch", "lot_mismatch"):
        option = "--tick-size" if fault == "tick_mismatch" else "--lot-size"
        return f"give the right {option} or --round, or --tolerate {fault} to count and skip such rows"
    if fault == "unknown_instrument":
        return "add --symbol for it, or --tolerate unknown_instrument to count and skip such rows"
    return f"correct the row, or --tolerate {fault} to count and skip such rows"


@contextmanager
def disk_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn an OSError of the block (disk full, no permission) into a one-line InputError that names the path."""
    try:
        yield
    except OSError as error:
        fix = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "check the path and its permissions"
        reason = error.strerror or str(error)
        raise InputError(f"{os.fspath(path)}: {reason}; {fix} and run again; nothing was left behind") from error
