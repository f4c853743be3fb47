"""A volume that is soon full, for the pod of a Strategy that is not made yet: a real claim, a real file system.

The cluster's own volumes are folders whose sizes nothing enforces. So the claim that the StatefulSet would make is made
before it, bound to a tmpfs of the node. Growing it is what an administrator would do.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cluster.backend import Backend
from e2e.cluster.market import Manifest
from e2e.cluster.place import Place
from kube_fixtures import AS_CONTROLLER

_CLASS = "small"
_FILLER = "somebody-elses"
_HOST = "kubernetes.io/hostname"


@dataclass(frozen=True)
class SmallVolume:
    """The volume. folder: on the node."""

    backend: Backend
    folder: str

    def fill(self) -> None:
        """Take all the room that is left, as somebody else's file would."""
        self.backend.on_node("sh", "-c", f"cat /dev/zero > {self.folder}/{_FILLER} 2>/dev/null || true")

    def free(self) -> None:
        """Give the room back that `fill` took."""
        self.backend.on_node("rm", f"{self.folder}/{_FILLER}")

    def grow(self, size: str) -> None:
        """Give it more room, under the pod that uses it. size: as `mount` takes it, such as 32m."""
        self.backend.on_node("mount", "-o", f"remount,size={size}", self.folder)


@contextmanager
def small_volume(place: Place, backend: Backend, kind: str, name: str, size: str) -> Iterator[SmallVolume]:
    """Make the claim of an object's pod with so much room, such as 400k; remove volume and object afterwards."""
    volume = f"small-{place.namespace}"
    folder = f"/var/lib/{volume}"
    backend.on_node("sh", "-c", f"mkdir -p {folder} && mount -t tmpfs -o size={size} tmpfs {folder}")
    try:
        claim = f"data-{place.pod(kind, name)}"
        place.apply(_volume(volume, folder, place, claim))
        # The name is one of the operator's; a person may not take it.
        place.kubectl("create", "-f", "-", *AS_CONTROLLER, stdin=json.dumps(_claim(claim, volume)))
        yield SmallVolume(backend, folder)
        place.kubectl("delete", kind, name, "--timeout=120s")
    finally:
        place.kube.kubectl("delete", "persistentvolume", volume, "--ignore-not-found", "--wait=false")
        backend.on_node("umount", "-l", folder)
        backend.on_node("rmdir", folder)


def _volume(name: str, folder: str, place: Place, claim: str) -> Manifest:
    node = place.kube.get("nodes")["items"][0]["metadata"]["labels"][_HOST]
    here = {"matchExpressions": [{"key": _HOST, "operator": "In", "values": [node]}]}
    spec = {
        **_SHARED,
        "capacity": {"storage": "1Mi"},
        "persistentVolumeReclaimPolicy": "Retain",
        "local": {"path": folder},
        "claimRef": {"namespace": place.namespace, "name": claim},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def _claim(name: str, volume: str) -> Manifest:
    spec = {**_SHARED, "volumeName": volume, "resources": {"requests": {"storage": "1Mi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


_SHARED = {"accessModes": ["ReadWriteOnce"], "storageClassName": _CLASS}
