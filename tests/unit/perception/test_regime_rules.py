"""Regime FSM v1: edges, hysteresis, dwell and persistence by table; each label from a planted tape."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.regime import rules
from alphatrade_runtime.perception.regime.classify import confirm
from alphatrade_runtime.perception.regime.labels import NAMES, Regime, Trigger, Trouble, title
from alphatrade_runtime.perception.regime.state import REGIME_DTYPE, reset, rules_params
from unit.perception.regime_runs import follow, noise

P = rules_params()[0]
QUIET = 1_500  # decisions of plain noise before something is planted


def test_the_names_are_those_of_yaml():
    assert title(Regime.BULL_CALM) == "BullCalm"
    assert sorted(NAMES) == sorted(title(label) for label in Regime)
    assert len(NAMES) == 11
    assert NAMES["Dislocated"] is Regime.DISLOCATED


@pytest.mark.parametrize(
    ("before", "t", "after"),
    [
        (0, 2.5, 0), (0, 2.51, 1), (0, -2.51, -1), (0, -2.5, 0),
        (1, 1.25, 1), (1, 1.24, 0), (1, -1.0, 0), (1, -2.51, -1), (1, 9.0, 1),
        (-1, -1.25, -1), (-1, -1.24, 0), (-1, 1.0, 0), (-1, 2.51, 1), (-1, -9.0, -1),
    ],
)  # fmt: skip
def test_a_direction_is_entered_beyond_one_edge_and_left_inside_another(before, t, after):
    assert rules.turn_direction.py_func(before, t, P) == after


CALM, NORMAL, STORM = 0, 1, 2


@pytest.mark.parametrize(
    ("before", "ratio", "after"),
    [
        (NORMAL, 0.71, NORMAL), (NORMAL, 0.69, CALM), (NORMAL, 1.79, NORMAL), (NORMAL, 1.81, STORM),
        (CALM, 0.84, CALM), (CALM, 0.86, NORMAL), (CALM, 1.81, STORM),
        (STORM, 1.41, STORM), (STORM, 1.39, NORMAL), (STORM, 0.69, CALM),
    ],
)  # fmt: skip
def test_a_volatility_is_entered_beyond_one_edge_and_left_inside_another(before, ratio, after):
    assert rules.turn_volatility.py_func(before, math.log(ratio), P) == after


@pytest.mark.parametrize(
    ("direction", "t", "expected"),
    [(1, 1.25, 0.0), (1, 1.875, 0.5), (1, 3.0, 1.0), (-1, -1.875, 0.5), (0, 0.0, 1.0), (0, -1.875, 0.5), (0, 2.5, 0.0)],
)
def test_confidence_of_a_direction_is_its_distance_to_where_it_would_change(direction, t, expected, monkeypatch):
    monkeypatch.setattr(rules, "_share", rules._share.py_func)
    assert rules.direction_confidence.py_func(direction, t, P) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("volatility", "ratio", "expected"),
    [
        (CALM, 0.85, 0.0), (CALM, math.sqrt(0.85 * 0.7), 0.5), (CALM, 0.6, 1.0),
        (STORM, 1.4, 0.0), (STORM, math.sqrt(1.4 * 1.8), 0.5), (STORM, 2.0, 1.0),
        (NORMAL, 0.7, 0.0), (NORMAL, 1.8, 0.0), (NORMAL, 1.0, 1.0), (NORMAL, math.sqrt(1.4 * 1.8), 0.5),
    ],
)  # fmt: skip
def test_confidence_of_a_volatility_is_measured_in_logs(volatility, ratio, expected, monkeypatch):
    monkeypatch.setattr(rules, "_share", rules._share.py_func)
    found = rules.volatility_confidence.py_func(volatility, math.log(ratio), P)
    assert found == pytest.approx(expected, abs=1e-12)


LETTERS = {"N": Regime.NEUTRAL_NORMAL, "B": Regime.BULL_NORMAL, "S": Regime.BULL_STORM, "D": Regime.DISLOCATED,
           "U": Regime.UNCERTAIN}  # fmt: skip


@pytest.mark.parametrize(
    ("candidates", "labels"),
    [
        ("NNNNNBBBB", "NNNNNNNBB"),  # the third in a row confirms
        ("NNNNNBBNBBBB", "NNNNNNNNNNBB"),  # an interruption starts the count again
        ("NNNNNBBSSS", "NNNNNNNNNS"),  # and so does another candidate
        ("NNNNNBBBSSSSS", "NNNNNNNBBBBBS"),  # five decisions of a label before the next
        ("NNNNNBBBSSSNS", "NNNNNNNBBBBBB"),  # at its end the candidate must still stand
        ("NNNNNDD", "NNNNNDD"),  # dislocation needs one decision
        ("NNNNNBBBD", "NNNNNNNBD"),  # and no dwell
        ("NNNNNDNNNNN", "NNNNNDDDDDN"),  # but dwells itself
        ("NNNNNUUU", "NNNNNNNU"),
    ],
)
def test_a_label_is_taken_once_it_persists_and_the_last_one_has_dwelt(candidates, labels):
    first = LETTERS["N"]
    s = SimpleNamespace(label=first, previous=first, candidate=first, since=0, persisted=0, dwell=0, decisions=0)
    s.size_factor = 1.0
    found = []
    for letter in candidates:
        s.decisions += 1
        before = s.label
        changed = confirm.py_func(s, P, LETTERS[letter])
        assert changed == (s.label != before)
        assert s.size_factor == (0.5 if s.label == Regime.UNCERTAIN else 1.0)
        found.append(next(name for name, label in LETTERS.items() if label == s.label))
    assert "".join(found) == labels


def planted(direction, volatility, seed=1, n=400):
    """Noise, then a stretch of one label: its drift and its deviation against that of the noise."""
    deviation = (0.35, 0.9, 2.5)[volatility]
    drift = direction * (0.45, 0.6, 1.2)[volatility]
    kicks = noise(seed + 1, n, 1.0)
    if direction == 0:  # reverting: the mean of a storm would drift by chance
        kicks = np.abs(kicks) * np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    return np.concatenate([noise(seed, QUIET), 10.0 * (drift + deviation * kicks)])


@pytest.mark.parametrize("label", [label for label in Regime if label < Regime.DISLOCATED])
def test_each_of_the_nine_labels_is_emitted_on_its_planted_tape(label):
    for seed in range(20):
        track = follow(rules_params(), planted(label // 3 - 1, label % 3, 10 * seed))
        values, counts = np.unique(track.labels[QUIET + 150 :], return_counts=True)
        assert Regime(values[counts.argmax()]) is label, seed
        assert counts.max() > 125, seed


def test_the_control_of_plain_noise_is_neutral_and_normal():
    track = follow(rules_params(), noise(5, 20_000))
    share = (track.labels[200:] == Regime.NEUTRAL_NORMAL).mean()
    assert share > 0.9
    assert track.changed[200:].sum() < 20_000 / 100


def test_a_direction_at_its_edge_is_uncertain_and_halves_the_size():
    swing = 10.0 * np.where(np.arange(3_000) % 2 == 0, 1.0, -1.0)
    drift = np.concatenate([np.zeros(QUIET), np.full(300, 4.15), np.full(1_200, 1.13)])
    track = follow(rules_params(), swing + drift)
    assert Regime(track.labels[QUIET + 290]) is Regime.BULL_NORMAL
    at = QUIET + 300 + int(np.argmax(track.labels[QUIET + 300 :] == Regime.UNCERTAIN))
    assert track.labels[at] == Regime.UNCERTAIN
    assert (track.confidence[at - 2 : at + 1] < 0.15).all()
    assert track.confidence[at - 3] >= 0.15
    assert (track.size_factor[at], track.size_factor[at - 1]) == (0.5, 1.0)
    assert (Trigger(track.trigger[at]), track.threshold[at]) == (Trigger.CONFIDENCE, 0.15)


def test_it_is_uncertain_until_it_has_seen_enough():
    track = follow(rules_params(warmup=50), noise(1, 100))
    assert (track.labels[:50] == Regime.UNCERTAIN).all()
    assert (track.size_factor[:50] == 0.5).all()
    assert Regime(track.labels[60]) is not Regime.UNCERTAIN
    state = np.zeros(1, REGIME_DTYPE).view(np.recarray)
    reset(state[0], P)
    assert (state[0].label, state[0].size_factor) == (Regime.UNCERTAIN, 0.5)


@pytest.mark.parametrize(
    ("at", "trigger", "value", "threshold"),
    [
        ({"trouble": Trouble.HALT}, Trigger.HALT, 1.0, 0.0),
        ({"trouble": Trouble.NO_QUOTE}, Trigger.NO_QUOTE, 2.0, 0.0),
        ({"trouble": Trouble.FEED_FAULT}, Trigger.FEED_FAULT, 4.0, 0.0),
        ({"trouble": Trouble.FEED_FAULT | Trouble.HALT}, Trigger.HALT, 5.0, 0.0),
        ({"raw": 8.01}, Trigger.RAW, 8.01, 8.0),
        ({"raw": math.inf}, Trigger.RAW, 2.0**48, 8.0),
        ({"spread": 25.0}, Trigger.SPREAD, 6.25, 6.0),
    ],
)
def test_one_decision_of_trouble_is_dislocated(at, trigger, value, threshold):
    n = 400
    columns = {"spreads": np.full(n, 4.0), "trouble": np.zeros(n, int), "raw": np.full(n, 2.0)}
    columns["spreads"][300] = at.get("spread", 4.0)
    columns["trouble"][300] = at.get("trouble", 0)
    columns["raw"][300] = at.get("raw", 2.0)
    track = follow(rules_params(), noise(2, n), **columns)
    assert (track.labels[300], track.changed[300]) == (Regime.DISLOCATED, 1)
    assert (Trigger(track.trigger[300]), track.value[300], track.threshold[300]) == (trigger, value, threshold)
    assert (track.confidence[300], track.size_factor[300]) == (1.0, 1.0)
    assert (track.labels[300:305] == Regime.DISLOCATED).all()
    assert track.labels[305] == track.labels[299] != Regime.DISLOCATED
    assert track.dwell[305] == 5


@pytest.mark.parametrize("at", [{"spread": 24.0}, {"raw": 8.0}, {"raw": math.nan}, {"raw": -20.0}])
def test_what_is_just_not_trouble_dislocates_nothing(at):
    n = 400
    columns = {"spreads": np.full(n, 4.0), "raw": np.full(n, 2.0)}
    columns["spreads"][300] = at.get("spread", 4.0)
    columns["raw"][300] = at.get("raw", 2.0)
    track = follow(rules_params(), noise(2, n), **columns)
    assert not (track.labels == Regime.DISLOCATED).any()


def test_trouble_is_seen_on_the_first_decision_and_without_a_return():
    returns = np.full(10, np.nan)
    track = follow(rules_params(), returns, trouble=[Trouble.HALT] + 9 * [0])
    assert (track.labels == Regime.DISLOCATED).all()
    assert (track.masked == np.arange(1, 11)).all()


def test_a_decision_without_a_return_neither_confirms_nor_resets():
    returns = planted(1, NORMAL)
    whole = follow(rules_params(), returns)
    at = QUIET + int(np.argmax(whole.changed[QUIET:]))
    holes = np.insert(returns, [at] * 7, np.nan)  # just before the decision that confirms
    track = follow(rules_params(), holes)
    assert not track.changed[at : at + 7].any()
    assert track.changed[at + 7]
    assert track.labels[at + 7] == whole.labels[at]
    assert track.masked[-1] == 7


def test_transitions_say_which_edge_was_crossed():
    track = follow(rules_params(), planted(1, NORMAL))
    at = QUIET + int(np.argmax(track.changed[QUIET:]))
    assert (track.previous[at], track.labels[at]) == (Regime.NEUTRAL_NORMAL, Regime.BULL_NORMAL)
    assert (Trigger(track.trigger[at]), track.threshold[at]) == (Trigger.DIRECTION, 2.5)
    assert track.value[at] > 2.5
    track = follow(rules_params(), planted(0, STORM))
    at = QUIET + int(np.argmax(track.labels[QUIET:] == Regime.NEUTRAL_STORM))
    assert (Trigger(track.trigger[at]), track.threshold[at]) in ((Trigger.VOLATILITY, 1.8), (Trigger.CONFIDENCE, 0.15))
    assert track.value[at] > track.threshold[at]


def test_the_posterior_of_the_rules_follows_their_axes():
    for direction, column in ((-1, 0), (1, 3)):
        track = follow(rules_params(), planted(direction, NORMAL))
        assert track.posterior[-100:, column].mean() > 0.9
    assert follow(rules_params(), planted(0, STORM)).posterior[-100:, 2].mean() > 0.5
    assert follow(rules_params(), planted(0, CALM)).posterior[-100:, 1].mean() > 0.9


def test_the_median_of_whole_spreads_is_exact_and_of_wide_ones_nearly():
    rng = np.random.default_rng(3)
    for high, tolerance in ((32, 0.0), (60_000, 0.0625)):
        spreads = rng.integers(1, high + 1, 600).astype(float)
        track = follow(rules_params(), noise(1, 600), spreads)
        exact = [np.sort(spreads[: t + 1])[t // 2] for t in range(600)]
        low = (np.array(exact) - track.median) / np.array(exact)
        assert (low >= 0.0).all()
        assert (low <= tolerance).all()


def test_the_median_follows_a_market_whose_spread_has_changed():
    spreads = np.concatenate([np.full(20_000, 2.0), np.full(6_000, 20.0)])
    track = follow(rules_params(), noise(1, len(spreads)), spreads)
    assert track.median[20_500] == 2.0
    assert (track.labels[20_000:20_500] == Regime.DISLOCATED).all()
    assert track.median[-1] == 20.0
    assert track.labels[-1] != Regime.DISLOCATED


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"fast_half_life": 0.5}, "half-lives"),
        ({"fast_half_life": 100.0, "slow_half_life": 100.0}, "half-lives"),
        ({"slow_half_life": math.inf}, "half-lives"),
        ({"fast_half_life": math.nan}, "half-lives"),
        ({"warmup": 0}, "warmup"),
        ({"dwell": 0}, "dwell"),
        ({"persist": 0}, "persist"),
        ({"median_window": 100}, "median_window"),
        ({"confidence_floor": 1.0}, "confidence_floor"),
        ({"confidence_floor": math.nan}, "confidence_floor"),
        ({"spread_multiple": 0.0}, "spread_multiple"),
        ({"raw_limit": math.nan}, "raw_limit"),
        ({"return_floor_ticks": 0.0}, "return_floor"),
        ({"spread_floor_ticks": -1.0}, "spread_floor"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(given, field):
    with pytest.raises(InputError, match=field):
        rules_params(**given)
