"""The two clocks: time of day for what people read, monotonic seconds for what is waited for."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the time of day, UTC."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Return seconds of a clock that never steps."""
    return time.monotonic()


def rfc3339(moment: datetime) -> str:
    """Write a time as Kubernetes does in conditions: whole seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(moment: datetime) -> str:
    """Write a time as Kubernetes does in Leases and Events: microseconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc3339(text: str) -> datetime:
    """Read a time as Kubernetes writes it."""
    return datetime.fromisoformat(text)
