"""Lay one batch out as the bytes that the chain hashes, column after column, straight from the loop's rows.

`chain.link` over columns is the definition; this is the same bytes in one pass, for batches of a few rows
at a few microseconds each instead of a few a column.
"""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from numba.core import config

from alphatrade_runtime.numerics.jit import entry, hot
from alphatrade_runtime.reflection.diary.chain import type_name, validity_bits

_MANY_ROWS = 256  # from here on numpy, a column at a time, is the faster one (measured)
_NO_WORDS = np.zeros((0, 0), np.int64)


class Packer:
    """Pack batches of one row dtype."""

    def __init__(self, dtype: np.dtype[Any], most_rows: int) -> None:
        """Prepare for batches of up to `most_rows` rows. dtype: structured, little-endian."""
        names = dtype.names or ()
        self._dtype = dtype
        prefixes = [name.encode() + b"\0" + type_name(dtype[name]).encode() + b"\0" for name in names]
        self._prefixes = prefixes
        self._prefix = np.frombuffer(b"".join(prefixes), np.uint8)
        self._prefix_at = np.cumsum([0, *(len(p) for p in prefixes)])
        fields: Any = dtype.fields or {}
        self._offset = np.array([fields[name][1] for name in names])
        self._size = np.array([dtype[name].itemsize for name in names])
        self._is_float = np.array([dtype[name].kind == "f" for name in names])
        room = len(self._prefix) + len(names) * (8 + (most_rows + 7) // 8) + most_rows * dtype.itemsize
        self._out = np.zeros(room, np.uint8)

    def pack(self, rows: npt.NDArray[Any]) -> memoryview:
        """Return the hashed bytes of rows (n,), valid until the next call."""
        if config.DISABLE_JIT or len(rows) >= _MANY_ROWS:
            return self._out[: self._pack_columns(rows)].data
        raw = rows.view(np.uint8).reshape(len(rows), self._dtype.itemsize)
        words = rows.view(np.int64).reshape(len(rows), -1) if self._dtype.itemsize % 8 == 0 else _NO_WORDS
        n = _pack(raw, words, self._prefix, self._prefix_at, self._offset, self._size, self._is_float, self._out)
        return self._out[:n].data

    def _pack_columns(self, rows: npt.NDArray[Any]) -> int:
        """Write a column at a time with numpy; return the bytes written."""
        n, at, out = len(rows), 0, self._out
        count, all_valid = struct.pack("<Q", n), validity_bits(None, n)
        for k, name in enumerate(self._dtype.names or ()):
            column, valid = rows[name], all_valid
            if self._is_float[k] and (null := np.isnan(column)).any():
                column, valid = np.where(null, column.dtype.type(0), column), validity_bits(~null, n)
            head = self._prefixes[k] + count + valid
            out[at : at + len(head)] = np.frombuffer(head, np.uint8)
            at += len(head)
            np.ndarray(column.shape, column.dtype, out.data, at)[...] = column
            at += column.nbytes
        return at


@hot
def _store(out, at, word):
    """Write a little-endian word at any byte; eight stores that the compiler makes one."""
    out[at] = word & 0xFF
    out[at + 1] = (word >> 8) & 0xFF
    out[at + 2] = (word >> 16) & 0xFF
    out[at + 3] = (word >> 24) & 0xFF
    out[at + 4] = (word >> 32) & 0xFF
    out[at + 5] = (word >> 40) & 0xFF
    out[at + 6] = (word >> 48) & 0xFF
    out[at + 7] = (word >> 56) & 0xFF


@entry
def _pack(raw, words, prefix, prefix_at, offset, size, is_float, out):
    rows = len(raw)
    at = 0
    for k in range(len(offset)):
        for b in range(prefix_at[k], prefix_at[k + 1]):
            out[at] = prefix[b]
            at += 1
        count = rows
        for _ in range(8):
            out[at] = count & 0xFF
            count >>= 8
            at += 1
        valid_at = at
        at += (rows + 7) // 8
        full = 0 if is_float[k] else 0xFF
        for b in range(valid_at, at):
            out[b] = full
        if full and rows & 7:
            out[at - 1] = (1 << (rows & 7)) - 1
        start, width = offset[k], size[k]
        if is_float[k]:
            at = _pack_float(raw, start, width, valid_at, at, out)
            continue
        if width == 8 and start % 8 == 0 and len(words) > 0:
            for r in range(rows):
                _store(out, at, words[r, start // 8])
                at += 8
        else:
            for r in range(rows):
                for b in range(width):
                    out[at + b] = raw[r, start + b]
                at += width
    return at


@entry
def _pack_float(raw, start, width, valid_at, at, out):
    """Pack a float64 column: NaN is null, its bytes zero."""
    for r in range(len(raw)):
        high = (raw[r, start + 7] & 0x7F) == 0x7F and (raw[r, start + 6] & 0xF0) == 0xF0
        mantissa = raw[r, start + 6] & 0x0F
        for b in range(6):
            mantissa |= raw[r, start + b]
        if high and mantissa != 0:
            for b in range(width):
                out[at + b] = 0
        else:
            out[valid_at + (r >> 3)] |= 1 << (r & 7)
            for b in range(width):
                out[at + b] = raw[r, start + b]
        at += width
    return at
