"""Compose the status that is written, and the events that its changes make. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alphatrade_operator.core.clock import rfc3339
from alphatrade_operator.core.plan import Condition, Event, Manifest
from alphatrade_operator.kube.compare import owned_fields

NEGATIVE = frozenset(
    {
        "Reconciling",
        "Stalled",
        "AwaitsProposal",
        "FlagNotAllowed",
        "Latched",
        "Failed",
        "LawNotInstalled",
        "ReconcileFailed",
    }
)
_SILENT = frozenset({"Reconciling"})
_WORDS = {True: "True", False: "False", None: "Unknown"}
_MESSAGE_LIMIT = 4_096


@dataclass(frozen=True, slots=True)
class Written:
    """A status to write, whole; `events` are what its changes of conditions tell.

    strays: fields that are there, that nobody of ours wrote or writes: an apply leaves them, so they are taken out.
    """

    status: dict[str, Any]
    changed: bool
    urgent: bool
    events: tuple[Event, ...]
    strays: tuple[str, ...] = ()


def compose(
    live: Manifest,
    manager: str,
    fields: Mapping[str, Any] | None,
    snapshot: Mapping[str, Any],
    conditions: Iterable[Condition],
    now: datetime,
) -> Written:
    """Return the status that a manager writes to a live object; fields: None for conditions alone.

    changed: it differs from what is there.  urgent: not only in the snapshot, which can wait.
    """
    generation = live["metadata"].get("generation", 0)
    there = {condition["type"]: condition for condition in (live.get("status") or {}).get("conditions") or ()}
    rendered = [_render(condition, there.get(condition.type), generation, now) for condition in conditions]
    rest = {} if fields is None else {"observedGeneration": generation, **_given(fields)}
    status = {**rest, **_given(snapshot), "conditions": rendered}
    owned = _owned(live, manager)
    strays = () if fields is None else _strays(live, manager, status)
    urgent = bool(strays) or _comparable(status, leave_out=snapshot) != _comparable(owned, leave_out=snapshot)
    changed = urgent or _comparable(status) != _comparable(owned)
    events = tuple(event for one in rendered if (event := _event(one, there.get(one["type"]), rendered)) is not None)
    told = tuple(dict.fromkeys(events))  # two conditions may say the same
    return Written(status, changed, urgent, told, strays)


def _strays(live: Manifest, manager: str, status: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields, but conditions, that are neither written now nor were by a manager whose name begins so."""
    ours = {
        name.removeprefix("f:")
        for entry in live["metadata"].get("managedFields") or ()
        if entry.get("manager", "").startswith(manager) and entry.get("subresource") == "status"
        for name in (entry.get("fieldsV1") or {}).get("f:status") or {}
    }
    return tuple(sorted(set(live.get("status") or {}) - ours - set(status) - {"conditions"}))


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _render(condition: Condition, before: Mapping[str, Any] | None, generation: int, now: datetime) -> dict[str, Any]:
    word = _WORDS[condition.status]
    same = before is not None and before["status"] == word
    return {
        "type": condition.type,
        "status": word,
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if before is not None and same else rfc3339(now),
        "reason": condition.reason,
        "message": condition.message[:_MESSAGE_LIMIT],
    }


def owned_status(live: Manifest, manager: str) -> dict[str, Any]:
    """Return the part of the live status that a manager has written, but conditions."""
    fields = owned_fields(live, manager, "f:status", "status")
    return {
        name: value
        for name, value in (live.get("status") or {}).items()
        if f"f:{name}" in fields and name not in ("conditions", "observedGeneration")
    }


def _owned(live: Manifest, manager: str) -> dict[str, Any]:
    fields, status = owned_fields(live, manager, "f:status", "status"), live.get("status") or {}
    generation = {"observedGeneration": status["observedGeneration"]} if "f:observedGeneration" in fields else {}
    types = _owned_types(fields.get("f:conditions") or {})
    conditions = [one for one in status.get("conditions") or () if one["type"] in types]
    return {**generation, **owned_status(live, manager), "conditions": conditions}


def _owned_types(fields: Mapping[str, Any]) -> set[str]:
    return {json.loads(name[2:])["type"] for name in fields if name.startswith("k:")}


def _comparable(status: Mapping[str, Any], leave_out: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a status in a form in which the order of conditions does not matter."""
    rest = {name: value for name, value in status.items() if leave_out is None or name not in leave_out}
    return {**rest, "conditions": {condition["type"]: condition for condition in status["conditions"]}}


def _event(
    after: Mapping[str, Any], before: Mapping[str, Any] | None, all_after: Iterable[Mapping[str, Any]]
) -> Event | None:
    """Return what to tell of a condition; None when nothing but its time or message changed, or all is as usual."""
    if after["type"] in _SILENT or after["status"] == "Unknown":
        return None
    bad = (after["status"] == "True") == (after["type"] in NEGATIVE)
    if before is None and not bad and after["type"] != "Ready":
        return None
    if before is not None and (before["status"], before["reason"]) == (after["status"], after["reason"]):
        return None
    on_its_way = after["type"] == "Ready" and any(
        one["type"] == "Reconciling" and one["status"] == "True" for one in all_after
    )
    return Event("Warning" if bad and not on_its_way else "Normal", after["reason"], after["message"] or after["type"])
