"""A token bucket in front of the client, so that a repair round cannot flood the API server."""

import asyncio
from collections.abc import Callable


class Rate:
    """At most `burst` at once and `per_s` in the long run. clock: monotonic seconds."""

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float]) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._tokens, self._at_s = float(burst), clock()

    def reserve(self) -> float:
        """Take one and return the seconds to wait before it may be used."""
        now_s = self._clock()
        self._tokens = min(float(self._burst), self._tokens + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        self._tokens -= 1.0
        return max(0.0, -self._tokens / self._per_s)

    async def wait(self) -> None:
        """Wait for one."""
        wait_s = self.reserve()
        if wait_s > 0.0:
            await asyncio.sleep(wait_s)
