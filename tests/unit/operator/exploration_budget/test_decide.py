"""What an ExplorationBudget's status says: who spends it, how much, and what takes it away."""

import pytest

from alphatrade_operator.core.plan import Key
from alphatrade_operator.exploration_budget.decide import IN_USE, decide
from alphatrade_operator.exploration_budget.facts import gather, referrers
from alphatrade_operator.exploration_budget.model import ExplorationBudgetStatus
from alphatrade_operator.reconcilers import RECONCILERS
from unit.operator.permits.exploring import exploring_world
from unit.operator.world import NOW, message, ready

KEY = Key("ExplorationBudget", "desk", "small")


@pytest.fixture
def world():
    """Two strategies, alpha and beta, that explore on one budget; gamma refers to none."""
    made = exploring_world()
    alpha = made.get("Strategy", "desk", "alpha")
    for name in ("beta", "gamma"):
        made.add({**alpha, "metadata": {"name": name}})
    del made.get("Strategy", "desk", "gamma")["spec"]["explorationBudgetRef"]
    return made


def look(world):
    plan = decide(gather(world, KEY), NOW)
    status = {**(plan.status or {}), **(plan.snapshot or {})}
    ExplorationBudgetStatus.model_validate(status)
    world.get(*vars_of(KEY))["status"] = status
    return plan, status


def vars_of(key):
    return key.kind, key.namespace, key.name


def say(world, name, **exploration):
    world.look("Strategy", name)
    world.say("Strategy", name, phase="Trading", session_id="s", exploration=exploration)


def trading(world):
    world.trading(session_id="s", exploration={"exploring": 0, "normal": 0})
    return world


def test_before_anybody_tells_it_has_users_and_no_share(world):
    plan, status = look(world)
    assert status == {"userCount": 2, "users": ["alpha", "beta"]}
    assert (ready(plan), plan.finalizers, plan.look_again_s) == ((True, "InForce"), (IN_USE,), None)
    assert message(plan) == "in force for 2 users"


def test_the_share_is_that_of_all_users_together(world):
    trading(world)
    say(world, "alpha", exploring=30, normal=970)
    say(world, "beta", exploring=0, normal=1_000)
    plan, status = look(world)
    assert status["shareBps"] == 150
    assert plan.look_again_s == world.settings.status_min_interval_s
    say(world, "alpha", exploring=0, normal=0)
    say(world, "beta", exploring=0, normal=0)
    assert look(world)[1]["shareBps"] == 0


def test_what_freezes_it_names_whom_and_since_when(world):
    trading(world)
    say(world, "alpha", frozen=["DriftAlert", "StrategyHeld"])
    say(world, "beta", frozen=["DriftAlert"])
    world.get(*vars_of(KEY))["status"] = {
        "frozen": [{"reason": "DriftAlert", "message": "before", "since": "2026-01-05T11:00:00Z"}]
    }
    _, status = look(world)
    assert status["frozen"] == [
        {"reason": "DriftAlert", "message": "2 of 2 users: alpha, beta", "since": "2026-01-05T11:00:00Z"},
        {"reason": "StrategyHeld", "message": "1 of 2 users: alpha", "since": "2026-01-05T12:00:00Z"},
    ]
    say(world, "alpha")
    say(world, "beta")
    assert "frozen" not in look(world)[1]


def test_a_share_of_nothing_is_frozen_by_people(world):
    world.change("ExplorationBudget", "small", "maxFlowShareBps", 0)
    (one,) = look(world)[1]["frozen"]
    assert (one["reason"], one["message"]) == ("NoShare", "2 of 2 users: alpha, beta")


def test_it_stays_while_it_is_used(world):
    world.delete("ExplorationBudget", "small")
    plan, _ = look(world)
    assert (ready(plan), plan.finalizers) == ((False, "InUse"), (IN_USE,))
    assert "still used by Strategy/alpha, Strategy/beta" in message(plan)
    for name in ("alpha", "beta"):
        del world.get("Strategy", "desk", name)["spec"]["explorationBudgetRef"]
    assert look(world)[0].finalizers == ()


def test_one_that_cannot_be_read_says_so(world):
    world.change("ExplorationBudget", "small", "windowDecisions", 0)
    assert ready(look(world)[0]) == (False, "InvalidSpec")


def test_a_change_of_it_concerns_who_refers_to_it_and_the_other_way_round(world):
    assert [key.name for key in referrers(world, KEY)] == ["alpha", "beta"]
    reconciler = RECONCILERS["Strategy"]
    assert KEY in set(reconciler.refers_to(world.get("Strategy", "desk", "alpha")))
    assert KEY not in set(reconciler.refers_to(world.get("Strategy", "desk", "gamma")))
    assert RECONCILERS["ExplorationBudget"].reconcile is not None
