"""A Strategy whose limits, or whose account's, are above the operator's ceilings does not trade."""

import copy

import pytest

from alphatrade_operator.settings import Settings
from unit.operator.world import World, message, ready

HASH = "ab" * 32


def ceilings(**limits):
    return {"limit_ceilings": {"Paper": limits}}


def lower(world, **limits):
    """Start the operator anew with ceilings."""
    world.settings = Settings(experiment_may_paper=True, **ceilings(**limits))


@pytest.fixture
def trading():
    return World().trading(policy_hash=HASH)


def test_a_limit_above_its_ceiling_is_named_with_value_ceiling_and_place():
    plan = World(**ceilings(maxLeverageBps=9_000)).plan()
    assert ready(plan) == (False, "LimitAboveCeiling")
    assert message(plan) == (
        "RiskTemplate/law of BrokerConnection/account: limits.maxLeverageBps is 10000, looser than 9000, the "
        "operator's ceiling for mode Paper; tighten it there; the ceiling is "
        "operator.limitCeilings.Paper.maxLeverageBps of the "
        "chart's values"
    )
    assert plan.children == ()


def test_at_the_ceiling_it_trades():
    assert ready(World(**ceilings(maxLeverageBps=10_000)).plan()) == (False, "Starting")


def test_the_ceilings_of_another_mode_are_not_its_own():
    world = World(limit_ceilings={"Live": {"maxLeverageBps": 1}})
    assert ready(world.plan()) == (False, "Starting")
    world = World(**ceilings(maxLeverageBps=1))
    world.change("Strategy", "alpha", "mode", "Sim")
    assert ready(world.plan()) == (False, "Starting")


def test_the_law_in_force_counts_not_the_spec():
    world = World(**ceilings(maxLeverageBps=9_000))
    law = world.objects[("RiskTemplate", "desk", "law")]
    law["status"] = {"effective": {**copy.deepcopy(law["spec"]), "limits": {"maxLeverageBps": 8_000}}}
    law["spec"]["limits"] = {"maxLeverageBps": 20_000}
    assert ready(world.plan()) == (False, "Starting")


def test_what_the_feed_tightens_counts():
    world = World(**ceilings(streamStale="1s"))
    assert "limits.streamStale is 2s, looser than 1s" in message(world.plan())
    world.change("MarketDataFeed", "feed", "quality.maxSilence", "1s")
    assert ready(world.plan()) == (False, "Starting")


def test_an_instrument_that_is_not_traded_may_have_any_limit():
    world = World(**ceilings(maxPositionLots=100))
    world.change("RiskTemplate", "law", "instruments.1.maxPositionLots", 500)
    assert ready(world.plan()) == (False, "Starting")
    world.change("RiskTemplate", "law", "instruments.0.maxPositionLots", 500)
    assert "instruments[AAA].maxPositionLots is 500, looser than 100" in message(world.plan())


def other_template(world, name, **limits):
    law = copy.deepcopy(world.objects[("RiskTemplate", "desk", "law")])
    law["metadata"] = {"name": name}
    law.pop("status", None)
    law["spec"]["limits"] = limits
    world.add(law)


def test_moving_to_a_template_above_the_ceiling_leaves_the_pod_under_its_last_law(trading):
    lower(trading, maxLeverageBps=10_000)
    other_template(trading, "loose", maxLeverageBps=20_000)
    trading.change("Strategy", "alpha", "riskTemplateRef.name", "loose")
    plan = trading.plan()
    assert ready(plan) == (False, "LimitAboveCeiling")
    assert message(plan).startswith("RiskTemplate/loose: limits.maxLeverageBps is 20000")
    assert message(plan).endswith("until then the pod goes on under its last configuration")
    assert (plan.children, plan.pushes) == ((), ())


def test_a_ceiling_lowered_below_what_runs_ends_trading_in_order(trading):
    other_template(trading, "tight", maxLeverageBps=5_000)
    trading.change("BrokerConnection", "account", "riskTemplateRef.name", "tight")
    lower(trading, maxLeverageBps=9_000)
    plan = trading.plan()
    assert ready(plan) == (False, "Draining")
    assert "LimitAboveCeiling: it gets flat in order before it stops" in message(plan)
    assert b'"run":"Drain"' in plan.pushes[0].document


def test_a_ceiling_lowered_below_the_accounts_law_ends_trading_too(trading):
    other_template(trading, "tight", maxLeverageBps=5_000)
    trading.change("Strategy", "alpha", "riskTemplateRef.name", "tight")
    lower(trading, maxLeverageBps=9_000)
    assert "LimitAboveCeiling: it gets flat in order" in message(trading.plan())


def test_sim_has_no_order_session_so_its_accounts_law_does_not_count():
    world = World(limit_ceilings={"Sim": {"maxLeverageBps": 10_000}})
    world.change("Strategy", "alpha", "mode", "Sim")
    other_template(world, "loose", maxLeverageBps=20_000)
    world.change("BrokerConnection", "account", "riskTemplateRef.name", "loose")
    assert ready(world.plan()) == (False, "Starting")


def test_a_template_that_was_tightened_too_reaches_the_running_pod(trading):
    trading.change("RiskTemplate", "law", "limits", {"maxLeverageBps": 9_000})
    lower(trading, maxLeverageBps=9_000)
    plan = trading.plan()
    assert ready(plan) == (True, "Trading")
    assert b'"max_leverage_bps":9000' in plan.pushes[0].document


def test_what_runs_above_the_ceiling_stops_when_nothing_says_what_would_replace_it(trading):
    trading.objects.pop(("RiskTemplate", "desk", "law"))
    lower(trading, maxLeverageBps=9_000)
    assert "LimitAboveCeiling" in message(trading.plan())


def test_an_account_above_its_ceiling_is_not_ready_and_gets_no_gateway():
    world = World(**ceilings(maxLeverageBps=9_000))
    plan = world.plan("BrokerConnection", "account")
    assert ready(plan) == (False, "LimitAboveCeiling")
    assert message(plan).startswith("RiskTemplate/law: limits.maxLeverageBps is 10000, looser than 9000")
    assert plan.children == ()


def test_a_serving_account_whose_ceiling_was_lowered_goes_on_until_its_strategies_are_flat(trading):
    lower(trading, maxLeverageBps=9_000)
    plan = trading.plan("BrokerConnection", "account")
    assert (ready(plan), plan.children, plan.pushes) == ((False, "LimitAboveCeiling"), (), ())


def test_an_account_is_held_to_the_ceilings_of_the_mode_that_trades_it():
    world = World(limit_ceilings={"Live": {"maxLeverageBps": 1}, "Sim": {"maxLeverageBps": 1}})
    assert ready(world.plan("BrokerConnection", "account")) == (False, "Starting")
