"""Gather what a namespace's decision needs."""

from collections.abc import Iterator
from dataclasses import dataclass

from alphatrade_operator.core.dispatch import is_trading
from alphatrade_operator.core.live import Meta, meta_of
from alphatrade_operator.core.plan import Key, View

POD_MONITOR_DEFINITION = "podmonitors.monitoring.coreos.com"


@dataclass(frozen=True, slots=True)
class Facts:
    """meta: of the namespace.  of_operator: it is the operator's own.  monitored: the server knows PodMonitors."""

    meta: Meta
    trading: bool
    of_operator: bool
    operator_namespace: str
    monitored: bool


def gather(view: View, key: Key) -> Facts:
    """Gather the facts of a namespace that is there."""
    manifest = view.get(key.kind, "", key.name)
    if manifest is None:
        raise KeyError(key)
    return Facts(
        meta=meta_of(manifest),
        trading=is_trading(view, key.name),
        of_operator=key.name == view.settings.operator_namespace,
        operator_namespace=view.settings.operator_namespace,
        monitored=view.get("CustomResourceDefinition", "", POD_MONITOR_DEFINITION) is not None,
    )


def referrers(view: View, key: Key) -> Iterator[Key]:
    """Yield the resources in a namespace: whether it is one for trading decides on all of them."""
    for kind in ("Strategy", "RiskTemplate", "KillSwitch", "MarketDataFeed", "BrokerConnection"):
        for manifest in view.list(kind, key.name):
            yield Key(kind, key.name, manifest["metadata"]["name"])
