"""The matching part of the simulated exchange on its own: market rows and commands in, reports out.

A session's books at its account move with it, row by row and report by report: what the account is worth at a moment
does not depend on how rows were batched.
"""

from typing import Any

import numpy as np

from alphatrade_runtime.execution import exchange
from alphatrade_runtime.execution.broker.account_market import see_row
from alphatrade_runtime.execution.broker.account_orders import book_report
from alphatrade_runtime.execution.broker.account_sums import is_held, publish, sum_totals
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
from alphatrade_runtime.numerics.jit import entry, inlined, kernel
from alphatrade_runtime.policy.document import Exchange

Matching = Any  # numpy record array of MATCHING_DTYPE, shape (1,)

MATCHING_DTYPE = np.dtype(
    [
        ("venue", VENUE_DTYPE, (1,)), ("books", BOOK_DTYPE, (64,)), ("resting", RESTING_DTYPE, (64, MAX_ACTIVE)),
        ("reports", REPORT_DTYPE, (RING,)), ("command", COMMAND_DTYPE, (1,)), ("instruments", "i8"),
    ]
)  # fmt: skip
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


@kernel
def _take_rare(c, rows, r, kind, depth, ts):
    venue = c.venue[0]
    i = rows.instrument[r]
    if kind == _TRADE:
        if c.books[i].resting > 0:
            exchange.on_trade(
                venue, c.books, c.resting, c.reports, i, rows.price[r], rows.size[r], rows.side[r], ts
            )  # fmt: skip
    elif kind == _DEPTH:
        exchange.on_depth(venue, c.books, c.resting, depth, i, rows.side[r], rows.price[r], rows.size[r])
    elif kind == _STATUS:
        exchange.on_status(c.books, i, rows.price[r])


@inlined
def _take_row(c, rows, r, depth, ts):
    """Take a market row into the book at exchange time ts."""
    i = rows.instrument[r]
    if i >= c.instruments:
        return
    kind = rows.kind[r]
    if kind == _QUOTE:
        exchange.on_quote(
            c.venue[0], c.books, c.resting, c.reports, i, rows.bid[r], rows.ask[r], rows.bid_size[r],
            rows.ask_size[r], ts,
        )  # fmt: skip
    else:
        _take_rare(c, rows, r, kind, depth, ts)


@entry
def take_market(state, rows, start, stop, until, depth, gate, table, used, at, books, opens, closes, days):
    """Take market rows start..stop-1 in order, as far as their exchange time (never running backwards) is <= until.

    Stops behind the first row that made reports, or that moved the account to where it is held. Returns the first row
    not taken.
    depth: (instruments, 2, ticks) int64 levels of the book; no ticks without depth rows.
    gate, table, used, at, books: the account, its sessions, how many, which one this is, and its own books.
    opens, closes, days: the calendar's sessions and days, ns.
    """
    c = state[0]
    g = gate[0]
    venue = c.venue[0]
    row = table[at]
    b = books[0]
    sum_totals(g, table, used)
    held = is_held(g)
    r = start
    while r < stop and venue.head == venue.tail and is_held(g) == held:
        ts = max(venue.ts_exch, rows.ts_event_ns[r])
        if ts > until:
            break
        venue.ts_exch = ts
        see_row(g, table, used, row, b, rows, r, ts, opens, closes, days)
        _take_row(c, rows, r, depth, ts)
        r += 1
    publish(g, row, b)
    return r


@entry
def take_command(state, depth, ts):
    """Take the command in state.command, which arrives at exchange time ts."""
    c = state[0]
    c.venue[0].ts_exch = max(c.venue[0].ts_exch, ts)
    exchange.on_command(c.venue[0], c.books, depth, c.resting, c.reports, c.command[0], ts)


@entry
def take_reports(state, out, gate, table, used, at, books):
    """Move the reports made so far into `out`, oldest first, and book them; return how many.

    out: (RING,) of REPORT_DTYPE.
    """
    c = state[0]
    venue = c.venue[0]
    n = 0
    sum_totals(gate[0], table, used)
    while venue.head < venue.tail:
        out[n] = c.reports[venue.head & _MASK]
        book_report(gate[0], table[at], books[0], out[n])
        venue.head += 1
        n += 1
    return n
