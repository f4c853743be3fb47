"""Random numbers that are the same bits on every host and without the compiler.

The state is a uint64[4] array that the caller owns, one for each named stream, so a new
consumer of randomness never moves the numbers of another. Generator: xoshiro256++ 1.0
(Blackman and Vigna); seeding: splitmix64.
"""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
from numba.extending import overload

from alphatrade_runtime.numerics.jit import entry, hot, inlined
from alphatrade_runtime.numerics.math import log_det, normal_det

State = npt.NDArray[np.uint64]

_MASK = 0xFFFFFFFFFFFFFFFF
_TWO_M52 = 2.220446049250313e-16
_U12 = np.uint64(12)
_U17 = np.uint64(17)
_U32 = np.uint64(32)


def stream(seed: int, name: str) -> State:
    """Make the generator of one named stream: uint64[4], independent of every other name and seed."""
    digest = hashlib.sha256(name.encode()).digest()
    word = (int.from_bytes(digest[:8], "little") ^ _mixed(seed & _MASK)) & _MASK
    state = np.empty(4, np.uint64)
    for i in range(4):
        word = (word + 0x9E3779B97F4A7C15) & _MASK
        state[i] = _mixed(word)
    return state


def _mixed(word: int) -> int:
    """Scramble 64 bits (the output function of splitmix64)."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
    return word ^ (word >> 31)


def wrapping_add(a: np.uint64, b: np.uint64) -> np.uint64:
    """Add modulo 2^64; numpy scalars would warn."""
    return np.uint64((int(a) + int(b)) & _MASK)


@overload(wrapping_add, inline="always")
def _wrapping_add_compiled(a: Any, b: Any) -> Any:
    def compiled(a: Any, b: Any) -> Any:
        return a + b

    return compiled


@inlined
def _rotated(x: np.uint64, left: np.uint64, right: np.uint64) -> np.uint64:
    """Rotate x left; right = 64 - left."""
    return (x << left) | (x >> right)


@hot
def next_bits(state: State) -> np.uint64:
    """Draw 64 bits."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    result = wrapping_add(_rotated(wrapping_add(s0, s3), np.uint64(23), np.uint64(41)), s0)
    shifted = s1 << _U17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    state[0], state[1], state[2], state[3] = s0, s1, s2, _rotated(s3, np.uint64(45), np.uint64(19))
    return result


@hot
def uniform(state: State) -> float:
    """Draw from the open interval (0, 1), a multiple of 2^-53."""
    return (float(np.int64(next_bits(state) >> _U12)) + 0.5) * _TWO_M52


@entry
def below(state: State, n: int) -> int:
    """Draw an integer in 0..n-1 without bias, 1 <= n <= 2^31 (Lemire's rejection)."""
    while True:
        product = int(np.int64(next_bits(state) >> _U32)) * n
        low = product & 0xFFFFFFFF
        if low >= n or low >= (4294967296 - n) % n:
            return product >> 32


@entry
def normal(state: State) -> float:
    """Draw from the standard normal; one uniform each."""
    return normal_det(uniform(state))


@entry
def exponential(state: State) -> float:
    """Draw from the exponential distribution of mean 1."""
    return -log_det(uniform(state))
