"""What a strategy's pod is told of permits: whom to ask, and nothing at all where it does not explore."""

import json

import pytest

from alphatrade.config import StrategyConfig
from alphatrade.v1.control_pb2 import ExplorationState
from alphatrade_operator.workload.report import share_bps
from unit.operator.permits.exploring import exploring_world
from unit.operator.world import World, message, of_kind, ready, types


@pytest.fixture
def world():
    return exploring_world()


def config(plan):
    (found,) = of_kind(plan, "ConfigMap")
    return json.loads(found["data"]["config.json"])


def test_who_explores_is_told_whom_to_ask(world):
    found = config(world.plan())
    assert found["permits"] == {
        "target": "alphatrade-operator.alphatrade-system.svc:7443",
        "identity": "spiffe://alphatrade.io/ns/alphatrade-system/operator/alphatrade-operator/0",
    }
    envelope = found["session"]["policy"]["envelope"]
    assert envelope["flags"]["exploration"]
    assert (envelope["exploration"]["share_bps"], envelope["exploration"]["by_permit"]) == (400, True)
    assert StrategyConfig.model_validate(found).permits is not None


@pytest.mark.parametrize("off", ["flag", "ceiling"])
def test_who_does_not_is_configured_as_before_there_were_permits(world, off):
    before = config(World().plan())
    if off == "flag":
        world.change("Strategy", "alpha", "featureFlags", {})
    else:
        world.settings = World().settings
    del world.get("Strategy", "desk", "alpha")["spec"]["genotype"]["policies"][1]
    assert config(world.plan()) == before
    assert "permits" not in before


def test_a_budget_that_is_not_there_is_named_with_the_nearest(world):
    world.change("Strategy", "alpha", "explorationBudgetRef", {"name": "smal"})
    assert ready(world.plan()) == (False, "ReferenceNotFound")
    assert "spec.explorationBudgetRef.name: no ExplorationBudget 'smal' in namespace desk" in message(world.plan())
    world.change("Strategy", "alpha", "featureFlags", {})
    assert ready(world.plan()) == (False, "Starting")


def test_a_budget_that_goes_is_not_begun_on(world):
    world.delete("ExplorationBudget", "small")
    assert ready(world.plan()) == (False, "ReferenceInvalid")
    assert "is being deleted" in message(world.plan())


def test_the_flag_without_a_budget_is_refused(world):
    del world.get("Strategy", "desk", "alpha")["spec"]["explorationBudgetRef"]
    assert ready(world.plan()) == (False, "InvalidSpec")


@pytest.mark.parametrize(
    ("said", "status", "reason", "share"),
    [
        ({"exploring": 1, "normal": 99, "permitted_bps": 400}, True, "Permitted", 100),
        ({"no_permit": "OperatorUnreachable"}, False, "OperatorUnreachable", 0),
    ],
)
def test_the_status_says_whether_it_may(world, said, status, reason, share):
    world.trading(session_id="s", exploration=said)
    plan = world.plan()
    (found,) = [one for one in plan.conditions if one.type == "ExplorationPermitted"]
    assert (found.status, found.reason) == (status, reason)
    assert plan.snapshot["explorationShareBps"] == share


def test_a_larger_share_waits_and_a_smaller_one_is_taken(world):
    world.trading(session_id="s", exploration={})
    world.change("ExplorationBudget", "small", "maxFlowShareBps", 401)
    assert ready(world.plan()) == (False, "Loosened")
    assert "ExplorationBudget/small: maxFlowShareBps is 401, more than 400" in message(world.plan())
    world.change("ExplorationBudget", "small", "maxFlowShareBps", 399)
    assert ready(world.plan())[1] != "Loosened"
    world.change("ExplorationBudget", "small", "maxFlowShareBps", 401)
    world.change("Strategy", "alpha", "featureFlags", {})
    assert ready(world.plan())[1] != "Loosened"


def test_at_rest_no_permit_is_spoken_of(world):
    world.trading(session_id="s", exploration={"permitted_bps": 400})
    world.say(phase="Ended", session_id="s", exploration={"exploring": 1, "normal": 9, "permitted_bps": 400})
    plan = world.plan()
    assert "ExplorationPermitted" not in {one.type for one in plan.conditions}
    assert plan.snapshot["explorationShareBps"] == 1_000


def test_who_does_not_explore_says_nothing_of_it():
    plan = World().trading(session_id="s").plan()
    assert "ExplorationPermitted" not in {one.type for one in plan.conditions}
    assert "explorationShareBps" not in plan.snapshot
    assert types(plan) == {"Ready"}


def test_a_share_rounds_down_and_is_none_of_nothing():
    assert share_bps([ExplorationState(exploring=1, normal=3)] * 3) == 2_500
    assert share_bps([ExplorationState(exploring=1, normal=2), ExplorationState()]) == 3_333
    assert share_bps([]) == 0
