"""Make many objects at once, and watch until each says that it was looked at: the clock of P9, the same for both."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alphatrade_operator.kube.api import Api, connect
from alphatrade_operator.kube.resources import Resource

_CREATED_AT_ONCE = 16
_STREAM_S = 3_600.0
Reported = Callable[[dict[str, Any]], bool]


@dataclass(frozen=True)
class Span:
    """Seconds from the first create until all were created, and until all had reported."""

    created_s: float
    reported_s: float


def made(resource: Resource, namespace: str, documents: Sequence[dict[str, Any]], reported: Reported) -> Span:
    """Create objects; return when each has reported. Raises TimeoutError."""
    return asyncio.run(_made(resource, namespace, documents, reported))


async def _made(resource: Resource, namespace: str, documents: Sequence[dict[str, Any]], reported: Reported) -> Span:
    async with await connect(10_000.0, 10_000) as api:
        path = resource.path(namespace)
        listed = await api.request("GET", path, query={"limit": "1"})
        names = {document["metadata"]["name"] for document in documents}
        start_s = time.perf_counter()
        watching = asyncio.create_task(_watch(api, path, listed["metadata"]["resourceVersion"], names, reported))
        await _create(api, path, documents)
        created_s = time.perf_counter()
        async with asyncio.timeout(_STREAM_S):
            await watching
        return Span(created_s - start_s, time.perf_counter() - start_s)


async def _create(api: Api, path: str, documents: Iterable[dict[str, Any]]) -> None:
    slots = asyncio.Semaphore(_CREATED_AT_ONCE)

    async def one(document: dict[str, Any]) -> None:
        async with slots:
            await api.request("POST", path, document, timeout_s=60.0)

    await asyncio.gather(*(one(document) for document in documents))


async def _watch(api: Api, path: str, version: str, missing: set[str], reported: Reported) -> None:
    query = {"resourceVersion": version, "timeoutSeconds": str(int(_STREAM_S))}
    async for event in api.watch(path, query, _STREAM_S):
        if event["type"] != "DELETED" and reported(event["object"]):
            missing.discard(event["object"]["metadata"]["name"])
            if not missing:
                return
    raise TimeoutError(f"the watch ended before {len(missing)} objects had reported")
