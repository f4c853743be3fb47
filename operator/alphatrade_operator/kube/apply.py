"""Make a plan true, writing only what is not so already."""

import json
import random
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

from alphatrade_operator.core.live import meta_of
from alphatrade_operator.core.plan import Certificate, Condition, Event, Key, Manifest, Nudge, Plan, Push, View
from alphatrade_operator.kube.compare import APPLIED, holds, owned_fields, with_digest
from alphatrade_operator.kube.errors import ApiError, Conflict, Ending, NotFound, Refused
from alphatrade_operator.kube.status import Written, compose, owned_status
from alphatrade_operator.kube.writer import MANAGER, Writer, identified

CORE_MANAGER = f"{MANAGER}-core"  # the machinery's own condition: Stalled is the kinds', one writer a condition
FINALIZER_MANAGER = f"{MANAGER}-finalizers"
NUDGED = "alphatrade.io/nudged"
RECONCILE_FAILED = "ReconcileFailed"
_PREFIX = "alphatrade.io/"
_Result = TypeVar("_Result")


class Pushes(Protocol):
    """Brings configurations to pods."""

    async def push(self, push: Push) -> bool:
        """Send it unless the pod has it or has answered to it; return whether the pod could be asked."""
        ...


class Certificates(Protocol):
    """Keeps TLS Secrets."""

    async def ensure(self, certificate: Certificate) -> float:
        """Issue or renew the Secret when needed; return the seconds until it must be looked at again."""
        ...


class Applier:
    """Acts on plans. now: time of day.  clock: monotonic seconds.  chance: random in [0, 1)."""

    def __init__(
        self,
        view: View,
        writer: Writer,
        certificates: Certificates,
        pushes: Pushes,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._view, self._writer, self._certificates, self._pushes = view, writer, certificates, pushes
        self._now, self._clock, self._chance = now, clock, chance
        self._snapshot_due_s: dict[Key, float] = {}

    @property
    def view(self) -> View:
        """Return the cache."""
        return self._view

    async def apply(self, key: Key, plan: Plan) -> float | None:
        """Make the plan true; return the seconds until the next look, or None.

        The status is written also when the server refuses a child; that error is raised after it.
        Raises ApiError, NotLeading.
        """
        live = self._view.get(key.kind, key.namespace, key.name)
        if live is None:
            return None
        faults: list[ApiError] = []
        await self._finalizers(live, plan.finalizers, adding=True)
        looks = [plan.look_again_s, *await self._outside(plan, faults), await self._status(key, live, plan)]
        if faults:
            raise faults[0]
        await self._unstall(live)
        await self._finalizers(live, plan.finalizers, adding=False)
        return min((look for look in looks if look is not None), default=None)

    async def stall(self, key: Key, reason: str, message: str) -> None:
        """Say on an object that it could not be reconciled, beside whatever its kind says. Raises ApiError."""
        live = self._view.get(key.kind, key.namespace, key.name)
        if live is None or not live["apiVersion"].startswith(_PREFIX):
            return
        condition = Condition(RECONCILE_FAILED, True, reason, message)
        written = compose(live, CORE_MANAGER, None, {}, [condition], self._now())
        if written.changed:
            await self._write_status(live, written.status, written.events, CORE_MANAGER)

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that has gone."""
        self._snapshot_due_s.pop(key, None)

    async def child(self, manifest: Manifest) -> None:
        """Apply a child unless it is as wanted. Raises ApiError."""
        wanted, meta = with_digest(manifest), meta_of(manifest)
        live = self._view.get(manifest["kind"], meta.namespace, meta.name)
        same = live is not None and meta_of(live).annotations.get(APPLIED) == meta_of(wanted).annotations[APPLIED]
        if not same or not holds(wanted, live):
            await self._writer.apply(wanted)

    async def _outside(self, plan: Plan, faults: list[ApiError]) -> list[float | None]:
        """Do what is not the object itself; a step that the server refuses does not keep the others from being done."""
        looks = [await _attempt(self._certificates.ensure(one), faults) for one in plan.certificates]
        for manifest in plan.children:
            await _attempt(self.child(manifest), faults)
        for ref in plan.deletions:
            await _attempt(self._writer.delete(ref), faults)
        for nudge in plan.nudges:
            await _attempt(self._nudge(nudge), faults)
        answered = [await self._pushes.push(push) for push in plan.pushes]
        return [*looks, None if all(answered) else self._view.settings.status_poll_s]

    async def _nudge(self, nudge: Nudge) -> None:
        pod = self._view.get("Pod", nudge.namespace, nudge.pod)
        if pod is not None:
            await self._writer.annotate(pod, NUDGED, nudge.digest)

    async def _finalizers(self, live: Manifest, wanted: tuple[str, ...] | None, adding: bool) -> None:
        if wanted is None:
            return
        meta, owned = meta_of(live), _owned_finalizers(live)
        if meta.deleting:
            wanted = tuple(name for name in wanted if name in meta.finalizers)  # none may be added any more
        missing, surplus = set(wanted) - (owned & set(meta.finalizers)), owned - set(wanted)
        if missing if adding else surplus:
            body = identified(live)
            body["metadata"]["finalizers"] = sorted(set(wanted) | owned if adding else wanted)
            await self._writer.apply(body, FINALIZER_MANAGER)

    async def _status(self, key: Key, live: Manifest, plan: Plan) -> float | None:
        """Write the status when it has changed; return the seconds until a snapshot that must wait may be written."""
        if plan.status is None and not plan.conditions and not plan.events:
            return None
        now, now_s = self._now(), self._clock()
        fields = owned_status(live, MANAGER) if plan.status is None else plan.status
        written = compose(live, MANAGER, fields, plan.snapshot or {}, plan.conditions, now)
        wait_s = self._snapshot_wait_s(key, written, now_s)
        if wait_s is not None:
            return wait_s
        if written.changed or plan.events:
            events = (*written.events, *plan.events)
            await self._write_status(live, written.status if written.changed else None, events, MANAGER)
            if written.strays:
                await self._writer.clear({**self._as_seen_last(live), "status": dict.fromkeys(written.strays)})
            self._snapshot_due_s[key] = now_s + self._interval_s()
        return None

    def _snapshot_wait_s(self, key: Key, written: Written, now_s: float) -> float | None:
        if written.urgent or not written.changed:
            return None
        due_s = self._snapshot_due_s.setdefault(key, now_s + self._chance() * self._interval_s())
        return due_s - now_s if due_s > now_s else None

    def _interval_s(self) -> float:
        """Return the seconds between snapshots: the least, and up to a tenth more, so that they do not come in step."""
        return self._view.settings.status_min_interval_s * (1.0 + 0.1 * self._chance())

    async def _write_status(
        self, live: Manifest, status: Mapping[str, Any] | None, events: tuple[Event, ...], manager: str
    ) -> None:
        if status is not None:
            await self._writer.apply({**self._as_seen_last(live), "status": status}, manager, "status")
        for event in events:
            await self._writer.tell(live, event, self._now())

    def _as_seen_last(self, live: Manifest) -> dict[str, Any]:
        """Return the head of an apply that fails when the object has changed unseen.

        On a status the server does not look at the UID: without the version a late write would reach a successor.
        """
        meta, head = meta_of(live), identified(live)
        now = self._view.get(live["kind"], meta.namespace, meta.name)
        current = now if now is not None and meta_of(now).uid == meta.uid else live
        head["metadata"]["resourceVersion"] = current["metadata"].get("resourceVersion", "")
        return head

    async def _unstall(self, live: Manifest) -> None:
        """Take back what `stall` said."""
        if owned_fields(live, CORE_MANAGER, "f:status", "status"):
            await self._write_status(live, {}, (), CORE_MANAGER)


def _owned_finalizers(live: Manifest) -> set[str]:
    fields = owned_fields(live, FINALIZER_MANAGER, "f:metadata").get("f:finalizers") or {}
    return {json.loads(name[2:]) for name in fields if name.startswith("v:")}


async def _attempt(work: Coroutine[Any, Any, _Result], faults: list[ApiError]) -> _Result | None:
    try:
        return await work
    except Ending:
        return None
    except (Refused, Conflict, NotFound) as error:
        faults.append(error)
        return None
