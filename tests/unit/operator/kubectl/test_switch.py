"""`kubectl alphatrade halt`: the KillSwitch that it applies is valid, and silence is never taken for obedience."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade.names import NAME_LABEL
from alphatrade_operator.core.model import Metadata
from alphatrade_operator.core.selector import selectable_labels
from alphatrade_operator.kill_switch.model import KillSwitch
from alphatrade_operator.kubectl.objects import read_kill_switch, read_strategy
from alphatrade_operator.kubectl.switch import Order, answer, verdict
from unit.operator.kubectl.cluster_objects import condition, kill_switch, obeyed, strategy

EVERYONE = Order(None, False, "Halt", "x", "dev")
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


@given(target=st.none() | NAMES, mode=st.sampled_from(["Reduce", "Halt", "Flatten"]))
def test_the_manifest_is_a_kill_switch_that_matches_its_target_alone(target, mode):
    order = Order(target, False, mode, "a test", "dev")
    switch = KillSwitch.model_validate(order.manifest())
    assert switch.spec.mode == mode
    labels = selectable_labels(Metadata(name=target or "any", namespace="dev"))
    assert switch.spec.selector.matches(labels)
    assert switch.spec.selector.matches({NAME_LABEL: "another-one"}) == (target in (None, "another-one"))


@given(st.lists(st.none() | NAMES, min_size=2, max_size=2, unique=True))
def test_two_targets_never_share_a_kill_switch(targets):
    names = {Order(target, False, "Halt", "x", "dev").name for target in targets}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)


def test_a_strategy_called_like_a_scope_is_not_that_scope():
    assert Order("namespace", False, "Halt", "x", "dev").name != Order(None, False, "Halt", "x", "dev").name
    assert Order("cluster", False, "Halt", "x", "dev").name != Order(None, True, "Halt", "x", "dev").name


def test_the_whole_cluster_and_a_slippage():
    spec = Order(None, True, "Flatten", "x", "system", 30).manifest()["spec"]
    assert spec == {"mode": "Flatten", "reason": "x", "scope": "Cluster", "maxFlattenSlippageBps": 30}


def _answer(switch, *strategies):
    return answer(read_kill_switch(switch), [read_strategy(one) for one in strategies])


def test_everyone_has_obeyed():
    found = _answer(kill_switch(matched=1, acknowledged=1), strategy(killSwitches=[obeyed()]))
    lines, code = verdict(EVERYONE, found, 30)
    assert code == 0
    assert lines[0] == "acknowledged: dev/trend (7 ms)"
    assert "deleting the KillSwitch does not resume" in lines[-1]


def test_a_silent_one_is_named_and_the_exit_code_is_1():
    found = _answer(kill_switch(matched=3, acknowledged=1, silent=["dev/a"]), strategy(killSwitches=[obeyed()]))
    lines, code = verdict(EVERYONE, found, 5)
    assert code == 1
    assert lines == [
        "acknowledged: dev/trend (7 ms)",
        "NOT acknowledged: dev/a",
        "NOT acknowledged: 1 more",
        "1 of 3 acknowledged after 5 s; see: kubectl alphatrade why a -n dev",
    ]


@pytest.mark.parametrize(
    "switch",
    [
        kill_switch(generation=2, observed=1, matched=1, acknowledged=1),
        kill_switch(observed=0),
    ],
)
def test_what_the_operator_says_of_an_older_generation_counts_for_nothing(switch):
    found = _answer(switch, strategy(killSwitches=[obeyed()]))
    assert not found.complete
    lines, code = verdict(EVERYONE, found, 30)
    assert code == 1
    assert "nothing proves yet" in lines[-1]


def test_an_acknowledgement_of_another_generation_or_switch_is_none():
    found = _answer(
        kill_switch(generation=2, observed=2, matched=2, acknowledged=0),
        strategy("a", killSwitches=[obeyed(generation=1)]),
        strategy("b", killSwitches=[obeyed(namespace="other", generation=2)]),
    )
    assert found.obeyed == ()
    assert not found.complete


def test_a_switch_that_matches_nobody_says_so():
    lines, code = verdict(EVERYONE, _answer(kill_switch(matched=0, acknowledged=0)), 30)
    assert (lines, code) == (["it matches no Strategy; it stays engaged for any that comes"], 0)


def test_a_named_strategy_that_is_not_matched_was_not_stopped():
    found = _answer(kill_switch(matched=0, acknowledged=0))
    lines, code = verdict(Order("trend", False, "Halt", "x", "dev"), found, 30)
    assert code == 1
    assert lines[0].startswith("NOT stopped")


def test_a_switch_in_the_wrong_place_is_not_in_force():
    switch = kill_switch(
        matched=0, acknowledged=0, conditions=[condition("False", "ScopeNotAllowed", "apply it there")]
    )
    lines, code = verdict(EVERYONE, _answer(switch), 30)
    assert (lines, code) == (["NOT in force as meant: apply it there"], 1)


@pytest.mark.parametrize(
    "said",
    [
        {"matched": 1, "acknowledged": 1, "silent": ["dev/mute"]},
        {"matched": 2, "acknowledged": 1},
        {"matched": 1, "acknowledged": 1, "conditions": [condition("False", "InvalidSpec", "correct it")]},
    ],
    ids=["silent", "fewer", "refused"],
)
def test_any_doubt_is_incomplete(said):
    assert not _answer(kill_switch(**said)).complete
