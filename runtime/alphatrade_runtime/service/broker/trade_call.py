"""The client's end of one call of Trade: requests out, responses in, silence noticed."""

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc

from alphatrade.v1 import broker_pb2_grpc
from alphatrade.v1.broker_pb2 import TradeRequest, TradeResponse
from alphatrade_runtime.execution.broker.contract import BrokerLost
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.transport.link import Link

_LOOK_S = 0.1
_FINAL = frozenset(  # asking again changes nothing
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.DATA_LOSS,
    }
)


class _Requests(Iterator[TradeRequest]):
    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[TradeRequest | None] = queue.SimpleQueue()

    def __next__(self) -> TradeRequest:
        request = self._queue.get()
        if request is None:
            raise StopIteration
        return request

    def put(self, request: TradeRequest | None) -> None:
        """Send a request; None: send no more."""
        self._queue.put(request)


class TradeCall:
    """One stream. A response that is due and does not come ends it."""

    def __init__(self, link: Link) -> None:
        self._where = f"broker {link.target}"
        self._requests = _Requests()
        self._call: Any = broker_pb2_grpc.BrokerStub(link.channel()).Trade(self._requests)
        self._due = 0.0
        self._silent_s = 0.0
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="broker silence", daemon=True).start()

    def send(self, request: TradeRequest) -> None:
        """Send a request; never waits."""
        self._requests.put(request)

    def expect(self, within_s: float) -> None:
        """From now on a response is due within so many seconds; 0: none is."""
        self._silent_s = within_s
        self._due = time.monotonic() + within_s if within_s else 0.0

    def next(self) -> TradeResponse:
        """Wait for the next response. Raises InputError when the gateway refuses for good, BrokerLost otherwise."""
        try:
            return next(self._call)
        except StopIteration:
            raise BrokerLost(f"{self._where}: the gateway ended the session's stream") from None
        except grpc.RpcError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Let the stream go."""
        self._ended.set()
        self._requests.put(None)
        self._call.cancel()

    def _lost(self, error: grpc.RpcError) -> Exception:
        if self._ended.is_set():
            return BrokerLost(f"{self._where}: not connected")
        if 0 < self._due <= time.monotonic():
            return BrokerLost(f"{self._where}: no answer within {self._silent_s:.0f} s")
        if not isinstance(error, grpc.Call):
            return BrokerLost(f"{self._where}: {error}")
        text = f"{self._where}: {error.details() or error.code().name}"
        return InputError(text) if error.code() in _FINAL else BrokerLost(text)

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_S):
            if 0 < self._due <= time.monotonic():
                self._call.cancel()
                return
            if not self._call.is_active():
                return
