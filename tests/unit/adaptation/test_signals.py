"""Each built-in strategy on inputs whose answer is known."""

import math

import numpy as np
import pytest

from alphatrade_runtime.adaptation import signals as _builtin  # noqa: F401 (declares them)
from alphatrade_runtime.plugin.contract import declared


class Driven:
    """A compiled strategy and its state."""

    def __init__(self, name, **params):
        self.spec = declared()[name]
        self.p = np.array(list(self.spec.resolve(params).values()))
        self.s = np.zeros(max(self.spec.state, 1))
        self.out = np.zeros(4, np.int64)

    def __call__(self, *x):
        args = (np.array(x, float), self.s, self.p)
        self.out[:] = 0
        return self.spec.function(*args) if self.spec.form == "signal" else self.spec.function(*args, self.out)


def test_ema_cross_follows_the_trend_and_keeps_on_a_tie():
    cross = Driven("ema_cross", fast=2, slow=10)
    assert math.isnan(cross(100.0))
    assert cross(101.0) == 1.0
    for _ in range(20):
        down = cross(90.0)
    assert down == -1.0
    assert math.isnan(cross(math.nan))


def test_mean_reversion_leans_against_a_far_move_and_lets_go_near_the_average():
    revert = Driven("mean_reversion", window=20, enter=2.0, exit=0.5)
    for k in range(100):
        revert(100.0 + (k % 2))
    assert revert(110.0) == -1.0
    assert revert(90.0) == 1.0
    assert revert(float(revert.s[0])) == 0.0


def test_order_flow_needs_flow_and_book_to_agree():
    flow = Driven("order_flow_imbalance", scale_window=20)
    for _ in range(60):
        flow(1.0, 0.1)
    assert flow(50.0, 0.3) == 1.0
    assert math.isnan(flow(400.0, -0.3))
    assert flow(0.0, 0.3) == 0.0
    assert math.isnan(flow(math.nan, 0.0))


def test_breakout_waits_for_a_full_window():
    out = Driven("breakout", window=5, exit_window=2)
    answers = [out(float(v)) for v in (1, 2, 3, 4, 5)]
    assert all(math.isnan(a) for a in answers)
    assert out(6.0) == 1.0
    assert math.isnan(out(5.5))
    assert out(3.0) == 0.0 or out.s[1] == -1.0


@pytest.mark.parametrize(("position", "buys", "sells"), [(0, 3, 3), (10, 0, 3), (-10, 3, 0), (8, 2, 3)])
def test_two_sided_quote_stops_quoting_the_full_side(position, buys, sells):
    quote = Driven("two_sided_quote", lots=3, skew_ticks=0.0)
    quote(100.0, 102.0, 101.0, float(position), 10.0)
    assert list(quote.out) == [100, buys, 102, sells]


def test_two_sided_quote_leans_away_from_inventory():
    quote = Driven("two_sided_quote", lots=1, skew_ticks=4.0)
    quote(100.0, 102.0, 101.0, 5.0, 10.0)
    assert quote.out[0] == 99
    quote(100.0, 102.0, 101.0, -5.0, 10.0)
    assert quote.out[2] == 103
