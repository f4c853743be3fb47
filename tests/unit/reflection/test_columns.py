"""A column buffer gives back the rows that it took, however they came and whatever was dropped before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.reflection.diary.chain import columns_of, link_bytes
from alphatrade_runtime.reflection.diary.columns import ColumnBuffer
from alphatrade_runtime.reflection.diary.segments import arrow_schema, columns_from, record_batch
from unit.reflection.diary_rows import DTYPES, make_rows

ODD = np.dtype([("tag", "i1"), ("seq", "i8"), ("levels", "u2", (3,)), ("score", "f8"), ("scores", "f8", (2,))])


@pytest.mark.parametrize("stream", sorted(DTYPES))
@given(st.lists(st.integers(0, 90), max_size=8), st.integers(0, 300))
def test_rows_come_back_as_they_were(stream, sizes, dropped):
    rows, buffer, start = make_rows(stream, 700), ColumnBuffer(DTYPES[stream], 300), 0
    for size in sizes:
        start += buffer.append(rows[: start + size], start)
    assert start == buffer.rows == min(sum(sizes), 300)
    dropped = min(dropped, start)
    buffer.drop(dropped)
    start += buffer.append(rows, start)
    assert buffer.rows == 300
    assert buffer.rows_of(0, 300).tobytes() == rows[dropped:start].tobytes()


def test_a_batch_is_the_rows_as_arrow_data_with_nan_as_null_but_in_a_list_as_itself():
    rows = np.zeros(20, ODD)
    rows["seq"], rows["tag"], rows["levels"] = np.arange(20), -1, np.arange(60).reshape(20, 3)
    rows["score"][[5, 7]] = np.nan, np.inf
    rows["scores"][[4, 5, 9], [0, 1, 1]] = np.nan, np.nan, -1.5
    buffer = ColumnBuffer(ODD, 32)
    buffer.append(rows, 0)
    for start, stop in ((0, 20), (3, 6), (6, 20), (5, 5)):
        wanted = record_batch(columns_of(rows[start:stop]), arrow_schema(ODD))
        assert buffer.batch(start, stop).serialize() == wanted.serialize()
        read = columns_from(buffer.batch(start, stop), ODD)
        assert link_bytes(read, stop - start) == link_bytes(columns_of(rows[start:stop]), stop - start)
    assert buffer.batch(4, 6)["score"].to_pylist() == [0.0, None]
    assert str(buffer.batch(4, 6)["scores"].to_pylist()) == "[[nan, 0.0], [0.0, nan]]"


def test_rows_that_are_not_contiguous_are_taken():
    rows, buffer = make_rows("fills", 100), ColumnBuffer(DTYPES["fills"], 50)
    buffer.append(rows[::2], 0)
    assert np.array_equal(buffer.rows_of(0, 50), rows[::2])
