"""The sentry: references, levels, what follows at the next decision, and the way back."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.drift.detectors import ALERT, WARN, Detector
from alphatrade_runtime.reflection.drift.sentry import SHORT_REFERENCE, Action, Stream
from unit.reflection.drift_streams import SECOND, Watched, decide_at, observe_one, rebase_stream, release_all

ROOT = Path(__file__).resolve().parents[3]
EDGE, PSI, SLIP, HIT = Stream.EDGE, Stream.PSI, Stream.SLIPPAGE, Stream.HIT_RATE
KNOWN = {stream: (0.0, 1.0) for stream in Stream if stream != Stream.ALL}
CALM, HALVED = (0, 1.0, 0, 0), (1, 0.5, 0, 0)


def noise(n, seed=1, sd=1.0):
    return np.random.default_rng(seed).normal(0.0, sd, n)


def known(**changes):
    return Watched(given=KNOWN, **changes)


def test_an_injected_alpha_decay_freezes_exploration_and_halves_size_at_the_next_decision():
    w = Watched()
    w.see(EDGE, 2.0 + noise(1_000))  # the reference: two bps a trade
    w.see(EDGE, 2.0 + noise(60, seed=3))
    assert w.holds == CALM
    levels = w.see(EDGE, 0.0 + noise(40, seed=2))
    assert (levels == ALERT).sum() == 1
    assert np.flatnonzero(levels == ALERT)[0] <= 12  # two standard deviations: about 7
    assert w.holds == HALVED
    alert = w.events[w.events.level == ALERT][0]
    assert (alert.size_before, alert.size_after) == (1.0, 0.5)
    assert Detector(int(alert.detector)) == Detector.CUSUM_DOWN
    assert 1_040 <= alert.change_seq <= 1_064
    assert alert.mean_before == pytest.approx(2.0, abs=0.5)
    assert alert.mean_after == pytest.approx(0.0, abs=0.8)
    assert alert.instrument == 3


def test_what_holds_changes_at_the_next_decision_and_not_before():
    w = known()
    assert observe_one(w.s, w.p, int(EDGE), -12.0, SECOND) == ALERT
    assert w.s.pending == 1
    assert w.holds == CALM
    assert decide_at(w.s, w.p, 2 * SECOND) == 1
    assert w.holds == HALVED
    assert decide_at(w.s, w.p, 3 * SECOND) == 0


VALUES = st.floats(-20, 20) | st.sampled_from([np.nan, np.inf])


@given(st.lists(st.tuples(st.sampled_from(range(6)), VALUES), max_size=150))
def test_what_holds_always_fits_the_levels_and_is_what_the_last_event_said(seen):
    w = known(release_n=7)
    for stream, value in seen:
        w.see(stream, [value])
        frozen, factor, reduce_only, page = w.holds
        levels = np.asarray(w.s.level)
        assert factor in ((0.5, 0.35, 0.2) if (levels == ALERT).any() else (1.0,))
        assert frozen == int((levels > 0).any() or page)
        assert reduce_only == int((np.asarray(w.s.side)[levels == ALERT] > 0).sum() >= 2 or page)
        if len(w.events):
            last = w.events[-1]
            assert last.size_after == factor
            assert (Action.PAGE in Action(int(last.action))) == bool(page)


def test_the_control_without_a_decay_stays_calm():
    w = Watched()
    w.see(EDGE, 2.0 + noise(3_000, seed=5))
    assert w.holds[1:] == (1.0, 0, 0)  # a warning in 2,000 is nothing special
    assert not len(w.events[w.events.level == ALERT])


def test_nothing_is_said_while_the_reference_is_collected():
    w = Watched()
    assert not w.see(EDGE, noise(999) * 100).any()
    assert w.s.ready[EDGE] == 0
    w.see(EDGE, [0.0])
    assert w.s.ready[EDGE] == 1
    assert w.holds == CALM


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, -7e5, 1e300])
@pytest.mark.parametrize("stream", [s for s in Stream if s != Stream.ALL])
def test_a_constant_input_never_alerts(stream, value):
    w = Watched()
    assert not w.see(stream, [value] * 5_000).any()
    assert w.holds == CALM


def test_a_change_after_a_constant_reference_is_measured_by_the_floor():
    w = Watched()
    w.see(EDGE, [2.0] * 1_000)
    assert w.s.sigma0[EDGE] == 0.1
    assert not w.see(EDGE, 2.0 + noise(200, sd=0.001)).any()
    assert list(w.see(EDGE, [0.5])) == [ALERT]


@pytest.mark.parametrize("sigma", [-12.0, -13.0, -1e300])
def test_a_shock_of_12_sigma_fires_on_the_first_decision(sigma):
    w = known()
    assert list(w.see(EDGE, [sigma])) == [ALERT]
    assert w.holds == HALVED


def test_a_shock_the_good_way_or_a_smaller_one_does_not():
    assert not known().see(EDGE, [12.0]).any()
    assert not known().see(EDGE, [-11.9]).any()
    assert list(known().see(SLIP, [12.0])) == [ALERT]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_masked_and_counted(value):
    w = known()
    assert not w.see(EDGE, [value] * 50).any()
    assert w.s.masked[EDGE] == 50
    assert w.holds == CALM


def test_exploding_values_do_not_poison_a_reference_that_is_being_collected():
    w = Watched()
    values = noise(1_000)
    values[[300, 500]] = 1e300
    w.see(EDGE, values)
    assert abs(w.s.mu0[EDGE]) < 0.2
    assert 0.8 < w.s.sigma0[EDGE] < 1.5


def test_a_warning_freezes_exploration_and_leaves_size_alone():
    w = known()
    assert list(w.see(EDGE, [-1.0] * 12)[-1:]) == [WARN]
    assert w.holds == (1, 1.0, 0, 0)


@pytest.mark.parametrize(
    ("psi", "expected"),
    [([], 0.5), ([1.0] * 12, 0.35), ([1.0] * 20, 0.2)],
)
def test_size_is_cut_further_as_the_features_leave_their_reference(psi, expected):
    w = known(storm_alerts=9)
    w.see(PSI, psi)
    w.see(EDGE, [-12.0])
    assert w.holds[1] == expected


def test_features_alone_halve():
    w = known()
    w.see(PSI, [1.0] * 20)
    assert w.holds == HALVED


def test_two_streams_that_agree_leave_only_reductions():
    w = known()
    w.see(EDGE, [-12.0])
    assert w.holds == HALVED
    w.see(SLIP, [12.0])
    assert w.holds == (1, 0.5, 1, 0)
    assert Action.REDUCE_ONLY in Action(int(w.events[-1].action))


def test_two_streams_that_disagree_do_not():
    w = known()
    w.see(EDGE, [3.0] * 4)  # better than expected: the reference no longer holds, but nothing is lost
    w.see(SLIP, [12.0])
    assert w.holds == HALVED


def test_three_alerts_an_hour_page_and_leave_only_reductions_until_the_hour_has_passed():
    w = known(release_n=5)
    for _ in range(3):
        w.see(EDGE, [-12.0, 0, 0, 0, 0, 0])
    assert w.holds == (1, 1.0, 1, 1)
    assert w.s.kill == 0
    last = int(w.s.alert_ts[2])
    assert decide_at(w.s, w.p, int(w.s.alert_ts[0]) + 3_600 * SECOND) == 0
    assert decide_at(w.s, w.p, last + 3_600 * SECOND) == 1
    assert w.holds == CALM


def test_three_alerts_in_more_than_an_hour_do_not():
    w = known(step_ns=601 * SECOND, release_n=5)
    for _ in range(3):
        w.see(EDGE, [-12.0, 0, 0, 0, 0, 0])
    assert w.holds == CALM


def test_a_kill_comes_only_where_the_template_asks_for_it():
    w = known(kill_opt_in=True)
    w.see(EDGE, [-12.0] * 3)
    assert w.s.kill == 1


def test_an_alert_is_released_after_observations_without_a_warning_and_detectors_start_anew():
    w = known(release_n=100)
    w.see(EDGE, [-12.0])
    w.see(EDGE, [0.0] * 99)
    assert w.holds == HALVED
    w.see(EDGE, [0.0])
    assert w.holds == CALM
    assert Action.RELEASE in Action(int(w.events[-1].action))
    assert (w.events[-1].size_before, w.events[-1].size_after) == (0.5, 1.0)
    assert w.s.detectors[EDGE].n == 0


def test_an_alert_is_not_released_while_the_drift_lasts():
    w = known()
    w.see(EDGE, [-12.0])
    w.see(EDGE, [-0.8] * 3_000)
    assert w.holds == HALVED


def test_a_warning_that_passes_is_released():
    w = known(release_n=30)
    w.see(EDGE, [-1.0] * 12)
    w.see(EDGE, [1.0] * 4 + [0.0] * 40)
    assert w.holds == CALM


def test_by_hand_everything_is_released_at_once():
    w = known()
    w.see(EDGE, [-12.0] * 3)
    release_all(w.s, w.p, 10 * SECOND)
    assert w.holds == CALM


def test_after_a_rebase_the_new_normal_is_the_reference():
    w = known()
    rebase_stream(w.s, int(EDGE))
    w.see(EDGE, 5.0 + noise(1_000))
    assert w.s.mu0[EDGE] == pytest.approx(5.0, abs=0.2)


def test_a_stream_that_is_not_used_says_nothing():
    assert not Watched(used=(SLIP,), given=KNOWN).see(EDGE, [-100.0] * 50).any()


def test_less_slippage_is_no_cause_for_alarm_but_a_better_edge_says_that_the_reference_is_old():
    assert not known().see(SLIP, [-2.0] * 200).any()
    assert known().see(EDGE, [2.0] * 200).any()


def test_a_sentry_restored_from_its_bytes_goes_on_as_it_would_have():
    a = known()
    a.see(EDGE, noise(500) - 0.3)
    b = known()
    b.s = np.frombuffer(a.s.tobytes(), a.s.dtype).copy().view(np.recarray)[0]
    for w in (a, b):
        w.see(EDGE, noise(500, seed=9) - 0.5)
    assert a.s.tobytes() == b.s.tobytes()
    assert a.s.alerts > 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reference_n": 250}, "drift.reference_n: 250"),
        ({"release_n": 0}, "release_n"),
        ({"storm_alerts": 17}, "storm_alerts"),
        ({"given": {EDGE: (float("nan"), 1.0)}}, "drift.given.edge"),
        ({"given": {EDGE: (0.0, -1.0)}}, "drift.given.edge"),
    ],
)
def test_settings_without_meaning_are_refused(given, said):
    with pytest.raises(InputError, match=said):
        Watched(**given)


def test_a_shorter_reference_is_taken_with_the_threshold_that_the_study_found():
    w = Watched(**SHORT_REFERENCE)
    w.see(HIT, noise(250))
    assert w.s.ready[HIT] == 1
    found = json.loads((ROOT / "docs" / "evidence" / "drift.json").read_text())["short_reference"]
    assert (found["reference_n"], found["cusum_alert"]) == (250, SHORT_REFERENCE["cusum_alert"])
