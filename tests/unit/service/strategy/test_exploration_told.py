"""What a pod tells of its exploration: in the status, in metrics, in the file that a session leaves."""

import json
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from alphatrade.telemetry import Registry
from alphatrade.v1.control_pb2 import ExplorationState
from alphatrade_runtime.adaptation.exploration import budget as budgets
from alphatrade_runtime.loop.build import build
from alphatrade_runtime.loop.mind.host import FREEZES
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.loop.permit import take_permit
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.service.strategy.exports import export_exploration
from alphatrade_runtime.service.strategy.mind import exploration_told, kept, read_explored
from unit.loop.mind_sessions import exploring, minded, three


class Keeper:
    """What the status sees of the keeper of a permit."""

    why_not = "OperatorUnreachable"


def core_of(document):
    return build(parse_session(document), None, bar_mode=False)


@pytest.fixture
def core():
    return core_of(exploring(budget={"by_permit": True, "share_bps": 400}))


def budget(core) -> Any:
    mind: Any = mind_of(core)
    return mind.shared[0].budget[0]


def frozen(core):
    told = exploration_told(core, None)
    assert told is not None
    return list(told.frozen)


def test_without_a_permit_it_says_why(core):
    keeper: Any = Keeper()
    assert exploration_told(core, keeper) == ExplorationState(no_permit="OperatorUnreachable")


def test_it_tells_what_budget_and_permit_allow_together(core):
    for given, allowed in ((300, 300), (900, 400), (0, 0)):
        take_permit(core, given, budgets.FOREVER, 3)
        assert exploration_told(core, None) == ExplorationState(permitted_bps=allowed)


def test_one_process_is_permitted_what_its_budget_gives():
    assert exploration_told(core_of(exploring(budget={"share_bps": 400})), None) == ExplorationState(permitted_bps=400)


def test_every_cause_that_freezes_has_a_word_and_the_gravest_comes_first(core):
    told = ["DriftAlert", "DriftWarning", "DrawdownFreeze", "NearMissFreeze", "StrategyHeld"]
    for cause, word in FREEZES:
        budget(core).frozen = cause
        assert frozen(core) == [word]
    budget(core).frozen = sum(cause for cause, _ in FREEZES)
    assert frozen(core) == told


def test_what_does_not_explore_tells_nothing_of_it():
    assert exploration_told(core_of(minded(policies=three()[:1])), None) is None
    assert exploration_told(core_of(minded(probes={})), None) is None


def test_the_file_of_a_session_keeps_it():
    told = ExplorationState(exploring=2**61, normal=1, permitted_bps=4, frozen=["DriftAlert"], no_permit="x")
    assert read_explored(json.loads(json.dumps(kept([told])))) == [told]
    assert read_explored(None) == read_explored([]) == []


def test_its_metrics_are_shares():
    registry = Registry("strategy", "alpha")
    export_exploration(registry, ExplorationState(exploring=1, normal=3, permitted_bps=400))
    families = text_string_to_metric_families(registry.text().decode())
    found = {sample.name: sample.value for family in families for sample in family.samples}
    assert found["alphatrade_exploration_share_ratio"] == 0.25
    assert found["alphatrade_exploration_permitted_ratio"] == 0.04
    export_exploration(registry, ExplorationState())
