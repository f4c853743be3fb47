"""Shadow positions, their costs and rewards, by hand."""

import math

import numpy as np
import pytest

from alphatrade_runtime.adaptation.router.shadow import (
    MAX_HORIZON,
    MAX_POLICIES,
    SHADOW_DTYPE,
    due,
    reset_shadow,
    shadow_step,
)
from alphatrade_runtime.market.faults import InputError

pytestmark = pytest.mark.twin
NAN, INF = math.nan, math.inf


class Shadows:
    def __init__(self, horizon=2, **settings):
        self.state = np.zeros(1, SHADOW_DTYPE).view(np.recarray)[0]
        reset_shadow(self.state, horizon, **settings)

    def step(self, shares, mid=10_000.0, spread=0.0, fee=0.0):
        """Step policies by their wishes; return (known, reward) of each."""
        found = {}
        for j, share in shares.items():
            shadow_step(self.state, j, share, mid, spread, fee)
            found[j] = due(self.state, j)
        return found

    def value(self, j):
        return float(self.state.value_bps[j])


def test_a_position_earns_the_move_after_it_was_taken():
    shadows = Shadows()
    shadows.step({0: 1.0, 1: -0.5})
    assert (shadows.value(0), shadows.value(1)) == (0.0, 0.0)
    shadows.step({0: 1.0, 1: -0.5}, mid=10_010.0)
    assert shadows.value(0) == pytest.approx(10.0)
    assert shadows.value(1) == pytest.approx(-5.0)


def test_a_change_pays_half_the_spread_and_fees():
    shadows = Shadows()
    shadows.step({0: 1.0, 1: NAN}, spread=4.0, fee=3e-4)
    assert shadows.value(0) == pytest.approx(-(2.0 + 3.0))
    shadows.step({0: -1.0, 1: NAN}, spread=4.0, fee=3e-4)
    assert shadows.value(0) == pytest.approx(-15.0)
    assert shadows.value(1) == 0.0


def test_a_bar_has_no_spread_and_pays_fees():
    shadows = Shadows()
    shadows.step({0: 0.5}, fee=1e-4)
    assert shadows.value(0) == pytest.approx(-0.5)


@pytest.mark.parametrize(("share", "held"), [(NAN, 0.25), (INF, 1.0), (-7.0, -1.0), (0.0, 0.0)])
def test_a_wish_is_cut_and_nan_keeps(share, held):
    shadows = Shadows()
    shadows.step({0: 0.25})
    shadows.step({0: share})
    assert shadows.state.position[0] == held


@pytest.mark.parametrize(
    "bad",
    [
        {"mid": NAN}, {"mid": 0.0}, {"mid": -5.0}, {"mid": INF}, {"mid": 1e300}, {"spread": NAN}, {"spread": -1.0},
        {"spread": INF}, {"fee": NAN}, {"fee": INF}, {"fee": 0.2},
    ],
)  # fmt: skip
def test_what_has_no_price_keeps_positions_and_poisons_nothing(bad):
    shadows = Shadows()
    shadows.step({0: 1.0})
    shadows.step({0: -1.0}, **bad)
    assert shadows.state.position[0] == 1.0
    shadows.step({0: 1.0}, mid=10_010.0)
    assert shadows.value(0) == pytest.approx(10.0)  # the move while there was no price is not lost


def test_an_exploding_price_counts_as_a_hundred_percent_and_scales_stay_finite():
    shadows = Shadows()
    for k in range(300):
        shadows.step({0: 1.0}, mid=10_000.0 + k % 3)
    before = float(shadows.state.sigma_bps)
    found = shadows.step({0: 1.0}, mid=1e14)
    assert shadows.state.move_bps == 10_000.0
    assert found[0] == (1, 4.0)
    assert shadows.state.sigma_bps < before * 1.1
    assert all(np.isfinite(shadows.state[name]).all() for name in SHADOW_DTYPE.names or ())


def test_a_reward_is_the_net_of_one_horizon_over_the_scale_of_the_markets_return():
    shadows = Shadows(horizon=2)
    assert shadows.step({0: 1.0, 1: -1.0}, spread=2.0) == {0: (0, 0.0), 1: (0, 0.0)}
    shadows.step({0: 1.0, 1: -1.0}, mid=10_010.0)
    found = shadows.step({0: 1.0, 1: -1.0}, mid=10_020.01)
    sigma = 1.2533141373155001 * 20.0
    assert shadows.state.sigma_bps == pytest.approx(sigma)
    assert found[0] == (1, pytest.approx((20.0 - 1.0) / sigma))  # the entry's cost belongs to the decision that made it
    assert found[1] == (1, pytest.approx((-20.0 - 1.0) / sigma))
    assert shadows.state.net_bps[0] == pytest.approx(19.0)
    found = shadows.step({0: 1.0, 1: -1.0}, mid=10_020.01)
    assert shadows.state.net_bps[0] == pytest.approx(10.0)  # of the second decision: the first move is not its own


def test_every_policy_is_paid_at_every_decision_after_the_first_horizon():
    shadows = Shadows(horizon=10)
    for t in range(40):
        found = shadows.step(dict.fromkeys(range(MAX_POLICIES), 0.0), mid=10_000.0 + t)
        assert {known for known, _ in found.values()} == {1 if t >= 10 else 0}


def test_a_constant_market_has_the_least_scale_and_rewards_of_zero():
    shadows = Shadows(horizon=1, floor_bps=0.5)
    for _ in range(50):
        found = shadows.step({0: 1.0})
    assert shadows.state.sigma_bps == 0.5
    assert found[0] == (1, 0.0)


def test_rewards_are_cut_at_four():
    shadows = Shadows(horizon=1, floor_bps=0.1)
    for k in range(400):
        shadows.step({0: 1.0, 1: -1.0}, mid=10_000.0 + k % 2)
    found = shadows.step({0: 1.0, 1: -1.0}, mid=10_100.0)
    assert found == {0: (1, 4.0), 1: (1, -4.0)}


def test_a_policy_that_was_left_out_begins_its_horizon_anew():
    shadows = Shadows(horizon=2)
    for _ in range(4):
        shadows.step({0: 1.0, 1: 1.0})
    shadows.step({0: 1.0})
    known = [shadows.step({0: 1.0, 1: 1.0})[1][0] for _ in range(3)]
    assert known == [0, 0, 1]


def test_any_policy_may_come_first():
    shadows = Shadows(horizon=1)
    shadows.step({7: 1.0, 3: 1.0})
    found = shadows.step({7: 1.0, 3: 1.0}, mid=10_001.0)
    assert shadows.state.decisions == 2
    assert found[7] == found[3]
    assert found[7][0] == 1


@pytest.mark.parametrize("settings", [{"horizon": 0}, {"horizon": MAX_HORIZON + 1}, {"half_life": 0}, {"floor_bps": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match="router"):
        Shadows(**settings)
