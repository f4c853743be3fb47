"""The table of `kubectl alphatrade status`: one row a Strategy, nothing claimed that was not reported."""

import pytest

from alphatrade_operator.kubectl.objects import read_kill_switch, read_strategy
from alphatrade_operator.kubectl.overview import kill_lines, rows
from unit.operator.kubectl.cluster_objects import condition, kill_switch, obeyed, strategy


def _row(**given):
    return rows([read_strategy(strategy(**given))])[0]


def test_a_strategy_that_trades():
    row = _row(
        ready=condition(),
        phase="Trading",
        pace="Simulated 20x",
        positions=[{"symbol": "SIM-A", "lots": 120}, {"symbol": "SIM-B", "lots": -3}],
        pnl="-256.97",
    )
    assert row == (
        "dev",
        "trend",
        "Paper",
        "Trading",
        "Simulated 20x",
        "SIM-A +120, SIM-B -3",
        "-256.97",
        "armed",
        "yes",
        "-",
    )


def test_a_strategy_that_nobody_has_looked_at_claims_nothing():
    assert _row()[3:] == ("-", "-", "-", "-", "-", "not known", "NoStatus: nothing reported yet")


@pytest.mark.parametrize(
    ("status", "kill"),
    [
        ({"phase": "Trading"}, "armed"),
        (
            {"phase": "Latched", "latched": {"by": "KillSwitch/dev/halt", "reason": "x"}},
            "latched by KillSwitch/dev/halt",
        ),
        ({"phase": "Latched", "latched": {}}, "latched"),
        ({"phase": "Reducing", "killSwitches": [obeyed("reduce-it")]}, "Halt by reduce-it"),
        ({}, "-"),
    ],
)
def test_the_kill_state(status, kill):
    assert _row(**status).kill == kill


def test_why_not_is_reason_and_message():
    row = _row(ready=condition("False", "StageTooLow", "spec.mode: Paper needs"), phase="Pending")
    assert (row.ready, row.why) == ("no", "StageTooLow: spec.mode: Paper needs")


def test_a_strategy_that_is_being_deleted_says_so():
    given = strategy(ready=condition(), phase="Trading")
    given["metadata"]["deletionTimestamp"] = "2026-01-05T10:00:00Z"
    assert rows([read_strategy(given)])[0].phase == "Deleting"


def test_rows_are_in_the_order_of_namespace_and_name():
    found = rows([read_strategy(strategy(name, space)) for space, name in (("b", "a"), ("a", "z"), ("a", "b"))])
    assert [(row.namespace, row.name) for row in found] == [("a", "b"), ("a", "z"), ("b", "a")]


def test_engaged_kill_switches_say_who_is_silent():
    switches = [
        kill_switch("armed", mode="Armed"),
        kill_switch("halt", matched=3, acknowledged=1, silent=["dev/a", "dev/b"]),
        kill_switch("new", generation=2, matched=3, acknowledged=3),
    ]
    assert kill_lines([read_kill_switch(one) for one in switches]) == [
        "KillSwitch dev/halt: Halt, 1 of 3 acknowledged; not acknowledged: dev/a, dev/b (a test)",
        "KillSwitch dev/new: Halt, the operator has not reported yet (a test)",
    ]


def test_fields_of_a_newer_operator_are_passed_over():
    assert _row(phase="Levitating", somethingNew={"a": 1}).phase == "Levitating"
