"""The packer lays out the bytes that `link_bytes` defines, for any rows and any number of them."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.reflection.diary.chain import columns_of, link, link_bytes
from alphatrade_runtime.reflection.diary.columns import ColumnBuffer
from alphatrade_runtime.reflection.diary.pack import HEAD_BYTES, Packer
from unit.reflection.diary_rows import DTYPES, make_rows

PACKED = np.dtype([("seq", "i8"), ("side", "i1"), ("score", "f8"), ("util", "u2", (3,))])


def filled(rows):
    """Return a buffer that holds rows (n,) and its packer."""
    buffer = ColumnBuffer(rows.dtype, len(rows))
    assert buffer.append(rows, 0) == len(rows)
    return buffer, Packer(buffer)


def packed_batch(packer, start, stop):
    """Return the bytes of one batch without the room for the hash before it."""
    packed, places = packer.pack(start, np.array([stop]))
    return bytes(packed[HEAD_BYTES : places[1]])


@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 255, 256, 4_096])
@pytest.mark.parametrize("stream", sorted(DTYPES))
def test_packing_is_the_definition(stream, rows):
    made = make_rows(stream, rows)
    _, packer = filled(made)
    for start, stop in ((0, rows), (rows // 3, rows // 2 + 1), (rows // 2, rows)):
        # nothing of a batch may be left in the next one
        assert packed_batch(packer, start, stop) == link_bytes(columns_of(made[start:stop]), stop - start)


@pytest.mark.parametrize("size", [1, 100, 2_000])
def test_many_batches_are_packed_one_behind_the_other(size):
    made = make_rows("decisions", 6_000)
    _, packer = filled(made)
    ends = np.arange(size, 6_001, size)
    start, done = 0, 0
    while done < len(ends):  # as many a call as there is room for, one at least
        packed, places = packer.pack(start, ends[done:])
        for stop, at, end in zip(ends[done:].tolist(), places, places[1:], strict=False):
            assert bytes(packed[at + HEAD_BYTES : end]) == link_bytes(columns_of(made[start:stop]), stop - start)
            start = stop
        done += len(places) - 1
    assert start == 6_000


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(-128, 127), st.floats()), min_size=1))
def test_packing_is_the_definition_for_any_values(values):
    rows = np.array([(seq, side, score, (1, 2, 3)) for seq, side, score in values], PACKED)
    _, packer = filled(rows)
    assert packed_batch(packer, 0, len(rows)) == link_bytes(columns_of(rows), len(rows))


@given(st.integers(0, 2**64 - 1))
def test_every_float_s_bits_are_packed_as_defined(bits):
    rows = make_rows("decisions", 3)
    rows["score"].view("u8")[1] = bits
    _, packer = filled(rows)
    packed = packed_batch(packer, 0, 3)
    assert hashlib.sha256(bytes(32) + packed).digest() == link(bytes(32), columns_of(rows), 3)


def test_nan_infinity_and_zero_are_told_apart():
    seen = set()
    for bits in (0x7FF8000000000000, 0xFFF0000000000001, 0x7FF0000000000000, 0xFFF0000000000000, 0, 1 << 63):
        rows = make_rows("decisions", 3)
        rows["score"].view("u8")[1] = bits
        _, packer = filled(rows)
        packed = packed_batch(packer, 0, 3)
        assert packed == link_bytes(columns_of(rows), 3)
        seen.add(packed)
    assert len(seen) == 5  # the two NaN are one null


def test_floats_of_another_width_are_refused():
    with pytest.raises(TypeError, match=r"field half: float16 is not packed; make it f8"):
        Packer(ColumnBuffer(np.dtype([("half", "f2")]), 1))
