"""A feed over the network, for the loops of strategy and broker gateway."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import grpc
import numpy as np
import numpy.typing as npt

from alphatrade.config import Endpoint
from alphatrade.mtls import Certificates
from alphatrade.v1 import market_pb2, market_pb2_grpc
from alphatrade.v1.market_pb2 import BatchAck, MarketBatch, SubscribeRequest, SubscribeResponse, SubscribeStart
from alphatrade_runtime.loop.live_rows import gap_row
from alphatrade_runtime.loop.window import remap
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, Kind, Rows
from alphatrade_runtime.service.feed.facts import Facts, facts_from
from alphatrade_runtime.service.feed.inbox import Batch, Inbox
from alphatrade_runtime.service.feed.wire import rows_of
from alphatrade_runtime.service.transport.link import Link

View = Literal["LOCAL", "VENUE"]

BACK_OFF_S = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)
_LASTING_CODES = (grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.INVALID_ARGUMENT)
FACTS_S = 5.0  # a gateway that takes a subscription and says nothing is left
_VIEWS = {"LOCAL": market_pb2.MARKET_VIEW_LOCAL, "VENUE": market_pb2.MARKET_VIEW_VENUE}
_LASTING = tuple(int(kind) for kind in (Kind.STATUS, Kind.FUNDING, Kind.MARK))


class RemoteFeed:
    """Rows of a feed gateway, read by a thread that connects again by itself.

    On the stream's clock it goes on with the next row and loses none: `take` and `acknowledge`. In real time it goes on
    at once, or at now when it was away for longer, and says how many rows are missed: `poll`, `skip`, `next_due_ns`,
    as loop.live_feed.PacedFeed. Rows carry the indices of `instruments`, the session's. arrived: called by the thread
    whenever there is something new to see. connections: how often it got through.  missed: rows, in real time.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        certificates: Certificates,
        view: View,
        instruments: Sequence[Instrument],
        from_seq: int = 0,
        arrived: Callable[[], None] = lambda: None,
    ) -> None:
        self._link = Link(endpoint.target, endpoint.identity, certificates)
        self._view, self._wanted, self._seq = view, instruments, from_seq
        self._where = f"feed {endpoint.target}"
        self._inbox = Inbox(arrived)
        self._facts: Facts | None = None
        self._table: npt.NDArray[np.uint16] | None = None
        self._requests: _Requests | None = None
        self._closed = threading.Event()
        self._finished = False
        self._base = self._last = self._away = 0
        self._fault: InputError | None = None
        self._lock = threading.Lock()
        self.connected = False
        self.lost_since_ns: int | None = time.monotonic_ns()
        self.reason = "not connected yet"
        self.missed = self.connections = 0
        self._thread = threading.Thread(target=self._run, name=f"feed {view}", daemon=True)
        self._thread.start()

    # What both clocks use.

    def facts(self, timeout_s: float = 0.0) -> Facts | None:
        """Return what the feed is; wait for it at most timeout_s. Raises InputError when the feed does not fit."""
        self._inbox.wait_for(lambda: self._facts is not None or self._fault is not None, timeout_s)
        self._check()
        return self._facts

    @property
    def ended(self) -> bool:
        """Whether the feed has ended and all its rows were taken."""
        return self._inbox.ended

    @property
    def queued_rows(self) -> int:
        """How many rows have arrived and were not taken."""
        return self._inbox.rows

    def close(self) -> None:
        """Leave the feed."""
        self._closed.set()
        self._inbox.close()
        self._link.close()
        self._thread.join()

    # On the stream's clock.

    def take(self, timeout_s: float) -> Batch | None:
        """Return the next batch; None when none came in time, or the feed has ended. Raises InputError."""
        batch = self._inbox.take(timeout_s, lambda: self._fault is not None)
        if batch is None:
            self._check()
        return batch

    def acknowledge(self, number: int) -> None:
        """Let the gateway send on: batches up to this number are on record, or no more needed."""
        with self._lock:
            if self._requests is not None and number > self._base:
                self._requests.acknowledge(number - self._base)

    # In real time.

    def poll(self, now_ns: int, most: int = 1 << 62) -> list[Rows]:
        """Return the spans of rows due at now_ns, together about `most`; a GAP row where some are missed.

        Raises InputError.
        """
        spans: list[Rows] = []
        given = 0
        while given < most and (batch := self._inbox.take_due(now_ns)) is not None:
            if batch.missed:
                spans.append(gap_row(batch.missed))
            if len(batch.due_ns):
                spans.append(batch.rows)
            given += len(batch.due_ns)
        if not spans:
            self._check()
        return spans

    def next_due_ns(self) -> int:
        """Return when the next row that is here is due; the inbox's NEVER when none is."""
        return self._inbox.next_due_ns()

    def skip(self, until_ns: int) -> tuple[int, list[Rows]]:
        """Pass over what was due by until_ns; return how many rows are missed and those that tell a lasting state."""
        missed, kept = 0, []
        while (batch := self._inbox.take_due(until_ns)) is not None:
            lasting = np.isin(batch.rows.kind, _LASTING)
            missed += batch.missed + int((~lasting).sum())
            if lasting.any():
                kept.append(Rows._make(np.ascontiguousarray(column[lasting]) for column in batch.rows))
        return missed, kept

    # The thread.

    def _run(self) -> None:
        failures = 0
        while not self._closed.is_set() and not self._over():
            before = self._last
            try:
                self._read()
            except grpc.RpcError as error:
                self._fault = _lasting_fault(self._where, error)
                self._lose(_told(error))
            except InputError as error:
                self._fault = error
                self._lose(str(error))
            failures = 0 if self._last > before else failures + 1
            self._closed.wait(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])

    def _over(self) -> bool:
        return self._fault is not None or self._finished

    def _read(self) -> None:
        """Subscribe, and read until the end. Raises RpcError and InputError."""
        stub = market_pb2_grpc.MarketDataStub(self._link.channel())
        requests = _Requests(SubscribeStart(view=_VIEWS[self._view], from_seq=self._seq))
        responses = stub.Subscribe(requests)
        impatience = threading.Timer(FACTS_S, responses.cancel)
        impatience.start()
        try:
            for response in responses:
                impatience.cancel()
                self._handle(response, requests)
        finally:
            impatience.cancel()
            with self._lock:
                self._requests = None
            requests.close()
            responses.cancel()  # type: ignore[no-untyped-call]

    def _handle(self, response: SubscribeResponse, requests: "_Requests") -> None:
        match response.WhichOneof("response"):
            case "facts":
                self._begin(facts_from(response.facts), requests)
            case "batch":
                self._receive(response.batch)
            case "end":
                self._finished, self.connected, self.reason = True, False, response.end.reason
                self._inbox.finish()

    def _begin(self, facts: Facts, requests: "_Requests") -> None:
        if self._facts is not None and facts.digest != self._facts.digest:
            raise InputError(f"{self._where}: serves another tape than before; start a new session")
        if self._facts is None:
            self._table = remap(facts.instruments, self._wanted, self._where)
        self._away = max(facts.next_seq - self._seq, 0) if self._seq else 0
        self._seq = facts.next_seq
        with self._lock:
            self._requests, self._base = requests, self._last
        self._facts = facts
        self.connected, self.lost_since_ns, self.reason = True, None, ""
        self.connections += 1
        self._inbox.wake()

    def _receive(self, message: MarketBatch) -> None:
        rows = self._mapped(rows_of(message))
        if not message.lasting:
            self._check_order(rows)
        missed = max(self._away - len(rows.seq), 0) if message.lasting else 0
        self.missed += missed
        self._last = self._base + message.batch
        due = rows.ts_init_ns
        if self._view == "VENUE" and len(due):
            due = np.maximum(np.maximum.accumulate(rows.ts_event_ns), message.after_ns)
        if missed or len(due):
            self._inbox.put(Batch(self._last, rows, due, message.complete_through_ns, missed, message.lasting))

    def _check_order(self, rows: Rows) -> None:
        """Take note of the rows' numbers; a gateway must not leave any out. Raises InputError."""
        n = len(rows.seq)
        if n == 0 or rows.seq[0] != self._seq or rows.seq[-1] != self._seq + n - 1:
            raise InputError(f"{self._where}: row {self._seq} should come next, and did not; restart the feed gateway")
        self._seq += n

    def _mapped(self, rows: Rows) -> Rows:
        """Return rows with the session's instrument indices, read-only as all columns."""
        if self._table is None:
            return rows
        known = np.minimum(rows.instrument, len(self._table) - 1)
        every = np.uint16(ALL_INSTRUMENTS)
        mapped = np.where(rows.instrument == every, every, self._table[known])
        mapped.setflags(write=False)  # one numba type for all columns
        return rows._replace(instrument=mapped)

    def _lose(self, reason: str) -> None:
        self.connected, self.reason = False, reason
        if self.lost_since_ns is None:
            self.lost_since_ns = time.monotonic_ns()
        self._inbox.wake()

    def _check(self) -> None:
        if self._fault is not None:
            raise self._fault


class _Requests(Iterator[SubscribeRequest]):
    """What goes to the gateway: the start, then whatever is sent."""

    def __init__(self, start: SubscribeStart) -> None:
        self._queue: queue.SimpleQueue[SubscribeRequest | None] = queue.SimpleQueue()
        self._queue.put(SubscribeRequest(start=start))

    def __next__(self) -> SubscribeRequest:
        request = self._queue.get()
        if request is None:
            raise StopIteration
        return request

    def acknowledge(self, batch: int) -> None:
        """Send an acknowledgement."""
        self._queue.put(SubscribeRequest(ack=BatchAck(batch=batch)))

    def close(self) -> None:
        """Send no more."""
        self._queue.put(None)


def _lasting_fault(where: str, error: grpc.RpcError) -> InputError | None:
    """Return what asking again will not mend: a row that the feed's tape does not have, a request that it refuses."""
    if isinstance(error, grpc.Call) and error.code() in _LASTING_CODES:
        return InputError(f"{where}: {error.details()}; start a new session")
    return None


def _told(error: grpc.RpcError) -> str:
    if isinstance(error, grpc.Call):
        return f"{error.code().name}: {error.details()}"
    return str(error)
