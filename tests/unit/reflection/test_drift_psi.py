"""PSI of features against their reference, and which moved most."""

import numpy as np
import pytest

from alphatrade_runtime.reflection.drift.psi import SHIFT_DTYPE, count_features, reset, top_shifts, window_mean
from unit.reflection.drift_streams import one

NAMES = [f"f{k}" for k in range(6)]


def counted(z, **changes):
    s = one(SHIFT_DTYPE)
    reset(s, **changes)
    padded = np.zeros((len(z), 64))
    padded[:, : z.shape[1]] = z
    return s, np.array([count_features(s, row, z.shape[1]) for row in padded])


def made(seed, n=2_000, shift=0.0):
    z = np.random.default_rng(seed).normal(size=(n, len(NAMES)))
    z[1_000:, 4] += shift
    return z


def test_a_value_comes_at_the_end_of_each_window_after_the_reference():
    _, psi = counted(made(1))
    assert list(np.flatnonzero(~np.isnan(psi))) == list(range(1_099, 2_000, 100))


def test_the_value_is_the_definition():
    z = made(2)[:, :1]
    _, psi = counted(z)
    edges = np.r_[-np.inf, np.arange(-2.0, 2.1, 0.5), np.inf]
    p = (np.histogram(z[:1_000], edges)[0] + 0.5) / 1_005
    q = (np.histogram(z[1_000:1_100], edges)[0] + 0.5) / 105
    assert psi[1_099] == pytest.approx(float(((p - q) * np.log(p / q)).sum()), rel=1e-12)


def test_a_shifted_feature_is_named_first_with_its_shift_and_the_control_has_none():
    s, psi = counted(made(3, shift=1.5))
    control, calm = counted(made(3))
    first = top_shifts(s, NAMES)[0]
    assert first.name == "f4"
    assert first.delta_sigma == pytest.approx(1.5, abs=0.4)
    assert first.ks > 0.4 > max(one.ks for one in top_shifts(control, NAMES))
    assert np.nanmin(psi) > np.nanmax(calm)


def test_a_window_mean_comes_once_a_window_and_leaves_out_what_is_no_number():
    s = one(SHIFT_DTYPE)
    reset(s, window=4)
    means = [window_mean(s, float(x)) for x in (1, 2, np.nan, 3, np.inf, 6, 5, 5, 5, 5)]
    assert [m for m in means if m == m] == [3.0, 5.0]
    assert means[5] == 3.0


def test_before_a_full_window_nothing_is_named():
    s, _ = counted(made(4)[:1_050])
    assert top_shifts(s, NAMES) == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_odd_values_count_somewhere_and_poison_nothing(value):
    z = made(5)
    z[::7, 2] = value
    s, psi = counted(z)
    assert np.isfinite(psi[~np.isnan(psi)]).all()
    assert np.asarray(s.before).sum() == 1_000 * len(NAMES)
    assert np.isfinite(np.asarray(s.sum_latest)).all()
