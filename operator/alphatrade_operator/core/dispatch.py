"""Whom a change concerns: the object itself, the owner of a child, and those whose decision reads it. Pure."""

from collections.abc import Iterator, Mapping

from alphatrade.names import DECOMMISSIONED, KIND_LABEL, OWNER_LABEL, TRADING_LABEL
from alphatrade_operator.core.live import key_of, meta_of
from alphatrade_operator.core.plan import Key, Manifest, View
from alphatrade_operator.core.reconciler import Reconciler

OWNER_KINDS = {
    "strategy": "Strategy",
    "feed": "MarketDataFeed",
    "broker": "BrokerConnection",
    "namespace": "Namespace",
}


def owner_of(manifest: Manifest) -> Key | None:
    """Return the key of a child's owner by its labels; None when it is none of our children."""
    meta = meta_of(manifest)
    kind, name = OWNER_KINDS.get(meta.labels.get(KIND_LABEL, "")), meta.labels.get(OWNER_LABEL)
    if kind is None or not name:
        return None
    return Key(kind, "" if kind == "Namespace" else meta.namespace, name)


def concerned(view: View, manifest: Manifest, reconcilers: Mapping[str, Reconciler]) -> Iterator[Key]:
    """Yield the keys to look at when an object has changed; twice the same is possible."""
    owner = owner_of(manifest)
    if owner is not None:
        yield owner
        return
    key = key_of(manifest)
    reconciler = reconcilers.get(key.kind)
    if reconciler is not None:
        if reconciler.reconcile is not None:
            yield key
        yield from (named for named in reconciler.refers_to(manifest) if _is_there(view, named))
        yield from reconciler.referrers(view, key)


def _is_there(view: View, key: Key) -> bool:
    return view.get(key.kind, key.namespace, key.name) is not None


def is_in_reach(view: View, key: Key) -> bool:
    """Whether the settings let this operator look at a key at all."""
    namespace, named = key.namespace or key.name, view.settings.namespaces
    return not named or namespace in named or namespace == view.settings.operator_namespace


def is_trading(view: View, namespace: str) -> bool:
    """Whether a namespace is one that strategies may trade in."""
    manifest = view.get("Namespace", "", namespace)
    named = not view.settings.namespaces or namespace in view.settings.namespaces
    return manifest is not None and named and meta_of(manifest).labels.get(TRADING_LABEL) == "true"


def is_decommissioned(view: View, namespace: str) -> bool:
    """Whether a namespace was given up, so that nothing of ours is to keep it from being deleted."""
    manifest = view.get("Namespace", "", namespace)
    return manifest is not None and bool(meta_of(manifest).annotations.get(DECOMMISSIONED))


def is_going(view: View, namespace: str) -> bool:
    """Whether a namespace is being deleted, so that nothing can be made in it any more."""
    manifest = view.get("Namespace", "", namespace)
    return manifest is not None and meta_of(manifest).deleting


def tenant_of(key: Key) -> str:
    """Return whose turn on the queue a key uses: its namespace's, so that no one's objects keep out another's."""
    return key.namespace or key.name


def is_urgent(key: Key) -> bool:
    """Whether a key goes before the rest: who has obeyed a kill switch must be known at once."""
    return key.kind == "KillSwitch"
