"""One call of Trade: what goes out, and its end."""

import queue
import threading
from collections.abc import Iterable, Iterator

import grpc

from alphatrade.v1.broker_pb2 import TradeResponse
from alphatrade_runtime.service.transport.ending import Ending


class Link:
    """A stream's way out. Filled by whoever has something to say to the client, emptied by the call's own thread."""

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._out: queue.SimpleQueue[TradeResponse | Exception | None] = queue.SimpleQueue()
        self._over = threading.Event()
        self.replaced = False
        ending.on_asked(self.wake)

    def put(self, responses: Iterable[TradeResponse]) -> None:
        """Send responses, in order."""
        for response in responses:
            self._out.put(response)

    def wake(self) -> None:
        """Let the call's thread look again."""
        self._out.put(None)

    def fail(self, error: Exception) -> None:
        """End the stream behind what was put before."""
        self._out.put(error)

    def close(self) -> None:
        """Say that the client will send no more; what was put still goes out."""
        self._over.set()
        self.wake()

    def take_over(self) -> None:
        """End the stream because another one goes on with its session."""
        self.replaced = True
        self.ask(grpc.StatusCode.ABORTED, "LinkReplaced: another connection goes on with this session")

    def ask(self, code: grpc.StatusCode, text: str) -> None:
        """Ask the stream to end."""
        self._ending.ask(code, text)

    def waiting(self, timeout_s: float) -> Iterator[TradeResponse]:
        """Yield what there is to send; wait for it at most timeout_s. Raises what `fail` was given."""
        item: TradeResponse | Exception | None = None
        try:
            item = self._out.get(timeout=timeout_s)
            while True:
                if isinstance(item, Exception):
                    raise item
                if item is not None:
                    yield item
                item = self._out.get_nowait()
        except queue.Empty:
            return

    @property
    def ended(self) -> bool:
        """Whether the client will send no more and all has gone out."""
        return self._over.is_set() and self._out.empty()

    def heed(self) -> None:
        """End the call when it was asked to; only its own thread may call this."""
        if self._ending.asked:
            self._ending.finish()
