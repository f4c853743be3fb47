"""The installed operator as stories see it: its pod, the Lease, and what any operator wrote, by the audit log."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alphatrade.names import MANAGED_BY
from cluster.backend import Backend
from cluster.kubectl import Kube
from kube_fixtures import SYSTEM_NAMESPACE

OPERATOR = f"system:serviceaccount:{SYSTEM_NAMESPACE}:alphatrade-operator"
_POD = "app.kubernetes.io/component=operator"
_WRITES = ("create", "update", "patch", "delete", "deletecollection")


@dataclass(frozen=True)
class Led:
    """Who holds the Lease, and its epoch."""

    holder: str
    epoch: int


def pods_of_operator(kube: Kube) -> list[Any]:
    """Return the operator's pods that are not being deleted."""
    pods = kube.get("pods", "-l", _POD, namespace=SYSTEM_NAMESPACE)["items"]
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def operator_of(kube: Kube) -> tuple[str, int]:
    """Return the operator's pod and how often it was started again."""
    (pod,) = pods_of_operator(kube)
    return pod["metadata"]["name"], pod["status"]["containerStatuses"][0]["restartCount"]


def led_by(kube: Kube) -> Led:
    """Return who leads; the holder is a pod's name and an id of the process."""
    spec = kube.get("lease", MANAGED_BY, namespace=SYSTEM_NAMESPACE)["spec"]
    return Led(spec["holderIdentity"].partition("_")[0], spec["leaseTransitions"])


def writes_of_operators(backend: Backend) -> Iterator[dict[str, Any]]:
    """Yield the writes of all operators so far, but of Leases: those are not on the log."""
    for event in backend.audit_events(having=f'"{OPERATOR}"'):
        if event["verb"] in _WRITES and _real(event):
            yield event


def moment(at: datetime) -> str:
    """Return a time as the log has it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _real(event: dict[str, Any]) -> bool:
    """Whether it was to change anything: a dry run is not, nor is a review of what somebody may do."""
    reference = event.get("objectRef", {})
    return "dryRun=All" not in event["requestURI"] and not reference.get("resource", "").endswith("reviews")
