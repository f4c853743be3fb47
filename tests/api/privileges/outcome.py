"""What an answer means: let through, refused by RBAC, or refused by an admission policy, which is named."""

import re

from api.privileges.caller import Answer

ALLOWED, FORBIDDEN = "allowed", "forbidden"
_POLICY = re.compile(r"ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request")
_BY_RBAC = re.compile(r'(cannot|attempting to grant RBAC permissions|namespaces? "[^"]+" not found)|Unauthorized')


class Unclear(Exception):
    """An answer that says neither yes nor no: the request is wrong, or the world is."""


def outcome(answer: Answer, fine: str = "") -> str:
    """Return `allowed`, `forbidden` or `law NAME`. Raises Unclear with the server's words."""
    if 200 <= answer.status < 300 or (fine and fine in answer.message):
        return ALLOWED
    if policy := _POLICY.search(answer.message):
        return f"law {policy[1]}"
    if answer.status in (401, 403) and _BY_RBAC.search(answer.message):
        return FORBIDDEN
    raise Unclear(f"{answer.status}: {answer.message or answer.body}")
