"""The end of streams that are asked to end from outside: a certificate that expired, a server that stops."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn
from weakref import WeakKeyDictionary

import grpc

from alphatrade.mtls import expired, peer_expiry

LOOK_S = 0.1
PATIENCE_S = 5.0  # a handler that did not end its stream by then has it cut, without words
EXPIRED = "the certificate of this connection has expired; connect again with the renewed one"


class Ending:
    """One stream's wish to end. A handler that waits should wake when it is asked, and then call `finish`."""

    def __init__(self, context: grpc.ServicerContext, expires: datetime | None) -> None:
        self._context = context
        self._expires = expires
        self._wakes: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._asked_at = 0.0
        self.status: tuple[grpc.StatusCode, str] | None = None

    @property
    def asked(self) -> bool:
        """Whether the stream is to end."""
        return self.status is not None

    def on_asked(self, wake: Callable[[], None]) -> None:
        """Call `wake` once when the stream is to end; at once when it is already."""
        with self._lock:
            if self.status is None:
                self._wakes.append(wake)
                return
        wake()

    def ask(self, code: grpc.StatusCode, details: str) -> None:
        """Ask the stream to end; the first one to ask says with which status."""
        with self._lock:
            if self.status is not None:
                return
            self.status, self._asked_at = (code, details), time.monotonic()
            wakes, self._wakes = self._wakes, []
        for wake in wakes:
            wake()

    def finish(self) -> NoReturn:
        """End the stream with the status that was asked for; only its handler may call this."""
        assert self.status is not None
        self._context.abort(*self.status)
        raise AssertionError("abort raises")

    def look(self) -> None:
        """Ask when the peer's certificate has expired; cut the stream when asking did not help."""
        if self.status is None:
            if expired(self._expires):
                self.ask(grpc.StatusCode.UNAUTHENTICATED, EXPIRED)
        elif time.monotonic() - self._asked_at > PATIENCE_S:
            self._context.cancel()  # type: ignore[no-untyped-call]


_endings: WeakKeyDictionary[grpc.ServicerContext, Ending] = WeakKeyDictionary()


def ending_of(context: grpc.ServicerContext) -> Ending:
    """Return the wish to end of a call's stream."""
    return _endings[context]


class OpenStreams:
    """The open streams of a server, looked at by one thread."""

    def __init__(self) -> None:
        self._open: set[Ending] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stream-ends", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, context: grpc.ServicerContext) -> None:
        """Watch a call's stream until it has ended."""
        ending = Ending(context, peer_expiry(context))
        _endings[context] = ending
        with self._lock:
            self._open.add(ending)
        if not context.add_callback(lambda: self._remove(ending)):
            self._remove(ending)

    def end(self, code: grpc.StatusCode, details: str) -> None:
        """Ask every stream to end."""
        for ending in self._all():
            ending.ask(code, details)

    def close(self) -> None:
        """Stop looking."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_S):
            for ending in self._all():
                ending.look()

    def _all(self) -> list[Ending]:
        with self._lock:
            return list(self._open)

    def _remove(self, ending: Ending) -> None:
        with self._lock:
            self._open.discard(ending)
