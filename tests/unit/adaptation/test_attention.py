"""The router's context, keys, credits and choices, by hand; and the choice by weight."""

import math

import numpy as np
import pytest

from alphatrade_runtime.adaptation.router.attention import (
    LABELS,
    ROUTER_DTYPE,
    ROUTER_PARAMS_DTYPE,
    choose,
    context,
    credit,
    prepare_router,
    remember,
    reset_router,
)
from alphatrade_runtime.adaptation.router.projection import (
    AT_MARKET,
    AT_TIME,
    AT_VALUE,
    CONTEXT,
    PAIRS,
    STATES,
    WIDTH,
    projection,
)
from alphatrade_runtime.adaptation.router.shadow import MAX_HORIZON, RING
from alphatrade_runtime.adaptation.router.weighted import choose_by_weight
from alphatrade_runtime.market.faults import InputError

pytestmark = pytest.mark.twin
NAN, INF = math.nan, math.inf
HOUR_NS = 3_600_000_000_000


def features_of(c, seed):
    """Return what the formula makes of a context, (..., 72): elu + 1 of each direction and its opposite."""
    u = c[..., :CONTEXT] @ projection(seed)
    u = np.concatenate([u, -u], axis=-1)
    return 0.0625 * np.where(u > 0, u + 1, np.exp(np.minimum(u, 0)))


def context_of(posterior=(0.0, 1.0, 0.0, 0.0), v=None, latent=None, volatility=0.0, spread=0.0, ts_ns=6 * HOUR_NS):
    out = np.zeros(128)
    v = np.zeros(WIDTH) if v is None else np.array(v)
    latent = np.zeros(WIDTH) if latent is None else np.array(latent)
    context(out, np.array(posterior), v, latent, volatility, spread, ts_ns)
    return out


class Router:
    def __init__(self, weights=(10_000, 10_000, 10_000), **settings):
        self.params = np.zeros(1, ROUTER_PARAMS_DTYPE).view(np.recarray)[0]
        self.state = np.zeros(1, ROUTER_DTYPE).view(np.recarray)[0]
        prepare_router(self.params, list(weights), seed=3, **{"horizon": 1, "switch_cost_bps": 0.0, **settings})
        reset_router(self.state)

    def decide(self, rewards=(), at=(0.0, 1.0, 0.0, 0.0), allowed=7, multipliers=(1.0, 1.0, 1.0), sigma=10.0):
        for j, reward in enumerate(rewards):
            credit(self.state, self.params, j, reward)
        remember(self.state, self.params, context_of(at))
        return choose(self.state, self.params, allowed, np.array(multipliers), sigma)


def test_a_context_has_a_root_mean_square_of_one_over_what_is_there():
    c = context_of()
    there = STATES + 2
    assert math.sqrt((c**2).sum() / there) == pytest.approx(1.0)
    assert (c[AT_VALUE:AT_MARKET] == 0).all()
    full = context_of(v=np.ones(WIDTH), latent=-np.ones(WIDTH), volatility=3.0, spread=2.0)
    assert math.sqrt((full**2).sum() / CONTEXT) == pytest.approx(1.0)
    assert full[AT_MARKET] / full[AT_MARKET + 1] == pytest.approx(math.log(4.0) / math.log(3.0))


def test_the_time_of_day_is_a_circle():
    c = context_of(posterior=(0, 0, 0, 0), ts_ns=20_000 * 24 * HOUR_NS + 6 * HOUR_NS)
    assert c[AT_TIME] == pytest.approx(1.0 * math.sqrt(2))
    assert c[AT_TIME + 1] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("bad", [NAN, INF, -INF, 1e308, -1.0])
def test_bad_values_never_reach_the_keys(bad):
    v = [bad] + [0.5] * (WIDTH - 1)
    c = context_of((bad, 1.0, bad, 0.0), v, v, bad, bad)
    assert np.isfinite(c).all()
    router = Router()
    for raw in (c, np.full(CONTEXT, bad)):
        remember(router.state, router.params, raw)
        credit(router.state, router.params, 0, bad)
    remember(router.state, router.params, c)
    choose(router.state, router.params, 7, np.full(3, bad), bad)
    assert all(np.isfinite(router.state[name]).all() for name in ("keys", "rewards", "weights", "total"))


def test_like_contexts_are_most_similar_whatever_the_seed():
    for seed in range(50):
        keys = features_of(np.array([context_of(np.eye(STATES)[k]) for k in range(STATES)]), seed)
        similar = keys @ keys.T
        for k in range(STATES):
            assert similar[k].argmax() == k


def test_a_projection_is_its_seeds_alone():
    assert projection(4).tobytes() == projection(4).tobytes()
    assert projection(4).tobytes() != projection(5).tobytes()


def test_a_key_is_the_projected_context_through_elu_plus_one():
    router = Router()
    c = context_of(v=np.linspace(-1, 1, WIDTH))
    remember(router.state, router.params, c)
    assert router.state.keys[0] == pytest.approx(features_of(c, 3))


def test_scores_are_weighted_means_of_rewards_with_a_prior():
    router = Router(weights=(6_000, 2_000, 2_000))
    router.decide()
    assert router.state.total == pytest.approx([0.6 - 1 / 3, 0.2 - 1 / 3, 0.2 - 1 / 3] + [0.0] * 13)
    router.decide(rewards=(1.0, 3.0, -2.0))
    key = router.state.keys[0]
    weight = float(key @ key)
    for j, (reward, prior) in enumerate(zip((1.0, 3.0, -2.0), (0.6 - 1 / 3, 0.2 - 1 / 3, 0.2 - 1 / 3))):
        assert router.state.attention[j] == pytest.approx(weight * reward / (weight + 20.0))
        assert router.state.of_prior[j] == pytest.approx(20.0 * prior / (weight + 20.0))
        assert router.state.total[j] == pytest.approx(router.state.attention[j] + router.state.of_prior[j])


def test_before_evidence_weight_chooses():
    assert Router(weights=(1_000, 5_000, 5_000)).decide() == 1


def test_credit_goes_to_the_key_of_its_decision_once():
    router = Router(horizon=2)
    keys = []
    for t in range(4):
        taken = credit(router.state, router.params, 0, 1.0)
        again = credit(router.state, router.params, 0, 1.0)
        assert (taken, again) == ((1, 0) if t >= 2 else (0, 0))
        remember(router.state, router.params, context_of(np.eye(STATES)[t]))
        keys.append(router.state.keys[t].copy())
    keep = router.params.keep
    assert router.state.rewards[0] == pytest.approx(keep * keys[0] + keys[1])
    assert router.state.weights[0] == pytest.approx(keep * keys[0] + keys[1])
    assert (router.state.rewards[1] == 0).all()


def test_old_evidence_fades_by_half_in_a_half_life():
    router = Router(half_life=1)
    router.decide()
    router.decide(rewards=(2.0,))
    first = router.state.weights[0].copy()
    router.decide(rewards=(2.0,))
    assert router.state.weights[0] == pytest.approx(first * 1.5)


def test_the_ring_of_keys_outlasts_the_longest_horizon():
    router = Router(horizon=MAX_HORIZON)
    for t in range(RING + MAX_HORIZON):
        before = router.state.rewards[0].copy()
        taken = credit(router.state, router.params, 0, 1.0)
        assert taken == (1 if t >= MAX_HORIZON else 0)
        if taken:
            made = (router.state.rewards[0] - router.params.keep * before)[0]
            assert made == pytest.approx(router.state.keys[(t - MAX_HORIZON) % RING][0])
        remember(router.state, router.params, context_of((0, 0, 0, 0), ts_ns=t * HOUR_NS))


def test_it_learns_which_policy_is_good_in_which_context():
    router = Router()
    up, down = (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)
    for k in range(60):
        now = up if k % 2 == 0 else down  # rewards are of the decision before
        router.decide(rewards=() if k == 0 else ((1.0, -1.0, 0.0) if k % 2 == 1 else (-1.0, 1.0, 0.0)), at=now)
    assert router.decide(at=up) == 0
    assert router.decide(at=down) == 1


def test_a_switch_must_gain_more_than_it_costs():
    router = Router(switch_cost_bps=5.0, kappa=1e-6)
    assert router.decide() == 0
    router.decide(rewards=(0.0, 0.4, 0.0), sigma=10.0)
    assert router.state.current == 0
    assert router.state.best == 1
    assert 3.9 < router.state.gain_bps < 4.0
    assert router.state.cost_bps == 5.0
    assert router.decide(sigma=13.0) == 1


@pytest.mark.parametrize("sigma", [NAN, INF])
def test_a_gain_that_is_no_number_switches_nothing(sigma):
    router = Router()
    router.decide()
    router.decide(rewards=(0.0, 4.0, 0.0), sigma=sigma)
    assert router.state.current == 0


def test_who_may_not_trade_gives_way_at_once_and_nobody_is_minus_one():
    router = Router(switch_cost_bps=1e6)
    assert router.decide() == 0
    assert router.decide(allowed=6) == 1
    assert router.decide(allowed=0) == -1
    assert router.decide(allowed=4) == 2
    assert router.decide(allowed=7) == 2


def test_equal_scores_go_to_the_lowest_policy():
    assert Router().decide(allowed=6) == 1


@pytest.mark.parametrize(
    ("reward", "multiplier", "factor"), [(1.0, 1.2, 1.2), (-1.0, 1.2, 1 / 1.2), (1.0, 0.8, 0.8), (-1.0, 0.8, 1 / 0.8)]
)
def test_a_multiplier_above_one_always_helps(reward, multiplier, factor):
    router = Router()
    router.decide()
    router.decide(rewards=(reward, reward, reward), multipliers=(multiplier, 1.0, 1.0))
    assert router.state.total[0] == pytest.approx(router.state.total[1] * factor)
    assert router.state.multiplier[0] == multiplier


@pytest.mark.parametrize("multiplier", [NAN, INF, 0.0, -1.0, 11.0])
def test_a_multiplier_that_is_none_counts_as_one(multiplier):
    router = Router()
    router.decide()
    router.decide(rewards=(1.0, 1.0, 1.0), multipliers=(multiplier, 1.0, 1.0))
    assert router.state.total[0] == router.state.total[1]


@pytest.mark.parametrize(("label", "chosen"), [(0, 2), (4, 0), (LABELS, 0), (-1, 0)])
def test_a_regime_leans_to_its_policies(label, chosen):
    bias = np.zeros((3, LABELS))
    bias[2, 0] = 0.1
    router = Router(regime_bias=bias)
    router.state.label = label
    assert router.decide() == chosen
    assert router.state.bias[2] == (0.1 if label == 0 else 0.0)


@pytest.mark.parametrize(
    "settings",
    [
        {"weights": ()}, {"weights": (1,) * 17}, {"weights": (-1, 2)}, {"horizon": 0}, {"horizon": MAX_HORIZON + 1},
        {"half_life": 0}, {"kappa": 0.0}, {"kappa": NAN}, {"switch_cost_bps": -1.0}, {"switch_cost_bps": INF},
        {"regime_bias": np.zeros((2, LABELS))}, {"regime_bias": np.full((3, LABELS), NAN)},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match="router"):
        Router(**settings)


@pytest.mark.parametrize(
    ("allowed", "weights", "chosen"),
    [
        (0b111, (1, 5, 5), 1), (0b101, (1, 5, 5), 2), (0b001, (1, 5, 5), 0), (0, (1, 5, 5), -1), (0b111, (2, 2, 2), 0),
        (0b111, (0, 0, 0), 0), (0b1000, (1, 5, 5), -1),
    ],
)  # fmt: skip
def test_weight_chooses_among_the_allowed(allowed, weights, chosen):
    assert choose_by_weight(allowed, np.array(weights), 3) == chosen


def test_the_posteriors_directions_are_far_apart_and_say_nothing_of_an_even_one():
    columns = projection(9)[:STATES]
    assert columns.shape == (STATES, PAIRS)
    assert columns.sum(axis=0) == pytest.approx(np.zeros(PAIRS), abs=1e-12)
    lengths = np.linalg.norm(columns, axis=1)
    assert lengths == pytest.approx(np.full(STATES, 8.0 * math.sqrt(PAIRS)))
    cosines = columns @ columns.T / np.outer(lengths, lengths)
    assert cosines[~np.eye(STATES, dtype=bool)] == pytest.approx(np.full(12, -1 / 3))
