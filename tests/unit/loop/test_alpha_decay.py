"""An edge that ends in the market: what the drift sentry makes of it in the step, and what survives a SIGKILL."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from alphatrade_runtime.adaptation.exploration.budget import FREEZE_ALERT, Verdict
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.reflection.drift.detectors import ALERT, Detector
from alphatrade_runtime.reflection.drift.sentry import Action, Stream
from alphatrade_runtime.reflection.explorations import Event
from unit.loop import decay_runs
from unit.loop.decay_runs import DECAYS_AT, WATCHED, document, shocked, wave

SEEDS = range(20)
SHOCKABLE = {**WATCHED, "shock": "12"}
KILLED_BY = 3_100  # quotes: past the first alert and the order after it


def told(result, stream):
    return result.tables[stream].to_pylist()


def alerts(result):
    return [row for row in told(result, "drift") if row["level"] == ALERT]


def targets_of(result, first, last):
    """The lots that are wanted at each decision that did something, first <= decision < last."""
    return [
        abs(row["target_lots"])
        for row in told(result, "decisions")
        if row["kind"] == 1 and first <= row["decision_id"] < last
    ]


@pytest.fixture(scope="module")
def decayed():
    return [Engine(document()).replay(wave(True, seed=seed)) for seed in SEEDS]


@pytest.fixture(scope="module")
def lasting():
    return [Engine(document(SHOCKABLE)).replay(wave(False, seed=seed)) for seed in SEEDS]


def test_an_alpha_decay_in_the_market_is_found_and_the_control_has_none(decayed, lasting):
    for result in decayed:
        first = alerts(result)[0]
        assert DECAYS_AT < first["decision_id"] <= DECAYS_AT + 150
        assert first["mean_after"] < first["mean_before"]
        assert first["detector"] in (Detector.CUSUM_DOWN, Detector.PH_DOWN)
    for result in lasting:
        by_chance = [row["decision_id"] for row in alerts(result)]
        assert not [at for at in by_chance if DECAYS_AT < at <= DECAYS_AT + 150]


def test_it_halves_the_size_at_the_next_decision(decayed):
    for result in decayed:
        at = alerts(result)[0]["decision_id"]
        before, after = targets_of(result, at - 300, at + 1), targets_of(result, at + 1, at + 2)
        assert max(before) == 40
        assert set(after) == {20}, "the position is cut at the very next decision"


def test_it_freezes_exploration_at_the_next_decision(decayed):
    """A warning freezes nothing here, so that what is seen is the alert."""
    for result in decayed:
        first = alerts(result)[0]
        assert Action.FREEZE in Action(first["action"])
        trials = told(result, "explorations")
        begun = [row["decision_id"] for row in trials if row["event"] == Event.BEGUN]
        assert len(begun) > 5
        assert max(begun) <= first["decision_id"]
        later = [row for row in trials if row["decision_id"] > first["decision_id"] and row["event"] == Event.REFUSED]
        assert later
        assert {row["verdict"] for row in later} == {Verdict.FROZEN}
        assert all(row["frozen"] & FREEZE_ALERT for row in later)


def test_a_shock_in_the_market_fires_on_the_first_decision_and_the_control_has_none(lasting):
    for seed, calm in zip(SEEDS, lasting, strict=True):
        rows, at = shocked(seed)
        result = Engine(document(SHOCKABLE)).replay(rows)
        found = [row for row in alerts(result) if row["detector"] == Detector.SHOCK]
        first = min(found, key=lambda row: row["decision_id"])
        fills = [row for row in told(result, "fills") if row["seq"] > at]
        assert first["seq"] == fills[0]["seq"], "the trade that the jump ended is the first observation of it"
        assert first["stream"] == Stream.EDGE
        assert first["statistic"] <= -12.0
        assert not [row for row in alerts(calm) if row["detector"] == Detector.SHOCK]
        wanted = targets_of(result, first["decision_id"] + 1, first["decision_id"] + 2)
        assert set(wanted) <= {20}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What was left by sessions killed one after the other at each point from the alert to the order behind it."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-W", "ignore", "-m", "unit.loop.decay_runs", str(folder), str(KILLED_BY)]
    found: dict[str, dict[str, object]] = json.loads(
        subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout
    )
    return found


def test_every_point_is_reached(killed):
    assert {point: one["code"] for point, one in killed.items()} == {
        "none": 0, **dict.fromkeys(decay_runs.POINTS, -9),
    }  # fmt: skip


@pytest.mark.parametrize("point", ["none", *decay_runs.POINTS])
def test_no_order_has_left_after_an_alert_whose_packet_is_not_on_disk(point, killed):
    one = killed[point]
    alert = min(decision for _, decision in killed["none"]["packets"])
    on_disk = [decision for _, decision in one["packets"]]
    behind = [decision for decision in one["left"] if decision > alert]
    assert not behind or alert in on_disk
    assert bool(behind) == (point in ("none", "send after"))
    assert one["packets"] == one["after"], "the next session writes the same packet, or finds it"


@pytest.mark.parametrize("point", ["flush after", "send before", "send after"])
def test_what_an_alert_asks_for_holds_in_the_next_session(point, killed):
    assert (killed[point]["factor"], killed[point]["frozen"]) == (0.5, 1)
    assert len(killed[point]["after"]) == 1


def test_of_a_step_that_the_journal_lacks_nothing_holds_and_nothing_has_left(killed):
    for point in decay_runs.POINTS[: decay_runs.POINTS.index("flush after")]:
        assert killed[point]["factor"] == 1.0
        assert max(killed[point]["left"]) <= min(decision for _, decision in killed["none"]["packets"])


def test_the_market_is_one_whose_price_only_runs(decayed):
    moves = np.diff(wave(True).bid[DECAYS_AT:])
    assert abs(moves.sum()) < 60
    assert all(result.violations == [] for result in decayed)
