"""Reconcile an ExplorationBudget."""

from datetime import datetime

from alphatrade_operator.core.plan import Key
from alphatrade_operator.core.reconciler import Cluster
from alphatrade_operator.exploration_budget.decide import decide
from alphatrade_operator.exploration_budget.facts import gather


async def reconcile(key: Key, cluster: Cluster, now: datetime) -> float | None:
    """Look at an ExplorationBudget once; return the seconds until the next look."""
    facts = gather(cluster.view, key)
    plan = decide(facts, now)
    return await cluster.apply(key, plan)
