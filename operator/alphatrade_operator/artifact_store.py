"""The artifact store as a trading namespace has it: a claim that pods of every node can mount, or one node. Pure."""

from alphatrade_operator.core.plan import Finding, View
from alphatrade_operator.settings import Settings

ARTIFACT_CLAIM = "ArtifactClaim"  # a PersistentVolumeClaim of the settings' name; a kind of its own in the cache
_EVERY_NODE, _ONE_NODE = "ReadWriteMany", "ReadWriteOnce"


def access_modes(view: View, namespace: str) -> frozenset[str] | None:
    """Return the access modes of the artifact store's claim in a namespace; None where there is none."""
    name = view.settings.artifact_store.claim_name
    claim = view.get(ARTIFACT_CLAIM, namespace, name) if name else None
    return None if claim is None else frozenset((claim.get("spec") or {}).get("accessModes") or ())


def not_shared(modes: frozenset[str] | None, settings: Settings, namespace: str) -> Finding | None:
    """Find a claim that would keep pods from starting. One that is not there at all the pod itself complains about."""
    store = settings.artifact_store
    if modes is None or _EVERY_NODE in modes or (store.single_node and _ONE_NODE in modes):
        return None
    has = ", ".join(sorted(modes)) or "no access mode"
    text = f"PersistentVolumeClaim {store.claim_name} in namespace {namespace} has {has}: pods of other nodes cannot"
    fix = f"make it {_EVERY_NODE}, or, where the cluster has one node and the claim {_ONE_NODE}, set"
    return Finding("ArtifactStoreNotShared", f"{text} mount it; {fix} artifactStore.singleNode in the chart's values")
