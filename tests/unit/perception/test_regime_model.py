"""Baum-Welch, and the file of what it learnt."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.regime.fit import baum_welch, observations
from alphatrade_runtime.perception.regime.labels import Regime
from alphatrade_runtime.perception.regime.model import (
    VARIANCE_FLOORS,
    HmmModel,
    default_model,
    nearest_label,
    read_model,
    write_model,
)
from alphatrade_runtime.policy.canonical import canonical
from unit.perception.regime_runs import noise, two_regimes


def cloud(seed, n, missing=0.1):
    """Rows around centres that change now and then; some dimensions missing."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0.0, 2.0, (4, 3))
    state = np.cumsum(rng.random(n) < 0.05) % 4
    rows = centres[state] + rng.normal(0.0, 0.5, (n, 3))
    rows[rng.random((n, 3)) < missing] = np.nan
    return rows


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), states=st.integers(2, 4), n=st.integers(120, 400), missing=st.floats(0.0, 0.4))
def test_the_likelihood_never_falls(seed, states, n, missing):
    trace = baum_welch(cloud(seed, n, missing), states, seed, 15).log_likelihood
    assert len(trace) == 15
    assert (np.diff(trace) >= -1e-7 * np.abs(trace[:-1])).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 1_000), value=st.sampled_from([0.0, 1.0, -8.0]))
def test_constant_observations_are_survived(seed, value):
    model = baum_welch(np.full((100, 3), value), 3, seed, 5)
    assert np.isfinite(model.log_likelihood).all()
    assert (model.variances >= np.array(VARIANCE_FLOORS)).all()


def test_a_planted_model_is_found_again():
    returns, _ = two_regimes(5, 20_000)
    seen = observations(returns, np.full(20_000, np.nan))
    model = baum_welch(seen, 2, 3, 30)
    sigma = np.sqrt(0.45**2 + 0.2**2)
    assert model.means[:, 0] == pytest.approx([-0.45 / sigma, 0.45 / sigma], abs=0.03)
    assert np.sqrt(model.variances[:, 0]) == pytest.approx([0.2 / sigma] * 2, abs=0.03)
    moves = model.evidence / model.evidence.sum(axis=1, keepdims=True)
    assert moves[[0, 1], [1, 0]] == pytest.approx([0.002, 0.002], abs=0.0015)
    assert model.labels == (Regime.BEAR_NORMAL, Regime.BULL_NORMAL)
    assert baum_welch(seen, 2, 3, 30).digest == model.digest
    assert baum_welch(seen, 2, 4, 30).means == pytest.approx(model.means, abs=1e-3)


def test_states_come_in_the_order_of_their_labels():
    for seed in range(5):
        model = baum_welch(cloud(seed, 400), 4, seed, 10)
        keys = [(label, mean[0]) for label, mean in zip(model.labels, model.means, strict=True)]
        assert keys == sorted(keys)


def test_observations_are_those_of_the_filter_and_missing_in_the_warm_up():
    returns, spreads = noise(1, 300), np.full(300, 2.0)
    returns[200], spreads[201] = np.nan, np.nan
    seen = observations(returns, spreads)
    assert np.isnan(seen[:99]).all()
    assert np.isfinite(seen[99:200]).all()
    assert np.isnan(seen[200]).all()
    assert np.isnan(seen[201, 2])
    assert np.isfinite(seen[201, :2]).all()


@pytest.mark.parametrize(
    ("mean", "label"),
    [
        ((0.0, 0.0, 0.0), Regime.NEUTRAL_NORMAL),
        ((0.3, 0.0, 0.0), Regime.BULL_NORMAL),
        ((-0.3, 0.6, 0.0), Regime.BEAR_STORM),
        ((0.09, -0.4, 0.0), Regime.NEUTRAL_CALM),
        ((0.11, -0.4, 9.0), Regime.BULL_CALM),
    ],
)
def test_a_state_is_named_by_the_nearest_label(mean, label):
    assert nearest_label(np.array(mean), 50.0) == label


def test_an_untrained_model_has_four_labels():
    assert default_model().labels == (
        Regime.BEAR_NORMAL, Regime.NEUTRAL_NORMAL, Regime.NEUTRAL_STORM, Regime.BULL_NORMAL,
    )  # fmt: skip


def test_a_model_comes_back_from_its_file_with_the_same_bytes():
    model = baum_welch(cloud(1, 300), 3, 1, 5)
    again = read_model(write_model(model), model.digest)
    for name in ("means", "variances", "evidence"):
        assert getattr(again, name).tobytes() == getattr(model, name).tobytes()
    assert (again.labels, again.log_likelihood, again.digest) == (model.labels, model.log_likelihood, model.digest)


def resigned(change):
    """The file of a model, changed and given the digest of what it now holds."""
    facts = json.loads(write_model(default_model()))
    change(facts)
    facts.pop("digest", None)
    return canonical({**facts, "digest": hashlib.sha256(canonical(facts)).hexdigest()})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no JSON"),
        (b"[]", "schema"),
        (b"{}", "schema"),
        (write_model(default_model()).replace(b"50", b"51"), "digest"),
        (write_model(default_model()) + b" ", "canonical"),
        (resigned(lambda f: f.update(schema="alphatrade.regime-hmm/2")), "schema"),
        (resigned(lambda f: f.pop("evidence")), "schema"),
        (resigned(lambda f: f["means"].pop()), "means: shape"),
        (resigned(lambda f: f["means"][0].pop()), "numbers of one shape"),
        (resigned(lambda f: f["variances"][0].__setitem__(0, 0.0)), "variances"),
        (resigned(lambda f: f["evidence"][0].__setitem__(0, -1.0)), "evidence"),
        (resigned(lambda f: f["labels"].__setitem__(0, 9)), "labels"),
        (resigned(lambda f: f.update(labels=[1])), "labels"),
        (resigned(lambda f: f.update(labels=None)), "numbers"),
        (resigned(lambda f: f.update(fast_half_life=5_000.0)), "half-lives"),
    ],
)
def test_another_file_is_refused(data, says):
    with pytest.raises(InputError, match=says):
        read_model(data)


def test_a_file_that_is_not_the_pinned_one_is_refused():
    with pytest.raises(InputError, match="pinned"):
        read_model(write_model(default_model()), "0" * 64)


def test_a_model_with_a_value_that_is_not_finite_is_refused():
    model = default_model()
    with pytest.raises(InputError, match="means: a value"):
        HmmModel(model.means * np.nan, model.variances, model.evidence, model.labels)


@pytest.mark.parametrize(
    ("rows", "states", "iterations", "says"),
    [
        (np.zeros((100, 2)), 2, 5, "shape"),
        (np.zeros(100), 2, 5, "shape"),
        (np.zeros((100, 3)), 1, 5, "states"),
        (np.zeros((100, 3)), 5, 5, "states"),
        (np.zeros((100, 3)), 2, 0, "iterations"),
        (np.full((100, 3), np.inf), 2, 5, "infinite"),
        (np.full((100, 3), np.nan), 2, 5, "usable"),
        (np.zeros((19, 3)), 2, 5, "usable"),
    ],
)
def test_a_training_that_cannot_work_is_refused(rows, states, iterations, says):
    with pytest.raises(InputError, match=says):
        baum_welch(rows, states, 1, iterations)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(InputError, match="regime training"):
        observations(np.zeros(5), np.zeros(4))
