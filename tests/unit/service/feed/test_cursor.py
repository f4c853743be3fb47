"""A place on a tape: equal times stay together, nothing is lost or made up, whatever the order of time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Kind
from alphatrade_runtime.service.feed import cursor as cursors
from alphatrade_runtime.service.feed.cursor import NEVER, Cursor, lasting_rows, position_at
from unit.service.feed.tapes import MS, START_NS, busy, joined, make, same, times_of

VIEWS = pytest.mark.parametrize("venue_side", [False, True], ids=["local", "venue"])


@st.composite
def tapes(draw):
    """Steps between arrivals and exchange latencies of a small tape."""
    n = draw(st.integers(1, 60))
    steps = draw(st.lists(st.sampled_from([0, 0, 0, 1, 2]), min_size=n, max_size=n))
    latencies = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    return steps, latencies


def drain(cursor, until=NEVER, most=8):
    spans = []
    while (span := cursor.take(until, most)) is not None:
        spans.append(span)
    return spans


@given(tapes(), st.integers(1, 9), st.booleans(), st.integers(0, 60), st.integers(2, 16))
def test_batches_never_split_equal_times_and_lose_nothing(tmp_path_factory, tape, most, venue_side, start, window):
    steps, latencies = tape
    arrivals = START_NS + np.cumsum(steps)
    made = make(tmp_path_factory.mktemp("t") / "tape", arrivals, arrivals - np.asarray(latencies))
    start = min(start, len(made))
    due = times_of(made, venue_side)
    longest = int(np.unique(due, return_counts=True)[1].max())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cursors, "BATCH_ROWS", max(window, longest + 1, most + 1))  # windows end anywhere
        spans = drain(Cursor(made, venue_side, start), most=most)
    at = start
    for span in spans:
        n = len(span.rows.seq)
        assert span.after_ns == (int(due[at - 1]) if at else 0)
        last = int(due[at + n - 1])
        assert at + n == len(due) or due[at + n] > last
        assert span.complete_through_ns == (int(due[at + n]) - 1 if at + n < len(due) else NEVER)
        assert n <= max(most, longest)
        at += n
    assert at == len(made)
    if spans:
        assert same(joined([span.rows for span in spans]), made.rows(start))


@VIEWS
def test_a_tape_of_many_windows_comes_whole(tmp_path, venue_side):
    tape = busy(tmp_path / "tape", rows=150_000)
    spans = drain(Cursor(tape, venue_side, 0), most=8_192)
    assert same(joined([span.rows for span in spans]), tape.rows())
    assert max(len(span.rows.seq) for span in spans) <= 8_192


@VIEWS
def test_nothing_comes_before_it_is_due(tmp_path, venue_side):
    tape = busy(tmp_path / "tape", rows=2_000)
    due = times_of(tape, venue_side)
    cursor, taken = Cursor(tape, venue_side, 0), 0
    for now in range(int(due[0]) - MS, int(due[-1]) + 38 * MS, 37 * MS):
        taken += sum(len(span.rows.seq) for span in drain(cursor, now, 64))
        assert taken == np.searchsorted(due, now, side="right")
        assert cursor.next_due_ns() == (due[taken] if taken < len(due) else NEVER)
        assert cursor.due_rows(now) == 0
    assert cursor.ended


@VIEWS
def test_where_a_time_is_on_the_tape(tmp_path, venue_side):
    tape = busy(tmp_path / "tape", rows=100_000)
    due = times_of(tape, venue_side)
    for now in (0, int(due[0]) - 1, int(due[0]), int(due[70_000]), int(due[-1]) - 1, int(due[-1]), NEVER):
        assert position_at(tape, venue_side, now) == np.searchsorted(due, now, side="right")


def test_more_rows_of_one_time_than_a_message_holds_are_refused(tmp_path):
    tape = make(tmp_path / "tape", [START_NS] * 70_000)
    with pytest.raises(InputError, match="of one time at row 0"):
        Cursor(tape, False, 0).take(NEVER, 8_192)


def test_a_long_group_makes_one_long_batch(tmp_path):
    tape = make(tmp_path / "tape", [START_NS] * 20_000 + [START_NS + 1])
    spans = drain(Cursor(tape, False, 0), most=8_192)
    assert [len(span.rows.seq) for span in spans] == [20_000, 1]


def test_a_cursor_at_the_end_has_nothing(tmp_path):
    tape = busy(tmp_path / "tape", rows=100)
    cursor = Cursor(tape, True, 100)
    assert cursor.ended
    assert cursor.take(NEVER, 8) is None
    assert cursor.next_due_ns() == NEVER


QUOTE, STATUS, MARK, FUNDING = (int(k) for k in (Kind.QUOTE, Kind.STATUS, Kind.MARK, Kind.FUNDING))


@pytest.mark.parametrize(
    ("every", "start", "expected"),
    [
        (True, 0, [1, 3, 4, 6, 8, 9]),  # every STATUS and FUNDING, the last MARK of each instrument
        (False, 0, [3, 6, 8, 9]),  # the last STATUS of each instrument, no FUNDING
        (True, 5, [6, 8, 9]),
        (False, 10, []),
    ],
)
def test_what_still_matters_of_rows_passed_over(tmp_path, every, start, expected):
    kinds = [QUOTE, STATUS, MARK, STATUS, FUNDING, QUOTE, STATUS, MARK, MARK, MARK, QUOTE]
    instruments = [0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0]
    tape = make(tmp_path / "tape", START_NS + np.arange(11), kinds=kinds, instruments=instruments)
    assert lasting_rows(tape, start, 10, every).seq.tolist() == expected
