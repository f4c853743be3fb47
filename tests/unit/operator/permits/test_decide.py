"""What a runtime that asks for a permit is answered: each fault with its own reason, the first one wins."""

import pytest

from alphatrade.names import identity, operator_identity
from alphatrade_operator.core.quantities import SECOND
from alphatrade_operator.permits.decide import CHECKS, Permit, decide
from alphatrade_operator.permits.facts import gather
from unit.operator.permits.exploring import exploring_world
from unit.operator.world import World


@pytest.fixture
def world():
    """A strategy that explores and trades."""
    made = exploring_world()
    made.trading(session_id="s", exploration={"exploring": 1, "normal": 99})
    return made


def answer(world, who=None, asked=3, leads=True, synced=True):
    who = world.child().identity if who is None else who
    return decide(gather(world, who, asked, leads=leads, synced=synced))


def test_what_a_budget_gives(world):
    assert answer(world) == Permit(400, 20 * SECOND, "", "")


def change(where, value, kind="Strategy", name="alpha"):
    return lambda world: world.change(kind, name, where, value)


def say(**exploration):
    return lambda world: world.say(exploration=exploration, phase="Trading", session_id="s")


def forget(world):
    del world.objects[("ExplorationBudget", "desk", "small")]


def another_of_the_name(world):
    world.get("Strategy", "desk", "alpha")["metadata"]["uid"] = "99999999-0000-0000-0000-000000000000"


FAULTS = [
    ({"leads": False}, None, "NotLeading"),
    ({"synced": False}, None, "CacheNotSynced"),
    ({"asked": 4}, None, "EpochTooHigh"),
    ({"asked": 2}, None, "EpochTooLow"),
    ({"asked": 0}, None, "EpochTooLow"),
    ({"who": identity("desk", "strategy", "alpha", "another")}, None, "UnknownIdentity"),
    ({"who": identity("other", "strategy", "alpha", "00000005-0000-0000-0000-000000000000")}, None, "UnknownIdentity"),
    ({"who": identity("desk", "broker", "account", "u")}, None, "UnknownIdentity"),
    ({"who": operator_identity("alphatrade-system")}, None, "UnknownIdentity"),
    ({}, change("decisionClock", 7), "InvalidSpec"),
    ({}, change("mode", "LiveShadow"), "LiveMode"),
    ({}, change("featureFlags", {}), "FlagOff"),
    ({}, change("explorationBudgetRef", None), "BudgetNotNamed"),
    ({}, forget, "BudgetMissing"),
    ({}, change("metadata.deletionTimestamp", "2026-01-05T11:59:00Z", "ExplorationBudget", "small"), "BudgetDeleting"),
    ({}, change("maxFlowShareBps", -1, "ExplorationBudget", "small"), "BudgetInvalid"),
    ({}, change("maxFlowShareBps", 0, "ExplorationBudget", "small"), "NoShare"),
    ({}, lambda world: world.said.clear(), "NotReporting"),
    ({}, say(frozen=["DriftWarning"]), "DriftWarning"),
    ({}, say(frozen=["DriftAlert", "StrategyHeld"]), "DriftAlert"),
]


@pytest.mark.parametrize(("given", "make", "reason"), FAULTS, ids=[f"{n} {row[2]}" for n, row in enumerate(FAULTS)])
def test_each_fault_is_no_with_its_own_reason(world, given, make, reason):
    if make is not None:
        make(world)
    found = answer(world, **given)
    assert (found.share_bps, found.reason) == (0, reason)
    assert found.message


def test_a_strategy_made_anew_under_the_name_is_not_the_one_that_asks(world):
    before = world.child().identity
    another_of_the_name(world)
    assert answer(world, before).reason == "UnknownIdentity"


def test_a_ceiling_that_was_lowered_ends_it(world):
    world.settings = World().settings
    assert answer(world).reason == "FlagNotAllowed"


def test_every_check_was_seen_to_find_something():
    seen = {reason for _, _, reason in FAULTS} | {"FlagNotAllowed"}
    assert len(seen) >= len(CHECKS)


def test_a_refusal_says_how_long_a_permit_would_hold_where_that_is_known(world):
    assert answer(world, leads=False).ttl_ns == 20 * SECOND
    forget(world)
    assert answer(world).ttl_ns == 0
