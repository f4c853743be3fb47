"""Call a function of the understanding loop by its address, so that the loop is compiled without it."""

from alphatrade_runtime.loop.core import CORE_DTYPE
from alphatrade_runtime.numerics.address import caller, record_type

call_mind = caller(record_type(CORE_DTYPE), 3)  # (address, state, mind, instrument, number) -> int64
