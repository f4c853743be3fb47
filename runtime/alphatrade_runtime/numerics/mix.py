"""A 64-bit fold that covers every decision without a row for each (semantics §9)."""

from typing import Any

import numpy as np
from numba import int64, uint64
from numba.core import config

from alphatrade_runtime.numerics.jit import hot

MULTIPLIER = 0x9E3779B97F4A7C15
_MASK = 0xFFFF_FFFF_FFFF_FFFF


def _mix_python(fold: Any, a: Any, b: Any) -> Any:
    return np.uint64(((int(fold) ^ (int(a) & _MASK) ^ (int(b) & _MASK)) * MULTIPLIER) & _MASK)


def _mix_compiled(fold: Any, a: Any, b: Any) -> Any:
    return (uint64(fold) ^ uint64(int64(a)) ^ uint64(int64(b))) * uint64(MULTIPLIER)


mix = _mix_python if config.DISABLE_JIT else hot(_mix_compiled)
mix.__doc__ = "Return (fold ^ a ^ b) * 0x9E3779B97F4A7C15 mod 2^64. fold: uint64.  a, b: int64."
