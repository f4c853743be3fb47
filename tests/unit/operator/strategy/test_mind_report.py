"""What a runtime says of its understanding loop, as the status shows it."""

from itertools import pairwise

import pytest

from alphatrade.v1.control_pb2 import (
    DriftState,
    FastWeightsState,
    InstrumentMind,
    ProbesState,
    RegimeState,
    RouterState,
)
from alphatrade_operator.strategy.mind_report import drift_of, mind_of, regime_of
from alphatrade_operator.strategy.model import Strategy
from alphatrade_operator.strategy.report import MOVING
from unit.operator.world import World

SINCE_NS = 1_767_614_400 * 10**9
ALL = InstrumentMind(
    symbol="AAA",
    regime=RegimeState(label="BullCalm", since_ns=SINCE_NS, confidence=0.87654),
    drift=DriftState(
        state="Alert", stream="HitRate", detector="CusumDown", size_factor=0.5, alerts=2, strains={"HitRate": 0.1}
    ),
    fast_weights=FastWeightsState(norm=1.5, bound=6.0, clamps=3, faults=1),
    router=RouterState(policy="trend", shares={"trend": 0.75, "revert": 0.25}),
    probes=ProbesState(available=5, fired=["SweepRisk"]),
)


def said(symbol, label=None, drift=None):
    one = InstrumentMind(symbol=symbol)
    if label is not None:
        one.regime.label = label
    if drift is not None:
        one.drift.state = drift
    return one


def trading(*minds, **more):
    world = World().trading()
    world.say(phase="Trading", session_id="s1", mind=minds, **more)
    return world


def test_all_of_it_is_told_in_whole_numbers():
    plan = trading(ALL).plan()
    assert plan.status["drift"] == "Alert"
    assert plan.snapshot["regime"] == "BullCalm"
    assert plan.snapshot["mind"] == [
        {
            "symbol": "AAA",
            "regime": "BullCalm",
            "regimeSince": "2026-01-05T12:00:00Z",
            "confidenceBps": 8_765,
            "drift": "Alert",
            "driftStream": "HitRate",
            "driftDetector": "CusumDown",
            "driftAlerts": 2,
            "sizeBps": 5_000,
            "sigmaNormBps": 2_500,
            "sigmaFaults": 1,
            "policy": "trend",
            "shares": [{"name": "revert", "bps": 2_500}, {"name": "trend", "bps": 7_500}],
            "probesAvailable": 5,
            "probesFired": ["SweepRisk"],
        }
    ]


def test_without_an_understanding_loop_nothing_of_it_is_told():
    plan = trading().plan()
    assert not {"regime", "drift", "mind"} & {*plan.status, *plan.snapshot}


def test_what_is_off_is_absent():
    (only,) = trading(said("AAA", label="BearStorm")).plan().snapshot["mind"]
    assert set(only) == {"symbol", "regime", "confidenceBps", "shares", "probesFired"}
    assert (only["shares"], only["probesFired"]) == ([], [])


def test_a_session_without_it_shows_nothing_of_the_one_before():
    world = trading(ALL)
    world.look()
    world.say(phase="Trading", session_id="s2")
    plan = world.plan()
    assert not {"regime", "drift", "mind"} & {*plan.status, *plan.snapshot}


def test_what_no_session_tells_stays_as_it_was_known():
    world = trading(ALL)
    known = world.look()
    world.say(phase="Failed", reason="DiskFull", message="full")
    plan = world.look()
    assert plan.snapshot == known.snapshot
    assert plan.status["drift"] == "Alert"


def test_numbers_move_and_the_verdict_of_drift_does_not_wait_a_minute():
    assert {"regime", "mind"} <= set(MOVING)
    assert "drift" not in MOVING


@pytest.mark.parametrize(
    ("labels", "shown"),
    [([], None), ([None, None], None), (["BullCalm", "BullCalm", None], "BullCalm"), (["BullCalm", "Storm"], "Mixed")],
)
def test_the_regime_of_several_instruments_is_theirs_or_mixed(labels, shown):
    assert regime_of(mind_of(said(f"S{k}", label) for k, label in enumerate(labels))) == shown


def test_the_drift_of_several_instruments_is_the_worst_of_them():
    order = ["Quiet", "Learning", "Warn", "Alert"]
    for better, worse in pairwise(order):
        for both in ([better, worse], [worse, better, None]):
            assert drift_of(mind_of(said(f"S{k}", drift=state) for k, state in enumerate(both))) == worse
    assert drift_of(mind_of([said("S")])) is None


def test_what_is_no_number_or_of_a_later_version_breaks_no_status():
    one = InstrumentMind(
        symbol="AAA",
        regime=RegimeState(label="L" * 40, confidence=float("nan")),
        drift=DriftState(state="Doubtful", size_factor=float("inf")),
        fast_weights=FastWeightsState(norm=7.0),
    )
    (shown,) = mind_of([one])
    assert (shown.regime, shown.confidence_bps, shown.drift, shown.size_bps) == ("L" * 32, None, None, None)
    assert shown.sigma_norm_bps is None


def test_instruments_come_in_the_order_of_their_symbols():
    assert [one.symbol for one in mind_of([said("B"), said("A")])] == ["A", "B"]


def test_kubectl_get_shows_regime_and_drift():
    columns = {column.name: column for column in Strategy.definition.columns}
    shown = [columns[name] for name in ("Regime", "Drift")]
    assert [column.path for column in shown] == [".status.regime", ".status.drift"]
    assert [column.priority for column in shown] == [0, 0]
