"""Gather what a KillSwitch's decision needs: whom it means, and who has said that it has obeyed."""

from collections.abc import Iterator
from dataclasses import dataclass

from alphatrade.names import child_name
from alphatrade.v1.control_pb2 import Acknowledgement
from alphatrade_operator.core.live import Meta, meta_of, read
from alphatrade_operator.core.model import Metadata
from alphatrade_operator.core.plan import Finding, Key, Manifest, View
from alphatrade_operator.core.selector import LabelSelector, selectable_labels
from alphatrade_operator.kill_switch.model import KillSwitch


@dataclass(frozen=True, slots=True)
class Runtime:
    """A strategy that the switch means, or that it has stopped. latency_ms: of its obeying; None while silent."""

    namespace: str
    name: str
    latency_ms: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """meta: of the switch.  runtimes: by namespace and name."""

    meta: Meta
    switch: KillSwitch | Finding
    operator_namespace: str
    runtimes: tuple[Runtime, ...]


def gather(view: View, key: Key) -> Facts:
    """Gather the facts of a KillSwitch that is there."""
    manifest = view.get(key.kind, key.namespace, key.name)
    if manifest is None:
        raise KeyError(key)
    switch, namespace = read(KillSwitch, manifest), view.settings.operator_namespace
    meta = meta_of(manifest)
    runtimes = () if isinstance(switch, Finding) else tuple(_runtimes(view, meta, switch, namespace))
    return Facts(meta, switch, namespace, runtimes)


def referrers(view: View, key: Key) -> Iterator[Key]:
    """Yield nobody: runtimes read kill switches themselves."""
    return iter(())


def switches_about(view: View, namespace: str) -> Iterator[Key]:
    """Yield the kill switches whose status a strategy of a namespace is part of."""
    for home in dict.fromkeys((namespace, view.settings.operator_namespace)):
        for manifest in view.list("KillSwitch", home):
            yield Key("KillSwitch", home, manifest["metadata"]["name"])


def _runtimes(view: View, meta: Meta, switch: KillSwitch, operator_namespace: str) -> Iterator[Runtime]:
    """Yield the strategies that match now, and those that say that this switch has stopped them."""
    everywhere = switch.spec.scope == "Cluster" and meta.namespace == operator_namespace
    for strategy in view.list("Strategy", None if everywhere else meta.namespace):
        who = meta_of(strategy)
        acknowledged = _acknowledgement(view, who, meta)
        if _matches(switch.spec.selector, strategy) or acknowledged is not None:
            obeyed = acknowledged is not None and acknowledged.generation >= meta.generation
            yield Runtime(who.namespace, who.name, acknowledged.latency_ms if acknowledged and obeyed else None)


def _matches(selector: LabelSelector, strategy: Manifest) -> bool:
    meta = meta_of(strategy)
    metadata = Metadata.model_construct(name=meta.name, namespace=meta.namespace, labels=dict(meta.labels))
    return selector.matches(selectable_labels(metadata))


def _acknowledgement(view: View, strategy: Meta, switch: Meta) -> Acknowledgement | None:
    status = view.pod_status(strategy.namespace, child_name("st", strategy.name, strategy.uid))
    if status is None or not status.HasField("strategy"):
        return None
    found = [one for one in status.strategy.acknowledged if one.uid == switch.uid]
    return max(found, key=lambda one: one.generation, default=None)
