"""Regime FSM v2 on planted tapes of two regimes, each with a control; the filter against a direct computation."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.regime import hmm
from alphatrade_runtime.perception.regime.fit import baum_welch, observations
from alphatrade_runtime.perception.regime.labels import Regime, Trigger
from alphatrade_runtime.perception.regime.model import HmmModel, default_model
from alphatrade_runtime.perception.regime.state import hmm_params
from unit.perception.regime_runs import follow, noise, two_regimes

WARMUP = 100
STEPS = 20_000
SEEDS = range(20)
SIDE = {Regime.BEAR_NORMAL: -1, Regime.BULL_NORMAL: 1}


@pytest.fixture(scope="module")
def trained():
    """Two states, learnt on another tape of the same kind."""
    returns, _ = two_regimes(1_000, STEPS)
    return baum_welch(observations(returns, np.full(STEPS, np.nan)), 2, 1, 30)


def tracks(model):
    for seed in SEEDS:
        returns, side = two_regimes(seed, WARMUP + STEPS)
        yield follow(hmm_params(model), returns), side


def scored(model):
    """For each seed: accuracy of the labels and their flips over the true ones, both after the warm-up."""
    accuracy, flips = [], []
    for track, side in tracks(model):
        said = np.array([SIDE.get(Regime(label), 0) for label in track.labels])[WARMUP:]
        accuracy.append((said == side[WARMUP:]).mean())
        flips.append(track.changed[WARMUP + 10 :].sum() / (np.diff(side[WARMUP:]) != 0).sum())
    return np.array(accuracy), np.array(flips)


def test_two_planted_regimes_are_told_apart(trained):
    assert trained.labels == (Regime.BEAR_NORMAL, Regime.BULL_NORMAL)
    accuracy, flips = scored(trained)
    assert accuracy.mean() >= 0.99
    assert accuracy.min() >= 0.98
    assert flips.mean() <= 1.3
    assert flips.max() <= 1.3


def test_no_state_takes_the_place_of_another(trained):
    for track, side in tracks(trained):
        means = track.state[0].means
        assert means[0, 0] < 0.0 < means[1, 0]
        for part in np.array_split(np.arange(WARMUP, WARMUP + STEPS), 4):
            likelier = np.where(track.posterior[part, 1] > 0.5, 1, -1)
            assert (likelier == side[part]).mean() > 0.98


@pytest.mark.parametrize("mean", [0.45, -0.45])
def test_one_regime_makes_no_flips(trained, mean):
    flips = []
    for seed in SEEDS:
        returns, _ = two_regimes(seed, WARMUP + STEPS, switch=0.0, mean=mean)
        flips.append(follow(hmm_params(trained), returns).changed[WARMUP + 10 :].sum())
    assert np.mean(flips) <= 0.2


def test_noise_without_regimes_fitted_with_two_states_makes_no_two_directions():
    returns = noise(1, STEPS)
    model = baum_welch(observations(returns, np.full(STEPS, np.nan)), 2, 1, 30)
    assert {label // 3 for label in model.labels} == {1}
    track = follow(hmm_params(model), noise(2, STEPS))
    assert set(track.labels[WARMUP + 10 :] // 3) <= {1, 3}  # neutral, or uncertain


def test_an_untrained_model_finds_noise_mostly_neutral():
    for seed in range(5):
        track = follow(hmm_params(default_model()), noise(seed, STEPS), np.full(STEPS, 2.0))
        assert (track.labels[WARMUP + 10 :] == Regime.NEUTRAL_NORMAL).mean() > 0.5


def test_an_untrained_model_finds_two_planted_regimes_too():
    accuracy, flips = scored(default_model())
    assert accuracy.mean() >= 0.95
    assert flips.mean() <= 1.5


def test_transition_evidence_outweighs_the_prior(trained):
    returns, _ = two_regimes(3, STEPS)
    counts = follow(hmm_params(trained), returns).state[0].counts[:2, :2]
    moving = (counts / counts.sum(axis=1, keepdims=True))[[0, 1], [1, 0]]
    assert (moving < 0.006).all()  # the prior alone says 0.0099, the tape 0.002


def test_emissions_learn_but_stay_at_their_anchor():
    model = default_model()
    returns, _ = two_regimes(4, STEPS)
    params = hmm_params(model)
    s = follow(params, returns).state[0]
    bull = model.means[3, 0]
    assert s.means[3, 0] > bull + 0.3  # planted at about 0.91 deviations
    held = follow(hmm_params(model, anchor=1e-2), returns).state[0]
    assert bull < held.means[3, 0] < s.means[3, 0]


def test_forward_is_the_bayes_filter():
    rng = np.random.default_rng(7)
    n = 3
    variances, scales = rng.random((n, 3)) + 0.2, np.array([0.5, 1.0, 3.0])
    p = SimpleNamespace(precisions=1.0 / variances, log_variances=np.log(variances))
    s = SimpleNamespace(
        posterior=np.array([0.2, 0.5, 0.3]), counts=rng.random((n, n)) + 0.5, weight=np.zeros(n), predicted=np.zeros(n),
        joint=np.zeros(n), observation=np.array([0.3, -0.2, 1.0]), spread_known=1, means=rng.normal(size=(n, 3)),
        narrowness=1.0 / scales,
    )  # fmt: skip
    scaled = variances * scales
    density = np.exp(-0.5 * (s.observation - s.means) ** 2 / scaled) / np.sqrt(2 * math.pi * scaled)
    expected = (s.posterior @ (s.counts / s.counts.sum(axis=1, keepdims=True))) * density.prod(axis=1)
    plain(hmm.forward)(s, p, n)
    assert s.posterior == pytest.approx(expected / expected.sum(), abs=1e-12)


def test_a_missing_spread_drops_out_of_the_density():
    s = SimpleNamespace(observation=np.array([0.3, -0.2, 9.0]), spread_known=0, means=np.zeros((1, 3)),
                        narrowness=np.ones(3))  # fmt: skip
    p = SimpleNamespace(precisions=np.ones((1, 3)), log_variances=np.full((1, 3), 0.7))
    assert plain(hmm.log_density)(s, p, 0) == pytest.approx(-0.5 * (0.09 + 0.04 + 1.4))
    s.spread_known = 1
    assert plain(hmm.log_density)(s, p, 0) == pytest.approx(-0.5 * (0.09 + 0.04 + 81.0 + 2.1))


def test_transition_evidence_is_the_discounted_sum_over_all_paths():
    n, keep, steps = 2, 0.9, 6
    prior = np.array([[2.0, 0.5], [0.7, 3.0]])
    p = SimpleNamespace(precisions=np.ones((n, 3)), log_variances=np.zeros((n, 3)), prior=prior, keep=keep)
    s = SimpleNamespace(
        posterior=np.array([0.3, 0.7]), counts=prior.copy(), weight=np.zeros(n), predicted=np.zeros(n),
        joint=np.zeros(n), spread_known=1, means=np.array([[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0]]), narrowness=np.ones(3),
        transitions=np.zeros((4, 16)), moved=np.zeros((4, 16)),
    )  # fmt: skip
    forward, learn, density = plain(hmm.forward), plain(hmm.learn_transitions), plain(hmm.log_density)
    paths: dict[tuple[int, ...], float] = {(j,): s.posterior[j] for j in range(n)}
    for o in np.random.default_rng(3).normal(0.0, 0.7, (steps, 3)):
        move = s.counts / s.counts.sum(axis=1, keepdims=True)
        s.observation = o
        likely = [math.exp(density(s, p, j)) for j in range(n)]
        paths = {(*path, k): w * move[path[-1], k] * likely[k] for path, w in paths.items() for k in range(n)}
        forward(s, p, n)
        learn(s, p, n)
    expected = np.zeros((n, n))
    for path, w in paths.items():
        for t in range(steps):
            expected[path[t], path[t + 1]] += w / sum(paths.values()) * keep ** (steps - 1 - t)
    assert s.counts - prior == pytest.approx(expected, abs=1e-12)


def test_variances_are_learnt_as_one_scale(trained):
    returns, _ = two_regimes(6, STEPS, deviation=0.3)  # 1.9 times what was trained on, in deviations of the whole
    s = follow(hmm_params(trained), returns).state[0]
    assert 1.5 < s.scales[0] < 1.9
    same, _ = two_regimes(6, STEPS)
    assert 0.9 < follow(hmm_params(trained), same).state[0].scales[0] < 1.1


def plain(kernel):
    """The kernel as plain Python, with plain functions behind it."""
    names = dict(kernel.py_func.__globals__)
    for name, value in list(names.items()):
        if hasattr(value, "py_func") and name not in ("exp_det", "log_det"):
            names[name] = type(value.py_func)(value.py_func.__code__, names)
    return type(kernel.py_func)(kernel.py_func.__code__, names)


@pytest.mark.parametrize(
    ("posterior", "label", "expected"),
    [
        ([0.7, 0.1, 0.1, 0.1], 4, 1),  # likely enough
        ([0.55, 0.2, 0.15, 0.1], 4, 4),  # ahead, but not likely enough: what there is stays
        ([0.55, 0.2, 0.15, 0.1], 9, 10),  # ... unless that was Dislocated
        ([0.4, 0.3, 0.2, 0.1], 4, 10),  # hardly ahead
        ([0.1, 0.1, 0.4, 0.4], 4, 7),  # two states of one label count together
    ],
)
def test_a_label_is_taken_when_it_is_likely_and_ahead(posterior, label, expected):
    s = SimpleNamespace(posterior=np.array(posterior), label=label, joint=np.zeros(4), likeliest=0.0, confidence=0.0)
    p = SimpleNamespace(labels=[1, 4, 7, 7], confidence_floor=0.15, posterior_enter=0.6, margin=0.1)
    assert hmm.choose.py_func(s, p, 4) == expected


@pytest.mark.parametrize(("mean", "kept"), [(0.1, False), (0.24, False), (0.26, True), (-3.0, False), (5.0, True)])
def test_a_mean_may_not_pass_another_states(mean, kept):
    p = SimpleNamespace(states=2, axis=np.array([[0, 0], [0, 0]]), gap=np.array([[0.0, -0.25], [0.25, 0.0]]))
    s = SimpleNamespace(means=np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    assert hmm.keeps_order.py_func(s, p, 1, 0, mean) == kept
    assert hmm.keeps_order.py_func(s, p, 1, 1, mean)  # not the dimension they are told apart by
    assert hmm.keeps_order.py_func(s, p, 0, 0, 1.0 - mean) == kept


def test_transitions_name_the_posterior(trained):
    returns, _ = two_regimes(0, 3_000)
    track = follow(hmm_params(trained), returns)
    at = np.flatnonzero(track.changed)[1]
    assert (Trigger(track.trigger[at]), track.threshold[at]) == (Trigger.POSTERIOR, 0.6)
    assert track.value[at] >= 0.6


def test_three_decisions_confirm_a_change(trained):
    side = np.concatenate([np.full(500, 0.45), np.full(100, -0.45)])
    track = follow(hmm_params(trained), side + noise(3, 600, 0.05))
    assert (track.labels[400:502] == Regime.BULL_NORMAL).all()
    assert (track.labels[502:] == Regime.BEAR_NORMAL).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [("learning_window", 1.0), ("learning_window", math.nan), ("posterior_enter", 1.1), ("margin", -0.1),
     ("update_above", math.nan), ("anchor", 0.3), ("anchor", math.nan), ("dwell", 0)],
)  # fmt: skip
def test_a_configuration_that_cannot_work_is_refused(field, value):
    with pytest.raises(InputError, match=field):
        hmm_params(default_model(), **{field: value})


def test_evidence_of_a_training_counts_as_one_window_at_most():
    model = default_model()
    heavy = HmmModel(model.means, model.variances, np.full((4, 4), 1e6), model.labels)
    assert hmm_params(heavy)[0].evidence.sum() == pytest.approx(2_000.0)
