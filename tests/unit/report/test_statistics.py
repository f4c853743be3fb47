import numpy as np
import pytest

from alphatrade_runtime.report.statistics import drawdown, max_drawdown, share, sharpe

DAY = 86_400 * 10**9
START = 1_700_006_400 * 10**9  # a midnight


def equity(levels, step_ns):
    n = len(levels)
    return {"ts_ns": START + np.arange(1, n + 1) * step_ns, "nav": np.array(levels, np.int64)}


def test_drawdown_is_measured_from_the_highest_before():
    nav = np.array([100.0, 120.0, 90.0, 110.0, 130.0])
    assert drawdown(nav).tolist() == pytest.approx([0, 0, -0.25, -1 / 12, 0])
    depth, top, bottom = max_drawdown(nav)
    assert (depth, top, bottom) == (0.25, 1, 2)


def test_drawdown_of_a_lost_account_is_no_number_out_of_range():
    assert max_drawdown(np.array([100.0, -20.0]))[0] == pytest.approx(1.2)
    assert drawdown(np.array([-5.0, -6.0])).tolist() == [0, 0]


def test_share_has_wilsons_interval():
    hits = share(8, 10)
    assert (hits.value, round(hits.low, 4), round(hits.high, 4)) == (0.8, 0.4902, 0.9433)
    assert share(0, 0).value is None


def test_sharpe_of_years_is_daily_and_annual():
    rng = np.random.default_rng(1)
    levels = 10**12 * np.cumprod(1 + rng.normal(0.0005, 0.01, 500))
    ratio = sharpe(equity(levels.astype(np.int64), DAY), 10**12)
    assert (ratio.clock, ratio.n) == ("day", 500)
    assert ratio.ratio is not None
    assert ratio.annual == pytest.approx(ratio.ratio * np.sqrt(365.25), rel=0.01)
    assert ratio.annual_error == pytest.approx(np.sqrt((1 + ratio.ratio**2 / 2) / 500) * np.sqrt(365.25), rel=0.01)


def test_sharpe_of_a_few_days_is_not_annualised():
    rng = np.random.default_rng(1)
    levels = 10**12 * np.cumprod(1 + rng.normal(0, 0.01, 40))
    ratio = sharpe(equity(levels.astype(np.int64), DAY), 10**12)
    assert (ratio.clock, ratio.n, ratio.annual) == ("day", 40, None)


def test_sharpe_of_hours_is_by_the_minute():
    levels = [10**12 + (k % 7) * 10**8 for k in range(1, 200)]
    ratio = sharpe(equity(levels, 60 * 10**9), 10**12)
    assert (ratio.clock, ratio.n, ratio.annual) == ("minute", 199, None)
    assert ratio.ratio is not None


def test_sharpe_of_nothing_is_none():
    assert sharpe(equity([], DAY), 10**12).ratio is None
    assert sharpe(equity([10**12] * 50, DAY), 10**12).ratio is None
    assert sharpe(equity([5, -5, 5], DAY), 10).n == 0
