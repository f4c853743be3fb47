"""Count the rows that an understanding loop writes."""

from alphatrade_runtime.loop.core import ROWS_PER_DRAIN
from alphatrade_runtime.numerics.jit import inlined

WANTED = 2  # of the loop's `report`: this decision is to have rows; nothing of it must be on disk at once


@inlined
def count(c, mind, stream):
    """Return where a row about to be written goes; a full buffer asks the loop to stop after this step."""
    at = mind.out_n[stream]
    mind.out_n[stream] = at + 1
    if at + 1 >= ROWS_PER_DRAIN:
        c.loop[0].drain = 1
    return at
