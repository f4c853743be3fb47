"""Reconcile a resource of a kind whose controller is not built."""

from collections.abc import Iterator
from datetime import datetime

from alphatrade_operator.core.plan import Key, View
from alphatrade_operator.core.reconciler import Cluster
from alphatrade_operator.later.decide import decide


async def reconcile(key: Key, cluster: Cluster, now: datetime) -> float | None:
    """Look at a resource once."""
    return await cluster.apply(key, decide(key.kind, now))


def referrers(view: View, key: Key) -> Iterator[Key]:
    """Yield nobody: nothing reads it."""
    return iter(())
