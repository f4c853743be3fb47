"""Multipliers of policies: rewards that share nothing, what predicts out of sample is trusted, few are boosted."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.adaptation.fast_weights.multiplier import (
    FORGET,
    LEAST_REWARDS,
    MAX_POLICIES,
    MULTIPLIER_DTYPE,
    RIDGE,
)
from alphatrade_runtime.perception.belief.shape import WIDTH
from unit.adaptation.fast_weight_runs import asked, learner, normed, params, taught

SEEDS = 20
HORIZON = 10
AXIS = np.where(np.arange(WIDTH) == 0, math.sqrt(WIDTH), 0.0)  # of the length of a layer norm


def reads(rng, n, half_life=0.0):
    """Layer norms of what was read; half_life: decisions over which it stays alike, 0 not at all."""
    x = rng.normal(size=(n, WIDTH))
    keep = 0.5 ** (1.0 / half_life) if half_life else 0.0
    for t in range(1, n):
        x[t] = keep * x[t - 1] + math.sqrt(1.0 - keep * keep) * x[t]
    return normed(x)


def horizon_rewards(rng, n):
    """Rewards of a market without an edge: sums of the next HORIZON returns, of standard deviation 1."""
    sums = np.cumsum(np.concatenate([[0.0], rng.normal(size=n + HORIZON)]))
    return (sums[HORIZON : n + HORIZON] - sums[:n]) / math.sqrt(HORIZON)


def pulled(*pulls):
    """A learner of trusted policies, each of a pull of its own at AXIS."""
    s = learner()
    s.trusted[: len(pulls)] = 1
    s.u[: len(pulls), 0] = np.array(pulls) / math.sqrt(WIDTH)
    return s


def test_what_is_learnt_is_the_discounted_ridge_regression_of_its_rewards():
    rng = np.random.default_rng(1)
    la, rewards = reads(rng, 300), 5.0 * rng.normal(size=300) + 0.5
    s = learner()
    taken, _ = taught(s, la, rewards, j=2)
    precision, moment, average = RIDGE * np.eye(WIDTH), np.zeros(WIDTH), 0.0
    for t, (x, reward) in enumerate(zip(la, np.clip(rewards, -4, 4))):
        precision = FORGET * precision + np.outer(x, x)
        moment = FORGET * moment + (reward - average) * x
        average += max(1 / (t + 1), 1 - FORGET) * (reward - average)
        precision[t % WIDTH, t % WIDTH] += RIDGE * WIDTH * (1 - FORGET)
    assert taken.all()
    assert s.learnt[2] == 300
    assert s.average[2] == pytest.approx(average)
    np.testing.assert_allclose(s.u[2], np.linalg.solve(precision, moment), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(s.inverse[2], np.linalg.inv(precision), rtol=1e-9, atol=1e-12)
    assert np.array_equal(s.inverse[2], s.inverse[2].T)
    assert (np.delete(s.u, 2, axis=0) == 0).all()


def test_a_prediction_is_scored_before_it_is_learnt():
    """By hand: of the second reward the first one's weights are known, and the mean is the first."""
    s = learner()
    la = np.array([AXIS, AXIS])
    taught(s, la[:1], np.array([2.0]))
    assert (s.n[0], s.gain[0], s.average[0]) == (1.0, 0.0, 2.0)
    predicted = float(s.u[0] @ AXIS)
    assert 0.0 < predicted < 2.0
    taught(s, la[1:], np.array([3.0]), first=1)
    gain = 1.0 - (1.0 - predicted) ** 2
    assert s.gain[0] == pytest.approx(gain / (1 + FORGET))
    assert s.gain2[0] == pytest.approx(gain**2 / (1 + FORGET))


@pytest.mark.parametrize("horizon", [1, 7, 100])
def test_of_rewards_that_overlap_one_a_horizon_is_learnt(horizon):
    rng = np.random.default_rng(2)
    s = learner()
    taken, _ = taught(s, reads(rng, 1_001), rng.normal(size=1_001), j=5, first=40, horizon=horizon)
    assert np.flatnonzero(taken).tolist() == list(range(0, 1_001, horizon))
    assert s.learnt[5] == taken.sum()
    assert s.free[5] == 40 + 1_000 // horizon * horizon + horizon


def test_a_reward_that_was_missed_lets_the_next_one_in():
    rng = np.random.default_rng(2)
    la, rewards = reads(rng, 40), rng.normal(size=40)
    rewards[10], la[11] = math.nan, 0.0
    taken, _ = taught(learner(), la, rewards, horizon=10)
    assert np.flatnonzero(taken).tolist() == [0, 12, 22, 32]


def test_a_planted_direction_is_trusted_and_boosted():
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        la, s = reads(rng, 10_000, half_life=50), learner()
        _, trusted = taught(s, la, 0.4 * la[:, 3] + horizon_rewards(rng, 10_000), horizon=HORIZON)
        assert trusted[-1] == 1
        high = normed(np.where(np.arange(WIDTH) == 3, 1.0, 0.0))
        assert asked(s, params(), high, 1) == [1.35]
        assert asked(s, params(), -high, 1) == [0.65]


def test_without_an_edge_hardly_anything_is_ever_trusted():
    """The control; what was read stays alike for longer than a horizon, as it does in a session."""
    share = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(100 + seed)
        la, rewards = reads(rng, 20_000, half_life=50), horizon_rewards(rng, 20_000)
        _, trusted = taught(learner(), la, rewards, horizon=HORIZON)
        share.append(trusted.mean())
    assert np.mean(share) <= 0.02


def test_a_mean_reward_alone_is_no_reason_to_trust():
    rng = np.random.default_rng(3)
    la = normed(reads(rng, 3_000) + 2.0 * reads(rng, 1))  # has a mean of its own, so it could say the reward's
    _, trusted = taught(learner(), la, 1.0 + 0.5 * rng.normal(size=3_000))
    assert trusted.mean() <= 0.05


def test_nothing_is_trusted_before_enough_rewards():
    rng = np.random.default_rng(4)
    la = reads(rng, 200)
    _, trusted = taught(learner(), la, 3.0 * la[:, 3])
    first = int(np.flatnonzero(trusted)[0])
    assert LEAST_REWARDS <= first < LEAST_REWARDS + 10
    assert trusted[first:].all()


def test_an_edge_that_goes_is_trusted_no_longer():
    rng = np.random.default_rng(5)
    la, rewards = reads(rng, 7_000), rng.normal(size=7_000)
    rewards[:1_000] += la[:1_000, 3]
    _, trusted = taught(learner(), la, rewards)
    assert trusted[999] == 1
    assert trusted[-1] == 0


@pytest.mark.parametrize(
    ("la", "reward"),
    [
        (math.nan, 1.0), (math.inf, 1.0), (-math.inf, 1.0), (1e200, 1.0), (2.0, 1.0), (0.0, 1.0), (1.0, math.nan),
        (1.0, math.inf), (1.0, -math.inf),
    ],
)  # fmt: skip
def test_what_says_nothing_is_left_out_to_the_byte(la, reward):
    s = learner()
    rng = np.random.default_rng(6)
    taught(s, reads(rng, 100), rng.normal(size=100))
    before = s.tobytes()
    taken, _ = taught(s, np.full((1, WIDTH), la), np.array([reward]), first=100)
    assert taken[0] == 0
    assert s.tobytes() == before


@given(st.lists(st.tuples(st.floats(), st.floats(), st.integers(0, WIDTH - 1)), max_size=40))
def test_whatever_comes_the_numbers_stay_numbers(drawn):
    s, rng = learner(), np.random.default_rng(7)
    la, rewards = reads(rng, 200), 3.0 * rng.normal(size=200)
    for k, (value, reward, at) in enumerate(drawn):
        la[5 * k, at], rewards[5 * k] = value, reward
        la[5 * k + 1] = 1.0
    taught(s, la, rewards)
    for name in ("u", "inverse", "average", "n", "gain", "gain2", "lcb"):
        assert np.isfinite(s[name]).all(), name
    assert 0.0 < np.trace(s.inverse[0]) <= WIDTH / RIDGE * 1.1
    assert s.resets[0] == 0
    assert all(0.65 <= m <= 1.35 for row in la[::10] for m in asked(s, params(), row, 1))


def test_the_inverse_stays_bounded_and_positive_where_nothing_excites_it():
    """One read for ever, then another: by forgetting alone the first 30 directions would have grown e^50 fold."""
    s = learner()
    la = np.tile(normed(np.arange(float(WIDTH))), (50_000, 1))
    rng = np.random.default_rng(8)
    taught(s, la, rng.normal(size=50_000))
    assert s.resets[0] == 0
    assert np.array_equal(s.inverse[0], s.inverse[0].T)
    size = np.linalg.eigvalsh(s.inverse[0])
    assert size[0] > 0.0
    assert size[-1] < 1.1 / RIDGE
    taught(s, reads(rng, 1), np.array([4.0]), first=50_000)
    assert abs(s.u[0]).max() < 0.5


@pytest.mark.parametrize(
    ("name", "factor"), [("u", math.nan), ("u", math.inf), ("inverse", math.nan), ("inverse", -1_000.0)]
)
def test_weights_that_cannot_be_right_are_forgotten_with_what_they_proved(name, factor):
    s, rng = learner(), np.random.default_rng(9)
    la = reads(rng, 302)
    taught(s, la[:300], 3.0 * la[:300, 3])
    assert s.trusted[0] == 1
    s[name][0] *= factor
    taught(s, la[300:301], np.array([1.0]), first=300)
    assert (s.resets[0], s.trusted[0], s.n[0]) == (1, 0, 0.0)
    taught(s, la[301:], np.array([1.0]), first=301)
    assert np.isfinite(s.u[0]).all()
    assert s.resets[0] == 1


@pytest.mark.parametrize(
    ("kappa", "expected"),
    [(0.0, [1.0] * 5), (0.20, [1.20, 1.05, 1.0, 0.8, 1.20]), (0.35, [1.35, 1.05, 1.0, 0.65, 1.35])],
)
def test_a_multiplier_is_held_to_kappa_and_few_are_boosted(kappa, expected):
    s = pulled(5.0, 0.1, 5.0, -5.0, 5.0)
    s.trusted[2] = 0
    assert asked(s, params(kappa=kappa), AXIS, 5) == pytest.approx(expected)


def test_a_multiplier_is_one_and_the_tanh_of_the_pull():
    s = pulled(0.1, -0.2, 0.0)
    s.u[3, 0] = 9.0  # of nobody
    assert asked(s, params(), AXIS, 3) == pytest.approx([1 + math.tanh(0.1), 1 - math.tanh(0.2), 1.0])


@pytest.mark.parametrize(
    ("pulls", "expected"),
    [
        ((0.2, 0.3, 0.1, 0.3, 0.25), (1.05, 2, 1.05, 2, 1.05)),  # the largest first
        ((0.2, 0.2, 0.2, 0.2, 0.2), (2, 2, 1.05, 1.05, 1.05)),  # of equal ones the first
        ((0.2, 0.01, 0.01, 0.01, 0.2), (2, 2, 2, 2, 2)),  # what is no boost is not counted, nor lowered
        ((0.2,), (2,)),
        ((0.1, 0.2), (1.05, 2)),
        ((0.2, -0.3, 0.1), (2, 2, 2)),
    ],
)
def test_of_the_boosted_the_largest_four_tenths_stay(pulls, expected):
    """2: it stays as it is."""
    whole = [1 + math.tanh(pull) for pull in pulls]
    wanted = [full if limit == 2 else limit for full, limit in zip(whole, expected)]
    assert asked(pulled(*pulls), params(), AXIS, len(pulls)) == pytest.approx(wanted)


@given(
    st.lists(st.floats(-1e300, 1e300) | st.sampled_from([math.nan, math.inf]), min_size=1, max_size=MAX_POLICIES),
    st.sampled_from([0.0, 0.2, 0.35]),
)
def test_no_weights_whatever_boost_more_than_four_tenths_or_beyond_kappa(pulls, kappa):
    n = len(pulls)
    s = pulled(*pulls)
    out = asked(s, params(kappa=kappa), AXIS, n)
    assert all(1 - kappa <= m <= 1 + kappa for m in out)
    assert sum(m > 1.05 for m in out) <= -(-2 * n // 5)
    free = [1.0 if not abs(x) < math.inf else min(max(1 + math.tanh(x), 1 - kappa), 1 + kappa) for x in pulls]
    for m, alone in zip(out, free):
        assert m == pytest.approx(alone) or (m == 1.05 and alone > 1.05)
    kept = [m for m in out if m > 1.05]
    lowered = [alone for m, alone in zip(out, free) if m == 1.05 and alone > 1.0500001]
    assert not kept or not lowered or min(kept) >= max(lowered) - 1e-9


@pytest.mark.parametrize("la", [math.nan, math.inf])
def test_a_read_that_is_no_number_moves_no_score(la):
    assert asked(pulled(1.0, -1.0), params(), np.full(WIDTH, la), 2) == [1.0, 1.0]


def test_a_restart_from_its_bytes_goes_on_to_the_same_bytes():
    rng = np.random.default_rng(10)
    la, rewards = reads(rng, 900), rng.normal(size=900)
    whole, half = learner(), learner()
    taught(whole, la, rewards, horizon=7)
    taught(half, la[:450], rewards[:450], horizon=7)
    again = np.frombuffer(bytearray(half.tobytes()), MULTIPLIER_DTYPE).view(np.recarray)[0]
    taught(again, la[450:], rewards[450:], first=450, horizon=7)
    assert again.tobytes() == whole.tobytes()
