"""What the API server or the way to it can refuse, as types; each names the request and the server's own words."""

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """A request that was not done. reason: as in the server's Status, such as AlreadyExists.

    retryable: another look at the cluster may do better; it is no fault of the object.
    """

    retryable = False

    def __init__(self, request: str, status: int, reason: str, message: str) -> None:
        super().__init__(f"{request}: {status} {reason}: {message}")
        self.request, self.status, self.reason, self.message = request, status, reason, message


class NotFound(ApiError):
    """No such object, or no such kind."""

    retryable = True


class Conflict(ApiError):
    """Another has written, or the object is not the one that was meant."""

    retryable = True


class Refused(ApiError):
    """The server does not accept the object (admission, schema, size) or does not let us (RBAC)."""


class Ending(ApiError):
    """The namespace is going: nothing new can be made in it, and nothing has to be."""

    retryable = True


class Gone(ApiError):
    """The resource version is too old to watch from."""


class Unavailable(ApiError):
    """The server cannot be reached, has failed, or wants us to wait. retry_after_s: what it asks for, else None."""

    retryable = True

    def __init__(
        self, request: str, status: int, reason: str, message: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(request, status, reason, message)
        self.retry_after_s = retry_after_s


class NotLeading(Exception):
    """The Lease is not held; nothing may be written."""


_BY_STATUS: dict[int, type[ApiError]] = {404: NotFound, 409: Conflict, 410: Gone}
_TRANSIENT = (408, 425, 429)
_ENDING = "because it is being terminated"
_NOT_AS_DEFINED = "failed to create typed patch object"  # said with 500, and yet it is the manifest's fault


def error_of(request: str, status: int, body: Mapping[str, Any], retry_after: str | None) -> ApiError:
    """Return the error of an answer that is none of 2xx. body: the server's Status, or empty."""
    reason, message = str(body.get("reason", "")), " ".join(str(body.get("message", "")).split())
    if (status >= 500 or status in _TRANSIENT) and not message.startswith(_NOT_AS_DEFINED):
        wait_s = float(retry_after) if retry_after and retry_after.isdigit() else None
        return Unavailable(request, status, reason, message, wait_s)
    if status == 403 and message.endswith(_ENDING):
        return Ending(request, status, reason, message)
    return _BY_STATUS.get(status, Refused)(request, status, reason, message)
