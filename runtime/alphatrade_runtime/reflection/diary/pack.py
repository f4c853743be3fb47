"""Lay batches out as the bytes that the chain hashes, column after column.

`chain.link` over columns is the definition; this is the same bytes in one pass, for batches of a few rows
at a microsecond each instead of a few a column.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.numerics.jit import entry, hot, kernel
from alphatrade_runtime.reflection.diary.chain import type_name
from alphatrade_runtime.reflection.diary.columns import FIRST, IS_FLOAT, SIZE, ColumnBuffer

_EXPONENT = np.int64(0x7FF0000000000000)  # of a float64 NaN, whose mantissa is not zero
_NO_SIGN = np.int64(0x7FFFFFFFFFFFFFFF)


_ROOM = 2**18  # bytes packed in one go: what is hashed next is still in the second cache
HEAD_BYTES = 32  # before each batch's bytes: room for the hash that it is chained to


class Packer:
    """Pack batches of a buffer's rows, many in one go."""

    def __init__(self, buffer: ColumnBuffer) -> None:
        """Prepare. Raises TypeError for floats other than float64."""
        self._buffer = buffer
        self._prefix, self._prefix_at = _prefixes(buffer.dtype)
        self._fixed = HEAD_BYTES + len(self._prefix) + 8 * len(buffer.names)
        self._out: npt.NDArray[np.uint8] = np.empty(_ROOM, np.uint8)

    def pack(self, start: int, ends: npt.NDArray[np.int64]) -> tuple[memoryview, list[int]]:
        """Lay out the first of the batches that follow each other from the buffer's row `start` and end before `ends`.

        Returns the bytes, valid until the next call, and one place more than batches: batch k has HEAD_BYTES for the
        hash before it, then its own bytes, from the k-th place to the next.
        """
        buffer = self._buffer
        starts = np.append(start, ends[:-1])
        rows = ends - starts
        sizes = self._fixed + len(buffer.names) * ((rows + 7) // 8) + rows * buffer.row_bytes
        places = np.append(0, np.cumsum(sizes))
        places = places[: max(int(np.searchsorted(places, _ROOM, side="right")), 2)]
        if places[-1] > len(self._out):
            self._out = np.empty(places[-1], np.uint8)
        n = len(places) - 1
        _pack(
            buffer.block,
            buffer.words,
            buffer.layout,
            starts[:n],
            ends[:n],
            places,
            self._prefix,
            self._prefix_at,
            self._out,
        )
        return self._out.data, places.tolist()


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
def _pack(block, words, layout, starts, ends, places, prefix, prefix_at, out):
    for k in range(len(starts)):
        _pack_batch(block, words, layout, starts[k], ends[k], prefix, prefix_at, places[k] + HEAD_BYTES, out)


@kernel
def _pack_batch(block, words, layout, start, stop, prefix, prefix_at, at, out):
    rows = stop - start
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


@kernel
def _clear_nulls(words, first, rows, valid_at, at, out):
    """Clear bit and bytes of each NaN: it is null."""
    for r in range(rows):
        if words[first + r] & _NO_SIGN > _EXPONENT:
            out[valid_at + (r >> 3)] &= 0xFF ^ (1 << (r & 7))
            _fill(out, at + 8 * r, 8, 0)
