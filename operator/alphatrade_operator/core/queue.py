"""The one queue of keys: a key waits at most once, is worked on by one worker at a time, and backs off by itself.

Of the keys that are due the tenants take turns, and urgent ones go first (see `lanes`).
"""

import asyncio
import heapq
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from alphatrade_operator.core.lanes import Lanes

KeyT = TypeVar("KeyT")

BASE_S = 0.5
MAX_S = 60.0
_SPARE = 64  # times in the heap above two a key
JITTER = 0.2  # of the delay, so that keys that failed together do not come back together


def backoff_s(failures: int, chance: float) -> float:
    """Return seconds to wait after so many failures in a row. chance: random, in [0, 1)."""
    delay_s = min(MAX_S, BASE_S * 2.0 ** min(failures - 1, 16))
    return delay_s * (1.0 + JITTER * chance)


@dataclass(slots=True)
class _State:
    """failures: in a row.  not_before_s: a failed key waits at least until then.  fresh: changed while worked on.

    in_lane: due, and waits for its turn.
    """

    due_s: float | None = None
    running: bool = False
    in_lane: bool = False
    fresh: bool = False
    failures: int = 0
    not_before_s: float = 0.0


class KeyQueue(Generic[KeyT]):
    """Keys by the time they are due. Not thread-safe: it lives in one event loop.

    clock: monotonic seconds.  chance: random in [0, 1).  tenant: of a key; all are one's when left out.
    urgent: whether a key goes before the others; none does when left out.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        chance: Callable[[], float],
        tenant: Callable[[KeyT], Hashable] = lambda key: None,
        urgent: Callable[[KeyT], bool] = lambda key: False,
    ) -> None:
        self._clock, self._chance = clock, chance
        self._lanes = Lanes(tenant, urgent)
        self._states: dict[KeyT, _State] = {}
        self._heap: list[tuple[float, int, KeyT]] = []
        self._pushed = 0
        self._taken_s = clock()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Return the number of keys that wait or are being worked on."""
        return len(self._states)

    def add(self, key: KeyT, delay_s: float = 0.0, fresh: bool = False) -> None:
        """Let a key be due after delay_s, or when it is due already, whichever comes first.

        fresh: its object's spec has changed, so that earlier failures say nothing; else back-off is waited for.
        """
        state = self._states.setdefault(key, _State())
        if fresh:
            state.failures, state.not_before_s, state.fresh = 0, 0.0, state.running
        due_s = max(self._clock() + delay_s, state.not_before_s)
        if state.due_s is None or due_s < state.due_s:
            state.due_s = due_s
            self._push(key, state)

    def take(self, urgent_only: bool = False) -> KeyT | None:
        """Return a key that is due and whose turn it is, now being worked on; None when none is."""
        self._sort_in()
        key = self._lanes.take(urgent_only)
        if key is not None:
            state = self._states[key]
            state.running, state.in_lane, state.fresh, state.due_s = True, False, False, None
            self._taken_s = self._clock()
        return key

    def succeed(self, key: KeyT, look_again_s: float | None) -> None:
        """End the work on a key; it comes back when it was added meanwhile, or after look_again_s."""
        state = self._states[key]
        state.failures, state.not_before_s = 0, 0.0
        self._end(key, state)
        if look_again_s is not None:
            self.add(key, look_again_s)
        elif state.due_s is None:
            del self._states[key]

    def fail(self, key: KeyT) -> float:
        """End the work on a key, which comes back after its back-off; return that in seconds."""
        state = self._states[key]
        if state.fresh:  # what failed was the old spec
            self._end(key, state)
            return 0.0
        state.failures += 1
        delay_s = backoff_s(state.failures, self._chance())
        state.not_before_s = self._clock() + delay_s
        state.due_s = state.not_before_s
        self._end(key, state)
        return delay_s

    def failures(self, key: KeyT) -> int:
        """Return how often in a row a key has failed."""
        state = self._states.get(key)
        return state.failures if state else 0

    def overdue_s(self) -> float:
        """Return for how long the longest waiting key has been due; 0 when none is."""
        due = [state.due_s for state in self._states.values() if state.due_s is not None and not state.running]
        return max(0.0, self._clock() - min(due)) if due else 0.0

    def stuck_s(self) -> float:
        """Return for how long keys have been due and none was taken; 0 while they are, however many wait.

        How long one of them waits says nothing: a tenant may make them faster than they can be worked on.
        """
        return min(self.overdue_s(), self._clock() - self._taken_s)

    async def get(self, urgent_only: bool = False) -> KeyT:
        """Wait for a key that is due; it is now being worked on. urgent_only: take no other."""
        while True:
            key = self.take(urgent_only)
            if key is not None:
                return key
            self._changed.clear()
            wait_s = self._heap[0][0] - self._clock() if self._heap else None
            try:
                await asyncio.wait_for(self._changed.wait(), wait_s)
            except TimeoutError:
                continue

    def _sort_in(self) -> None:
        """Let those that have become due wait for their turn."""
        while self._heap and self._heap[0][0] <= self._clock():
            entry = heapq.heappop(self._heap)
            if self._counts(entry):
                self._states[entry[2]].in_lane = True
                self._lanes.put(entry[2])

    def _counts(self, entry: tuple[float, int, KeyT]) -> bool:
        """Whether a time is the one at which its key is due; an earlier one that came later may have replaced it."""
        state = self._states.get(entry[2])
        return state is not None and not state.running and not state.in_lane and state.due_s == entry[0]

    def _shrink(self) -> None:
        """Leave out times that do not count: a key looked at for each event leaves one each time, for hours."""
        self._heap = [entry for entry in self._heap if self._counts(entry)]
        heapq.heapify(self._heap)

    def _end(self, key: KeyT, state: _State) -> None:
        state.running = False
        if state.due_s is not None:
            self._push(key, state)

    def _push(self, key: KeyT, state: _State) -> None:
        if state.running or state.due_s is None:
            return  # it is pushed when the work on it ends
        self._pushed += 1
        if len(self._heap) > _SPARE + 2 * len(self._states):
            self._shrink()
        heapq.heappush(self._heap, (state.due_s, self._pushed, key))
        self._changed.set()
