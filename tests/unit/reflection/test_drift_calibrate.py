"""The calibration tool gives the figures of semantics §6 within its own error: a small twin of `make study-drift`."""

import json

import pytest

from alphatrade_runtime.cli.main import call
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.drift.calibrate import CASES, Case, find_alert, measure
from alphatrade_runtime.reflection.drift.detectors import Use

SAMPLES = 4_000_000  # as in the figures


@pytest.mark.parametrize(
    ("case", "expected", "alerts"),
    [
        (Case("", law="gaussian", clip=float("inf"), cusum_alert=8.0), 8_990, 445),
        (Case("", clip=float("inf"), cusum_alert=8.0), 1_568, 2_551),
        (Case("", use=Use.SHOCK), 28_000, 143),
        (Case("", use=Use.CUSUM | Use.SHOCK), 24_500, 163),
        (Case(""), 196_000, 20),
    ],
)
def test_false_alerts_are_as_rare_as_stated(case, expected, alerts):
    found = measure(case, SAMPLES, seed=2)
    stated_error = expected / alerts**0.5  # the stated figure was drawn too, by as many samples
    assert abs(found.mean - expected) < 3 * (found.error**2 + stated_error**2) ** 0.5
    assert found.alerts > alerts / 2


@pytest.mark.parametrize(("shift", "expected"), [(1.0, 20), (2.0, 7)])
@pytest.mark.parametrize("law", ["t4", "gaussian"])
def test_delays_are_as_short_as_stated(law, shift, expected):
    found = measure(Case("", law=law, shift=shift), 1_000_000, seed=2)
    assert found.mean == pytest.approx(expected, rel=0.12)


def test_the_tenth_of_the_runs_is_that_of_a_constant_hazard():
    found = measure(Case("", use=Use.SHOCK), SAMPLES, seed=3)
    assert found.low == pytest.approx(0.105 * found.mean, rel=0.4)


def test_a_short_reference_halves_the_run_length():
    known, kept, fresh = (
        measure(Case("", cusum_alert=7.0, reference_n=n, life=life), SAMPLES, seed=4)
        for n, life in ((0, 0), (250, 20_000), (250, 0))
    )
    assert 0.3 < kept.mean / known.mean < 0.7
    assert fresh.low < 0.8 * known.low
    assert fresh.mean > known.mean  # a few lucky references make a mean that says little


def test_one_side_alone_alerts_half_as_often():
    both = measure(Case("", cusum_alert=6.0), SAMPLES, seed=4)
    one = measure(Case("", cusum_alert=6.0, two_sided=False), SAMPLES, seed=4)
    assert one.mean / both.mean == pytest.approx(2.0, rel=0.15)


def test_the_same_seed_gives_the_same_figures_whatever_they_are_drawn_in():
    case = Case("", cusum_alert=4.0)
    assert measure(case, 50_000, 7) == measure(case, 50_000, 7)
    assert measure(case, 50_000, 7) != measure(case, 50_000, 8)


def test_a_threshold_is_found_for_a_target():
    found = find_alert(Case("", reference_n=250), 2_000, 1_000_000, seed=1)
    known = find_alert(Case(""), 2_000, 1_000_000, seed=1)
    assert found.case.cusum_alert > known.case.cusum_alert
    assert found.mean >= 2_000
    assert measure(known.case, 1_000_000, 1).mean == pytest.approx(2_000, rel=0.15)
    assert measure(found.case, 1_000_000, 1).low == pytest.approx(211, rel=0.25)


def test_a_target_that_the_samples_cannot_hold_is_refused():
    with pytest.raises(InputError, match="--samples 10000000"):
        find_alert(Case(""), 100_000, 100_000, seed=1)


def test_the_command_prints_every_case_as_a_table_and_as_json(capsys):
    assert call(["drift", "calibrate", "--samples", "20000"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 1 + len(CASES)
    assert shown[0].split()[:3] == ["measured", "law", "reference"]
    assert call(["drift", "calibrate", "--samples", "20000", "--reference", "250", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {one["reference_n"] for one in found} == {250}
    assert {one["use"] for one in found} == {"CUSUM", "CUSUM and shock rule", "Page-Hinkley", "all three"}
    assert call(["drift", "calibrate", "--samples", "300000", "--reference", "250", "--target", "1000"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
