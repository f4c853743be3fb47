"""Which pods are asked, where, and as whom. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from alphatrade.names import CHILD_PREFIXES, GRPC_PORT, KIND_LABEL, OWNER_LABEL, OWNER_UID_LABEL, identity
from alphatrade_operator.core.dispatch import OWNER_KINDS
from alphatrade_operator.core.live import meta_of
from alphatrade_operator.core.plan import Key, Manifest, View

_FIRST = "-0"  # a StatefulSet of one replica


@dataclass(frozen=True, slots=True)
class Target:
    """A pod that runs. address: host:port by its own IP, so that no name has to be resolved.  uid: of the pod."""

    owner: Key
    child: str
    identity: str
    address: str
    uid: str


def targets(view: View) -> Iterator[Target]:
    """Yield every pod of ours that runs and has an address."""
    for pod in view.list("Pod"):
        target = target_of(pod)
        if target is not None:
            yield target


def target_of(pod: Manifest) -> Target | None:
    """Return how to reach a pod; None when it is none of ours or does not run."""
    meta, status = meta_of(pod), pod.get("status") or {}
    kind, name, uid = (meta.labels.get(label, "") for label in (KIND_LABEL, OWNER_LABEL, OWNER_UID_LABEL))
    ip = status.get("podIP")
    if kind not in CHILD_PREFIXES or not name or not uid or not ip or status.get("phase") != "Running":
        return None
    host = f"[{ip}]" if ":" in ip else ip
    return Target(
        owner=Key(OWNER_KINDS[kind], meta.namespace, name),
        child=meta.name.removesuffix(_FIRST),
        identity=identity(meta.namespace, kind, name, uid),
        address=f"{host}:{GRPC_PORT}",
        uid=meta.uid,
    )
