"""Lay one batch out as the bytes that the chain hashes, column after column.

`chain.link` over columns is the definition; this is the same bytes in one pass, for batches of a few rows
at a microsecond each instead of a few a column.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.numerics.jit import entry, hot
from alphatrade_runtime.reflection.diary.chain import type_name
from alphatrade_runtime.reflection.diary.columns import FIRST, IS_FLOAT, SIZE, ColumnBuffer

_EXPONENT = np.int64(0x7FF0000000000000)  # of a float64 NaN, whose mantissa is not zero
_NO_SIGN = np.int64(0x7FFFFFFFFFFFFFFF)


class Packer:
    """Pack batches of a buffer's rows."""

    def __init__(self, buffer: ColumnBuffer, most_rows: int) -> None:
        """Prepare for batches of up to `most_rows` rows. Raises TypeError for floats other than float64."""
        self._buffer = buffer
        self._prefix, self._prefix_at = _prefixes(buffer.dtype)
        names = len(buffer.names)
        room = len(self._prefix) + names * (8 + (most_rows + 7) // 8) + most_rows * buffer.dtype.itemsize
        self._out = np.empty(room, np.uint8)

    def pack(self, start: int, stop: int) -> memoryview:
        """Return the hashed bytes of the buffer's rows [start, stop), valid until the next call."""
        buffer = self._buffer
        n = _pack(buffer.block, buffer.words, buffer.layout, start, stop, self._prefix, self._prefix_at, self._out)
        return self._out.data[:n]


@cache
def _prefixes(dtype: np.dtype[Any]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return what each column's bytes begin with, one after the other, and where each begins and the last ends."""
    prefixes = [_prefix(name, dtype[name]) for name in dtype.names or ()]
    return np.frombuffer(b"".join(prefixes), np.uint8), np.cumsum([0, *(len(p) for p in prefixes)])


def _prefix(name: str, dtype: np.dtype[Any]) -> bytes:
    if dtype.kind == "f" and dtype.itemsize != 8:
        raise TypeError(f"field {name}: {dtype} is not packed; make it f8")
    return name.encode() + b"\0" + type_name(dtype).encode() + b"\0"


@hot
def _copy(source, first, out, at, count):
    """Copy bytes; unsigned indices, so that numba need not ask whether one counts from the end."""
    for b in range(np.uint64(count)):
        out[np.uint64(at) + b] = source[np.uint64(first) + b]


@hot
def _fill(out, at, count, value):
    for b in range(np.uint64(count)):
        out[np.uint64(at) + b] = value


@entry
def _pack(block, words, layout, start, stop, prefix, prefix_at, out):
    rows = stop - start
    at = 0
    for k in range(len(layout)):
        head = prefix_at[k + 1] - prefix_at[k]
        _copy(prefix, prefix_at[k], out, at, head)
        at += head
        for b in range(8):
            out[at + b] = (rows >> (8 * b)) & 0xFF
        at += 8
        valid_at = at
        at += (rows + 7) // 8
        _fill(out, valid_at, at - valid_at, 0xFF)
        if rows & 7:
            out[at - 1] = (1 << (rows & 7)) - 1
        size = layout[k, SIZE]
        first = layout[k, FIRST] + start * size
        _copy(block, first, out, at, rows * size)
        if layout[k, IS_FLOAT]:
            _clear_nulls(words, first // 8, rows, valid_at, at, out)
        at += rows * size
    return at


@entry
def _clear_nulls(words, first, rows, valid_at, at, out):
    """Clear bit and bytes of each NaN: it is null."""
    for r in range(rows):
        if words[first + r] & _NO_SIGN > _EXPONENT:
            out[valid_at + (r >> 3)] &= 0xFF ^ (1 << (r & 7))
            _fill(out, at + 8 * r, 8, 0)
