"""A law that is not whole: nothing goes Live, everything else goes on, and every Strategy says so."""

import pytest

from alphatrade_operator.core.plan import Finding
from unit.operator.world import World

BROKEN = Finding("LawNotInstalled", "ValidatingAdmissionPolicy alphatrade-sign-off is missing; run: helm")


def conditions(plan):
    return {one.type: (one.status, one.reason, one.message) for one in plan.conditions}


def world_in(mode, law):
    world = World()
    world.law = law
    world.change("Strategy", "alpha", "mode", mode)
    return world


@pytest.mark.parametrize("mode", ["Sim", "Paper"])
def test_what_is_simulated_goes_on_and_says_that_nothing_is_promoted(mode):
    plan, whole = world_in(mode, BROKEN).plan(), world_in(mode, None).plan()
    assert plan.children == whole.children != ()
    assert conditions(plan)["LawNotInstalled"] == (True, "LawNotInstalled", f"nothing is promoted: {BROKEN.message}")
    assert conditions(plan)["Ready"] == conditions(whole)["Ready"]
    assert "LawNotInstalled" not in conditions(whole)


def test_live_does_not_start_and_the_missing_law_is_the_first_reason():
    plan = world_in("Live", BROKEN).plan()
    assert plan.children == ()
    assert conditions(plan)["Ready"] == (
        False,
        "LawNotInstalled",
        f"spec.mode: nothing goes Live, for {BROKEN.message}",
    )
    assert conditions(world_in("Live", None).plan())["Ready"][1] == "PaceNotAllowed"


def test_live_that_runs_gets_flat_when_the_law_goes():
    world = World()
    world.look()
    world.run()
    world.say(phase="Trading")
    world.change("Strategy", "alpha", "mode", "Live")
    world.law = BROKEN
    plan = world.plan()
    assert [push.target for push in plan.pushes]
    assert conditions(plan)["Ready"][1] == "Draining"
    assert "LawNotInstalled" in conditions(plan)["Ready"][2]
