"""Page-Hinkley, CUSUM and the shock rule against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.reflection.drift.detectors import ALERT, NONE, WARN, Detector, Use
from unit.reflection.drift_streams import detected

CUSUM, PH, SHOCK = Use.CUSUM, Use.PAGE_HINKLEY, Use.SHOCK


def defined(values, clip=3.0, delta=0.25, k=0.5):
    """The four statistics at each observation, as semantics §6 writes them, with argmin of m and last zero of S."""
    w = np.clip(values, -clip, clip)
    mean = np.cumsum(w) / np.arange(1, len(w) + 1)
    found = []
    for step in (w - mean - delta, mean - w - delta):
        m = np.cumsum(step)
        low = np.minimum.accumulate(np.minimum(m, 0))
        found.append(m - low)
    for sign in (1, -1):
        s, path = 0.0, []
        for x in w:
            s = max(0.0, s + sign * x - k)
            path.append(s)
        found.append(np.array(path))
    return np.array(found)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=80))
def test_the_statistics_are_those_of_the_definition(values):
    _, d = detected(values, ph_alert=1e9, ph_warn=1e9, cusum_warn=1e9, cusum_alert=1e9, use=PH | CUSUM)
    assert np.asarray(d.g) == pytest.approx(defined(np.array(values))[:, -1], abs=1e-9)


@pytest.mark.parametrize(
    ("use", "values", "two_sided", "first", "detector"),
    [
        (CUSUM, [-1.0] * 40, 1, 19, Detector.CUSUM_DOWN),  # 0.5 each: 10 at the 20th
        (CUSUM, [1.0] * 40, 1, 19, Detector.CUSUM_UP),
        (CUSUM, [1.0] * 40, 0, None, None),  # up is not adverse
        (CUSUM, [-1.0] * 40, 0, 19, Detector.CUSUM_DOWN),
        (CUSUM, [-100.0] * 5, 1, 3, Detector.CUSUM_DOWN),  # clipped at 3: 2.5 each
        (SHOCK, [0.0, -11.9, -12.0], 1, 2, Detector.SHOCK),
        (SHOCK, [-12.0], 1, 0, Detector.SHOCK),  # on the first observation
        (SHOCK, [40.0], 1, None, None),  # a windfall is no shock
        (PH, [-3.0] * 29, 1, None, None),
        (PH | CUSUM | SHOCK, [0.7] * 500, 0, None, None),
    ],
)
def test_when_each_alerts(use, values, two_sided, first, detector):
    levels, d = detected(values, use=use, two_sided=two_sided)
    alerts = np.flatnonzero(levels == ALERT)
    assert (alerts[0] if len(alerts) else None) == first
    if detector is not None:
        assert Detector(int(d.detector)) == detector


def test_page_hinkley_waits_for_30_observations_and_then_tells_the_change():
    values = np.r_[np.zeros(15), np.full(60, -3.0)]
    levels, d = detected(values, use=PH)
    raised = np.flatnonzero(levels)
    assert raised[0] == 29
    assert Detector(int(d.detector)) == Detector.PH_DOWN
    assert d.at[Detector.PH_DOWN - 1] == 14  # argmin of m: the last observation before the change


def test_a_warning_comes_before_an_alert_and_rests_on_its_own_threshold():
    levels, d = detected([-1.0] * 12, use=CUSUM)
    assert list(np.flatnonzero(levels == WARN)) == [11]
    assert (d.statistic, d.threshold) == (6.0, 6.0)


@given(st.integers(1, 300))
def test_constant_zero_deviation_never_alerts(n):
    levels, _ = detected([0.0] * n)
    assert not levels.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_counted_and_changes_nothing(value):
    _, d = detected([0.1, -0.2, 0.3])
    levels, e = detected([0.1, value, -0.2, value, 0.3])
    assert e.masked == 2
    assert not levels.any()
    assert np.asarray(d.g).tobytes() == np.asarray(e.g).tobytes()
    assert (d.n, d.average) == (e.n, e.average)


def test_exploding_values_are_clipped_but_for_the_shock_rule():
    levels, d = detected([1e300, -1e300], use=PH | CUSUM)
    assert not levels.any()
    assert d.g.max() == 2.75
    assert list(detected([1e300, -1e300])[0]) == [NONE, ALERT]
