"""What a namespaced operator knows of the cluster without a right to it: it asks by name, now and then.

A Role in a namespace may let its holder get that Namespace, never list or watch any; which groups are served the API
server tells everybody.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from alphatrade_operator.core.plan import Manifest
from alphatrade_operator.kube.api import Api
from alphatrade_operator.kube.dispatch import Dispatcher
from alphatrade_operator.kube.errors import ApiError, NotFound, Refused
from alphatrade_operator.kube.resources import DEFINITION, NAMESPACE, POD_MONITOR, Resource
from alphatrade_operator.kube.slim import slim

_EVERY_S = 5.0
_log = logging.getLogger(__name__)


class Asker:
    """Keeps objects of one kind in the cache by asking for each. asked: path of each by its name.

    What is not there, or may not be read, is not in the cache: an unknown namespace is none for trading.
    """

    optional = False

    def __init__(
        self,
        api: Api,
        resource: Resource,
        asked: Mapping[str, str],
        dispatcher: Dispatcher,
        clock: Callable[[], float],
    ) -> None:
        self._api, self._resource, self._asked, self._dispatcher = api, resource, asked, dispatcher
        self._clock, self._heard_s = clock, clock()
        self._known: dict[str, Manifest] = {}
        self._appeared = 0
        self.synced = asyncio.Event()

    @property
    def silent_s(self) -> float:
        """Return the seconds since the server answered."""
        return self._clock() - self._heard_s

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            try:
                await self.relist()
            except ApiError as error:
                _log.warning("cannot ask", extra={"kind": self._resource.kind, "error": str(error)})
            await asyncio.sleep(_EVERY_S)

    async def relist(self) -> None:
        """Ask for each once. Raises ApiError when the server cannot be asked."""
        for name, path in self._asked.items():
            await self._ask(name, path)
        self._heard_s = self._clock()
        self.synced.set()

    async def _ask(self, name: str, path: str) -> None:
        kind = self._resource.kind
        try:
            found = self._named(name, await self._api.request("GET", path))
        except NotFound:
            self._forget(name)
        except Refused as error:
            _log.warning("not readable; is the Role there?", extra={"kind": kind, "object": name, "error": str(error)})
            self._forget(name)
        else:
            self._known[name] = found
            self._dispatcher.observe(kind, found)

    def _forget(self, name: str) -> None:
        known = self._known.pop(name, None)
        if known is not None:
            self._dispatcher.lost(self._resource.kind, known)

    def _named(self, name: str, answer: Manifest) -> Manifest:
        """Return the object; of an answer that is none, that what was asked for is there."""
        if "metadata" in answer:
            return slim(answer, self._resource)
        known = self._known.get(name)
        if known is None:
            self._appeared += 1
        stands_for = {"metadata": {"name": name, "resourceVersion": str(self._appeared)}}
        return known or slim(stands_for, self._resource)


def ask_namespaces(api: Api, names: tuple[str, ...], dispatcher: Dispatcher, clock: Callable[[], float]) -> Asker:
    """Return what keeps the named namespaces, with the labels that they have."""
    return Asker(api, NAMESPACE, {name: NAMESPACE.path(name=name) for name in names}, dispatcher, clock)


def ask_pod_monitors(api: Api, dispatcher: Dispatcher, clock: Callable[[], float]) -> Asker:
    """Return what keeps whether the server knows PodMonitors."""
    name = f"{POD_MONITOR.plural}.monitoring.coreos.com"
    return Asker(api, DEFINITION, {name: f"/apis/{POD_MONITOR.api_version}"}, dispatcher, clock)
