"""The Lease: who may write, and the epoch that every write to a pod carries. Without it nothing is written."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alphatrade_operator.core.clock import rfc3339_micro
from alphatrade_operator.kube.api import Api
from alphatrade_operator.kube.errors import ApiError, Conflict, NotFound, NotLeading
from alphatrade_operator.kube.resources import LEASE

NAME = "alphatrade-operator"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """A Lease as it was seen. version: its resource version, empty when there is none."""

    holder: str = ""
    transitions: int = 0
    version: str = ""
    duration_s: float = 0.0
    acquired: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A record and when this process first saw it so, in its own monotonic seconds; other clocks are not compared."""

    record: Record = Record()
    since_s: float = 0.0


def parse(lease: Mapping[str, Any]) -> Record:
    """Read a Lease."""
    spec = lease.get("spec") or {}
    return Record(
        holder=spec.get("holderIdentity") or "",
        transitions=spec.get("leaseTransitions") or 0,
        version=lease["metadata"]["resourceVersion"],
        duration_s=float(spec.get("leaseDurationSeconds") or 0),
        acquired=spec.get("acquireTime") or "",
    )


def observe(seen: Seen, record: Record, now_s: float) -> Seen:
    """Take what was read; a record that has not changed keeps its age."""
    return seen if seen.record == record else Seen(record, now_s)


def wanted(seen: Seen, me: str, duration_s: float, now: datetime, now_s: float) -> dict[str, Any] | None:
    """Return the spec to write: renewed when the Lease is mine, taken when it is free; None while another holds it."""
    record, moment = seen.record, rfc3339_micro(now)
    spec = {"holderIdentity": me, "leaseDurationSeconds": max(1, round(duration_s)), "renewTime": moment}
    if record.holder == me:
        return {**spec, "acquireTime": record.acquired or moment, "leaseTransitions": record.transitions}
    if record.holder and now_s - seen.since_s < record.duration_s:
        return None
    return {**spec, "acquireTime": moment, "leaseTransitions": record.transitions + 1}


class Lease:
    """Holds the Lease, or stands by for it.

    me: unlike that of any other process, so that each has an epoch of its own.  clock: monotonic seconds.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        me: str,
        duration_s: float,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._api, self._namespace, self._me, self._duration_s = api, namespace, me, duration_s
        self._now, self._clock = now, clock
        self._seen = Seen(since_s=clock())
        self._valid_until_s = float("-inf")
        self._held = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether this process may write: it renewed so lately that no other can have taken over."""
        return self._clock() < self._valid_until_s

    @property
    def epoch(self) -> int:
        """Return the transitions of the Lease as this process holds it, or saw it last."""
        return self._seen.record.transitions

    @property
    def standing_by(self) -> bool:
        """Whether another holds it."""
        return bool(self._seen.record.holder) and self._seen.record.holder != self._me

    def require(self) -> None:
        """Raise NotLeading unless the Lease is held."""
        if not self.held:
            raise NotLeading("the Lease is not held; nothing is written")

    async def wait(self) -> None:
        """Wait until it is held."""
        while not self.held:
            self._held.clear()
            await self._held.wait()

    async def keep(self) -> None:
        """Acquire and renew for ever; what goes wrong is tried again, and `held` ends by itself meanwhile."""
        while True:
            try:
                await self.step()
            except ApiError as error:
                _log.warning("lease not renewed", extra={"error": str(error), "held": self.held})
            await asyncio.sleep(self._duration_s / 5)

    async def step(self) -> None:
        """Read the Lease and write it when it is mine or free. Raises ApiError."""
        self._seen = observe(self._seen, await self._read(), self._clock())
        sent_s = self._clock()
        spec = wanted(self._seen, self._me, self._duration_s, self._now(), sent_s)
        if spec is None:
            self._valid_until_s = float("-inf")
            return
        try:
            await self._write(spec)
        except Conflict:
            return  # another wrote first; the next step reads what
        if not self.held:
            _log.info("lease acquired", extra={"epoch": self.epoch, "holder": self._me})
        self._valid_until_s = sent_s + self._duration_s * 2 / 3
        self._held.set()

    async def release(self) -> None:
        """Give it up, so that the next operator need not wait. Raises ApiError."""
        mine = self.held
        self._valid_until_s = float("-inf")
        if mine:
            record = replace(self._seen.record, holder="")
            await self._write(
                {
                    "holderIdentity": "",
                    "leaseDurationSeconds": 1,
                    "leaseTransitions": record.transitions,
                    "acquireTime": record.acquired or None,
                    "renewTime": rfc3339_micro(self._now()),
                }
            )

    async def _read(self) -> Record:
        path = LEASE.path(self._namespace, NAME)
        try:
            return parse(await self._api.request("GET", path, timeout_s=self._duration_s / 3, tries=1, at_once=True))
        except NotFound:
            return Record()

    async def _write(self, spec: Mapping[str, Any]) -> None:
        version = self._seen.record.version
        metadata: dict[str, Any] = {"name": NAME, "namespace": self._namespace}
        if version:
            metadata["resourceVersion"] = version
        body = {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec}
        method, name = ("PUT", NAME) if version else ("POST", "")
        path = LEASE.path(self._namespace, name)
        timeout_s = self._duration_s / 3
        answer = await self._api.request(method, path, body, timeout_s=timeout_s, tries=1, at_once=True)
        self._seen = Seen(parse(answer), self._clock())
