"""Gather what an ExplorationBudget's decision needs: who refers to it, and what they explore."""

from collections.abc import Iterator
from dataclasses import dataclass

from alphatrade.names import identity
from alphatrade.v1.control_pb2 import ExplorationState
from alphatrade_operator.core.dispatch import is_decommissioned
from alphatrade_operator.core.live import Meta, meta_of, named_by, read
from alphatrade_operator.core.plan import Finding, Key, Manifest, View
from alphatrade_operator.exploration_budget.model import ExplorationBudget, ExplorationBudgetStatus
from alphatrade_operator.permits import facts as permits
from alphatrade_operator.permits.decide import Permit, decide
from alphatrade_operator.workload.report import last_status


@dataclass(frozen=True, slots=True)
class User:
    """A strategy that refers to the budget. said: what it explores; None while it does not tell, or does not explore.

    permit: what it would be answered now.
    """

    name: str
    said: ExplorationState | None
    permit: Permit


@dataclass(frozen=True, slots=True)
class Facts:
    """meta: of the budget.  users: by name.  before: its status as last written.

    decommissioned: its namespace was given up.  look_again_s: how often moving figures are written.
    """

    meta: Meta
    budget: ExplorationBudget | Finding
    users: tuple[User, ...]
    before: ExplorationBudgetStatus
    decommissioned: bool
    look_again_s: float


def gather(view: View, key: Key) -> Facts:
    """Gather the facts of an ExplorationBudget that is there."""
    manifest = view.get(key.kind, key.namespace, key.name)
    if manifest is None:
        raise KeyError(key)
    return Facts(
        meta=meta_of(manifest),
        budget=read(ExplorationBudget, manifest),
        users=tuple(_user(view, strategy) for strategy in _referring(view, key)),
        before=last_status(ExplorationBudgetStatus, manifest),
        decommissioned=is_decommissioned(view, key.namespace),
        look_again_s=view.settings.status_min_interval_s,
    )


def referrers(view: View, key: Key) -> Iterator[Key]:
    """Yield the strategies that refer to a budget."""
    for manifest in _referring(view, key):
        yield Key("Strategy", key.namespace, manifest["metadata"]["name"])


def _referring(view: View, key: Key) -> Iterator[Manifest]:
    for manifest in view.list("Strategy", key.namespace):
        if named_by(manifest, "explorationBudgetRef") == key.name:
            yield manifest


def _user(view: View, strategy: Manifest) -> User:
    meta = meta_of(strategy)
    who = identity(meta.namespace, "strategy", meta.name, meta.uid)
    facts = permits.gather(view, who, view.epoch, leads=True, synced=True)  # who decides here leads, and has seen all
    said = facts.said.exploration if facts.said is not None and facts.said.HasField("exploration") else None
    return User(meta.name, said, decide(facts))
