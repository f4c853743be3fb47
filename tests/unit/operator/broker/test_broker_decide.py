"""What becomes of a BrokerConnection: who is admitted, its law, every reason, and who keeps it from going."""

import copy

import pytest

from alphatrade.config import BrokerConfig, StrategyConfig
from alphatrade_operator.broker.decide import ORDERLY_EXIT
from alphatrade_operator.strategy.abandon import held_hash
from unit.operator.world import World, message, of_kind, ready, types

ACCOUNT = ("BrokerConnection", "account")
HASH = "ab" * 32


@pytest.fixture
def world():
    return World()


@pytest.fixture
def serving():
    return World().trading(policy_hash=HASH)


def config(world):
    """Return the configuration that the gateway is to run: what is pushed, else what the ConfigMap holds."""
    plan = world.plan(*ACCOUNT)
    document = plan.pushes[0].document if plan.pushes else of_kind(plan, "ConfigMap")[0]["data"]["config.json"]
    return BrokerConfig.model_validate_json(document)


def second(world, feed="feed", **spec):
    """Let another strategy trade the account."""
    beta = copy.deepcopy(world.objects[("Strategy", "desk", "alpha")])
    beta["metadata"] = {"name": "beta"}
    beta.pop("status", None)
    beta["spec"] |= {"marketDataFeedRef": {"name": feed}, **spec}
    world.add(beta)
    world.look("Strategy", "beta")


def other_feed(world, **terms):
    feed = copy.deepcopy(world.objects[("MarketDataFeed", "desk", "feed")])
    feed["metadata"] = {"name": "other"}
    feed["spec"]["instruments"][0] |= terms
    feed["spec"] |= {name: feed["spec"]["instruments"][0].pop(name) for name in ("calendar",) if name in terms}
    world.add(feed)


def refused(plan):
    return [(c.reason, c.message) for c in plan.conditions if c.type == "StrategiesAdmitted" and c.status is False]


def test_a_new_account_gets_its_children_and_no_law_before_a_strategy_comes(world):
    plan = world.look(*ACCOUNT)
    assert [manifest["kind"] for manifest in plan.children] == ["ConfigMap", "Service", "StatefulSet"]
    assert (ready(plan), plan.finalizers, plan.status) == ((False, "Starting"), (ORDERLY_EXIT,), {"phase": "Pending"})
    assert (config(world).law, config(world).clients) == (None, [])


def test_a_strategy_is_admitted_with_its_own_configuration_and_hash(serving):
    (client,) = config(serving).clients
    strategy = StrategyConfig.model_validate_json(serving.document())
    assert (client.identity, client.session, client.feed) == (strategy.identity, strategy.session, strategy.feed)
    assert client.policy_hashes == [HASH]


def test_before_the_runtime_says_its_hash_none_is_entitled(world):
    world.look()
    (client,) = config(world).clients
    assert client.policy_hashes == []


def test_a_pod_that_is_silent_keeps_the_hash_that_it_last_said(serving):
    serving.gone()
    assert config(serving).clients[0].policy_hashes == [HASH]


def test_a_strategy_in_sim_or_refused_is_no_client(world):
    world.change("Strategy", "alpha", "mode", "Sim")
    world.look()
    assert config(world).clients == []
    world = World(experiment_may_paper=False)
    world.look()
    assert config(world).clients == []


def test_a_suspended_strategy_takes_no_room_and_is_back_with_its_pod(serving):
    second(serving, suspend=True)
    assert len(config(serving).clients) == 1
    serving.change("Strategy", "beta", "suspend", False)
    serving.look("Strategy", "beta")
    assert len(config(serving).clients) == 2


def test_the_law_of_one_strategy_under_the_same_template_is_that_of_its_session(serving):
    strategy = StrategyConfig.model_validate_json(serving.document())
    assert config(serving).law == strategy.session["policy"]["envelope"]


def test_the_law_is_the_accounts_own_template_over_all_that_is_traded(serving):
    own = copy.deepcopy(serving.objects[("RiskTemplate", "desk", "law")])
    own["metadata"] = {"name": "own"}
    own["spec"]["instruments"] = [{"symbol": "*", "maxPositionLots": 9, "maxOrderLots": 9, "maxQuoteAge": "1s"}]
    serving.add(own)
    serving.change(*ACCOUNT, "riskTemplateRef.name", "own")
    second(serving, instruments=["BBB"])
    law = config(serving).law
    assert law["limits"]["symbols"] == ["AAA", "BBB"]
    assert [terms["max_position_lots"] for terms in law["instruments"]] == [9, 9]
    assert [client.session["policy"]["strategy_id"] for client in config(serving).clients] == ["alpha", "beta"]


def test_an_account_without_a_template_takes_the_one_of_its_strategies(serving):
    del serving.objects[("BrokerConnection", "desk", "account")]["spec"]["riskTemplateRef"]
    assert config(serving).law["limits"]["symbols"] == ["AAA"]


def test_law_ambiguous(serving):
    del serving.objects[("BrokerConnection", "desk", "account")]["spec"]["riskTemplateRef"]
    own = copy.deepcopy(serving.objects[("RiskTemplate", "desk", "law")])
    own["metadata"] = {"name": "own"}
    serving.add(own)
    second(serving, riskTemplateRef={"name": "own"})
    plan = serving.plan(*ACCOUNT)
    assert (ready(plan), plan.children, plan.pushes) == ((False, "LawAmbiguous"), (), ())
    assert "its Strategies obey law, own; say which is its law" in message(plan)


def test_instrument_terms_differ_the_later_one_is_not_admitted(serving):
    other_feed(serving, tickSize="0.02")
    second(serving, feed="other")
    plan = serving.plan(*ACCOUNT)
    ((reason, text),) = refused(plan)
    assert reason == "InstrumentTermsDiffer"
    assert text.startswith("Strategy/beta: AAA has another tick_size than the others' feed says")
    assert [client.session["policy"]["strategy_id"] for client in config(serving).clients] == ["alpha"]


def test_calendars_differ(serving):
    other_feed(serving)
    serving.change("MarketDataFeed", "other", "calendar", "XNYS")
    second(serving, feed="other")
    ((reason, text),) = refused(serving.plan(*ACCOUNT))
    assert (reason, "calendar 'XNYS' is not '24/7'" in text) == ("CalendarsDiffer", True)


def test_limits_missing(serving):
    own = copy.deepcopy(serving.objects[("RiskTemplate", "desk", "law")])
    own["metadata"] = {"name": "own"}
    own["spec"]["instruments"] = own["spec"]["instruments"][1:]
    serving.add(own)
    serving.change(*ACCOUNT, "riskTemplateRef.name", "own")
    ((reason, text),) = refused(serving.plan(*ACCOUNT))
    assert reason == "LimitsMissing"
    assert text.startswith("Strategy/alpha: RiskTemplate/own of the account has no entry for AAA; add one")
    assert (config(serving).law, config(serving).clients) == (None, [])


def test_the_tighter_of_two_quote_ages_holds(serving):
    other_feed(serving, maxQuoteAge="2s")
    second(serving, feed="other")
    assert config(serving).law["instruments"][0]["max_quote_age_ns"] == 2 * 10**9


def test_invalid_spec(world):
    world.change(*ACCOUNT, "paper.initialCash", 5)
    plan = world.plan(*ACCOUNT)
    assert (ready(plan), plan.children) == ((False, "InvalidSpec"), ())


def test_reference_not_found(world):
    world.change(*ACCOUNT, "riskTemplateRef.name", "none")
    assert ready(world.plan(*ACCOUNT)) == (False, "ReferenceNotFound")


def test_reference_invalid(world):
    world.change("RiskTemplate", "law", "flattenBlind", 7)
    assert ready(world.plan(*ACCOUNT)) == (False, "ReferenceInvalid")


PHASES = [
    ({"phase": "Serving"}, (True, "Serving"), set()),
    ({"phase": "Starting"}, (False, "Starting"), {"Reconciling"}),
    ({"phase": "Failed", "reason": "DiskFull", "message": "full"}, (False, "DiskFull"), {"Stalled"}),
    ({"phase": "Serving", "latched_by": "Drawdown: 15%"}, (False, "Latched"), {"Stalled"}),
]


@pytest.mark.parametrize(("said", "verdict", "kstatus"), PHASES, ids=[verdict[1] for _, verdict, _ in PHASES])
def test_what_the_gateway_says_is_shown(serving, said, verdict, kstatus):
    serving.say(*ACCOUNT, nav=10**8, sessions=1, simulated=True, reconciled_at_ns=1_767_614_400 * 10**9, **said)
    plan = serving.plan(*ACCOUNT)
    assert (ready(plan), types(plan) - {"Ready"}) == (verdict, kstatus)
    assert plan.snapshot == {"lastReconcileTime": "2026-01-05T12:00:00Z", "breaks": 0, "nav": "1", "sessions": 1}


def test_a_gateway_that_has_nothing_to_compare_yet_leaves_the_last_time(serving):
    serving.say(*ACCOUNT, phase="Serving", reconciled_at_ns=1_767_614_400 * 10**9)
    serving.look(*ACCOUNT)
    serving.say(*ACCOUNT, phase="Serving")
    assert serving.plan(*ACCOUNT).snapshot["lastReconcileTime"] == "2026-01-05T12:00:00Z"


def test_latched_says_what_lets_it_go(serving):
    serving.say(*ACCOUNT, phase="Serving", latched_by="Drawdown: 15%")
    plan = serving.plan(*ACCOUNT)
    assert f"delete it and its volume data-{serving.child(*ACCOUNT).pod}" in message(plan)
    assert plan.status["latched"] == {"by": "Drawdown", "reason": "15%", "since": "2026-01-05T12:00:00Z"}


def test_a_client_that_comes_is_pushed(serving):
    second(serving, instruments=["BBB"])
    plan = serving.look(*ACCOUNT)
    assert len(BrokerConfig.model_validate_json(plan.pushes[0].document).clients) == 2
    serving.answer(plan.pushes[0], "Applied")
    plan = serving.look(*ACCOUNT)
    assert (plan.pushes, ready(plan)) == ((), (True, "Serving"))


def test_waits_for_strategies_on_the_old_exchange(serving):
    serving.change(*ACCOUNT, "paper.orderEntryLatency", "20ms")
    serving.answer(serving.look(*ACCOUNT).pushes[0], "RestartRequired")
    plan = serving.look(*ACCOUNT)
    assert (ready(plan), plan.deletions) == ((False, "WaitsForStrategies"), ())
    serving.say(phase="Drained")
    serving.look()
    serving.answer(serving.look(*ACCOUNT).pushes[0], "RestartRequired")  # with the strategy's new configuration
    serving.look(*ACCOUNT)
    assert len(serving.look(*ACCOUNT).deletions) == 1


def test_in_use_keeps_it_while_a_strategy_trades_or_gets_flat(serving):
    serving.delete(*ACCOUNT)
    plan = serving.look(*ACCOUNT)
    assert (ready(plan), plan.finalizers) == ((False, "InUse"), (ORDERLY_EXIT,))
    serving.delete("Strategy", "alpha")
    assert ready(serving.look(*ACCOUNT)) == (False, "InUse")


@pytest.mark.parametrize("said", [{"phase": "Latched", "latched_by": "KillSwitch/stop"}, {"phase": "Ended"}])
def test_deleting_ends_the_gateway_then_lets_go_and_the_volume_stays(serving, said):
    serving.say(policy_hash=HASH, **said)
    serving.look()
    serving.delete(*ACCOUNT)
    plan = serving.look(*ACCOUNT)
    (stateful_set,) = of_kind(plan, "StatefulSet")
    assert (ready(plan), stateful_set["spec"]["replicas"], plan.finalizers) == ((False, "Deleting"), 0, (ORDERLY_EXIT,))
    serving.gone(*ACCOUNT)
    assert serving.look(*ACCOUNT).finalizers == ()


def test_abandoned_goes_although_it_is_in_use(serving):
    serving.say(session_id="s", phase="Trading", policy_hash=HASH, positions={"AAA": 3})
    serving.look()
    serving.delete(*ACCOUNT)
    code = held_hash({"alpha": {"AAA": 3}})
    assert message(serving.look(*ACCOUNT)).endswith(
        f"under what they hold, annotate it with alphatrade.io/abandon={code}"
    )
    for other in ("yes", held_hash({}), held_hash({"alpha": {"AAA": 4}})):
        serving.change(*ACCOUNT, "metadata.annotations", {"alphatrade.io/abandon": other})
        assert ready(serving.look(*ACCOUNT)) == (False, "InUse")
    serving.change(*ACCOUNT, "metadata.annotations", {"alphatrade.io/abandon": code})
    assert ready(serving.look(*ACCOUNT)) == (False, "Deleting")


def test_in_use_without_its_gateway_gets_another(serving):
    serving.delete(*ACCOUNT)
    serving.gone(*ACCOUNT)
    del serving.objects[("StatefulSet", "desk", serving.child(*ACCOUNT).name)]
    plan = serving.look(*ACCOUNT)
    assert (ready(plan), plan.finalizers) == ((False, "InUse"), (ORDERLY_EXIT,))
    assert of_kind(plan, "StatefulSet")[0]["spec"]["replicas"] == 1


def test_deleting_what_never_was_goes_at_once(world):
    world.change(*ACCOUNT, "paper.initialCash", 5)
    world.delete(*ACCOUNT)
    assert world.look(*ACCOUNT).finalizers == ()


def test_steady_serving_asks_for_nothing(serving):
    serving.look(*ACCOUNT)
    plan = serving.look(*ACCOUNT)
    if plan.pushes:
        serving.answer(plan.pushes[0], "Applied")
        serving.look(*ACCOUNT)
        plan = serving.look(*ACCOUNT)
    assert (plan.pushes, plan.deletions) == ((), ())
    assert serving.look(*ACCOUNT) == plan
