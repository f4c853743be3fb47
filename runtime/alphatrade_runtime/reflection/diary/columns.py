"""The rows of a stream that are on their way to disk, kept column after column.

A row is turned into columns once, when it arrives; what is hashed and what is written are then runs of columns.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alphatrade_runtime.numerics.jit import entry, hot
from alphatrade_runtime.reflection.diary.chain import Column
from alphatrade_runtime.reflection.diary.segments import arrow_array, arrow_schema

_ALIGN = 64  # a cache line; Arrow asks for 8
_TILE = 64  # rows turned at a time: with all their columns they stay in the first cache
_UNITS = {1: np.uint8, 2: np.uint16, 8: np.int64}
FIRST, OFFSET, SIZE, UNIT, IS_FLOAT = range(5)  # columns of a layout, one row a field; all but IS_FLOAT in bytes


class ColumnBuffer:
    """Up to `capacity` rows of a structured dtype (little-endian) as columns; `rows` of them are there."""

    def __init__(self, dtype: np.dtype[Any], capacity: int) -> None:
        """Lay the columns out in one block of bytes."""
        self.dtype, self.capacity, self.rows = dtype, capacity, 0
        self.names = dtype.names or ()
        self.layout = _layout(dtype, capacity)
        self._places = self.layout.tolist()
        self.row_bytes = int(self.layout[:, SIZE].sum())  # without the padding of a row
        room = sum(_aligned(int(size) * capacity) for size in self.layout[:, SIZE])
        self.words: npt.NDArray[np.int64] = np.empty(room // 8, np.int64)
        self.block, self.halves = self.words.view(np.uint8), self.words.view(np.uint16)
        self._columns = {name: self._view(k, dtype[name]) for k, name in enumerate(self.names)}
        self._memory = pa.py_buffer(self.block)
        self._schema = arrow_schema(dtype)
        self._types = self._schema.types  # made anew at each asking

    def _view(self, k: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        return np.ndarray((self.capacity, *dtype.shape), dtype.base, self.block.data, int(self.layout[k, FIRST]))

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a view of a whole column, (capacity, ...); the first `rows` of it count."""
        return self._columns[name]

    def append(self, rows: npt.NDArray[Any], start: int) -> int:
        """Add rows[start:] (n,) as far as there is room; return how many were added."""
        taken = min(len(rows) - start, self.capacity - self.rows)
        more = np.ascontiguousarray(rows[start : start + taken])
        by_unit = [_in_units(more, unit) for unit in (1, 2, 8)]
        _turn(*by_unit, self.layout, self.block, self.halves, self.words, self.rows)
        self.rows += taken
        return taken

    def drop(self, count: int) -> None:
        """Forget the first `count` rows."""
        kept = self.rows - count
        for column in self._columns.values():
            column[:kept] = column[count : self.rows]
        self.rows = kept

    def batch(self, start: int, stop: int) -> pa.RecordBatch:
        """Return rows [start, stop) as Arrow data with NaN as null; it shares the buffer's memory."""
        arrays = [self._array(k, start, stop) for k in range(len(self.names))]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _array(self, k: int, start: int, stop: int) -> pa.Array:
        kind, rows = self._types[k], stop - start
        first, _, size, _, is_float = self._places[k]
        if is_float:
            return arrow_array(_with_nulls(self.names[k], self._columns[self.names[k]][start:stop]), kind)
        # to the byte: Arrow pads what it writes with zeros, but a slice of an array with what lies behind it
        values = self._memory.slice(first + start * size, rows * size)
        if kind.num_fields == 0:
            return pa.Array.from_buffers(kind, rows, [None, values])
        items = pa.Array.from_buffers(kind.value_type, rows * kind.list_size, [None, values])
        return pa.FixedSizeListArray.from_arrays(items, type=kind)

    def rows_of(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Copy rows [start, stop) back to structured rows (n,)."""
        rows: npt.NDArray[Any] = np.zeros(stop - start, self.dtype)
        for name, column in self._columns.items():
            rows[name] = column[start:stop]
        return rows


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN


@cache
def _layout(dtype: np.dtype[Any], capacity: int) -> npt.NDArray[np.int64]:
    """Say of each field where its column begins in the block and where it lies in a row."""
    fields: Any = dtype.fields or {}
    rows, first = [], 0
    for name in dtype.names or ():
        kind, offset = fields[name][:2]
        unit = max(unit for unit in _UNITS if kind.itemsize % unit == offset % unit == dtype.itemsize % unit == 0)
        rows.append((first, offset, kind.itemsize, unit, kind.kind == "f"))
        first += _aligned(kind.itemsize * capacity)
    layout = np.array(rows, np.int64).reshape(-1, 5)
    layout.flags.writeable = False
    return layout


def _in_units(rows: npt.NDArray[Any], unit: int) -> npt.NDArray[Any]:
    """View contiguous rows (n,) as (n, bytes / unit) units, none when a row is not whole units."""
    width, odd = divmod(rows.itemsize, unit)
    return np.ndarray((0, 0) if odd else (len(rows), width), _UNITS[unit], rows.data)


def _with_nulls(name: str, values: npt.NDArray[Any]) -> Column:
    if not (null := np.isnan(values)).any():
        return Column(name, values, None)
    return Column(name, np.where(null, values.dtype.type(0), values), ~null)


@entry
def _turn(raw, halves, words, layout, block, block_halves, block_words, at):
    """Write rows to the columns from row `at` on.

    raw, halves, words: (n, ...) the rows as bytes, 16 bits, 64 bits; block, block_halves, block_words: the buffer.
    """
    rows = len(raw)
    for tile in range(0, rows, _TILE):
        stop = min(tile + _TILE, rows)
        for k in range(len(layout)):
            size, unit = layout[k, SIZE], layout[k, UNIT]
            to = layout[k, FIRST] + (at + tile) * size
            if unit == 8:
                _turn_field(words, tile, stop, layout[k, OFFSET] // 8, size // 8, block_words, to // 8)
            elif unit == 2:
                _turn_field(halves, tile, stop, layout[k, OFFSET] // 2, size // 2, block_halves, to // 2)
            else:
                _turn_field(raw, tile, stop, layout[k, OFFSET], size, block, to)


@hot
def _turn_field(rows, start, stop, first, width, column, to):
    """Write a field of `width` units; unsigned indices, so that numba need not ask whether one counts from the end."""
    field = np.uint64(first)
    at = np.uint64(to)
    if width == 1:
        for r in range(np.uint64(stop - start)):
            column[at + r] = rows[np.uint64(start) + r, field]
    else:
        for r in range(start, stop):
            for b in range(np.uint64(width)):
                column[at + b] = rows[np.uint64(r), field + b]
            at += np.uint64(width)
