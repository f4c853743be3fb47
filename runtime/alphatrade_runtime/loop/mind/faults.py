"""What a decision's inputs lacked: each kind with a bit of its own, on record at once when it is new.

Most rows are written when something is done about a decision. What is new in itself, such a bit or another regime, has
a row though nobody acts.
"""

from alphatrade_runtime.loop.mind.rows import WANTED
from alphatrade_runtime.loop.mind.state import HAS_BELIEF, HAS_DRIFT, HAS_FAST, HAS_REGIME
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.reflection.drift.sentry import STREAMS
from alphatrade_runtime.reflection.routes import Masked

_EMPTY, _CROSSED, _RETURN = int(Masked.EMPTY_BOOK), int(Masked.CROSSED_BOOK), int(Masked.RETURN)
_FAST, _DRIFT = int(Masked.FAST_WEIGHTS), int(Masked.DRIFT)


@inlined
def _book(c, i):
    """Return what is wrong with the book; nothing is on bars, which have none."""
    view = c.views[i]
    if c.loop[0].bar_mode != 0:
        return 0
    if view.bid <= 0 or view.ask <= 0 or view.bid_size + view.ask_size <= 0:
        return _EMPTY
    return _CROSSED if view.bid >= view.ask else 0


@kernel
def _left_out(mind, symbol):
    """Return which parts have left something out since the last decision."""
    masked = 0
    if mind.parts & HAS_REGIME:
        count = symbol.regime[0].masked
        masked |= _RETURN if count != symbol.unusable[0] else 0
        symbol.unusable[0] = count
    if mind.parts & HAS_FAST and symbol.fast[0].frozen != 0:
        masked |= _FAST
    if mind.parts & HAS_DRIFT:
        count = 0
        for k in range(STREAMS):
            count += symbol.sentry[0].masked[k]
        masked |= _DRIFT if count != symbol.unusable[1] else 0
        symbol.unusable[1] = count
    return masked


@inlined
def _new(symbol, k, bits):
    """Return the bits that no row had yet."""
    new = bits & ~symbol.told[k]
    symbol.told[k] |= bits
    return new


@kernel
def tell_faults(c, mind, symbol, i):
    """Collect the bits of this decision of instrument i, and ask for a row where one is new, or the regime is."""
    if mind.parts & HAS_BELIEF:
        symbol.exploding |= symbol.standard[0].exploding
        symbol.constant |= symbol.standard[0].constant
    symbol.masked |= _book(c, i) | _left_out(mind, symbol)
    new = _new(symbol, 0, symbol.faults) | _new(symbol, 1, symbol.exploding)
    new |= _new(symbol, 2, symbol.constant) | _new(symbol, 3, symbol.masked)
    if (new != 0 or symbol.changed != 0) and c.loop[0].report == 0:
        c.loop[0].report = WANTED
