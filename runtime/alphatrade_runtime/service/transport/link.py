"""A way to one peer that outlives its certificate and the peer's pod."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import grpc

from alphatrade import mtls

DEADLINE_S = 5.0
_T = TypeVar("_T")


class Link:
    """Channels to one identity at `host:port`; a new one whenever our certificate was replaced.

    The channel before stays open until the next replacement: calls on it end in their own time.
    """

    def __init__(self, target: str, identity: str, certificates: mtls.Certificates) -> None:
        self.target, self.identity = target, identity
        self._certificates = certificates
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._before: grpc.Channel | None = None
        self._generation = 0

    def channel(self) -> grpc.Channel:
        """Return the channel with the certificate of the moment; unary calls on it have a deadline."""
        generation = self.generation
        with self._lock:
            if self._channel is None or generation != self._generation:
                self._replace(generation)
            assert self._channel is not None
            return self._channel

    @property
    def generation(self) -> int:
        """The certificate's number: a stream made under a lower one should be made anew in time."""
        return self._certificates.current().generation

    def close(self) -> None:
        """Let all channels go; what is under way on them is cancelled."""
        with self._lock:
            channels, self._channel, self._before = (self._channel, self._before), None, None
        for channel in channels:
            if channel is not None:
                channel.close()

    def _replace(self, generation: int) -> None:
        if self._before is not None:
            self._before.close()
        self._before, self._generation = self._channel, generation
        bare = mtls.channel(self.target, self.identity, self._certificates)
        self._channel = grpc.intercept_channel(bare, Deadline())


class Deadline(grpc.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    """Give unary calls that name no deadline one: a peer that hangs must not hang us."""

    def intercept_unary_unary(
        self, continuation: Callable[[Any, Any], _T], client_call_details: Any, request: Any
    ) -> _T:
        """Call on, with a deadline."""
        if client_call_details.timeout is None:
            client_call_details = client_call_details._replace(timeout=DEADLINE_S)
        return continuation(client_call_details, request)
