"""Every kind that is reconciled, and whom its changes concern. Each kind's folder adds its line here."""

from collections.abc import Iterator, Mapping

from alphatrade_operator.artifact_store import ARTIFACT_CLAIM
from alphatrade_operator.broker import facts as broker_facts
from alphatrade_operator.broker import handlers as broker
from alphatrade_operator.core.live import key_of, wish_and_identity
from alphatrade_operator.core.plan import Key, View
from alphatrade_operator.core.reconciler import Reconciler
from alphatrade_operator.exploration_budget import facts as exploration_budget_facts
from alphatrade_operator.exploration_budget import handlers as exploration_budget
from alphatrade_operator.feed import facts as feed_facts
from alphatrade_operator.feed import handlers as feed
from alphatrade_operator.kill_switch import facts as kill_switch_facts
from alphatrade_operator.kill_switch import handlers as kill_switch
from alphatrade_operator.later import handlers as later
from alphatrade_operator.later.decide import COMES_WITH
from alphatrade_operator.namespace import facts as namespace_facts
from alphatrade_operator.namespace import handlers as namespace
from alphatrade_operator.risk_template import facts as risk_template_facts
from alphatrade_operator.risk_template import handlers as risk_template
from alphatrade_operator.strategy import facts as strategy_facts
from alphatrade_operator.strategy import handlers as strategy


def _of_strategy(view: View, key: Key) -> Iterator[Key]:
    yield from kill_switch_facts.switches_about(view, key.namespace)


def _of_feed(view: View, key: Key) -> Iterator[Key]:
    yield from feed_facts.referrers(view, key)
    yield from _all(view, "BrokerConnection", key.namespace)  # their exchanges read the feeds of their strategies


def _of_config_map(view: View, key: Key) -> Iterator[Key]:
    yield from strategy_facts.with_plugins_from(view, key)


def _of_claim(view: View, key: Key) -> Iterator[Key]:
    yield from _all(view, "MarketDataFeed", key.namespace)  # whose tapes lie there
    yield from _all(view, "Strategy", key.namespace)


def _of_definition(view: View, key: Key) -> Iterator[Key]:
    yield from _all(view, "Namespace", None)  # whether there are PodMonitors


def _all(view: View, kind: str, namespace: str | None) -> Iterator[Key]:
    for manifest in view.list(kind, namespace):
        yield key_of(manifest)


RECONCILERS: Mapping[str, Reconciler] = {
    reconciler.kind: reconciler
    for reconciler in (
        Reconciler("Namespace", namespace.reconcile, namespace_facts.referrers),
        Reconciler(
            "RiskTemplate",
            risk_template.reconcile,
            risk_template_facts.referrers,
            risk_template_facts.read_by_others,
        ),
        Reconciler(
            "ExplorationBudget",
            exploration_budget.reconcile,
            exploration_budget_facts.referrers,
            wish_and_identity,
        ),
        Reconciler("MarketDataFeed", feed.reconcile, _of_feed, wish_and_identity),
        Reconciler("BrokerConnection", broker.reconcile, broker_facts.referrers, wish_and_identity),
        Reconciler(
            "Strategy",
            strategy.reconcile,
            _of_strategy,
            strategy_facts.read_by_others,
            strategy_facts.refers_to,
        ),
        Reconciler("KillSwitch", kill_switch.reconcile, kill_switch_facts.referrers),
        *(Reconciler(kind, later.reconcile, later.referrers) for kind in COMES_WITH),
        Reconciler("ConfigMap", None, _of_config_map),
        Reconciler(ARTIFACT_CLAIM, None, _of_claim),
        Reconciler("CustomResourceDefinition", None, _of_definition),
    )
}
