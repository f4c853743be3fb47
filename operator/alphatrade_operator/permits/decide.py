"""Decide whether a strategy may explore, how much, and for how long; the first fault found is the answer. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from alphatrade_operator.core.plan import Finding
from alphatrade_operator.exploration_budget.model import MOST_BPS, ExplorationBudget
from alphatrade_operator.permits.facts import Facts
from alphatrade_operator.strategy.model import Strategy


@dataclass(frozen=True, slots=True)
class Permit:
    """share_bps: of the flow; 0 is no permit, and `reason` says why.  ttl_ns: 0 where no budget says it."""

    share_bps: int
    ttl_ns: int
    reason: str
    message: str


def decide(facts: Facts) -> Permit:
    """Return the answer."""
    budget = facts.budget if isinstance(facts.budget, ExplorationBudget) else None
    ttl_ns = budget.spec.permit_ttl_ns if budget is not None else 0
    finding = next((found for find in CHECKS if (found := find(facts))), None)
    if finding is not None or budget is None:
        reason, message = (finding.reason, finding.message) if finding else ("BudgetMissing", "no budget")
        return Permit(0, ttl_ns, reason, message)
    return Permit(budget.spec.max_flow_share_bps, ttl_ns, "", "")


def not_leading(facts: Facts) -> Finding | None:
    """Who stands by permits nothing."""
    return None if facts.leads else Finding("NotLeading", "this operator does not hold the Lease")


def not_synced(facts: Facts) -> Finding | None:
    """Who has not seen everything yet knows nobody's flag and nobody's budget."""
    return None if facts.synced else Finding("CacheNotSynced", "this operator does not know the cluster yet")


def epoch_too_high(facts: Facts) -> Finding | None:
    """The runtime has seen a later operator: this one has been replaced, whatever it takes itself for."""
    if facts.asked <= facts.epoch:
        return None
    return Finding("EpochTooHigh", f"the runtime obeys epoch {facts.asked}, this operator has {facts.epoch}")


def epoch_too_low(facts: Facts) -> Finding | None:
    """The runtime does not know this operator yet; it learns the epoch from the answer, and asks again."""
    if facts.asked >= facts.epoch:
        return None
    return Finding("EpochTooLow", f"the runtime obeys epoch {facts.asked}, this operator has {facts.epoch}")


def unknown_identity(facts: Facts) -> Finding | None:
    """A certificate of another kind, of a Strategy that is gone, or of an earlier one of the same name."""
    return Finding("UnknownIdentity", "no Strategy has this identity") if facts.strategy is None else None


def unreadable(facts: Facts) -> Finding | None:
    """A Strategy that this version cannot read says nothing."""
    return facts.strategy if isinstance(facts.strategy, Finding) else None


def live_mode(facts: Facts) -> Finding | None:
    """Live modes do not explore."""
    if not isinstance(facts.strategy, Strategy) or facts.strategy.spec.mode in MOST_BPS:
        return None
    return Finding("LiveMode", f"mode {facts.strategy.spec.mode} does not explore")


def flag_off(facts: Facts) -> Finding | None:
    """The flag must be on, and within the operator's ceiling."""
    if not isinstance(facts.strategy, Strategy):
        return None
    if not facts.strategy.spec.feature_flags.exploration:
        return Finding("FlagOff", "spec.featureFlags.exploration is false")
    if not facts.ceilings.exploration:
        return Finding("FlagNotAllowed", "the operator's ceiling keeps spec.featureFlags.exploration off")
    return None


def budget_missing(facts: Facts) -> Finding | None:
    """A budget must be named, be there, be readable, and stay."""
    if facts.budget is None:
        return Finding("BudgetNotNamed", "spec.explorationBudgetRef: missing; name an ExplorationBudget")
    return facts.budget if isinstance(facts.budget, Finding) else None


def no_share(facts: Facts) -> Finding | None:
    """A budget of nothing is how people freeze it."""
    if not isinstance(facts.budget, ExplorationBudget) or facts.budget.spec.max_flow_share_bps > 0:
        return None
    return Finding("NoShare", "spec.maxFlowShareBps is 0; raise it to let strategies explore")


def silent(facts: Facts) -> Finding | None:
    """Of a pod that says nothing nobody knows whether it drifts."""
    return None if facts.said is not None else Finding("NotReporting", "its pod has not said lately what it does")


def frozen(facts: Facts) -> Finding | None:
    """What froze it in the runtime is not renewed; the runtime lets go of it after its quiet decisions."""
    causes = list(facts.said.exploration.frozen) if facts.said is not None else []
    return Finding(causes[0], f"frozen by {', '.join(causes)}") if causes else None


CHECKS: tuple[Callable[[Facts], Finding | None], ...] = (
    not_leading,
    not_synced,
    epoch_too_high,
    epoch_too_low,
    unknown_identity,
    unreadable,
    live_mode,
    flag_off,
    budget_missing,
    no_share,
    silent,
    frozen,
)
