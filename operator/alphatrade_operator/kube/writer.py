"""Every write to the API server but the Lease's: only while the Lease is held, and seen in the cache at once."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from alphatrade.names import MANAGED_BY
from alphatrade_operator.core.clock import rfc3339_micro
from alphatrade_operator.core.dispatch import is_urgent
from alphatrade_operator.core.live import key_of, meta_of
from alphatrade_operator.core.plan import Event, Manifest, ObjectRef
from alphatrade_operator.kube.api import APPLY, MERGE, Api
from alphatrade_operator.kube.errors import ApiError, Conflict, NotFound, Refused
from alphatrade_operator.kube.lease import Lease
from alphatrade_operator.kube.resources import BY_KIND, EVENT
from alphatrade_operator.kube.slim import slim

MANAGER = MANAGED_BY  # writes children, status and conditions of every kind
_NOTE_LIMIT = 1_024


class Writer:
    """Writes by server-side apply.

    observe: takes what the server answered.  instance: name of this process in events.  wrote: counts verb and kind.
    """

    def __init__(
        self,
        api: Api,
        lease: Lease,
        observe: Callable[[str, Manifest], None],
        instance: str,
        wrote: Callable[[str, str], None] = lambda verb, kind: None,
    ) -> None:
        self._api, self._lease, self._observe, self._instance, self._wrote = api, lease, observe, instance, wrote

    async def apply(self, manifest: Manifest, manager: str = MANAGER, subresource: str = "") -> Manifest:
        """Apply a manifest, taking over what others own of it. With metadata.uid only that very object is meant."""
        kind, meta = manifest["kind"], meta_of(manifest)
        path = BY_KIND[kind].path(meta.namespace, meta.name, subresource)
        query = {"fieldManager": manager, "force": "true"}
        self._lease.require()
        urgent = is_urgent(key_of(manifest))
        answer = await self._api.request("PATCH", path, manifest, query=query, content_type=APPLY, urgent=urgent)
        self._wrote("apply", kind)
        self._observe(kind, slim(answer, BY_KIND[kind]))
        return answer

    async def clear(self, manifest: Manifest) -> None:
        """Take out the fields of a status that are None here, whoever wrote them. Raises ApiError."""
        kind, meta = manifest["kind"], meta_of(manifest)
        self._lease.require()
        path = BY_KIND[kind].path(meta.namespace, meta.name, "status")
        answer = await self._api.request("PATCH", path, manifest, query={"fieldManager": MANAGER}, content_type=MERGE)
        self._wrote("apply", kind)
        self._observe(kind, answer)

    async def create(self, manifest: Manifest) -> Manifest | None:
        """Create an object; return None when it is there already. Raises ApiError."""
        kind, meta = manifest["kind"], meta_of(manifest)
        self._lease.require()
        path = BY_KIND[kind].path(meta.namespace)
        try:
            answer = await self._api.request("POST", path, manifest, query={"fieldManager": MANAGER}, tries=1)
        except Conflict:
            return None
        self._wrote("create", kind)
        self._observe(kind, slim(answer, BY_KIND[kind]))
        return answer

    async def read(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """Return an object from the server itself, or None. Raises ApiError."""
        try:
            return await self._api.request("GET", BY_KIND[kind].path(namespace, name))
        except NotFound:
            return None

    async def annotate(self, pod: Manifest, name: str, value: str) -> None:
        """Set an annotation of ours on a pod, unless it has it or has gone. Raises ApiError."""
        if meta_of(pod).annotations.get(name) == value:
            return
        body = identified(pod)
        body["metadata"]["annotations"] = {name: value}
        with suppress(NotFound, Conflict):  # its successor mounts the new files anyway
            await self.apply(body, f"{MANAGER}-{name.rpartition('/')[2]}")

    async def delete(self, ref: ObjectRef) -> None:
        """Delete this very object; one that is gone, or another of its name, is left alone."""
        path = BY_KIND[ref.kind].path(ref.namespace, ref.name)
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": ref.uid},
        }
        self._lease.require()
        try:
            await self._api.request("DELETE", path, body)
        except (NotFound, Conflict):
            return
        self._wrote("delete", ref.kind)

    async def tell(self, about: Manifest, event: Event, now: datetime) -> None:
        """Write an Event. One that is refused (its namespace is going) or lost harms nothing."""
        try:
            self._lease.require()
            namespace = meta_of(about).namespace or "default"
            body, urgent = self._event(about, event, now, namespace), is_urgent(key_of(about))
            await self._api.request("POST", EVENT.path(namespace), body, tries=1, urgent=urgent)
            self._wrote("create", EVENT.kind)
        except ApiError as error:
            if not isinstance(error, (NotFound, Refused)) and not error.retryable:
                raise

    def _event(self, about: Manifest, event: Event, now: datetime, namespace: str) -> Mapping[str, Any]:
        meta = meta_of(about)
        ticks = int(now.timestamp() * 1e6)
        return {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.kind,
            "metadata": {"name": f"{meta.name}.{event.reason.lower()}.{ticks:x}", "namespace": namespace},
            "eventTime": rfc3339_micro(now),
            "reportingController": "alphatrade.io/operator",
            "reportingInstance": self._instance[:128],
            "action": "Reconcile",
            "reason": event.reason,
            "note": event.message[:_NOTE_LIMIT],
            "type": event.type,
            "regarding": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "namespace": meta.namespace,
                "name": meta.name,
                "uid": meta.uid,
                "resourceVersion": about["metadata"].get("resourceVersion", ""),
            },
        }


def identified(live: Manifest) -> dict[str, Any]:
    """Return the head of an apply that means this very object, not a later one of its name."""
    meta = meta_of(live)
    metadata = {"name": meta.name, "uid": meta.uid} | ({"namespace": meta.namespace} if meta.namespace else {})
    return {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}
