"""Faults of real processes: a container killed, a pod told to end, each waited for until it is back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cluster.backend import Backend
from cluster.settings import ClusterError
from e2e.cluster.place import Place

BACK_S = 180.0


@dataclass(frozen=True)
class Container:
    """The container of a pod: which one it is, and whether it serves."""

    pod_uid: str
    identity: str
    ready: bool


def container(place: Place, pod: str) -> Container | None:
    """Return a pod's container; None while there is none."""
    try:
        found = place.kube.get("pod", pod, namespace=place.namespace)
    except ClusterError:
        return None
    statuses = found["status"].get("containerStatuses") or [{}]
    running = "running" in statuses[0].get("state", {})
    return Container(found["metadata"]["uid"], statuses[0].get("containerID", ""), running and statuses[0]["ready"])


def killed(backend: Backend, place: Place, pod: str) -> None:
    """Kill the container of a pod; return when another has taken its place and serves."""
    before = _there(place, pod)
    backend.signal_container(before.identity, "KILL")
    place.until(f"{pod} is back", partial(_serves, place, pod, lambda new: new.identity != before.identity), BACK_S)


def ended(backend: Backend, place: Place, pod: str) -> None:
    """Let a pod end in order (SIGTERM), as a drain of the node does; return when another serves in its place."""
    before = _there(place, pod)
    place.kubectl("delete", "pod", pod, "--wait=false")
    place.until(f"{pod} is back", partial(_serves, place, pod, lambda new: new.pod_uid != before.pod_uid), BACK_S)


def _there(place: Place, pod: str) -> Container:
    found = container(place, pod)
    assert found is not None, f"{pod} is not there"
    assert found.ready, f"{pod} does not serve"
    return found


def _serves(place: Place, pod: str, other: Callable[[Container], bool]) -> bool:
    new = container(place, pod)
    return new is not None and new.ready and other(new)
