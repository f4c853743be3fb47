"""The offline readout: folds that share no time, fits against numpy, figures that only a real edge makes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.belief.folds import purged_folds
from alphatrade_runtime.perception.belief.readout import fit_ridge, fit_rls, predict
from alphatrade_runtime.perception.belief.shape import WIDTH
from alphatrade_runtime.perception.belief.train import (
    Training,
    encode,
    forward_returns,
    train_readout,
    train_slow_weights,
)
from alphatrade_runtime.perception.belief.weights import load_weights, seeded_weights

ROWS = 600


def planted(seed, edge, rows=ROWS):
    """Latents, and returns of which `edge` times a fixed mix of them is no noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, WIDTH))
    return x, edge * x @ np.linspace(-1.0, 1.0, WIDTH) + rng.normal(size=rows)


@given(st.integers(2, 400), st.integers(2, 8), st.integers(0, 20), st.integers(0, 20))
def test_no_fold_trains_within_reach_of_what_it_tests(rows, folds, purge, embargo):
    try:
        cut = purged_folds(rows, folds, purge, embargo)
    except InputError:
        return
    assert np.array_equal(np.concatenate([fold.test for fold in cut]), np.arange(rows))
    for fold in cut:
        away = np.abs(fold.train[:, None] - fold.test[None, :]).min()
        assert away > purge + embargo
        kept = [row for row in range(rows) if np.abs(row - fold.test).min() > purge + embargo]
        assert np.array_equal(fold.train, kept)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((10, 1, 0, 0), "use 2 folds or more"),
        ((3, 4, 0, 0), "a row in each"),
        ((10, 2, -1, 0), "nothing negative"),
        ((10, 2, 4, 2), "fold 0 of 2 has no row to train on"),
    ],
)
def test_folds_that_cannot_be_cut(asked, said):
    with pytest.raises(InputError, match=said):
        purged_folds(*asked)


def test_ridge_is_ridge():
    x, y = planted(1, 0.3)
    rows = np.arange(50, 500)
    weights = fit_ridge(x, y, rows, 25.0)
    away, up = x[rows] - x[rows].mean(axis=0), y[rows] - y[rows].mean()
    expected = np.linalg.solve(away.T @ away + 25.0 * np.eye(WIDTH), away.T @ up)
    assert weights[:WIDTH] == pytest.approx(expected, rel=1e-8, abs=1e-10)
    assert weights[WIDTH] == pytest.approx(y[rows].mean() - x[rows].mean(axis=0) @ expected)
    assert predict(x, rows, weights) == pytest.approx(x[rows] @ weights[:WIDTH] + weights[WIDTH])


def test_recursion_without_forgetting_is_ridge_with_a_penalised_intercept():
    x, y = planted(2, 0.3)
    rows = np.arange(ROWS)
    full = np.column_stack([x, np.ones(ROWS)])
    expected = np.linalg.solve(full.T @ full + 25.0 * np.eye(WIDTH + 1), full.T @ y)
    assert fit_rls(x, y, rows, 25.0, 1.0) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_what_is_forgotten_weighs_less():
    x, y = planted(3, 0.5)
    y[: ROWS // 2] = -y[: ROWS // 2]  # the mix turns round
    rows = np.arange(ROWS)
    late = x[-50:] @ np.linspace(-1.0, 1.0, WIDTH)
    hits = [
        np.mean(predict(x, rows[-50:], fit_rls(x, y, rows, 1.0, forgetting)) * late > 0) for forgetting in (1.0, 0.97)
    ]
    assert hits[1] > 0.9 > hits[0]


@pytest.mark.parametrize("method", ["ridge", "rls"])
def test_an_edge_is_found_out_of_sample_and_noise_is_not(method):
    how = Training(horizon=5, embargo=5, method=method)
    (x, y), (z, noise) = planted(4, 0.3), planted(4, 0.0)
    edge, none = train_readout(x, y, how).folds, train_readout(z, noise, how).folds
    assert all(fold.ic > 0.5 and fold.r2 > 0.3 and fold.hit > 0.6 for fold in edge)
    assert abs(np.mean([fold.ic for fold in none])) < 0.2
    assert np.mean([fold.r2 for fold in none]) < 0.0


def test_a_price_that_stands_still_has_no_sign_to_be_right_about():
    x, y = planted(4, 0.3)
    before = train_readout(x, y, Training(horizon=5)).folds
    still = np.arange(ROWS) % 2 == 0
    after = train_readout(x, np.where(still, 0.0, y), Training(horizon=5)).folds
    assert min(fold.hit for fold in before) > 0.6
    assert min(fold.hit for fold in after) > 0.55  # half of all rows at best, were those that stood still counted


def test_a_fold_never_sees_what_it_tests():
    x, y = planted(5, 0.3)
    before = train_readout(x, y, Training(horizon=5)).folds
    y[:100] = 1e3  # within the first test block of 120
    after = train_readout(x, y, Training(horizon=5)).folds
    assert before[0].r2 != after[0].r2
    assert before[0].train == after[0].train == ROWS - 120 - 5


def test_rows_that_are_not_known_are_left_out():
    x, y = planted(6, 0.3)
    x[3, 0], y[7] = np.nan, np.inf
    assert train_readout(x, y, Training(horizon=5)).folds[0].test == 118


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"method": "lasso"}, "training method lasso: choose one of ridge, rls"),
        ({"horizon": 0}, "training horizon 0: a return looks 1 to 10000 rows ahead"),
        ({"horizon": 10_001}, "training horizon 10001"),
        ({"ridge": 0.0}, "training ridge 0.0: must be finite and above 0"),
        ({"ridge": float("nan")}, "training ridge nan"),
        ({"forgetting": 1.1}, "training forgetting 1.1: must be 0.9 to 1"),
    ],
)
def test_settings_that_are_none(given_, said):
    with pytest.raises(InputError, match=said):
        Training(**{"horizon": 5, **given_})


def test_shapes_that_do_not_fit():
    x, y = planted(7, 0.3)
    with pytest.raises(InputError, match=r"need \(n, 32\) and \(n,\)"):
        train_readout(x[:, 1:], y, Training(horizon=5))
    with pytest.raises(InputError, match="a return for each row"):
        train_readout(x, y[1:], Training(horizon=5))
    with pytest.raises(InputError, match="0 known rows"):
        train_readout(x * np.nan, y, Training(horizon=5))


def test_forward_returns_are_known_only_where_both_prices_are():
    found = forward_returns([100.0, 101.0, np.nan, 102.0, 0.0], 1)
    assert found[0] == pytest.approx(100.0)
    assert np.isnan(found[1:]).all()


def test_the_trained_file_is_read_by_its_digest_and_is_the_same_twice(tmp_path):
    weights = seeded_weights(3, 4)
    rows = 2 * ROWS  # the first fifth has no belief yet
    features = np.random.default_rng(8).normal(size=(rows, 4))
    latents = encode(weights, features, (0.1,) * 4, 200.0)
    assert np.isnan(latents[:100]).all()
    assert np.isfinite(latents[250:]).all()
    returns = np.random.default_rng(9).normal(size=rows)
    made = [
        train_slow_weights(tmp_path / name, latents, returns, Training(horizon=5), seed=3, inputs=4)
        for name in ("a.npz", "b.npz")
    ]
    assert made[0][0] == made[1][0]
    loaded = load_weights(tmp_path / "a.npz", made[0][0])
    assert np.array_equal(loaded["readout"], made[0][1].weights[:WIDTH])
    assert np.array_equal(loaded["d_x"], weights["d_x"])
    assert loaded["horizon"] == 5
    assert loaded["spread_bps"] == made[0][1].spread_bps


def test_the_spread_is_of_what_was_missed_out_of_sample():
    x, y = planted(8, 0.3)
    found = train_readout(x, y, Training(horizon=5))
    missed = []
    for fold in purged_folds(ROWS, 5, 5, 0):
        missed.append(y[fold.test] - predict(x, fold.test, fit_ridge(x, y, fold.train, 100.0)))
    assert found.spread_bps == pytest.approx(np.sqrt(np.mean(np.concatenate(missed) ** 2)))
    with pytest.raises(InputError, match="never miss"):
        train_readout(x, np.zeros(ROWS), Training(horizon=5))


def test_a_table_that_does_not_fit_its_weights():
    with pytest.raises(InputError, match=r"features table of shape \(5, 3\): needs a column for each of 4 floors"):
        encode(seeded_weights(3, 4), np.zeros((5, 3)), (0.1,) * 4, 200.0)
    with pytest.raises(InputError, match="active neurons 0: use 1 to 512"):
        encode(seeded_weights(3, 4), np.zeros((5, 4)), (0.1,) * 4, 200.0, k=0)
