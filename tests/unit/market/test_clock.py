import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market import clock

times = st.lists(st.tuples(st.integers(0, 2**61), st.integers(0, 2**61)), min_size=1, max_size=50)


@given(times, st.integers(0, 10**9))
def test_repair_moves_all_alike_and_never_back(pairs, base_ns):
    init, event = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    repaired, shift = clock.repair(init, event, base_ns)
    assert shift >= 0
    assert (repaired - init == shift).all()
    assert (repaired - event).min() >= base_ns
    if shift:
        assert (repaired - event).min() == base_ns


@given(times)
def test_repair_twice_is_repair_once(pairs):
    init, event = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    once, _ = clock.repair(init, event)
    twice, shift = clock.repair(once, event)
    assert shift == 0
    assert (once == twice).all()


def test_a_recorder_that_is_behind():
    repaired, shift = clock.repair(np.array([100, 250]), np.array([1_000, 1_050]), 10)
    assert shift == 910
    assert repaired.tolist() == [1010, 1160]
