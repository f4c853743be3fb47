import numpy as np
import pytest

from alphatrade_runtime.report.curves import histogram, nav_curve, thin
from alphatrade_runtime.report.run_data import read_run_data
from unit.report.run_folder import write_run


def test_thinning_keeps_every_spike():
    rng = np.random.default_rng(2)
    ts = np.cumsum(rng.integers(1, 100, 200_000))
    values = rng.normal(0, 1, len(ts))
    values[[12_345, 150_001]] = [99.0, -99.0]
    kept_ts, kept = thin(ts, values)
    assert len(kept) <= 4 * 500
    assert (kept.max(), kept.min()) == (99.0, -99.0)
    assert (kept[0], kept[-1]) == (values[0], values[-1])
    assert (np.diff(kept_ts) > 0).all()
    assert set(zip(kept_ts.tolist(), kept.tolist())) <= set(zip(ts.tolist(), values.tolist()))


def test_thinning_keeps_decades_apart():
    ts = np.arange(8_000) * 86_400 * 10**9
    kept_ts, _ = thin(ts, np.arange(8_000, dtype=np.float64) % 7)
    assert np.diff(kept_ts).max() < 30 * 86_400 * 10**9


def test_thinning_leaves_short_curves_alone():
    ts = np.arange(2_000)
    assert thin(ts, ts.astype(np.float64))[0] is ts


def test_thinning_survives_a_burst_in_one_moment():
    ts = np.concatenate([np.zeros(5_000, np.int64), [10**15]])
    kept_ts, _ = thin(ts, np.arange(5_001, dtype=np.float64))
    assert (kept_ts[0], kept_ts[-1]) == (0, 10**15)


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [-3.0, 5.0, 900.0], [2.0, 3.0], [-2.0, -3.0]])
def test_a_histogram_counts_all_and_parts_gains_from_losses(values):
    edges, counts = histogram(np.array(values))
    assert counts.sum() == len(values)
    assert np.abs(edges).min() < 1e-9
    assert (np.diff(edges) > 0).all()


def test_nav_starts_with_the_initial_cash_and_is_by_time(tmp_path):
    run = read_run_data(write_run(tmp_path / "run"))
    ts, nav = nav_curve(run)
    assert nav[0] == run.initial_cash
    assert nav[-1] == run.streams["equity"]["nav"][-1]
    assert (np.diff(ts) >= 0).all()
