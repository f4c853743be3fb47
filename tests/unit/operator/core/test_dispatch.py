"""Whom a change concerns."""

import random
import tracemalloc
from typing import Any

import pytest

from alphatrade.names import KIND_LABEL, OWNER_LABEL
from alphatrade_operator.core.dispatch import concerned, is_in_reach, is_trading, owner_of
from alphatrade_operator.core.plan import Key
from alphatrade_operator.core.queue import KeyQueue
from alphatrade_operator.kube.dispatch import Dispatcher
from alphatrade_operator.kube.store import Store
from alphatrade_operator.reconcilers import RECONCILERS
from unit.operator.cache import Cache, namespace, resource


def child(kind, owner, home="desk"):
    metadata = {"name": "c", "namespace": home, "labels": {KIND_LABEL: kind, OWNER_LABEL: owner}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


def config_map(name):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "desk"}}


def strategy(name="alpha", template="law", home="desk", **metadata):
    references = {"riskTemplateRef": template, "marketDataFeedRef": "feed", "brokerConnectionRef": "account"}
    spec: dict[str, Any] = {field: {"name": value} for field, value in references.items()}
    spec["plugins"] = [{"name": "x", "configMapRef": {"name": f"{name}-plugin", "key": "x.py"}}]
    return resource("Strategy", name, home, spec, resourceVersion="1", **metadata)


@pytest.mark.parametrize(
    ("manifest", "key"),
    [
        (child("strategy", "alpha"), Key("Strategy", "desk", "alpha")),
        (child("feed", "f"), Key("MarketDataFeed", "desk", "f")),
        (child("broker", "b"), Key("BrokerConnection", "desk", "b")),
        (child("namespace", "desk"), Key("Namespace", "", "desk")),
        (child("unknown", "x"), None),
        (child("strategy", ""), None),
        (resource("Strategy", "alpha"), None),
    ],
)
def test_a_child_says_whose_it_is(manifest, key):
    assert owner_of(manifest) == key


@pytest.mark.parametrize(
    ("changed", "concerns"),
    [
        (resource("RiskTemplate", "law"), {"RiskTemplate/law", "Strategy/alpha", "BrokerConnection/account"}),
        (resource("MarketDataFeed", "feed"), {"MarketDataFeed/feed", "Strategy/alpha", "BrokerConnection/account"}),
        (resource("BrokerConnection", "account"), {"BrokerConnection/account", "Strategy/alpha"}),
        (
            strategy(),
            {
                "Strategy/alpha", "RiskTemplate/law", "MarketDataFeed/feed", "BrokerConnection/account",
                "KillSwitch/stop",
            },
        ),
        (resource("KillSwitch", "stop"), {"KillSwitch/stop"}),
        (resource("Replay", "r"), {"Replay/r"}),
        (resource("PolicyLedgerEntry", "ple-1"), set()),
        (config_map("alpha-plugin"), {"Strategy/alpha"}),
        (config_map("kube-root-ca.crt"), set()),
        (child("strategy", "alpha"), {"Strategy/alpha"}),
        (namespace("desk"), {
            "Namespace/desk", "Strategy/alpha", "RiskTemplate/law", "MarketDataFeed/feed", "BrokerConnection/account",
            "KillSwitch/stop",
        }),
    ],
)  # fmt: skip
def test_a_change_concerns_the_object_and_whoever_reads_it(changed, concerns):
    cache = Cache(
        strategy(),
        strategy("other", "otherlaw", "elsewhere"),
        resource("RiskTemplate", "law"),
        resource("MarketDataFeed", "feed"),
        resource("BrokerConnection", "account", spec={"riskTemplateRef": {"name": "law"}}),
        resource("KillSwitch", "stop", spec={"mode": "Armed"}),
    )
    assert {f"{key.kind}/{key.name}" for key in concerned(cache, changed, RECONCILERS)} == concerns


@pytest.mark.parametrize(
    ("labelled", "named", "trading", "reach"),
    [(True, (), True, True), (False, (), False, True), (True, ("desk",), True, True), (True, ("x",), False, False)],
)
def test_where_trading_is(labelled, named, trading, reach):
    cache = Cache(namespace("desk", labelled), namespaces=named)
    assert is_trading(cache, "desk") == trading
    assert is_in_reach(cache, Key("Strategy", "desk", "a")) == reach


def test_the_operators_namespace_is_always_in_reach():
    assert is_in_reach(Cache(namespaces=("x",), operator_namespace="sys"), Key("KillSwitch", "sys", "a"))


class Scene:
    """A dispatcher over a store, and what it put on the queue."""

    def __init__(self):
        self.store, self.cache = Store(), Cache()
        self.cache.get, self.cache.list = self.store.get, self.store.list  # type: ignore[method-assign,assignment]
        self.now_s = 0.0
        self.queue: KeyQueue[Key] = KeyQueue(lambda: self.now_s, random.random)
        self.dispatcher = Dispatcher(self.store, self.cache, self.queue, RECONCILERS)

    def queued(self):
        """Return what is due within a second."""
        self.now_s += 1.0
        found = set()
        while (key := self.queue.take()) is not None:
            found.add(f"{key.kind}/{key.name}")
            self.queue.succeed(key, None)
        return found


def test_news_of_many_strategies_has_a_switch_looked_at_once_and_its_own_at_once():
    scene = Scene()
    scene.dispatcher.observe("KillSwitch", resource("KillSwitch", "stop", resourceVersion="1"))
    assert scene.queue.take() == Key("KillSwitch", "desk", "stop")
    scene.queue.succeed(Key("KillSwitch", "desk", "stop"), None)
    for number in range(5):
        scene.dispatcher.observe("Strategy", strategy(f"st-{number}"))
    assert "KillSwitch" not in {key.kind for key in iter(scene.queue.take, None)}
    scene.now_s += 0.1
    assert scene.queue.take() == Key("KillSwitch", "desk", "stop")


def test_a_reference_that_is_taken_away_concerns_the_one_it_named():
    scene = Scene()
    for name in ("law", "tight"):
        scene.dispatcher.observe("RiskTemplate", resource("RiskTemplate", name, resourceVersion="1"))
    scene.dispatcher.observe("Strategy", strategy())
    scene.queued()
    moved = strategy(template="tight")
    moved["metadata"]["resourceVersion"] = "2"
    scene.dispatcher.observe("Strategy", moved)
    assert {"RiskTemplate/law", "RiskTemplate/tight", "Strategy/alpha"} <= scene.queued()


def written(manifest, version, **status):
    """Return an object after its status was written."""
    metadata = {**manifest["metadata"], "resourceVersion": str(version)}
    return {**manifest, "metadata": metadata, "status": {**manifest.get("status", {}), **status}}


def test_a_snapshot_of_what_moves_concerns_the_strategy_alone():
    scene = Scene()
    scene.dispatcher.observe("RiskTemplate", resource("RiskTemplate", "law", resourceVersion="1"))
    scene.dispatcher.observe("Strategy", strategy())
    scene.queued()
    scene.dispatcher.observe("Strategy", written(strategy(), 2, pnl="3", orders=7))
    assert scene.queued() == {"Strategy/alpha"}
    scene.dispatcher.observe("Strategy", written(strategy(), 3, pnl="3", orders=7, phase="Halted"))
    assert scene.queued() == {"Strategy/alpha", "RiskTemplate/law"}


def test_who_uses_a_template_does_not_concern_its_users_and_the_law_in_force_does():
    scene = Scene()
    law = resource("RiskTemplate", "law", resourceVersion="1")
    scene.dispatcher.observe("RiskTemplate", law)
    scene.dispatcher.observe("Strategy", strategy())
    scene.queued()
    scene.dispatcher.observe("RiskTemplate", written(law, 2, userCount=1))
    assert scene.queued() == {"RiskTemplate/law"}
    scene.dispatcher.observe("RiskTemplate", written(law, 3, effective={"limits": {}}))
    assert scene.queued() == {"RiskTemplate/law", "Strategy/alpha"}


@pytest.mark.parametrize(("kind", "name"), [("MarketDataFeed", "feed"), ("BrokerConnection", "account")])
def test_what_a_gateway_reports_does_not_concern_its_users_and_its_wish_does(kind, name):
    scene = Scene()
    gateway = resource(kind, name, resourceVersion="1", generation=1)
    scene.dispatcher.observe(kind, gateway)
    scene.dispatcher.observe("Strategy", strategy())
    scene.queued()
    scene.dispatcher.observe(kind, written(gateway, 2, rows=10, connected=True))
    assert scene.queued() == {f"{kind}/{name}"}
    wished = {**gateway, "spec": {"other": "wish"}}
    scene.dispatcher.observe(kind, written(wished, 3))
    assert {f"{kind}/{name}", "Strategy/alpha"} <= scene.queued()
    going = {**wished, "metadata": {**wished["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    scene.dispatcher.observe(kind, written(going, 4))
    assert "Strategy/alpha" in scene.queued()


def test_a_strategy_concerns_what_it_names_and_no_neighbour_of_that():
    scene = Scene()
    for number in range(3):
        scene.dispatcher.observe("RiskTemplate", resource("RiskTemplate", f"law-{number}", resourceVersion="1"))
    scene.queued()
    scene.dispatcher.observe("Strategy", strategy(template="law-1"))
    assert scene.queued() == {"Strategy/alpha", "RiskTemplate/law-1"}


@pytest.mark.parametrize("listed", [(), ("tight",)], ids=["gone", "moved"])
def test_a_list_that_shows_another_reference_or_none_concerns_the_one_it_named(listed):
    scene = Scene()
    scene.dispatcher.observe("Strategy", strategy())
    scene.queued()
    found = [written(strategy(template=template), 5) for template in listed]
    scene.dispatcher.relisted("Strategy", found, list_version=9)
    assert "RiskTemplate/law" in scene.queued()


@pytest.mark.parametrize("spec", [{}, {"riskTemplateRef": None}, {"riskTemplateRef": {"name": 7}}, None])
def test_a_strategy_that_names_nothing_concerns_itself(spec):
    scene = Scene()
    scene.dispatcher.observe("Strategy", {**strategy(), "spec": spec})
    assert scene.queued() == {"Strategy/alpha"}


def test_an_object_that_goes_concerns_those_who_read_it():
    scene = Scene()
    law = resource("RiskTemplate", "law", resourceVersion="1")
    scene.dispatcher.observe("RiskTemplate", law)
    scene.dispatcher.observe("Strategy", strategy())
    scene.queued()
    scene.dispatcher.lost("RiskTemplate", law)
    assert "Strategy/alpha" in scene.queued()


def test_a_status_that_changes_all_the_time_takes_no_more_memory():
    scene = Scene()

    def update(first, last):
        for version in range(first, last):
            scene.dispatcher.observe("Strategy", written(strategy(), version, pnl=str(version)))
            scene.now_s += 1.0
            while (key := scene.queue.take()) is not None:
                scene.queue.succeed(key, 43_200.0)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = update(1, 2_000)  # until free lists are filled
        assert update(2_000, 6_000) < before + 50_000
    finally:
        tracemalloc.stop()


def test_old_news_queues_nobody():
    scene = Scene()
    scene.dispatcher.observe("Strategy", strategy())
    scene.queued()
    scene.dispatcher.observe("Strategy", strategy())
    assert scene.queued() == set()


def test_a_list_corrects_and_queues():
    scene = Scene()
    scene.dispatcher.observe("Strategy", strategy())
    scene.queued()
    assert scene.dispatcher.relisted("Strategy", [], 5) == 1
    assert "Strategy/alpha" in scene.queued()


def test_another_authority_concerns_everybody():
    scene = Scene()
    scene.dispatcher.observe("Strategy", strategy())
    scene.queued()
    labels = {KIND_LABEL: "authority", OWNER_LABEL: "alphatrade-ca"}
    metadata = {"name": "alphatrade-ca", "namespace": "sys", "labels": labels, "resourceVersion": "7"}
    scene.dispatcher.observe("Secret", {"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
    assert scene.queued() == {"Strategy/alpha"}


def test_what_a_pod_says_concerns_kill_switches_only_when_it_matters():
    scene = Scene()
    scene.dispatcher.observe("Strategy", strategy())
    scene.dispatcher.observe("KillSwitch", resource("KillSwitch", "stop", resourceVersion="1"))
    scene.queued()
    owner = Key("Strategy", "desk", "alpha")
    scene.dispatcher.reported(owner, False, 30.0)
    assert scene.queued() == set()
    scene.dispatcher.reported(owner, True, 0.0)
    assert {"Strategy/alpha", "KillSwitch/stop"} <= scene.queued()
