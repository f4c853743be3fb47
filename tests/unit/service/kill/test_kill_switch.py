"""One object: whom it reaches, what it asks for, and that nothing makes reading it fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade.config import KillScope
from alphatrade_runtime.market.schema import Control
from alphatrade_runtime.service.kill.kill_switch import read_kill_switch
from unit.service.kill.fake_api import kill_switch

SCOPE = KillScope(own_namespace="prod", operator_namespace="alphatrade", labels={"team": "a"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def seen(given, namespace="prod", scope=SCOPE):
    switch = read_kill_switch(given, namespace)
    return switch.engagement(5) if switch.reaches(scope) else None


@pytest.mark.parametrize(
    ("mode", "control"), [("Reduce", Control.REDUCE), ("Halt", Control.HALT), ("Flatten", Control.FLATTEN)]
)
def test_modes_are_those_of_the_loop(mode, control):
    engagement = seen(kill_switch("x", mode))
    assert (engagement.control, engagement.arrived_ns) == (control, 5)


def test_an_armed_one_reaches_nobody_even_when_the_rest_cannot_be_read():
    assert seen(kill_switch("x", "Armed")) is None
    assert seen(kill_switch("x", "Armed", selector=7, scope="World")) is None


@pytest.mark.parametrize(
    "spec",
    [
        {"mode": "Sleep"},
        {"mode": None},
        {"mode": ["Halt"]},
        {"scope": "World"},
        {"scope": 1},
        {"selector": "all"},
        {"selector": {"matchLabels": {"team": "-"}}},
        {"maxFlattenSlippageBps": "wide"},
        {"maxFlattenSlippageBps": -1},
        {"maxFlattenSlippageBps": True},
    ],
)
@pytest.mark.parametrize("namespace", ["prod", "alphatrade"])
def test_what_cannot_be_read_halts_everyone(spec, namespace):
    given = kill_switch("x", "Reduce", namespace=namespace)
    given["spec"] |= spec
    engagement = seen(given, namespace)
    assert engagement.mode == "Halt"
    assert engagement.reason.startswith("UnreadableKillSwitch: ")
    assert len(engagement.reason) <= 240


@pytest.mark.parametrize(("given_bps", "bps"), [(None, 0), (0, 1), (1, 1), (50, 50), (10_000, 9_999)])
def test_slippage_is_never_wider_than_asked_for(given_bps, bps):
    assert seen(kill_switch("x", "Flatten", maxFlattenSlippageBps=given_bps)).slippage_bps == bps


def test_a_missing_reason_stops_nobody_from_being_stopped():
    given = kill_switch("x")
    del given["spec"]["reason"]
    assert seen(given).reason == "no reason given"


@given(JSON, st.sampled_from(["prod", "alphatrade"]))
def test_any_object_can_be_looked_at(given, namespace):
    assert seen(given, namespace).mode == "Halt"


@given(st.dictionaries(st.sampled_from(["mode", "scope", "selector", "reason", "maxFlattenSlippageBps"]), JSON))
def test_any_spec_that_is_not_armed_halts_or_is_understood(spec):
    engagement = seen({"metadata": {"name": "x", "uid": "u"}, "spec": spec})
    assert engagement is None or engagement.mode in ("Reduce", "Halt", "Flatten")
    if spec.get("mode") not in ("Armed", "Reduce", "Halt", "Flatten"):
        assert engagement.mode == "Halt"


@given(st.sampled_from(["Namespace", "Cluster"]), st.sampled_from(["prod", "alphatrade", "elsewhere"]))
def test_cluster_counts_from_the_operators_namespace_only(scope, namespace):
    reached = seen(kill_switch("x", namespace=namespace, scope=scope), namespace) is not None
    assert reached == (namespace == "prod" or (namespace == "alphatrade" and scope == "Cluster"))
