"""The matching part of the simulated exchange on its own: market rows and commands in, reports out."""

from typing import Any

import numpy as np

from alphatrade_runtime.execution import exchange
from alphatrade_runtime.execution.orders import MAX_ACTIVE
from alphatrade_runtime.execution.venue_state import (
    BOOK_DTYPE,
    PROBABILISTIC,
    RESTING_DTYPE,
    RING,
    RISK_AVERSE,
    VENUE_DTYPE,
)
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE
from alphatrade_runtime.market.schema import Kind
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.policy.document import Exchange

Matching = Any  # numpy record array of MATCHING_DTYPE, shape (1,)

MATCHING_DTYPE = np.dtype(
    [
        ("venue", VENUE_DTYPE, (1,)), ("books", BOOK_DTYPE, (64,)), ("resting", RESTING_DTYPE, (64, MAX_ACTIVE)),
        ("reports", REPORT_DTYPE, (RING,)), ("command", COMMAND_DTYPE, (1,)), ("instruments", "i8"),
    ]
)  # fmt: skip
ROWS_PER_CALL = 256  # the reports of one call fit the ring
QUEUES = {"risk_averse": RISK_AVERSE, "probabilistic": PROBABILISTIC}
_MASK = RING - 1
_QUOTE = int(Kind.QUOTE)
_TRADE = int(Kind.TRADE)
_DEPTH = int(Kind.DEPTH)
_STATUS = int(Kind.STATUS)


def new_matching(terms: Exchange, instruments: int, next_exec_id: int, max_order_id: int) -> Matching:
    """Return an exchange without orders; reports leave it without latency, which the caller applies."""
    state = np.zeros(1, MATCHING_DTYPE).view(np.recarray)
    venue = state[0].venue[0]
    venue.queue_model = QUEUES[terms.queue_model]
    venue.partial_fills = terms.partial_fills
    venue.next_exec_id = next_exec_id
    venue.max_order_id = max_order_id
    state[0].instruments = instruments
    return state


@entry
def take_market(state, rows, n, depth):
    """Take n market rows at their exchange times, which never run backwards here.

    depth: (instruments, 2, ticks) int64 levels of the book; no ticks without depth rows.
    """
    c = state[0]
    venue = c.venue[0]
    for r in range(n):
        i = rows.instrument[r]
        kind = rows.kind[r]
        venue.ts_exch = max(venue.ts_exch, rows.ts_event_ns[r])
        ts = venue.ts_exch
        if i >= c.instruments:
            continue
        if kind == _QUOTE:
            exchange.on_quote(
                venue, c.books, c.resting, c.reports, i, rows.bid[r], rows.ask[r], rows.bid_size[r],
                rows.ask_size[r], ts,
            )  # fmt: skip
        elif kind == _TRADE:
            exchange.on_trade(
                venue, c.books, c.resting, c.reports, i, rows.price[r], rows.size[r], rows.side[r], ts
            )  # fmt: skip
        elif kind == _DEPTH:
            exchange.on_depth(venue, c.books, c.resting, depth, i, rows.side[r], rows.price[r], rows.size[r])
        elif kind == _STATUS:
            exchange.on_status(c.books, i, rows.price[r])


@entry
def take_command(state, depth, ts):
    """Take the command in state.command, which arrives at exchange time ts."""
    c = state[0]
    venue = c.venue[0]
    venue.ts_exch = max(venue.ts_exch, ts)
    exchange.on_command(venue, c.books, depth, c.resting, c.reports, c.command[0], venue.ts_exch)


@entry
def take_reports(state, out):
    """Move the reports made so far into `out`, oldest first; return how many. out: (RING,) of REPORT_DTYPE."""
    c = state[0]
    venue = c.venue[0]
    n = 0
    while venue.head < venue.tail:
        out[n] = c.reports[venue.head & _MASK]
        venue.head += 1
        n += 1
    return n
