"""Own watches: lists and follows what kopf is not asked for (children by their label), and lists for repairs."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from alphatrade_operator.core.plan import Manifest
from alphatrade_operator.kube.api import Api
from alphatrade_operator.kube.dispatch import Dispatcher
from alphatrade_operator.kube.errors import ApiError, Gone, NotFound
from alphatrade_operator.kube.resources import Resource
from alphatrade_operator.kube.slim import slim

_PAGE = 500
_STREAM_S = 240.0
_GRACE_S = 15.0
_PAUSE_S = 1.0
_ABSENT_S = 30.0
_log = logging.getLogger(__name__)


class Watcher:
    """Keeps one kind in the cache. namespaces: where; empty for all.  optional: the server may not know the kind."""

    def __init__(
        self,
        api: Api,
        resource: Resource,
        dispatcher: Dispatcher,
        clock: Callable[[], float],
        namespace: str = "",
        optional: bool = False,
    ) -> None:
        self._api, self._resource, self._dispatcher = api, resource, dispatcher
        self._clock, self._namespace, self.optional = clock, namespace, optional
        self._heard_s = clock()
        self.synced = asyncio.Event()

    @property
    def silent_s(self) -> float:
        """Return the seconds since the server said anything of this kind."""
        return self._clock() - self._heard_s

    async def run(self) -> None:
        """List and follow for ever; what breaks is begun again."""
        while True:
            try:
                await self._follow(await self.relist())
            except Gone:
                continue  # what it would go on from is too old: listed anew
            except NotFound as error:
                if not self.optional:
                    _log.warning("kind not served; install the chart alphatrade-crds", extra={"error": str(error)})
                self._heard()
                await asyncio.sleep(_ABSENT_S if self.optional else _PAUSE_S)
            except ApiError as error:
                _log.warning("watch broken", extra={"kind": self._resource.kind, "error": str(error)})
                await asyncio.sleep(_PAUSE_S)

    async def relist(self) -> int:
        """List the kind into the cache; return the version to follow from. Raises ApiError."""
        items, version = await list_all(self._api, self._resource, self._namespace)
        self._dispatcher.relisted(self._resource.kind, items, version, self._namespace or None)
        self._heard()
        return version

    async def _follow(self, version: int) -> None:
        """Follow until an error; the server ends each stream after a while and is asked to go on."""
        while True:
            query = {
                "resourceVersion": str(version),
                "allowWatchBookmarks": "true",
                "timeoutSeconds": str(int(_STREAM_S)),
                **_selected(self._resource),
            }
            async for event in self._api.watch(self._resource.path(self._namespace), query, _STREAM_S + _GRACE_S):
                version = max(version, self._take(event))
            self._heard()

    def _take(self, event: Mapping[str, Any]) -> int:
        self._heard()
        manifest: Manifest = event["object"]
        if event["type"] == "DELETED":
            self._dispatcher.lost(self._resource.kind, slim(manifest, self._resource))
        elif event["type"] != "BOOKMARK":
            self._dispatcher.observe(self._resource.kind, slim(manifest, self._resource))
        return int(manifest["metadata"]["resourceVersion"])

    def _heard(self) -> None:
        self._heard_s = self._clock()
        self.synced.set()


async def list_all(api: Api, resource: Resource, namespace: str = "") -> tuple[list[Manifest], int]:
    """Return all objects of a kind that are ours to look at, and the version of the list. Raises ApiError."""
    items: list[Manifest] = []
    query = {"limit": str(_PAGE), **_selected(resource)}
    while True:
        page = await api.request("GET", resource.path(namespace), query=query)
        items += [slim(item, resource) for item in page.get("items") or ()]
        token = page["metadata"].get("continue")
        if not token:
            return items, int(page["metadata"]["resourceVersion"])
        query = {**query, "continue": token}


def _selected(resource: Resource) -> dict[str, str]:
    selectors = {"labelSelector": resource.selector, "fieldSelector": resource.fields}
    return {name: value for name, value in selectors.items() if value}
