"""The standardiser: its formulas by hand, and that nothing poisons it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.belief.standardise import PATIENCE, START, UNMOVED, rate
from unit.perception.belief_runs import standard, standards

ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)


def started(values, floor=0.1, half_life=2_000.0):
    state = standard([floor], half_life)
    standards(state, np.asarray(values, float).reshape(-1, 1))
    return state


def gaussian(n=START, seed=0):
    return np.random.default_rng(seed).normal(5.0, 2.0, n)


def test_a_feature_starts_with_median_and_mean_absolute_deviation():
    x = gaussian()
    state = started(x)
    assert state.m[0] == pytest.approx(np.median(x), rel=1e-15)
    assert state.s[0] == pytest.approx(np.abs(x - np.median(x)).mean(), rel=1e-13)


def test_the_recursion_is_that_of_the_semantics():
    x, alpha = gaussian(1_000), rate(100.0)
    out = standards(standard([0.1], 100.0), x.reshape(-1, 1))
    assert (out.z[:START] == 0.0).all()
    m = np.median(x[:START])
    s = np.abs(x[:START] - m).mean()
    for t in range(START, len(x)):
        scale = max(1.2533 * s, 0.1)
        w = min(max(x[t], m - 8 * scale), m + 8 * scale)
        raw = (x[t] - m) / scale
        assert out.raw[t, 0] == pytest.approx(raw, abs=1e-9)
        assert out.z[t, 0] == pytest.approx(min(max(raw, -8.0), 8.0), abs=1e-9)
        m, s = m + alpha * (w - m), s + alpha * (abs(w - m) - s)


def test_the_half_life_is_in_decisions():
    state = standard([0.1], 50.0)
    standards(state, np.zeros((START, 1)))
    standards(state, np.full((50, 1), 0.5))  # within 8 scales of 0.1
    assert state.m[0] == pytest.approx(0.25, rel=1e-9)


def test_a_constant_is_zero_and_its_scale_the_floor():
    out = standards(standard([0.1]), np.full((500, 1), 17.25))
    assert (out.z == 0.0).all()
    assert (out.faults == 0).all()
    state = started(np.full(500, 17.25))
    raw = standards(state, [[17.35]]).raw[0, 0]
    assert raw == pytest.approx(1.0)


def test_what_stands_still_has_its_bit_after_a_while_and_loses_it_when_it_moves():
    x = np.full((UNMOVED + 3, 2), 17.25)
    x[:, 1] = np.arange(UNMOVED + 3)
    x[-1, 0] = 17.5
    out = standards(standard([0.1, 0.1]), x)
    assert out.constant.tolist() == [0] * UNMOVED + [1, 1, 0]
    x[:, 0] = 0.0
    assert standards(standard([0.1, 0.1]), x).constant.any()


def test_a_missing_value_neither_moves_a_feature_nor_counts():
    x = np.full((UNMOVED + 3, 1), 17.25)
    x[5] = math.nan
    out = standards(standard([0.1]), x)
    assert out.constant.tolist() == [0] * (UNMOVED + 1) + [1, 1]


@pytest.mark.parametrize("wild", [5.0 + 200.0, 5.0 - 200.0, 1e300, -1e300])
def test_what_is_cut_has_its_bit_and_no_other(wild):
    x = gaussian(1_000)
    x[[3, 600]] = wild
    out = standards(standard([0.1]), x.reshape(-1, 1))
    assert np.flatnonzero(out.exploding).tolist() == ([3, 600] if abs(wild) > 1e100 else [600])
    assert not out.faults.any()
    assert not out.constant.any()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("feature", [0, 2, 62, 63])
def test_what_is_no_number_is_masked_flagged_and_learnt_from_by_nobody(bad, feature):
    x = np.random.default_rng(1).normal(size=(300, 64))
    state = standard([0.1] * 64)
    standards(state, x)
    before = state.tobytes()
    x[0, feature] = bad
    out = standards(state, x[:1])
    assert out.faults[0] == (np.int64(1) << np.int64(feature))
    assert out.z[0, feature] == out.raw[0, feature] == 0.0
    held = np.frombuffer(before, state.dtype)[0]
    assert state.m[feature] == held["m"][feature]
    assert state.s[feature] == held["s"][feature]
    other = 5
    assert state.m[other] != held["m"][other]


def test_missing_values_do_not_count_towards_the_start():
    x = np.full((START + 50, 1), 2.0)
    x[:51] = math.nan
    state = standard([0.1])
    out = standards(state, x)
    assert state.count[0] == START - 1
    assert (out.ready == 0).all()
    assert standards(state, [[2.0]]).ready[0] == 1


def test_ready_after_the_start_and_a_feature_that_never_comes_holds_nobody_up():
    x = np.random.default_rng(2).normal(size=(PATIENCE + 1, 2))
    assert standards(standard([0.1] * 2), x).ready.tolist()[START - 2 : START + 1] == [0, 1, 1]
    x[:, 1] = math.nan
    out = standards(standard([0.1] * 2), x)
    assert out.ready.tolist() == [0] * (PATIENCE - 1) + [1, 1]
    assert (out.faults == 2).all()
    x[:, 0] = math.nan
    assert not standards(standard([0.1] * 2), x).ready.any()


@pytest.mark.parametrize("where", ["start", "later"])
@pytest.mark.parametrize("burst", [1e9, -1e300, 1.7e308])
def test_a_burst_does_not_poison(where, burst):
    calm = gaussian(3_000)
    x = calm.copy()
    at = slice(20, 30) if where == "start" else slice(1_000, 1_010)
    x[at] = burst
    out, same = standards(standard([0.1], 200.0), x.reshape(-1, 1)), standards(standard([0.1], 200.0), calm[:, None])
    assert np.abs(out.z).max() <= 8.0
    assert np.isfinite(out.raw).all()
    assert np.abs(out.z[2_900:] - same.z[2_900:]).max() < 0.05
    if where == "later":
        assert (np.abs(out.z[at, 0]) == 8.0).all()


@settings(max_examples=60)
@given(st.lists(ANY, min_size=1, max_size=60), st.floats(1e-6, 1e6), st.integers(0, 3))
def test_bounded_whatever_comes(values, floor, lead):
    """lead: how many hundred calm values come first."""
    state = standard([floor], 30.0)
    x = np.concatenate([gaussian(100 * lead), values, np.tile(values, 1 + 400 // len(values))])
    out = standards(state, x.reshape(-1, 1))
    assert np.abs(out.z).max() <= 8.0
    assert np.isfinite(out.raw).all()
    assert (out.faults == ~np.isfinite(x)).all()
    assert np.isfinite([state.m[0], state.s[0]]).all()
    assert state.s[0] >= 0.0


@pytest.mark.parametrize("floor", [0.0, -1.0, math.nan, math.inf, 1e-300])
def test_a_floor_must_be_a_scale(floor):
    with pytest.raises(InputError, match=r"feature 1: floor .*give a positive finite scale"):
        standard([0.1, floor])


@pytest.mark.parametrize("half_life", [0.0, 0.5, math.nan, math.inf])
def test_a_half_life_must_be_decisions(half_life):
    with pytest.raises(InputError, match="belief half-life"):
        standard([0.1], half_life)


def test_more_features_than_fit_are_refused():
    with pytest.raises(InputError, match="65 given; at most 64"):
        standard([0.1] * 65)
