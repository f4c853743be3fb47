"""Take keys off the queue and reconcile them, each fault kept to its key."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from alphatrade_operator.core.dispatch import is_in_reach, is_trading
from alphatrade_operator.core.live import meta_of
from alphatrade_operator.core.plan import Condition, Key, Plan
from alphatrade_operator.core.queue import KeyQueue
from alphatrade_operator.core.reconciler import Cluster, Reconciler

LONGEST_S = 120.0
_STAND_BY_S = 1.0
_log = logging.getLogger(__name__)


class Faulty(Cluster, Protocol):
    """A cluster on which a fault can be shown."""

    async def stall(self, key: Key, reason: str, message: str) -> None:
        """Say on an object that it could not be reconciled."""
        ...

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that has gone."""
        ...


class Measure(Protocol):
    """Counts what became of a key. result: settled, waiting, failed."""

    def __call__(self, kind: str, result: str, took_s: float) -> None:
        """Count one."""


class Worker:
    """Reconciles keys. lost: the exception that says that the Lease has gone.  refused: (transient?, text) of an error
    of the API server, None for any other.  urgent_only: it takes no other keys, so that it is free for the next one.
    """

    def __init__(
        self,
        queue: KeyQueue[Key],
        cluster: Faulty,
        reconcilers: Mapping[str, Reconciler],
        lost: type[Exception],
        explain: Callable[[Exception], tuple[bool, str] | None],
        now: Callable[[], datetime],
        clock: Callable[[], float],
        measure: Measure,
        urgent_only: bool = False,
    ) -> None:
        self._queue, self._cluster, self._reconcilers = queue, cluster, reconcilers
        self._lost, self._explain, self._now, self._clock, self._measure = lost, explain, now, clock, measure
        self._urgent_only = urgent_only

    async def step(self) -> None:
        """Wait for a key and reconcile it once. Whatever goes wrong stays with the key."""
        key = await self._queue.get(self._urgent_only)
        started_s = self._clock()
        try:
            async with asyncio.timeout(LONGEST_S):
                look_again_s = await self._reconcile(key)
        except self._lost:
            self._queue.succeed(key, _STAND_BY_S)
        except Exception as error:
            await self._failed(key, error)
            self._measure(key.kind, "failed", self._clock() - started_s)
        else:
            self._queue.succeed(key, look_again_s)
            self._measure(key.kind, "settled" if look_again_s is None else "waiting", self._clock() - started_s)

    async def _reconcile(self, key: Key) -> float | None:
        manifest = self._cluster.view.get(key.kind, key.namespace, key.name)
        reconciler = self._reconcilers.get(key.kind)
        if manifest is None or reconciler is None or reconciler.reconcile is None:
            self._cluster.forget(key)
            return None
        if not is_in_reach(self._cluster.view, key):
            return None
        if not _is_looked_at(self._cluster, key, deleting=meta_of(manifest).deleting):
            return await self._cluster.apply(key, NOT_TRADING)
        return await reconciler.reconcile(key, self._cluster, self._now())

    async def _failed(self, key: Key, error: Exception) -> None:
        delay_s = self._queue.fail(key)
        explained = self._explain(error)
        about = {"kind": key.kind, "namespace": key.namespace, "object": key.name, "retry_in_s": round(delay_s, 3)}
        if explained is None:
            _log.error("reconcile raised", extra=about, exc_info=error)
            await self._stall(key, "InternalError", f"a fault of the operator: {type(error).__name__}: {error}")
            return
        transient, text = explained
        _log.warning("reconcile refused", extra={**about, "error": text})
        if not transient:
            await self._stall(key, "Refused", f"the API server refused a change: {text}")

    async def _stall(self, key: Key, reason: str, message: str) -> None:
        try:
            await self._cluster.stall(key, reason, " ".join(message.split())[:1_000])
        except Exception as error:
            _log.warning("fault not shown", extra={"kind": key.kind, "object": key.name, "error": str(error)})


NOT_TRADING = Plan(
    conditions=(
        Condition(
            "Ready",
            False,
            "NamespaceNotTrading",
            "nothing is done in a namespace without the label alphatrade.io/trading=true; set it on the namespace",
        ),
    )
)


def _is_looked_at(cluster: Cluster, key: Key, deleting: bool) -> bool:
    """Whether a key is reconciled: all that is being deleted, and kill switches of the operator's own namespace."""
    if key.kind == "Namespace" or deleting or is_trading(cluster.view, key.namespace):
        return True
    return key.kind == "KillSwitch" and key.namespace == cluster.view.settings.operator_namespace
