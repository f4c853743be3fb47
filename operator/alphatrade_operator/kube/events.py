"""kopf's part: it follows our kinds and namespaces, and hands every event to the dispatcher. It writes nothing.

Only its decorators startup, cleanup, login, probe and event are used: event handlers leave no annotation and no
finalizer on an object, and its posting of Events and its peering are off.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import kopf

from alphatrade_operator.kube.dispatch import Dispatcher
from alphatrade_operator.kube.resources import Resource
from alphatrade_operator.kube.slim import slim

_STREAM_S = 240
_CHUNK = 500  # objects a list answers with: all of a kind at once would be held in memory twice
_IDLE_S = 0.1  # an object's task waits so long for more news, and keeps the whole object meanwhile: 5 s unless set
_BACKOFFS_S = (0.5, 1.0, 2.0, 5.0)


class _ForEver:
    """Seconds between attempts, without an end: an operator that cannot reach the server waits for it."""

    def __iter__(self) -> Iterator[float]:
        yield from _BACKOFFS_S
        while True:
            yield _BACKOFFS_S[-1]


def registry(
    dispatcher: Dispatcher,
    kinds: Iterable[Resource],
    alive: Callable[[], Mapping[str, Any]],
    started: Callable[[], None],
) -> kopf.OperatorRegistry:
    """Return kopf's registry. kinds: those to follow.

    alive: what the probe shows.  started: called once kopf has taken over signals.
    """
    found = kopf.OperatorRegistry()
    kopf.on.startup(registry=found, id="configure")(_configure)
    kopf.on.startup(registry=found, id="started")(_starter(started))
    kopf.on.cleanup(registry=found)(_cleanup)
    kopf.on.login(registry=found)(_login)
    kopf.on.probe(registry=found, id="operator")(_probe(alive))
    for resource in kinds:
        group, _, version = resource.api_version.rpartition("/")
        decorate = kopf.on.event(group, version, resource.plural, registry=found, id=f"see-{resource.plural}")
        decorate(_handler(dispatcher, resource))
    return found


async def follow(found: kopf.OperatorRegistry, namespaces: tuple[str, ...]) -> None:
    """Run kopf until it is cancelled, or one of its watches fails for good. namespaces: empty for all."""
    where: dict[str, Any] = {"namespaces": namespaces} if namespaces else {"clusterwide": True}
    await kopf.operator(registry=found, standalone=True, **where)


def _handler(dispatcher: Dispatcher, resource: Resource) -> Any:
    async def see(event: kopf.RawEvent, **_: Any) -> None:
        manifest = slim(cast("Mapping[str, Any]", event["object"]), resource)
        if event["type"] == "DELETED":
            dispatcher.lost(resource.kind, manifest)
        else:
            dispatcher.observe(resource.kind, manifest)

    return see


def _probe(alive: Callable[[], Mapping[str, Any]]) -> Any:
    def probe(**_: Any) -> Mapping[str, Any]:
        return alive()

    return probe


def _starter(started: Callable[[], None]) -> Any:
    async def start(**_: Any) -> None:
        started()

    return start


def _configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    settings.posting.enabled = False
    settings.scanning.disabled = True  # what is served is known; nothing is looked for
    settings.watching.server_timeout = _STREAM_S
    settings.watching.chunk_size = _CHUNK
    settings.queueing.idle_timeout = _IDLE_S
    settings.networking.error_backoffs = _ForEver()
    settings.process.ultimate_exiting_timeout = None


def _cleanup(logger: Any, **_: Any) -> None:
    logging.getLogger(__name__).info("no longer following")


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """Log in as the client does: as the pod's service account, else by KUBECONFIG."""
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)
