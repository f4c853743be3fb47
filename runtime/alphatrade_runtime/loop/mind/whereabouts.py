"""From addresses to the records of an understanding loop."""

from alphatrade_runtime.loop.mind.state import MIND_DTYPE, SYMBOL_DTYPE
from alphatrade_runtime.numerics.address import reader

mind_at = reader(MIND_DTYPE)  # (address, 0) -> what the instruments share
symbol_at = reader(SYMBOL_DTYPE)  # (address, i) -> instrument i
