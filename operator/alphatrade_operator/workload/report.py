"""Turn what pods say into what a status shows: units, times, and which fields change all the time. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import ValidationError

from alphatrade.v1.control_pb2 import ExplorationState
from alphatrade_operator.core.clock import rfc3339
from alphatrade_operator.core.live import status_of
from alphatrade_operator.core.plan import Manifest
from alphatrade_operator.core.quantities import plain
from alphatrade_operator.core.status import Latch, Status

StatusT = TypeVar("StatusT", bound=Status)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NS = 253_402_300_799 * 10**9  # the end of the year 9999
_FIELDS_OF_OTHERS = {"conditions", "observed_generation"}


def last_status(model: type[StatusT], manifest: Manifest) -> StatusT:
    """Return the status as it was last written; an empty one where another version wrote what this one cannot read."""
    try:
        return model.model_validate(status_of(manifest))
    except ValidationError:
        return model()


def split(status: Status, moving: Iterable[str]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a status as its steady fields and its snapshot, in YAML names; what is empty is left out.

    moving: Python names of the fields that change all the time.
    """
    aliases = {type(status).model_fields[name].alias for name in moving}
    shown = status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_FIELDS_OF_OTHERS)
    given = {name: value for name, value in shown.items() if value != []}
    steady = {name: value for name, value in given.items() if name not in aliases}
    return steady, {name: value for name, value in given.items() if name in aliases}


def amount(quanta: int) -> str:
    """Return quanta of 1e-8 as an amount of money."""
    return plain(Decimal(quanta).scaleb(-8))


def share_bps(explored: Iterable[ExplorationState]) -> int:
    """Return the share of sent notional that explored, all together, in bps, rounded down; 0 before the first order."""
    told = list(explored)
    exploring = sum(max(one.exploring, 0) for one in told)
    total = exploring + sum(max(one.normal, 0) for one in told)
    return exploring * 10_000 // total if total > 0 else 0


def time_of(ts_ns: int) -> str | None:
    """Return nanoseconds since the epoch as a time of whole seconds; None for 0, which says that there is none."""
    if not 0 < ts_ns <= _LAST_NS:
        return None
    return rfc3339(_EPOCH + timedelta(seconds=ts_ns // 10**9))


def latch(latched_by: str, before: Latch | None, now: datetime) -> Latch | None:
    """Return what holds a pod, `by: why` in its own words; since when is kept while it stays the same."""
    if not latched_by:
        return None
    by, _, reason = latched_by.partition(": ")
    since = before.since if before and before.by == by[:256] and before.since else rfc3339(now)
    return Latch(by=by[:256], reason=(reason or latched_by)[:4_096], since=since)
