"""Put written bytes on the disk behind the trading loop, and tell when the disk falls behind."""

import errno
import os
import threading
from collections.abc import Callable

PERIOD_S = 0.005
STALL_NS = 1_000_000_000


class Syncer:
    """Call fdatasync in a thread, at most every 5 ms, while there is something unsynced.

    One thread writes and calls the methods; the other is this object's own.
    """

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._wake, self._stop = threading.Event(), threading.Event()
        self._file = threading.Lock()
        self._fd = -1
        self._waiting_since: int | None = None
        self._syncing_since: int | None = None
        self._error: OSError | None = None
        self._checked = self._patient_until = clock_ns()
        self._thread: threading.Thread | None = None

    def watch(self, fd: int) -> None:
        """Take another file; what was written to the last one must be synced."""
        with self._file:
            self._fd = fd

    def written(self) -> None:
        """Note that bytes were written to the file."""
        if self._waiting_since is not None:
            return  # the thread is awake and has not begun to sync
        self._waiting_since = self._clock_ns()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
            self._thread.start()
        self._wake.set()

    def sync_now(self) -> None:
        """Return when the disk has all that was written. Raises OSError."""
        with self._file:
            self._waiting_since = None
            os.fdatasync(self._fd)

    def check(self) -> None:
        """Raise OSError when a sync failed, or when bytes wait for the disk for more than 1 s.

        A process that was itself stopped for longer gives the disk one more second: it may not be the disk's fault.
        """
        if self._error is not None:
            raise self._error
        now = self._clock_ns()
        if now - self._checked > STALL_NS:
            self._patient_until = now + STALL_NS
        self._checked = now
        since = self._syncing_since if self._syncing_since is not None else self._waiting_since
        if since is not None and now - since > STALL_NS and now >= self._patient_until:
            raise OSError(errno.ETIMEDOUT, "the disk is more than 1 s behind")

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            self._sync()
            self._stop.wait(PERIOD_S)

    def _sync(self) -> None:
        with self._file:
            self._syncing_since, self._waiting_since = self._waiting_since, None
            try:
                if self._syncing_since is not None:
                    os.fdatasync(self._fd)
            except OSError as error:
                self._error = error
            self._syncing_since = None
