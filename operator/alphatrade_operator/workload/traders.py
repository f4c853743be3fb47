"""Read the Strategies that share an account or a gateway. From the cache, nothing else."""

from collections.abc import Iterator

from alphatrade_operator.core.live import meta_of, named_by
from alphatrade_operator.core.plan import View
from alphatrade_operator.workload.child import child_of
from alphatrade_operator.workload.live import observe
from alphatrade_operator.workload.roll import Trader


def traders(view: View, namespace: str, reference: str, name: str) -> Iterator[Trader]:
    """Yield the Strategies whose spec refers to an object. reference: such as brokerConnectionRef."""
    for manifest in view.list("Strategy", namespace):
        if named_by(manifest, reference) == name:
            meta = meta_of(manifest)
            yield Trader(meta.name, meta, observe(view, child_of("strategy", manifest)))


def referred(view: View, namespace: str, reference: str, name: str, other: str) -> Iterator[str]:
    """Yield what the Strategies that refer to an object refer to as well. other: such as brokerConnectionRef."""
    found = (one for one in view.list("Strategy", namespace) if named_by(one, reference) == name)
    others = (named_by(manifest, other) for manifest in found)
    yield from sorted({one for one in others if one})
