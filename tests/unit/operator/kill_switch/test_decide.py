"""What a KillSwitch says of whom it has stopped. Silence is never `stopped`."""

from datetime import UTC, datetime

import pytest

from alphatrade.names import NAME_LABEL, child_name
from alphatrade.v1.control_pb2 import Acknowledgement, PodStatus, StrategyStatus
from alphatrade_operator.core.plan import Key
from alphatrade_operator.kill_switch.decide import decide
from alphatrade_operator.kill_switch.facts import gather, switches_about
from alphatrade_operator.kill_switch.model import KillSwitchStatus
from unit.operator.cache import Cache, resource

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def cache(mode="Halt", home="desk", strategies=("a", "b"), generation=2, **spec):
    spec = {"mode": mode, **({} if mode == "Armed" else {"reason": "drill"}), **spec}
    found = Cache(resource("KillSwitch", "stop", home, spec, generation=generation), operator_namespace="sys")
    for name in strategies:
        found.put(resource("Strategy", name, labels={"team": name}))
    return found


def acknowledge(found, name, namespace="desk", generation=2, latency_ms=7, uid="uid-stop"):
    one = Acknowledgement(namespace="desk", name="stop", uid=uid, generation=generation, latency_ms=latency_ms)
    status = PodStatus(strategy=StrategyStatus(phase="Latched", acknowledged=[one]))
    found.said[(namespace, child_name("st", name, f"uid-{name}"))] = status
    return found


def plan(found, home="desk"):
    return decide(gather(found, Key("KillSwitch", home, "stop")), NOW)


def ready(made):
    (condition,) = made.conditions
    return condition.status, condition.reason


def test_armed_says_whom_it_would_mean():
    made = plan(cache("Armed"))
    assert ready(made) == (True, "Armed")
    assert made.status == {"matched": 2}


def test_silence_is_not_acknowledged():
    made = plan(cache())
    assert ready(made) == (False, "NotAcknowledged")
    assert made.status == {"engagement": "uid-stop.2", "matched": 2, "acknowledged": 0, "silent": ["desk/a", "desk/b"]}
    assert "desk/a, desk/b" in made.conditions[0].message


def test_who_has_obeyed_is_counted_and_the_slowest_named():
    found = acknowledge(acknowledge(cache(), "a", latency_ms=7), "b", latency_ms=1_250)
    made = plan(found)
    assert ready(made) == (True, "Acknowledged")
    assert made.status == {
        "engagement": "uid-stop.2",
        "matched": 2,
        "acknowledged": 2,
        "silent": [],
        "slowestAcknowledgement": "1s250ms",
    }


@pytest.mark.parametrize(
    "given",
    [
        {"generation": 1},  # of an earlier spec
        {"uid": "another"},  # of another kill switch of that name
        {"namespace": "elsewhere"},
    ],
)
def test_an_acknowledgement_of_something_else_is_none(given):
    made = plan(acknowledge(acknowledge(cache(), "a"), "b", **given))
    assert ready(made) == (False, "NotAcknowledged")
    assert made.status["silent"] == ["desk/b"]


def test_a_pod_that_has_not_said_anything_of_kill_switches_is_silent():
    found = acknowledge(cache(strategies=("a",)), "a")
    found.said[("desk", child_name("st", "a", "uid-a"))] = PodStatus()
    assert ready(plan(found)) == (False, "NotAcknowledged")


def test_the_selector_chooses():
    made = plan(cache(selector={"matchLabels": {"team": "b"}}))
    assert made.status["silent"] == ["desk/b"]


def test_the_name_counts_as_a_label():
    made = plan(cache(selector={"matchLabels": {NAME_LABEL: "a"}}))
    assert made.status["silent"] == ["desk/a"]


def test_who_was_stopped_stays_counted_when_the_labels_change():
    found = acknowledge(cache(selector={"matchLabels": {"team": "a"}}), "a")
    found.put(resource("Strategy", "a", labels={"team": "moved"}))
    assert plan(found).status["matched"] == 1


def test_nobody_matches_is_said():
    made = plan(cache(strategies=()))
    assert ready(made) == (True, "NobodyMatches")


@pytest.mark.parametrize(
    ("scope", "home", "silent", "reason"),
    [
        ("Namespace", "desk", ["desk/a"], "NotAcknowledged"),
        ("Cluster", "sys", ["desk/a", "other/x"], "NotAcknowledged"),
        ("Namespace", "sys", [], "NobodyMatches"),
        ("Cluster", "desk", ["desk/a"], "ScopeNotAllowed"),
    ],
)
def test_scopes(scope, home, silent, reason):
    found = cache(home=home, strategies=("a",), scope=scope)
    found.put(resource("Strategy", "x", "other"))
    made = plan(found, home)
    assert (made.status["silent"], made.conditions[0].reason) == (silent, reason)


def test_a_misplaced_scope_is_said_while_armed_too():
    assert ready(plan(cache("Armed", scope="Cluster"))) == (False, "ScopeNotAllowed")


def test_only_the_first_twenty_silent_ones_are_named():
    made = plan(cache(strategies=[f"s{n:02}" for n in range(30)]))
    assert (made.status["matched"], len(made.status["silent"])) == (30, 20)
    assert "and 27 more" in made.conditions[0].message


def test_a_spec_that_cannot_be_read_leaves_the_status():
    found = cache()
    found.objects[("KillSwitch", "desk", "stop")]["spec"]["mode"] = "Explode"
    made = plan(found)
    assert (ready(made), made.status) == ((False, "InvalidSpec"), None)


def test_the_status_is_as_its_model_has_it():
    made = plan(acknowledge(cache(), "a"))
    assert KillSwitchStatus.model_validate(made.status).slowest_acknowledgement_ns == 7_000_000


def test_a_strategy_concerns_the_switches_of_its_namespace_and_the_operators():
    found = cache()
    found.put(resource("KillSwitch", "all", "sys", {"mode": "Armed"}))
    found.put(resource("KillSwitch", "theirs", "other", {"mode": "Armed"}))
    assert [key.name for key in switches_about(found, "desk")] == ["stop", "all"]
