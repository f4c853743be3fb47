"""One subscription to market data: what was taken comes back as acknowledgements, what is due goes out."""

import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

import grpc

from alphatrade.v1.market_pb2 import FeedEnd, FeedFacts, SubscribeRequest, SubscribeResponse
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.service.feed.cursor import ROW_BYTES, Cursor, Span
from alphatrade_runtime.service.feed.gateway import Gateway
from alphatrade_runtime.service.feed.pace import Pace
from alphatrade_runtime.service.feed.wire import to_batch
from alphatrade_runtime.service.transport.ending import ending_of

BATCH_ROWS = 8_192  # 744 KiB on the wire; only a longer run of rows of one time makes a larger batch
MAX_UNACKNOWLEDGED = 4
MAX_BEHIND_BYTES = 4 * 1024 * 1024
_THE_END = "all rows of the tape were sent"


class Acknowledgements:
    """What a subscriber sends after its start, read in a thread of its own. fault: what was wrong with it."""

    def __init__(self, requests: Iterator[SubscribeRequest], changed: threading.Condition) -> None:
        self._requests, self._changed = requests, changed
        self.sent = self.taken = 0
        self.fault = ""
        self.over = False
        threading.Thread(target=self._read, name="acknowledgements", daemon=True).start()

    @property
    def pending(self) -> int:
        """How many batches are not acknowledged."""
        return self.sent - self.taken

    def _read(self) -> None:
        try:
            for request in self._requests:
                with self._changed:
                    self._take(request)
                    self._changed.notify_all()
        except grpc.RpcError:
            pass  # the call has ended
        with self._changed:
            self.over = True
            self._changed.notify_all()

    def _take(self, request: SubscribeRequest) -> None:
        number = request.ack.batch
        if request.WhichOneof("request") != "ack":
            self.fault = "after start, a subscriber sends acknowledgements only"
        elif not 0 < number <= self.sent:
            self.fault = f"batch {number} is acknowledged and was never sent; the last one was {self.sent}"
        else:
            self.taken = max(self.taken, number)


class Subscription:
    """Send one subscriber what is due. real_time: never wait for acknowledgements, and cut who falls behind."""

    def __init__(
        self,
        gateway: Gateway,
        requests: Iterator[SubscribeRequest],
        context: grpc.ServicerContext,
        cursor: Cursor,
        pace: Pace,
        real_time: bool,
    ) -> None:
        self._gateway, self._context, self._cursor, self._pace = gateway, context, cursor, pace
        self._real_time = real_time
        self._changed = threading.Condition()
        self._ending = ending_of(context)
        self._ending.on_asked(self._wake)
        context.add_callback(self._wake)
        self._acknowledgements = Acknowledgements(requests, self._changed)

    def pending(self) -> int:
        """Return how many batches are not acknowledged; in real time none is waited for."""
        return 0 if self._real_time else self._acknowledgements.pending

    def responses(self, feed: FeedFacts, lasting: Rows | None) -> Iterator[SubscribeResponse]:
        """Yield facts, the rows passed over that still matter, batches as they are due, and the end."""
        facts = FeedFacts(next_seq=self._cursor.seq)
        facts.MergeFrom(feed)
        yield SubscribeResponse(facts=facts)
        if lasting is not None:
            yield self._batch(Span(lasting, 0, 0), lasting=True)
        while not self._cursor.ended:
            yield from self._due()
            if not self._context.is_active():
                return
        yield SubscribeResponse(end=FeedEnd(reason=_THE_END))

    def _due(self) -> Iterator[SubscribeResponse]:
        """Yield the next batch, or wait for it."""
        if self._real_time:
            self._cut_if_behind()
        elif self._acknowledgements.pending >= MAX_UNACKNOWLEDGED:
            self._wait(None, self._has_room)
            return
        self._check()
        span = self._cursor.take(self._pace.due_ns(), BATCH_ROWS)
        if span is None:
            self._wait(self._pace.seconds_to(self._cursor.next_due_ns()), lambda: False)
        else:
            yield self._batch(span)

    def _has_room(self) -> bool:
        return self._acknowledgements.pending < MAX_UNACKNOWLEDGED

    def _batch(self, span: Span, lasting: bool = False) -> SubscribeResponse:
        acknowledgements = self._acknowledgements
        complete = min(span.complete_through_ns, self._pace.due_ns()) if self._real_time else span.complete_through_ns
        with self._changed:
            acknowledgements.sent += 1
        self._gateway.sent(len(span.rows.seq))
        return SubscribeResponse(batch=to_batch(acknowledgements.sent, span.rows, span.after_ns, complete, lasting))

    def _cut_if_behind(self) -> None:
        behind = self._cursor.due_rows(self._pace.due_ns()) * ROW_BYTES
        if behind > MAX_BEHIND_BYTES:
            self._context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"the subscriber is {behind >> 20} MiB behind the market; subscribe again to begin at now",
            )

    def _wait(self, seconds: float | None, done: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: done() or self._interrupted(), seconds)
        self._check()

    def _interrupted(self) -> bool:
        return self._ending.asked or self._fault() != "" or not self._context.is_active()

    def _check(self) -> None:
        if not self._context.is_active():
            return
        if self._ending.asked:
            self._ending.finish()
        if fault := self._fault():
            self._refuse(fault)

    def _fault(self) -> str:
        acknowledgements = self._acknowledgements
        if acknowledgements.over and not self._real_time and not self._has_room():
            return "the subscriber has ended its side and can acknowledge nothing any more"
        return acknowledgements.fault

    def _refuse(self, fault: str) -> NoReturn:
        self._context.abort(grpc.StatusCode.INVALID_ARGUMENT, fault)
        raise AssertionError("abort raises")

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
