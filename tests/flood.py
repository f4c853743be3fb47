"""A tenant floods its namespace with objects that are no good; how soon is another's KillSwitch reported?"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from alphatrade_operator.kube.api import Api
from alphatrade_operator.kube.errors import Conflict
from alphatrade_operator.kube.resources import BY_KIND
from resource_documents import document

AT_ONCE = 8
KINDS = ("Strategy", "Replay", "RiskTemplate")  # in turn
KEPT = 50  # KillSwitches that stay engaged: stopping takes one, and all that are there belong to each report
_STREAM_S = 3_600.0


def garbage(first: int, last: int) -> Iterator[dict[str, Any]]:
    """Yield objects by their numbers: well-formed, and about nothing that is there."""
    for number in range(first, last):
        yield document(KINDS[number % len(KINDS)], name=f"garbage-{number:05d}")


async def flood(api: Api, namespace: str, documents: Iterator[dict[str, Any]]) -> int:
    """Create objects as fast as the server lets this client; return how many. One that is there already counts."""
    return sum(await asyncio.gather(*(_create(api, namespace, documents) for _ in range(AT_ONCE))))


async def _create(api: Api, namespace: str, documents: Iterator[dict[str, Any]]) -> int:
    count = 0
    for one in documents:  # shared: each takes what is next
        with suppress(Conflict):
            await api.request("POST", BY_KIND[one["kind"]].path(namespace), one, timeout_s=60.0)
        count += 1
    return count


async def switches(
    api: Api, namespace: str, prefix: str, wanted: Callable[[int], bool], pause_s: float
) -> dict[str, Any]:
    """Engage KillSwitches one after the other while they are wanted, by how many there were; early ones are deleted.

    Return `reported_ms`, and `engaged_ns`: by name, the time of day at which the server had taken it.
    """
    resource = BY_KIND["KillSwitch"]
    version = (await api.request("GET", resource.path(namespace), query={"limit": "1"}))["metadata"]["resourceVersion"]
    seen: dict[str, float] = {}
    watching = asyncio.create_task(_reports(api, resource.path(namespace), version, seen))
    engaged_ns, engaged_s = {}, {}
    for number in itertools.takewhile(wanted, itertools.count()):
        name, early = f"{prefix}-{number:04d}", f"{prefix}-{number - KEPT:04d}"
        spec = {"mode": "Reduce", "reason": "measured in a flood"}
        body = {**document("KillSwitch", name=name), "spec": spec}
        await api.request("POST", resource.path(namespace), body)
        engaged_ns[name], engaged_s[name] = time.time_ns(), time.monotonic()
        if early in seen:
            await api.request("DELETE", resource.path(namespace, early))
        await asyncio.sleep(pause_s)
    async with asyncio.timeout(120.0):
        while engaged_s.keys() - seen.keys():
            await asyncio.sleep(0.1)
    watching.cancel()
    reported = [round(1e3 * (seen[name] - at_s), 2) for name, at_s in engaged_s.items()]
    return {"reported_ms": reported, "engaged_ns": engaged_ns}


async def _reports(api: Api, path: str, version: str, seen: dict[str, float]) -> None:
    """Note when each KillSwitch first says anything of its status."""
    query = {"resourceVersion": version, "timeoutSeconds": str(int(_STREAM_S))}
    async for event in api.watch(path, query, _STREAM_S):
        live = event["object"]
        if event["type"] != "DELETED" and (live.get("status") or {}).get("conditions"):
            seen.setdefault(live["metadata"]["name"], time.monotonic())
