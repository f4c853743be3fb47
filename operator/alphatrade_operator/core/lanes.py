"""Who of those that are due is next: tenants take turns, and what is urgent goes before the rest. Pure."""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT")

URGENT_RUN = 4  # urgent keys in a row while others wait: nobody can keep the rest out with urgent keys either


class Turns(Generic[KeyT]):
    """Keys of many tenants: each tenant's in the order in which they came, one of each tenant in turn."""

    def __init__(self, tenant: Callable[[KeyT], Hashable]) -> None:
        self._tenant = tenant
        self._waiting: dict[Hashable, deque[KeyT]] = {}  # in the order of their turns

    def __len__(self) -> int:
        """Return the number of tenants that wait."""
        return len(self._waiting)

    def put(self, key: KeyT) -> None:
        """Let a key wait behind all others of its tenant."""
        self._waiting.setdefault(self._tenant(key), deque()).append(key)

    def take(self) -> KeyT | None:
        """Return the key whose turn it is; its tenant is last from now on. None when none waits."""
        tenant = next(iter(self._waiting), None)
        keys = self._waiting.pop(tenant, None)
        if keys is None:
            return None
        key = keys.popleft()
        if keys:
            self._waiting[tenant] = keys
        return key


class Lanes(Generic[KeyT]):
    """Two lanes. A key waits for at most `tenants * (URGENT_RUN + 1)` others, however many keys another tenant has.

    urgent: whether a key belongs into the lane that goes first.
    """

    def __init__(self, tenant: Callable[[KeyT], Hashable], urgent: Callable[[KeyT], bool]) -> None:
        self._urgent, self._urgent_keys, self._usual_keys = urgent, Turns(tenant), Turns(tenant)
        self._in_a_row = 0

    def put(self, key: KeyT) -> None:
        """Let a key wait for its turn."""
        (self._urgent_keys if self._urgent(key) else self._usual_keys).put(key)

    def take(self, urgent_only: bool = False) -> KeyT | None:
        """Return the key whose turn it is, or None. urgent_only: leave the others where they are."""
        if urgent_only:
            return self._urgent_keys.take()
        if self._urgent_keys and (self._in_a_row < URGENT_RUN or not self._usual_keys):
            self._in_a_row += 1
            return self._urgent_keys.take()
        self._in_a_row = 0
        return self._usual_keys.take()
