"""Another template, or feed, makes what trades tighter at once; looser it goes on under the limits from before."""

import copy

import pytest

from unit.operator.world import World, message, ready

HASH = "ab" * 32
PATHS = [
    ("limits", {"maxLeverageBps": 10_001}, "limits.maxLeverageBps is 10001, looser than 10000"),
    ("limits", {"stopBps": 1}, "limits.stopBps is 1, looser than"),
    ("flattenBlind", True, "flattenBlind is true, looser than false"),
    ("killSwitch", {"maxStaleness": "600s"}, "killSwitch.maxStaleness is 10m, looser than"),
    ("drawdown", {"enabled": False}, "drawdown.dayBps is off, looser than"),
]


@pytest.fixture
def trading():
    return World().trading(policy_hash=HASH)


def refer_to_another(world, **spec):
    other = copy.deepcopy(world.objects[("RiskTemplate", "desk", "law")])
    other["metadata"] |= {"name": "other", "uid": "other-uid"}
    other.pop("status", None)
    other["spec"] |= spec
    world.add(other)
    world.change("Strategy", "alpha", "riskTemplateRef.name", "other")


@pytest.mark.parametrize(("field", "value", "said"), PATHS, ids=[said for _, _, said in PATHS])
def test_another_template_loosens_nothing_of_what_trades(trading, field, value, said):
    before = trading.facts().live.document
    refer_to_another(trading, **{field: value})
    plan = trading.plan()
    assert ready(plan) == (False, "Loosened")
    assert f"RiskTemplate/other with MarketDataFeed/feed: {said}" in message(plan)
    assert message(plan).endswith("until then the pod goes on under its last configuration")
    assert (plan.children, plan.pushes, plan.deletions) == ((), (), ())
    assert trading.facts().live.document == before


def test_another_template_as_tight_or_tighter_is_taken_up(trading):
    refer_to_another(trading, limits={"maxLeverageBps": 9_000})
    plan = trading.plan()
    assert ready(plan)[1] != "Loosened"
    assert plan.children


def test_one_looser_limit_holds_the_tighter_ones_up_too(trading):
    refer_to_another(trading, limits={"maxLeverageBps": 9_000, "maxOrdersPerSecond": 51})
    assert ready(trading.plan()) == (False, "Loosened")


def test_suspended_it_holds_as_well(trading):
    trading.change("Strategy", "alpha", "suspend", True)
    trading.look()
    refer_to_another(trading, limits={"maxLeverageBps": 10_001})
    trading.change("Strategy", "alpha", "suspend", False)
    assert ready(trading.plan()) == (False, "Loosened")


def test_in_sim_nothing_has_to_be_asked():
    world = World()
    world.change("Strategy", "alpha", "mode", "Sim")
    world.trading(policy_hash=HASH)
    refer_to_another(world, limits={"maxLeverageBps": 10_001})
    assert ready(world.plan())[1] != "Loosened"


def test_who_never_ran_has_nothing_to_be_loosened():
    world = World()
    refer_to_another(world, limits={"maxLeverageBps": 10_001})
    assert ready(world.plan()) == (False, "Starting")


def test_a_feed_that_lets_quotes_grow_older_is_a_loosening(trading):
    feed = trading.objects[("MarketDataFeed", "desk", "feed")]
    other = copy.deepcopy(feed)
    other["metadata"] |= {"name": "slow", "uid": "slow-uid"}
    for instrument in other["spec"]["instruments"]:
        instrument["maxQuoteAge"] = "30s"
    trading.add(other)
    trading.change("Strategy", "alpha", "marketDataFeedRef.name", "slow")
    plan = trading.plan()
    assert ready(plan) == (False, "Loosened")
    assert "RiskTemplate/law with MarketDataFeed/slow: instruments[AAA].maxQuoteAge is 30s, looser" in message(plan)
