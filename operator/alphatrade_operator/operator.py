"""The operator: what it is made of, how it starts, and how it ends."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any
from uuid import uuid4

from alphatrade_operator.core.clock import monotonic_s, now
from alphatrade_operator.core.dispatch import is_urgent, tenant_of
from alphatrade_operator.core.plan import Key
from alphatrade_operator.core.queue import KeyQueue
from alphatrade_operator.core.worker import Worker
from alphatrade_operator.endpoints import Endpoints, Verdict
from alphatrade_operator.kube.api import Api
from alphatrade_operator.kube.apply import Applier
from alphatrade_operator.kube.ask import Asker, ask_namespaces, ask_pod_monitors
from alphatrade_operator.kube.dispatch import Dispatcher
from alphatrade_operator.kube.errors import ApiError, NotFound, NotLeading
from alphatrade_operator.kube.events import follow, registry
from alphatrade_operator.kube.law import LawWatch
from alphatrade_operator.kube.lease import Lease
from alphatrade_operator.kube.resources import (
    CHILDREN,
    DEFINITION,
    NAMESPACE,
    OURS,
    POD_MONITOR,
    Resource,
    artifact_claim,
)
from alphatrade_operator.kube.store import Store
from alphatrade_operator.kube.view import CacheView
from alphatrade_operator.kube.watch import Watcher
from alphatrade_operator.kube.writer import Writer
from alphatrade_operator.measures import Measures
from alphatrade_operator.permits.server import Permits, PermitServer
from alphatrade_operator.pki.issuer import Issuer
from alphatrade_operator.pods.client import PodClient
from alphatrade_operator.pods.poller import Poller
from alphatrade_operator.pods.pusher import Pusher
from alphatrade_operator.pods.reports import Reports
from alphatrade_operator.reconcilers import RECONCILERS
from alphatrade_operator.settings import Settings

_STUCK_S = 300.0  # keys that are due, none of which is taken for so long while the Lease is held: no worker works
_SILENT_S = 600.0  # a watch that has said nothing for so long has broken without a word
_END_S = 10.0
_log = logging.getLogger(__name__)


class Operator:
    """Everything wired together; `run` is its life."""

    def __init__(self, settings: Settings, api: Api, host: str) -> None:
        me = f"{host}_{uuid4()}"
        self._settings, self._api = settings, api
        self._store, self._measures = Store(), Measures()
        self._reports = Reports(settings.status_poll_s, monotonic_s)
        self._lease = Lease(api, settings.operator_namespace, me, settings.lease_duration_s, now, monotonic_s)
        self._law = LawWatch(api, settings.operator_namespace, self._measures.law_faults)
        self._view = CacheView(
            settings, self._store, self._reports, lambda: self._lease.epoch, lambda: self._law.finding
        )
        self._queue: KeyQueue[Key] = KeyQueue(monotonic_s, random.random, tenant_of, is_urgent)
        self._dispatcher = Dispatcher(self._store, self._view, self._queue, RECONCILERS)
        writer = Writer(api, self._lease, self._dispatcher.observe, host, self._measures.wrote)
        issuer = Issuer(self._view, writer, now, self._measures.issued, self._measures.authority_until)
        self._pods = PodClient(issuer.own)
        reported = self._dispatcher.reported
        self._poller = Poller(self._view, self._pods, self._reports, reported, lambda: self._lease.held)
        pusher = Pusher(self._view, self._pods, self._reports, reported, self._lease.require)
        self._applier = Applier(self._view, writer, issuer, pusher, now, monotonic_s)
        self._followed = self._watchers(*OURS) if self._namespaced else self._watchers(NAMESPACE, *OURS)
        self._watched: list[Watcher | Asker] = [*self._watchers(*CHILDREN, *_artifact_claims(settings))]
        self._watched += self._watchers(POD_MONITOR, optional=True)
        self._watched += self._asked_for() if self._namespaced else self._watchers(DEFINITION)
        self._synced, self._asked = False, asyncio.Event()
        permits = Permits(self._view, lambda: self._lease.held, lambda: self._synced, self._measures.called)
        self._permits = PermitServer(permits, issuer.own)

    async def run(self, stop: asyncio.Event, started: Callable[[], None]) -> bool:
        """Work until it is told to stop; return whether it ended for that reason.

        started: called once kopf runs, which takes signals for itself.
        """
        endpoints = Endpoints(self._health, self._readiness, self._metrics)
        port = await endpoints.start(self._settings.http_port)
        _log.info("started", extra={"profile": self._settings.profile, "http_port": port})
        works = [asyncio.create_task(work, name=name) for name, work in self._works().items()]
        follow = asyncio.create_task(self._follow(started), name="follow")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        done, _ = await asyncio.wait((*works, follow, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            _log.error("a part has ended", extra={"part": task.get_name()}, exc_info=task.exception())
        await self._end([*works, stopping], follow)
        await endpoints.stop()
        return stopping in done

    def _works(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        watches = {f"watch {n}": watcher.run() for n, watcher in enumerate(self._watched)}
        workers = {f"worker {n}": self._work() for n in range(self._settings.workers)}
        return {
            "lease": self._lease.keep(),
            "repair": self._repair(),
            "poll": self._poll(),
            "permits": self._permits.run(f"0.0.0.0:{self._settings.grpc_port}"),
            **watches,
            **workers,
            "urgent worker": self._work(urgent_only=True),
        }

    async def _end(self, works: list[asyncio.Task[Any]], follow: asyncio.Task[None]) -> None:
        """End what writes, then give up the Lease, so that the next operator need not wait; kopf takes its time."""
        for task in works:
            task.cancel()
        await asyncio.wait(works, timeout=_END_S)
        await self._poller.close()
        await self._pods.close()
        with suppress(ApiError):
            await self._lease.release()
        follow.cancel()
        await asyncio.wait([follow], timeout=_END_S)
        _log.info("ended")

    async def _follow(self, started: Callable[[], None]) -> None:
        """List everything once, then follow our kinds through kopf."""
        for watcher in self._followed:
            await self._listed(watcher)
        await asyncio.gather(*(watcher.synced.wait() for watcher in self._watched))
        self._synced = True
        monitored = bool(self._store.list(DEFINITION.kind))
        _log.info("cluster known", extra={"keys": len(self._queue), "pod_monitors": monitored})
        kinds = OURS if self._namespaced else (*OURS, NAMESPACE)
        await follow(registry(self._dispatcher, kinds, lambda: self._health()[1], started), self._namespaces())

    async def _listed(self, watcher: Watcher) -> None:
        while True:
            try:
                await watcher.relist()
                return
            except ApiError as error:
                _log.warning("cannot list; is the chart alphatrade-crds installed?", extra={"error": str(error)})
                await asyncio.sleep(2.0)

    async def _work(self, urgent_only: bool = False) -> None:
        measure = self._measures.reconciled
        worker = Worker(
            self._queue, self._applier, RECONCILERS, NotLeading, _explain, now, monotonic_s, measure, urgent_only
        )
        while True:
            while not self._synced:
                await asyncio.sleep(0.05)
            await self._lease.wait()
            await self._asked.wait()
            await worker.step()

    async def _repair(self) -> None:
        """List all of it now and then: what a watch has missed is found, and every key is looked at again."""
        while True:
            await asyncio.sleep(self._settings.repair_s * (1.0 + 0.1 * random.random()))
            for watcher in (*self._followed, *self._watched):
                await self._mended(watcher)
            await self._law.check()
            self._dispatcher.requeue_all()

    async def _mended(self, watcher: Watcher | Asker) -> None:
        try:
            await watcher.relist()
        except ApiError as error:
            if not (watcher.optional and isinstance(error, NotFound)):
                _log.warning("not listed in a repair round", extra={"error": str(error)})

    async def _poll(self) -> None:
        """Ask every pod, for ever. Nothing is decided before the first round: who was not asked is not silent."""
        while not self._synced:
            await asyncio.sleep(0.05)
        await self._lease.wait()
        await self._law.check()
        await self._poller.round()
        self._asked.set()
        await self._poller.run()

    @property
    def _namespaced(self) -> bool:
        """Whether nothing may be asked of the whole cluster."""
        return self._settings.scope == "Namespaces"

    def _watchers(self, *resources: Resource, optional: bool = False) -> list[Watcher]:
        """Return what watches kinds: each in the whole cluster, or in each namespace."""
        where = self._namespaces() if self._namespaced else ("",)
        return [
            Watcher(self._api, resource, self._dispatcher, monotonic_s, namespace, optional)
            for resource in resources
            for namespace in where
        ]

    def _asked_for(self) -> list[Asker]:
        """Return what is asked for by name, where it may not be watched."""
        return [
            ask_namespaces(self._api, self._namespaces(), self._dispatcher, monotonic_s),
            ask_pod_monitors(self._api, self._dispatcher, monotonic_s),
        ]

    def _namespaces(self) -> tuple[str, ...]:
        named = self._settings.namespaces
        return (*named, self._settings.operator_namespace) if named else ()

    def _health(self) -> Verdict:
        """Whether the process works. An API server that is away is no fault of it: a restart would not help."""
        stuck_s = self._queue.stuck_s() if self._lease.held and self._synced else 0.0
        silent_s = max(watcher.silent_s for watcher in self._watched) if self._lease.held else 0.0
        good = stuck_s < _STUCK_S and silent_s < _SILENT_S
        shown = {"stuck_s": stuck_s, "overdue_s": self._queue.overdue_s(), "silent_s": silent_s}
        return good, {**{name: round(value, 1) for name, value in shown.items()}, "keys": len(self._queue)}

    def _readiness(self) -> Verdict:
        role = "leads" if self._lease.held else "stands by" if self._lease.standing_by else "waits for the lease"
        good = self._synced and (self._lease.held or self._lease.standing_by)
        return good, {"synced": self._synced, "role": role, "epoch": self._lease.epoch}

    def _metrics(self) -> bytes:
        return self._measures.text(self._queue, self._lease, self._store)


def _artifact_claims(settings: Settings) -> tuple[Resource, ...]:
    name = settings.artifact_store.claim_name
    return (artifact_claim(name),) if name else ()


def _explain(error: Exception) -> tuple[bool, str] | None:
    return (error.retryable, str(error)) if isinstance(error, ApiError) else None
