"""Gather what the answer to a runtime that asks for a permit needs."""

from dataclasses import dataclass

from alphatrade.names import child_name, parse_identity
from alphatrade.v1.control_pb2 import StrategyStatus
from alphatrade_operator.core.live import meta_of, read
from alphatrade_operator.core.plan import Finding, Manifest, View
from alphatrade_operator.exploration_budget.model import ExplorationBudget
from alphatrade_operator.settings import FeatureFlagCeilings
from alphatrade_operator.strategy.model import Strategy


@dataclass(frozen=True, slots=True)
class Facts:
    """leads: this operator holds the Lease.  synced: its cache is complete.  epoch: its own; asked: the runtime's.

    strategy: of the very identity that asks, None where there is none.  budget: that it names; None where it names
    none, a Finding where there is none to be had.  said: what its pod said lately, None while it is silent.
    """

    leads: bool
    synced: bool
    epoch: int
    asked: int
    strategy: Strategy | Finding | None
    budget: ExplorationBudget | Finding | None
    said: StrategyStatus | None
    ceilings: FeatureFlagCeilings


def gather(view: View, identity: str, asked: int, *, leads: bool, synced: bool) -> Facts:
    """Gather the facts of who asks. identity: of the certificate; asked: the epoch that the runtime obeys."""
    manifest = _strategy(view, identity)
    strategy = None if manifest is None else read(Strategy, manifest)
    return Facts(
        leads=leads,
        synced=synced,
        epoch=view.epoch,
        asked=asked,
        strategy=strategy,
        budget=_budget(view, strategy) if isinstance(strategy, Strategy) else None,
        said=None if manifest is None else _said(view, manifest),
        ceilings=view.settings.feature_flag_ceilings,
    )


def budget_in_force(view: View, namespace: str, name: str) -> ExplorationBudget | Finding:
    """Return a budget that can be spent: one that is there, can be read, and is to stay."""
    manifest = view.get("ExplorationBudget", namespace, name)
    if manifest is None:
        return Finding("BudgetMissing", f"no ExplorationBudget {name!r} in namespace {namespace}; add it")
    if meta_of(manifest).deleting:
        return Finding("BudgetDeleting", f"ExplorationBudget/{name} is being deleted; name another one")
    budget = read(ExplorationBudget, manifest)
    if isinstance(budget, Finding):
        return Finding("BudgetInvalid", f"ExplorationBudget/{name}: {budget.message}")
    return budget


def _strategy(view: View, identity: str) -> Manifest | None:
    """Return the Strategy of an identity; another one of the same name is not meant."""
    parsed = parse_identity(identity)
    if parsed is None or parsed[1] != "strategy":
        return None
    namespace, _, name, uid = parsed
    manifest = view.get("Strategy", namespace, name)
    return manifest if manifest is not None and meta_of(manifest).uid == uid else None


def _budget(view: View, strategy: Strategy) -> ExplorationBudget | Finding | None:
    named = strategy.spec.exploration_budget_ref
    return None if named is None else budget_in_force(view, strategy.metadata.namespace, named.name)


def _said(view: View, manifest: Manifest) -> StrategyStatus | None:
    meta = meta_of(manifest)
    status = view.pod_status(meta.namespace, child_name("st", meta.name, meta.uid))
    return status.strategy if status is not None and status.HasField("strategy") else None
