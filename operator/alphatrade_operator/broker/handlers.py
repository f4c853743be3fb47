"""Reconcile a BrokerConnection."""

from datetime import datetime

from alphatrade_operator.broker.decide import decide
from alphatrade_operator.broker.facts import gather
from alphatrade_operator.core.plan import Key
from alphatrade_operator.core.reconciler import Cluster


async def reconcile(key: Key, cluster: Cluster, now: datetime) -> float | None:
    """Look at a BrokerConnection once; return the seconds until the next look."""
    facts = gather(cluster.view, key)
    plan = decide(facts, now)
    return await cluster.apply(key, plan)
