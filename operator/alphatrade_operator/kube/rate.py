"""A token bucket in front of the client, so that a repair round cannot flood the API server."""

import asyncio
import heapq
from collections.abc import Callable


class Rate:
    """At most `burst` at once and `per_s` in the long run; who is urgent does not wait behind who is not.

    clock: monotonic seconds.
    """

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float]) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._tokens, self._at_s = float(burst), clock()
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._came = 0
        self._timer: asyncio.TimerHandle | None = None

    def take(self) -> bool:
        """Take a token if there is one."""
        now_s = self._clock()
        self._tokens = min(float(self._burst), self._tokens + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._tokens < 1.0 - 1e-9:
            return False
        self._tokens -= 1.0
        return True

    async def wait(self, urgent: bool = False) -> None:
        """Wait for a token; those that wait get theirs in the order in which they came, urgent ones first."""
        if not self._waiting and self.take():
            return
        self._came += 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, self._came, turn))
        self._wake()
        await turn

    def _wake(self) -> None:
        if self._timer is None and self._waiting:
            missing_s = max(0.0, (1.0 - self._tokens) / self._per_s)
            self._timer = asyncio.get_running_loop().call_later(missing_s, self._serve)

    def _serve(self) -> None:
        self._timer = None
        while self._waiting:
            if self._waiting[0][2].done():  # it was canceled
                heapq.heappop(self._waiting)
            elif self.take():
                heapq.heappop(self._waiting)[2].set_result(None)
            else:
                break
        self._wake()
