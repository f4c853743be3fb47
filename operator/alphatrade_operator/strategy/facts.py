"""Gather what a Strategy's decision needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from alphatrade.config import BrokerConfig
from alphatrade_operator.artifact_store import access_modes
from alphatrade_operator.broker.model import BrokerConnection
from alphatrade_operator.broker.render import render_exchange
from alphatrade_operator.core.dispatch import is_going
from alphatrade_operator.core.explain import nearest, shown
from alphatrade_operator.core.live import Meta, ResourceT, key_of, meta_of, named_by, read, ref_of, status_of
from alphatrade_operator.core.model import API_VERSION, Metadata
from alphatrade_operator.core.plan import Finding, Key, Manifest, ObjectRef, View
from alphatrade_operator.exploration_budget.model import ExplorationBudget
from alphatrade_operator.feed.gateway import render_config
from alphatrade_operator.feed.model import MarketDataFeed
from alphatrade_operator.risk_template.facts import effective_template
from alphatrade_operator.risk_template.model import RiskTemplate
from alphatrade_operator.session import Parts
from alphatrade_operator.settings import Settings
from alphatrade_operator.strategy.children import cluster_binding_name
from alphatrade_operator.strategy.model import Strategy
from alphatrade_operator.strategy.report import MOVING
from alphatrade_operator.strategy.status import StrategyStatus
from alphatrade_operator.workload.child import Child, child_of
from alphatrade_operator.workload.live import Live, observe
from alphatrade_operator.workload.report import last_status
from alphatrade_operator.workload.roll import Trader
from alphatrade_operator.workload.traders import traders

_OF_WRITES = ("resourceVersion", "managedFields")
_MOVING = frozenset(StrategyStatus.model_fields[name].alias or name for name in MOVING)
_NEIGHBOURS = {
    "MarketDataFeed": "marketDataFeedRef",
    "BrokerConnection": "brokerConnectionRef",
    "RiskTemplate": "riskTemplateRef",
    "ExplorationBudget": "explorationBudgetRef",
}


@dataclass(frozen=True, slots=True)
class References:
    """What a Strategy refers to. template: with the law in force, not the one that its spec asks for.

    changing: which of feed and account has yet to be replaced by what its spec says, as Kind/name; None for none.
    account_law: the account's own template with the law in force; None where it has none that can be read.
    claim: access modes of the artifact store's claim, where the feed reads a tape from one that is there.
    """

    parts: Parts
    feed: Child
    broker: Child
    changing: str | None
    account_law: RiskTemplate | None
    claim: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Facts:
    """meta: of the Strategy.  before: its status as last written.

    plugin_maps: keys of the ConfigMaps that plug-ins name; None where there is no such ConfigMap.
    bindings: RoleBindings in the operator's namespace, which no owner reference can take along.
    namespace_goes: it is being deleted, and no pod can be made in it any more.
    law: what the API server does not enforce; None while its policies are whole.
    others: the other Strategies of its account, where it is to be rolled: looked at by each of many they are a square.
    """

    meta: Meta
    child: Child
    strategy: Strategy | Finding
    references: References | Finding
    plugin_maps: Mapping[str, frozenset[str] | None]
    bindings: tuple[ObjectRef, ...]
    live: Live
    others: tuple[Trader, ...]
    before: StrategyStatus
    settings: Settings
    namespace_goes: bool
    law: Finding | None


def gather(view: View, key: Key) -> Facts:
    """Gather the facts of a Strategy that is there."""
    manifest = view.get(key.kind, key.namespace, key.name)
    if manifest is None:
        raise KeyError(key)
    child, strategy = child_of("strategy", manifest), read(Strategy, manifest)
    live = observe(view, child)
    return Facts(
        meta=meta_of(manifest),
        child=child,
        strategy=strategy,
        references=strategy if isinstance(strategy, Finding) else _references(view, key.namespace, strategy),
        plugin_maps={} if isinstance(strategy, Finding) else _plugin_maps(view, key.namespace, strategy),
        bindings=_bindings(view, child),
        live=live,
        others=_others(view, key, strategy) if live.outdated and not isinstance(strategy, Finding) else (),
        before=last_status(StrategyStatus, manifest),
        settings=view.settings,
        namespace_goes=is_going(view, key.namespace),
        law=view.law,
    )


def refers_to(manifest: Manifest) -> Iterator[Key]:
    """Yield what a Strategy names: ten thousand of a tenant's are not each other's neighbours."""
    for kind, field in _NEIGHBOURS.items():
        name = named_by(manifest, field)
        if name is not None:
            yield Key(kind, manifest["metadata"].get("namespace", ""), name)


def with_plugins_from(view: View, key: Key) -> Iterator[Key]:
    """Yield the strategies that name a ConfigMap in a plug-in."""
    for manifest in view.list("Strategy", key.namespace):
        references = (plugin.get("configMapRef") or {} for plugin in (manifest.get("spec") or {}).get("plugins") or ())
        if any(reference.get("name") == key.name for reference in references):
            yield key_of(manifest)


def read_by_others(manifest: Manifest) -> object:
    """Return all of a Strategy but what its runtime reports anew all the time, and which write it was."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in _OF_WRITES}
    status = {name: value for name, value in status_of(manifest).items() if name not in _MOVING}
    return manifest.get("spec"), metadata, status


def _others(view: View, key: Key, strategy: Strategy) -> tuple[Trader, ...]:
    account = strategy.spec.broker_connection_ref.name
    found = traders(view, key.namespace, "brokerConnectionRef", account)
    return tuple(trader for trader in found if trader.name != key.name)


def _references(view: View, namespace: str, strategy: Strategy) -> References | Finding:
    spec = strategy.spec
    feed = _referred(view, namespace, MarketDataFeed, "marketDataFeedRef", spec.market_data_feed_ref.name)
    if isinstance(feed, Finding):
        return feed
    broker = _referred(view, namespace, BrokerConnection, "brokerConnectionRef", spec.broker_connection_ref.name)
    if isinstance(broker, Finding):
        return broker
    template = _template(view, namespace, spec.risk_template_ref.name)
    if isinstance(template, Finding):
        return template
    budget = _budget(view, namespace, strategy)
    if isinstance(budget, Finding):
        return budget
    parts = Parts(strategy, feed[1], broker[1], template, budget, by_permit=budget is not None)
    feed_child, broker_child = child_of("feed", feed[0]), child_of("broker", broker[0])
    return References(
        parts=parts,
        feed=feed_child,
        broker=broker_child,
        changing=_changing(view, parts, feed_child, broker_child),
        account_law=_account_law(view, namespace, broker[1]),
        claim=access_modes(view, namespace) if feed[1].spec.tape else None,
    )


def _referred(
    view: View, namespace: str, model: type[ResourceT], field: str, name: str
) -> tuple[Manifest, ResourceT] | Finding:
    kind = model.__name__
    manifest = view.get(kind, namespace, name)
    if manifest is None:
        known = [other["metadata"]["name"] for other in view.list(kind, namespace)]
        text = f"spec.{field}.name: no {kind} {shown(name)} in namespace {namespace}; {nearest(name, known)}"
        return Finding("ReferenceNotFound", f"{text}; add it, or correct the name")
    resource = read(model, manifest)
    if isinstance(resource, Finding):
        return Finding("ReferenceInvalid", f"spec.{field}: {kind}/{name}: {resource.message}")
    return manifest, resource


def _template(view: View, namespace: str, name: str) -> RiskTemplate | Finding:
    law = effective_template(view, namespace, name)
    if isinstance(law, Finding) and view.get("RiskTemplate", namespace, name) is not None:
        return Finding("ReferenceInvalid", f"spec.riskTemplateRef: RiskTemplate/{name}: {law.message}")
    if isinstance(law, Finding):
        known = [other["metadata"]["name"] for other in view.list("RiskTemplate", namespace)]
        text = f"spec.riskTemplateRef.name: no RiskTemplate {shown(name)} in namespace {namespace}"
        return Finding("ReferenceNotFound", f"{text}; {nearest(name, known)}; add it, or correct the name")
    metadata = Metadata(name=name, namespace=namespace)
    return RiskTemplate(apiVersion=API_VERSION, kind="RiskTemplate", metadata=metadata, spec=law)


def _budget(view: View, namespace: str, strategy: Strategy) -> ExplorationBudget | Finding | None:
    """Return the budget of a Strategy that may explore; one that does not may name what it likes."""
    reference, allowed = strategy.spec.exploration_budget_ref, view.settings.feature_flag_ceilings.exploration
    if reference is None or not strategy.spec.feature_flags.exploration or not allowed:
        return None
    found = _referred(view, namespace, ExplorationBudget, "explorationBudgetRef", reference.name)
    if isinstance(found, Finding):
        return found
    if meta_of(found[0]).deleting:
        text = f"spec.explorationBudgetRef: ExplorationBudget/{reference.name} is being deleted; name another one"
        return Finding("ReferenceInvalid", text)
    return found[1]


def _account_law(view: View, namespace: str, broker: BrokerConnection) -> RiskTemplate | None:
    """Return the template of the account; what is wrong with it the BrokerConnection says."""
    reference = broker.spec.risk_template_ref
    found = _template(view, namespace, reference.name) if reference else None
    return None if isinstance(found, Finding) else found


def _changing(view: View, parts: Parts, feed: Child, broker: Child) -> str | None:
    """Say which gateway runs, and runs something else than its spec asks for."""
    feed_live, broker_live = observe(view, feed), observe(view, broker)
    if feed_live.status is not None and not feed_live.runs(render_config(feed, parts.feed.spec)):
        return f"MarketDataFeed/{feed.owner.name}"
    if broker_live.status is not None and _exchange_of(broker_live.document) != render_exchange(parts.broker.spec):
        return f"BrokerConnection/{broker.owner.name}"
    return None


def _exchange_of(document: bytes | None) -> Mapping[str, Any] | None:
    """Return the exchange of a gateway's configuration; None when it is none of this version."""
    try:
        return None if document is None else BrokerConfig.model_validate_json(document).exchange
    except ValidationError:
        return None


def _plugin_maps(view: View, namespace: str, strategy: Strategy) -> dict[str, frozenset[str] | None]:
    names = {plugin.config_map_ref.name for plugin in strategy.spec.plugins if plugin.config_map_ref}
    maps = {name: view.get("ConfigMap", namespace, name) for name in sorted(names)}
    return {name: None if found is None else frozenset(found.get("data") or {}) for name, found in maps.items()}


def _bindings(view: View, child: Child) -> tuple[ObjectRef, ...]:
    """Return the Strategy's RoleBinding in the operator's namespace, where that is not its own."""
    namespace = view.settings.operator_namespace
    found = view.get("RoleBinding", namespace, cluster_binding_name(child))
    return (ref_of(found),) if found is not None else ()
