"""Checks of rows, each named for the fault it finds; pure functions over columns.

Masks are (n,) bool, True where the row has the fault. Sequence checks take what came before as
arguments, so that a stream can be checked block by block with the same outcome.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, Flag, Kind, Rows

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

JUMP_DIVISOR = 20  # a move of more than 1/20 is a jump
STUCK_QUOTES = 50
STALE_NS = 5_000_000_000
NO_SEQUENCE = np.iinfo(np.int64).min


def price_not_positive(rows: Rows) -> Mask:
    """A price that must be positive is zero or below."""
    quote = (rows.kind == Kind.QUOTE) & ((rows.bid <= 0) | (rows.ask <= 0))
    priced = np.isin(rows.kind, (Kind.TRADE, Kind.DEPTH, Kind.BAR, Kind.MARK)) & (rows.price <= 0)
    bar = (rows.kind == Kind.BAR) & ((rows.bid <= 0) | (rows.ask <= 0) | (rows.bid_size <= 0))
    return np.asarray(quote | priced | bar)


def size_negative(rows: Rows) -> Mask:
    """A size is below zero, or a trade's size is zero."""
    quote = (rows.kind == Kind.QUOTE) & ((rows.bid_size < 0) | (rows.ask_size < 0))
    sized = np.isin(rows.kind, (Kind.DEPTH, Kind.BAR, Kind.GAP)) & (rows.size < 0)
    trade = (rows.kind == Kind.TRADE) & (rows.size <= 0)
    return np.asarray(quote | sized | trade)


def crossed_book(rows: Rows) -> Mask:
    """The best bid is above the best ask."""
    return np.asarray((rows.kind == Kind.QUOTE) & (rows.bid > rows.ask))


def locked_book(rows: Rows) -> Mask:
    """The best bid equals the best ask."""
    return np.asarray((rows.kind == Kind.QUOTE) & (rows.bid == rows.ask))


def bar_range(rows: Rows) -> Mask:
    """A bar's open or close lies outside its low and high (columns bid and ask)."""
    low, high, opened, closed = rows.bid, rows.ask, rows.bid_size, rows.price
    inside = (low <= opened) & (opened <= high) & (low <= closed) & (closed <= high)
    return np.asarray((rows.kind == Kind.BAR) & ~inside)


REFUSALS: tuple[tuple[str, Callable[[Rows], Mask]], ...] = (
    ("price_not_positive", price_not_positive),
    ("size_negative", size_negative),
    ("crossed_book", crossed_book),
    ("bar_range", bar_range),
)


def before(values: Ints, previous: int) -> Ints:
    """Running maximum of everything before each element; `previous` is that before the first. (n,) int64."""
    shifted = np.concatenate((np.array([previous], np.int64), values[:-1]))
    return np.maximum.accumulate(shifted)


def time_backwards(ts_init_ns: Ints, previous_ns: int) -> Mask:
    """The receive time is before that of an earlier row."""
    return np.asarray(ts_init_ns < before(ts_init_ns, previous_ns))


def duplicate(sequence: Ints, previous: int) -> Mask:
    """The sequence number is the highest one seen, again."""
    return np.asarray(sequence == before(sequence, previous))


def out_of_order(sequence: Ints, previous: int) -> Mask:
    """The sequence number is below one seen before."""
    return np.asarray(sequence < before(sequence, previous))


def repeated_row(rows: Rows) -> Mask:
    """All columns but seq equal those of the row before; rows are quotes of one name."""
    same = np.ones(max(0, len(rows.ts_init_ns) - 1), np.bool_)
    for column in rows[1:]:
        same &= column[1:] == column[:-1]
    return np.concatenate((np.zeros(min(1, len(rows.ts_init_ns)), np.bool_), same))


def price_jump(prices: Ints, previous: int) -> Mask:
    """The price moved more than 5% from the one before it; previous 0 means there was none."""
    shifted = np.concatenate((np.array([previous], np.int64), prices[:-1]))
    return np.asarray((shifted > 0) & (np.abs(prices - shifted) * JUMP_DIVISOR > shifted))


def stale_span(ts_init_ns: Ints, previous_ns: int) -> Mask:
    """More than 5 s passed since the row before; previous NO_SEQUENCE means there was none."""
    first = previous_ns if previous_ns != NO_SEQUENCE else int(ts_init_ns[0])
    return np.asarray(np.diff(ts_init_ns, prepend=np.int64(first)) > STALE_NS)


def missing_bar(ordinals: Ints, previous: int) -> Mask:
    """The calendar has bars between this one and the one before; previous NO_SEQUENCE means there was none."""
    first = previous if previous != NO_SEQUENCE else int(ordinals[0]) - 1
    return np.asarray(np.diff(ordinals, prepend=np.int64(first)) > 1)


class QuoteRun(NamedTuple):
    """The last quote seen and how often it came in a row."""

    quote: tuple[int, int, int, int]
    length: int


def stuck_quote(rows: Rows, run: QuoteRun) -> tuple[Mask, QuoteRun]:
    """The same quote came for the 50th time in a row. Returns (mask, run at the end); rows are quotes of one name."""
    table = np.stack((rows.bid, rows.ask, rows.bid_size, rows.ask_size), axis=1)
    same = np.empty(len(table), np.bool_)
    same[0] = tuple(table[0].tolist()) == run.quote
    same[1:] = (table[1:] == table[:-1]).all(axis=1)
    index = np.arange(len(table))
    start = np.maximum.accumulate(np.where(same, -1, index))
    lengths = np.where(start >= 0, index - start + 1, index + 1 + run.length)
    a, b, c, d = table[-1].tolist()
    return np.asarray(lengths == STUCK_QUOTES), QuoteRun((a, b, c, d), int(lengths[-1]))


def heads(lines: Ints) -> Mask:
    """The first row of each message; lines is the message number of each row, ascending."""
    return np.concatenate((np.ones(min(1, len(lines)), np.bool_), lines[1:] != lines[:-1]))


def sequenced(rows: Rows, lines: Ints) -> Mask:
    """Rows whose venue sequence number must rise: one a message and kind, no snapshot, numbered at all."""
    first = heads(lines * 256 + rows.kind)
    return np.asarray(first & ((rows.flags & np.uint8(Flag.SNAPSHOT)) == 0) & (rows.venue_seq != 0))


def check_writable(rows: Rows, first_row: int, previous_ts_ns: int, instruments: int) -> None:
    """Raise InputError naming the first row that no tape may hold; rows are counted from `first_row`.

    A crossed quote may be in a tape: a live session records what it saw.
    """
    kinds = (rows.kind < min(Kind)) | (rows.kind > max(Kind))
    unknown = (rows.instrument >= instruments) & (rows.instrument != ALL_INSTRUMENTS)
    sides = np.isin(rows.kind, (Kind.TRADE, Kind.DEPTH)) & (np.abs(rows.side.astype(np.int64)) > 1)
    for mask, what in (
        (time_backwards(rows.ts_init_ns, previous_ts_ns if first_row else NO_SEQUENCE), "ts_init_ns goes backwards"),
        (np.asarray(kinds), "kind is unknown"),
        (np.asarray(unknown), f"instrument is not among the {instruments} of the tape"),
        (price_not_positive(rows), "a price is zero or negative"),
        (size_negative(rows), "a size is negative, or a trade's is zero"),
        (np.asarray(sides), "side is none of -1, 0, 1"),
        (bar_range(rows), "the bar's open or close is outside its low and high"),
    ):
        if mask.any():
            raise InputError(f"tape row {first_row + int(np.argmax(mask))}: {what}; correct the source of the rows")
