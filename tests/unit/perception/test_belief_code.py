"""The sparse code against a plain sort, and its invariants."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.perception.belief.belief import BELIEF_SNAPSHOT_DTYPE, NO_NEURON
from alphatrade_runtime.perception.belief.shape import NEURONS, STORED, WIDTH
from alphatrade_runtime.perception.belief.weights import empty_weights, seeded_weights
from unit.perception.belief_runs import beliefs, believer, normed

WEIGHTS = seeded_weights(11, 8)
SIZES = st.sampled_from([1, 2, 5, 26, 27, 100, 511, 512])


def draws(rows, seed=0, n=8):
    return np.clip(np.random.default_rng(seed).normal(size=(rows, n)), -8, 8)


def by_sort(h, k):
    """Return the k largest positive h, by definition: of equal ones the lower index; idx ascending, unit norm."""
    order = sorted((i for i in range(len(h)) if h[i] > 0.0), key=lambda i: (-h[i], i))[:k]
    idx = sorted(order)
    values = h[idx]
    length = math.sqrt(math.fsum(values * values))
    return (idx, values / length) if length > 0.0 else ([], [])


def excited(h):
    """Return weights whose h is given by their bias alone."""
    weights = empty_weights()
    weights["inputs"] = 1
    weights["b"] = h
    return weights


def assert_is_by_sort(out, h, k):
    idx, val = by_sort(h, k)
    assert out.count == len(idx) <= k
    assert out.idx[: len(idx)].tolist() == idx
    assert out.val[: len(idx)] == pytest.approx(val, rel=1e-12)
    assert out.sparsity == len(idx) / NEURONS


@given(st.integers(0, 2**32), SIZES, st.sampled_from([0.05, 0.5, 3.0]), st.floats(-2.0, 2.0))
def test_the_code_is_that_of_a_plain_sort(seed, k, grid, shift):
    """Rows of few distinct values have many ties; the threshold is carried over rows whose level jumps."""
    rng = np.random.default_rng(seed)
    record = believer()
    for level in (0.0, shift, -shift, 3.0):
        h = np.round(rng.normal(level, 1.0, NEURONS) / grid) * grid
        out, _ = beliefs(excited(h), record, np.zeros((1, 1)), k)
        assert_is_by_sort(out[0], h, k)


@given(SIZES, st.floats(0.0, 1e9), st.sampled_from([0.0, 1e-320, 1e-170, 1e-12, 1.0, 1e6]))
def test_the_carried_threshold_never_shows(k, threshold, scale):
    h = np.random.default_rng(k).normal(size=NEURONS) * scale
    record, fresh = believer(), believer()
    record["threshold"] = threshold
    carried = beliefs(excited(h), record, np.zeros((2, 1)), k)[1]
    other = beliefs(excited(h), fresh, np.zeros((1, 1)), k)[1]
    assert carried[0].tobytes() == carried[1].tobytes() == other[0].tobytes()


@pytest.mark.parametrize("k", [1, 26, NEURONS])
def test_a_session_of_beliefs_keeps_the_invariants(k):
    out, _ = beliefs(WEIGHTS, believer(), draws(300), k)
    for row in out:
        assert_is_by_sort(row, row.h, k)
    assert (out.val >= 0.0).all()
    assert (out["count"] <= k).all()
    assert (out.val**2).sum(axis=1) == pytest.approx(np.ones(300))
    if k == 26:
        assert (out["count"] == 26).all()
        assert out.sparsity == pytest.approx(np.full(300, 26 / 512))
    assert len({row.idx.tobytes() for row in out}) > (1 if k == NEURONS else 50)


def test_value_and_excitation_are_the_formulas():
    z = draws(1)
    out, _ = beliefs(WEIGHTS, believer(), z, 26)
    embedded = WEIGHTS["e_in"][:, :8] @ z[0]
    v = (embedded - embedded.mean()) / math.sqrt(embedded.var() + 1e-12)
    assert out.v[0] == pytest.approx(v, rel=1e-9)
    assert out.h[0] == pytest.approx(WEIGHTS["d_x"].T @ v + WEIGHTS["b"], rel=1e-9, abs=1e-9)


def test_the_latent_is_the_formula():
    out, _ = beliefs(WEIGHTS, believer(), draws(20), 26)
    for row in out:
        x = np.zeros(NEURONS)
        x[row.idx[: row["count"]]] = row.val[: row["count"]]
        read = (row.v - row.v.mean()) / math.sqrt(row.v.var() + 1e-12)
        y = np.maximum(WEIGHTS["d_y"] @ read, 0.0) * x
        star = WEIGHTS["e"].T @ y
        assert row.latent == pytest.approx((star - star.mean()) / math.sqrt(star.var() + 1e-12), rel=1e-6, abs=1e-6)


@given(st.integers(0, 2**32), st.sampled_from([1, 26, NEURONS]))
def test_permuted_neurons_permute_the_code(seed, k):
    """No ties in Gaussian weights, so the tie rule, which knows indices, stays out of it."""
    order = np.random.default_rng(seed).permutation(NEURONS)
    permuted = WEIGHTS.copy()
    permuted["d_x"], permuted["b"] = WEIGHTS["d_x"][:, order], WEIGHTS["b"][order]
    z = draws(1, seed=seed)
    one, other = beliefs(WEIGHTS, believer(), z, k)[0][0], beliefs(permuted, believer(), z, k)[0][0]
    code, moved = np.zeros(NEURONS), np.zeros(NEURONS)
    code[one.idx[: one["count"]]] = one.val[: one["count"]]
    moved[other.idx[: other["count"]]] = other.val[: other["count"]]
    assert ((moved > 0.0) == (code[order] > 0.0)).all()
    assert moved == pytest.approx(code[order], rel=1e-12)


def test_nothing_known_is_no_belief_and_no_nan():
    out, rows = beliefs(WEIGHTS, believer(), np.zeros((1, 8)), 26)
    assert out["count"][0] == 0
    assert (out.v == 0.0).all()
    assert (out.latent == 0.0).all()
    assert out.surprise[0] == 0.0
    assert (rows.idx == NO_NEURON).all()


def test_a_nan_counts_as_zero_and_stays_out():
    z = draws(1)
    z[0, 3] = 0.0
    clean = beliefs(WEIGHTS, believer(), z, 26)[0]
    z[0, 3] = math.nan
    out = beliefs(WEIGHTS, believer(), z, 26)[0]
    assert out.idx.tobytes() == clean.idx.tobytes()
    assert out.v.tobytes() == clean.v.tobytes()


def test_posterior_moments_move_at_one_rate():
    z, alpha = draws(500), 0.02
    out, _ = beliefs(WEIGHTS, believer(), z, 26, alpha)
    mean, var = np.zeros(8), np.ones(8)
    for t in range(500):
        mean, var = mean + alpha * (z[t] - mean), (1 - alpha) * (var + alpha * (z[t] - mean) ** 2)
        assert out.centre[t, :8] == pytest.approx(mean, rel=1e-9)
        assert out.spread[t, :8] == pytest.approx(var, rel=1e-9)
        assert out.surprise[t] == pytest.approx(0.5 * np.mean(z[t] ** 2))


@given(st.integers(0, 2**32), st.sampled_from([1, 25, 26, 27, NEURONS]))
def test_a_stored_row_keeps_the_largest(seed, k):
    h = np.round(np.random.default_rng(seed).normal(0.3, 1.0, NEURONS) * 4) / 4
    out, rows = beliefs(excited(h), believer(), np.zeros((1, 1)), k)
    idx, _ = by_sort(h, min(k, STORED))
    assert rows.idx[0].tolist() == idx + [NO_NEURON] * (STORED - len(idx))
    dense = dict(zip(out.idx[0].tolist(), out.val[0].tolist()))
    assert rows.val[0].tolist() == [dense[i] for i in idx] + [0.0] * (STORED - len(idx))
    assert rows.v.tobytes() == out.v.tobytes()
    assert rows.sparsity[0] == out.sparsity[0]


def test_a_stored_row_leaves_the_callers_part_alone():
    mine = {"idx", "val", "v", "surprise", "sparsity"}
    _, rows = beliefs(WEIGHTS, believer(), draws(1), 26)
    for name in set(BELIEF_SNAPSHOT_DTYPE.names or ()) - mine:
        assert not np.any(rows[name]), name
    assert all(np.any(rows[name]) for name in mine)


@given(st.lists(st.floats(-1e100, 1e100), min_size=WIDTH, max_size=WIDTH))
def test_layer_norm_is_bounded(x):
    out = normed(x)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= math.sqrt(WIDTH) * (1 + 1e-9)


def test_layer_norm_of_a_constant_is_zero():
    assert (normed(np.full(WIDTH, 0.1)) == 0.0).all()
    x = np.random.default_rng(0).normal(3.0, 2.0, WIDTH)
    assert normed(x) == pytest.approx((x - x.mean()) / x.std(), rel=1e-9)
