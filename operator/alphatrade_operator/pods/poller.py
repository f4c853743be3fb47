"""Ask every pod what it does, follow strategies closely, and put owners on the queue when something is new."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Protocol

from alphatrade.v1.control_pb2 import PodStatus
from alphatrade_operator.core.plan import Key, View
from alphatrade_operator.pods.client import PodClient, PodSilent
from alphatrade_operator.pods.reports import Reports, urgent_part
from alphatrade_operator.pods.targets import Target, targets

_AT_ONCE = 32
_log = logging.getLogger(__name__)


class Reported(Protocol):
    """Takes that a pod of an owner says something new."""

    def __call__(self, owner: Key, urgent: bool, delay_s: float) -> None:
        """Put those whom it concerns on the queue."""


class Poller:
    """Polls while the Lease is held. leading: whether it is."""

    def __init__(
        self, view: View, client: PodClient, reports: Reports, reported: Reported, leading: Callable[[], bool]
    ) -> None:
        self._view, self._client, self._reports = view, client, reports
        self._reported, self._leading = reported, leading
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._known: dict[str, Target] = {}
        self._followers: dict[Target, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Poll for ever."""
        while True:
            if self._leading():
                await self.round()
            await asyncio.sleep(self._view.settings.status_poll_s)

    async def round(self) -> None:
        """Ask every pod once."""
        found = {target.identity: target for target in targets(self._view)}
        for identity, target in found.items():
            if identity in self._known and self._known[identity].uid != target.uid:
                self._reports.answered(identity, None)  # another pod: it has answered nothing yet
        for target in [known for identity, known in self._known.items() if identity not in found]:
            self._silent(target)
        self._known = found
        await self._client.forget({(target.address, target.identity) for target in found.values()})
        self._follow(found)
        await asyncio.gather(*(self._ask(target) for target in found.values()))

    async def close(self) -> None:
        """End what follows strategies."""
        for task in self._followers.values():
            task.cancel()
        await asyncio.gather(*self._followers.values(), return_exceptions=True)

    async def _ask(self, target: Target) -> None:
        async with self._slots:
            try:
                status = await self._client.status(target.address, target.identity)
            except PodSilent as error:
                _log.debug("pod silent", extra={"identity": target.identity, "error": str(error)})
                self._silent(target)
                return
        self._take(target, status)

    def _take(self, target: Target, status: PodStatus) -> None:
        before = self._reports.take(target.owner.namespace, target.child, status)
        self._reports.check(target.identity, status.document_digest)
        if before == status:
            return
        urgent = before is None or urgent_part(before) != urgent_part(status)
        self._reported(target.owner, urgent, random.random() * self._view.settings.status_min_interval_s)

    def _silent(self, target: Target) -> None:
        if self._reports.drop(target.owner.namespace, target.child):
            self._reported(target.owner, True, 0.0)

    def _follow(self, found: dict[str, Target]) -> None:
        """Keep a stream open to each strategy, so that an acknowledgement is known as soon as it is given."""
        wanted = {target for target in found.values() if target.owner.kind == "Strategy"}
        for target in [target for target, task in self._followers.items() if target not in wanted or task.done()]:
            self._followers.pop(target).cancel()
        for target in wanted - set(self._followers):
            self._followers[target] = asyncio.create_task(self._watch(target), name=f"follow {target.identity}")

    async def _watch(self, target: Target) -> None:
        """Take what a strategy says until its stream ends; the next round begins another."""
        try:
            async for status in self._client.watch(target.address, target.identity):
                self._take(target, status)
        except PodSilent as error:
            _log.debug("stream ended", extra={"identity": target.identity, "error": str(error)})
