"""What held when, and its shares: durations add up, and a squeezed lane keeps what held longest."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.report.mind.stretches import Stretch, binned, edges_of, shares, squeezed, stretches


def of(*pairs, start=0, end=100, first=None):
    ts, keys = np.array([t for t, _ in pairs], np.int64), np.array([k for _, k in pairs], np.uint8)
    return stretches(ts, keys, start, end, first=first)


def test_a_key_holds_until_another_comes():
    assert of((10, 1), (20, 1), (60, 2)) == [(10, 60, 1), (60, 100, 2)]
    assert of((10, 1), (60, 2), first=7) == [(0, 10, 7), (10, 60, 1), (60, 100, 2)]
    assert of((10, 1), (10, 2)) == [(10, 100, 2)], "of two at one time the later holds"
    assert of() == []
    assert of(first=3) == [(0, 100, 3)]


def test_shares_are_of_time_over_all_lanes():
    assert shares([of((0, 1), (25, 2)), of((0, 2))]) == {2: pytest.approx(0.875), 1: pytest.approx(0.125)}
    assert shares([]) == {}


def test_shares_of_decades_do_not_overflow():
    year = 365 * 86_400 * 10**9
    assert shares([[Stretch(0, 60 * year, 1)]] * 64) == {1: 1.0}


def test_spans_of_time_have_their_own_shares():
    edges = edges_of(0, 100, 4)
    found = binned([of((10, 1), (60, 2))], edges, [2, 1])
    assert found[1].tolist() == pytest.approx([1.0, 1.0, 0.4, 0.0])
    assert found[0].tolist() == pytest.approx([0.0, 0.0, 0.6, 1.0])
    assert binned([of((50, 1))], edges, [1]).tolist() == [[0.0, 0.0, 1.0, 1.0]]


TIMES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 3)), min_size=1, max_size=400).map(sorted)


@given(TIMES)
def test_spans_together_are_the_whole(pairs):
    lane = of(*pairs, end=10**6 + 1)
    edges = edges_of(0, 10**6 + 1, 1)
    whole = shares([lane])
    found = binned([lane], edges, list(whole))
    np.testing.assert_allclose(found[:, 0], list(whole.values()), atol=1e-12)


@given(TIMES)
def test_a_squeezed_lane_is_short_and_in_order(pairs):
    lane = of(*pairs, end=10**6 + 1)
    short = squeezed(lane, 0, 10**6 + 1, most=20)
    assert len(short) <= 20
    assert all(a.end_ns <= b.start_ns and a.key != b.key for a, b in pairwise(short))
    if len(lane) <= 20:
        assert short == lane


def test_a_squeezed_lane_keeps_what_held_longest():
    lane = [Stretch(10 * k, 10 * k + (9 if k % 2 == 0 else 10), k % 2) for k in range(0, 100, 2)]
    lane = sorted(lane + [Stretch(10 * k + 9, 10 * k + 20, 1) for k in range(0, 100, 2)])
    assert {s.key for s in squeezed(lane, 0, 1_000, most=10)} == {1}
