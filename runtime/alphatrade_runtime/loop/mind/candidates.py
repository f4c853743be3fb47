"""Who may trade an instrument now."""

from alphatrade_runtime.loop.mind.state import HAS_REGIME
from alphatrade_runtime.numerics.jit import inlined


@inlined
def may_trade(mind, symbol, i, j):
    """Tell whether policy j may trade instrument i now: it lists it, and its regimes hold the label there is."""
    if mind.trades[j, i] == 0:
        return False
    return mind.parts & HAS_REGIME == 0 or mind.regimes[j] >> symbol.regime[0].label & 1 != 0
