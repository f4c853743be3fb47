"""One batch of a wall-clock session: apply all that was received, decide once.

The loop drains its sources and gives what it found one time of arrival; only the batch's final row is LAST
(conflation). Live and `verify` call the same functions on the same rows, so a journal replays to the same bytes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from alphatrade_runtime.execution.venue_state import RING
from alphatrade_runtime.loop.replay import load_row
from alphatrade_runtime.loop.rows import take_row
from alphatrade_runtime.loop.step import step
from alphatrade_runtime.market.orders import COMMAND_DTYPE
from alphatrade_runtime.market.schema import Flag, Rows
from alphatrade_runtime.numerics.jit import entry

ROWS_PER_CALL = 4_096  # what one call writes fits the output buffers, whatever the rows are
_NOT_LAST = np.uint8(0xFF & ~int(Flag.LAST))
_LAST = np.uint8(int(Flag.LAST))


@entry
def live(core, rows, n):
    """Take n rows; run the step where a LAST row ended one. rows: as of a tape, times never running backwards."""
    c = core[0]
    loop = c.loop[0]
    for r in range(n):
        if loop.step_pending != 0 and rows.ts_init_ns[r] > loop.step_ts:
            loop.step_pending = 0
            step(c, loop.step_ts, loop.step_seq)
        load_row(c.row[0], rows, r)
        take_row(c)
    if loop.step_pending != 0:
        loop.step_pending = 0
        step(c, loop.step_ts, loop.step_seq)


@entry
def take_commands(core, out):
    """Move the commands that left into `out`, oldest first; return how many. out: (RING,) of COMMAND_DTYPE."""
    loop = core[0].loop[0]
    n = 0
    while loop.commands_head < loop.commands_tail:
        out[n] = core[0].commands[loop.commands_head & (len(out) - 1)]
        loop.commands_head += 1
        n += 1
    return n


def make_batch(spans: Sequence[Rows], now_ns: int, first_seq: int, decide: bool) -> Rows:
    """Join spans into one batch that arrived at now_ns; `decide` makes its final row LAST."""
    joined = spans[0] if len(spans) == 1 else Rows._make(np.concatenate(c) for c in zip(*spans))
    n = len(joined.seq)
    flags = joined.flags & _NOT_LAST
    if decide:
        flags[-1] |= _LAST
    times = np.empty(n, np.int64)
    times[:] = now_ns
    seq = np.arange(first_seq, first_seq + n, dtype=np.int64)
    return Rows(seq, joined.ts_event_ns, times, *joined[3:-1], flags)


def calls_of(batch: Rows) -> Sequence[Rows]:
    """Cut a batch into spans that one call may take."""
    n = len(batch.seq)
    if n <= ROWS_PER_CALL:
        return (batch,)
    return [batch.slice(start, min(start + ROWS_PER_CALL, n)) for start in range(0, n, ROWS_PER_CALL)]


def command_buffer() -> Any:
    """Return room for the commands of one batch."""
    return np.zeros(RING, COMMAND_DTYPE)
