"""Batches that have arrived and were not taken yet: filled by one thread, emptied by another."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.schema import Rows

FULL_ROWS = 1 << 18
NEVER = 1 << 62


@dataclass(frozen=True)
class Batch:
    """Rows that follow each other. number: to acknowledge; it goes on over reconnects.

    due_ns: (n,) int64, when each row is due in the feed's view, never running backwards.
    complete_through_ns: no later row is due at or below it.
    missed: rows of the tape that lie between the batch before and this one, and were not sent (real time only).
    lasting: True for rows out of those passed over that still say how things are.
    """

    number: int
    rows: Rows
    due_ns: npt.NDArray[np.int64]
    complete_through_ns: int
    missed: int = 0
    lasting: bool = False

    def after(self, taken: int) -> "Batch":
        """Return the batch without its first rows."""
        return replace(self, rows=self.rows.slice(taken, len(self.due_ns)), due_ns=self.due_ns[taken:], missed=0)


class Inbox:
    """The queue. A reader of the network waits while it is full; `arrived` is called when something came."""

    def __init__(self, arrived: Callable[[], None]) -> None:
        self._batches: deque[Batch] = deque()
        self._arrived = arrived
        self._changed = threading.Condition()
        self._rows = 0
        self._finished = False
        self._closed = False

    @property
    def rows(self) -> int:
        """How many rows wait to be taken."""
        return self._rows

    @property
    def ended(self) -> bool:
        """Whether all was taken and nothing more will come."""
        return self._finished and not self._batches

    def put(self, batch: Batch) -> None:
        """Add a batch; wait while the queue is full."""
        with self._changed:
            self._changed.wait_for(lambda: self._rows < FULL_ROWS or self._closed)
            self._batches.append(batch)
            self._rows += len(batch.due_ns)
            self._changed.notify_all()
        self._arrived()

    def finish(self) -> None:
        """Say that nothing more will come."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()
        self._arrived()

    def wake(self) -> None:
        """Let who waits look again."""
        with self._changed:
            self._changed.notify_all()
        self._arrived()

    def wait_for(self, told: Callable[[], bool], timeout_s: float) -> None:
        """Wait until `told` says so, asked again at every `wake`; at most timeout_s."""
        with self._changed:
            self._changed.wait_for(told, timeout_s)

    def close(self) -> None:
        """Let go of who waits to put."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout_s: float, over: Callable[[], bool]) -> Batch | None:
        """Return the oldest batch; wait for one at most timeout_s. None when there is none, or `over` says so."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._batches) or self._finished or over(), timeout_s)
            return self._popped() if self._batches else None

    def take_due(self, now_ns: int) -> Batch | None:
        """Return the rows of the oldest batch that are due at now_ns; None when there is none."""
        if not self._batches:  # asked at every turn of a loop: no lock for nothing
            return None
        with self._changed:
            first = self._batches[0]
            due = len(first.due_ns) if first.lasting else int(np.searchsorted(first.due_ns, now_ns, side="right"))
            if due == len(first.due_ns):  # also a batch of no rows, that only tells of missed ones
                return self._popped()
            if due == 0:
                return None
            self._batches[0] = first.after(due)
            self._rows -= due
            return replace(first, rows=first.rows.slice(0, due), due_ns=first.due_ns[:due])

    def next_due_ns(self) -> int:
        """Return when the oldest row is due; NEVER when nothing is here."""
        with self._changed:
            if not self._batches:
                return NEVER
            first = self._batches[0]
            return 0 if first.lasting or not len(first.due_ns) else int(first.due_ns[0])

    def _popped(self) -> Batch:
        batch = self._batches.popleft()
        self._rows -= len(batch.due_ns)
        self._changed.notify_all()
        return batch
