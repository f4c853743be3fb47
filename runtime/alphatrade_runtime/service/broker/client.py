"""The runtime's ends of Broker.Trade: one by the wall clock, one on the stream's clock.

Both raise BrokerLost when the gateway cannot be reached, is silent, or refuses for now (a policy that is not entitled
yet, a feed that is not there), and InputError when it refuses for good. How long to wait before the next logon is the
caller's.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from alphatrade.config import Endpoint
from alphatrade.mtls import Certificates
from alphatrade.v1.broker_pb2 import Advance, CancelAll, SessionClock, Settle, Stopped, TradeRequest, TradeResponse
from alphatrade_runtime.execution.broker.contract import BrokerLost, Commands, Reports, VenueState
from alphatrade_runtime.market.orders import REPORT_DTYPE
from alphatrade_runtime.service.broker.order_link import OrderLink
from alphatrade_runtime.service.broker.trade_call import TradeCall
from alphatrade_runtime.service.broker.wire import from_books

ANSWER_S, LOGON_S = 5.0, 15.0
STREAM_ANSWER_S, STREAM_LOGON_S = 30.0, 60.0  # the venue may have a day of rows to go through
_NONE = np.zeros(0, REPORT_DTYPE)


class GrpcSteppedBroker:
    """A venue on the stream's clock; each call is one question and its answer, in the caller's own thread.

    speed: of the feed; 0 is as fast as it goes.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        certificates: Certificates,
        policy_hash: str,
        feed_digest: str,
        speed: int = 0,
        answer_s: float = STREAM_ANSWER_S,
        logon_s: float = STREAM_LOGON_S,
    ) -> None:
        self._link = OrderLink(endpoint, certificates, policy_hash, logon_s)
        self._clock, self._feed_digest = SessionClock(stream=True, speed=speed), feed_digest
        self._answer_s = answer_s

    def logon(self, session_id: str, after: int) -> tuple[int, Reports]:
        """Connect; return how many commands the venue has on record, and its reports numbered above `after`."""
        on, missed = self._link.log_on(session_id, after, self._clock, self._feed_digest)
        return on.commands, missed

    def send(self, commands: Commands, first: int) -> None:
        """Hand commands over. first: number of the first one; those known to the venue are passed over."""
        self._link.send(commands, first)

    def advance(self, through_ns: int) -> Reports:
        """Bring the venue to exchange time through_ns; return the reports made, with the time of their arrival."""
        return self._ask(TradeRequest(advance=Advance(through_ns=min(through_ns, 1 << 62))), "advanced")[0]

    def settle(self, order_ids: Sequence[int]) -> tuple[Reports, VenueState]:
        """Return the venue's books at the time reached; nothing that is under way is hurried."""
        reports, answer = self._ask(TradeRequest(settle=Settle(order_ids=order_ids)), "books")
        return reports, from_books(answer.books)

    def cancel_all(self) -> Reports:
        """Let what is under way arrive, cancel all that works; return the reports."""
        return self._ask(TradeRequest(cancel_all=CancelAll()), "all_canceled")[0]

    def tell_stopped(self, stopped: Stopped) -> None:
        """Let the account keep what stopped this strategy."""
        self._link.tell_stopped(stopped)

    @property
    def told(self) -> Stopped | None:
        """What the account says has stopped this strategy; None when nothing has."""
        return self._link.told

    def close(self) -> None:
        """Let the link go; the session's time stands still until its next logon."""
        self._link.close()

    def _ask(self, request: TradeRequest, kind: str) -> tuple[Reports, TradeResponse]:
        link = self._link
        try:
            reports = [link.renew()] if link.stale else []
            call = link.linked
            call.expect(self._answer_s)
            call.send(request)
            while True:
                response = call.next()
                if response.WhichOneof("response") == kind:
                    call.expect(0)
                    link.taken()
                    return np.concatenate(reports) if reports else _NONE, response
                reports.append(link.receive(response))
        except BaseException:
            link.close()
            raise


class GrpcBroker:
    """Broker over gRPC, in real time: reports are read by a thread of their own as they come."""

    def __init__(
        self,
        endpoint: Endpoint,
        certificates: Certificates,
        policy_hash: str,
        answer_s: float = ANSWER_S,
        logon_s: float = LOGON_S,
    ) -> None:
        self._link = OrderLink(endpoint, certificates, policy_hash, logon_s)
        self._answer_s = answer_s
        self._news = threading.Condition()
        self._held: list[Reports] = []
        self._answer: TradeResponse | None = None
        self._fault: Exception | None = None
        self.arrived: Callable[[], None] = lambda: None  # called by the reading thread whenever there is something new

    def logon(self, session_id: str, after: int, facts: Mapping[str, Any]) -> None:
        """Connect as `session_id`; reports numbered above `after` follow. facts: clock, feed_digest."""
        self.close()
        clock = facts["clock"]
        asked = SessionClock(
            origin_ns=clock["origin_ns"], wall_start_ns=clock["wall_start_ns"], speed=clock["speed"]
        )  # fmt: skip
        _, missed = self._link.log_on(session_id, after, asked, facts["feed_digest"])
        self._begin(missed)

    def send(self, commands: Commands) -> None:
        """Hand commands to the venue, in order."""
        with self._news:
            self._check()
            self._link.send(commands, self._link.sent + 1)

    def receive(self) -> Reports:
        """Return the reports that have arrived; never waits, but for the stream made anew after a rotation."""
        if self._link.stale:
            self._renew()
        with self._news:
            if not self._held:
                self._check()
                return _NONE
            return self._taken()

    def reconcile(self, order_ids: Sequence[int]) -> tuple[Reports, VenueState]:
        """Let the venue settle all that is under way; return the reports not yet received, and its books."""
        answer = self._ask(TradeRequest(settle=Settle(order_ids=order_ids)))
        with self._news:
            return self._taken(), from_books(answer.books)

    def cancel_all(self) -> Reports:
        """Cancel every working order; return the reports not yet received, up to and including the cancels."""
        self._ask(TradeRequest(cancel_all=CancelAll()))
        with self._news:
            return self._taken()

    def wait(self, timeout_s: float) -> None:
        """Return when a report may have arrived, at the latest after timeout_s."""
        with self._news:
            self._news.wait_for(lambda: bool(self._held) or self._fault is not None, timeout_s)

    def tell_stopped(self, stopped: Stopped) -> None:
        """Let the account keep what stopped this strategy."""
        with self._news:
            self._link.tell_stopped(stopped)

    @property
    def told(self) -> Stopped | None:
        """What the account says has stopped this strategy; None when nothing has."""
        return self._link.told

    def close(self) -> None:
        """Let the link go; the venue cancels working orders if the account says so."""
        with self._news:
            self._link.close()
            self._held.clear()
            self._fault = None

    def _begin(self, missed: Reports) -> None:
        with self._news:
            if len(missed):
                self._held.append(missed)
                self._news.notify_all()
            call = self._link.linked
        threading.Thread(target=self._read, args=(call,), name="reports", daemon=True).start()

    def _renew(self) -> None:
        """Go on over a new stream; from here on what the one before brings comes again over the new one."""
        with self._news:
            self._check()
            try:
                missed = self._link.renew()
            except BrokerLost:
                self._link.close()
                raise
        self._begin(missed)

    def _read(self, call: TradeCall) -> None:
        while True:
            try:
                response = call.next()
            except Exception as error:
                self._end(call, error)
                return
            with self._news:
                if self._link.call is not call:
                    return
                try:
                    self._take(response)
                except BrokerLost as error:
                    self._fault = error
                self._news.notify_all()
            self.arrived()

    def _take(self, response: TradeResponse) -> None:
        if response.WhichOneof("response") == "reports":
            self._held.append(self._link.receive(response))
        else:
            self._answer = response

    def _end(self, call: TradeCall, error: Exception) -> None:
        with self._news:
            if self._link.call is call:
                self._fault = error
                self._news.notify_all()
        self.arrived()

    def _ask(self, request: TradeRequest) -> TradeResponse:
        until = time.monotonic() + self._answer_s
        with self._news:
            self._check()
            self._answer = None
            self._link.linked.send(request)
            self._news.wait_for(
                lambda: self._answer is not None or self._fault is not None, until - time.monotonic()
            )  # fmt: skip
            if self._answer is None:
                self._fault = self._fault or BrokerLost(f"{self._link.where}: no answer within {self._answer_s:.0f} s")
                self._check()
            self._link.taken()
            assert self._answer is not None
            return self._answer

    def _taken(self) -> Reports:
        if not self._held:
            return _NONE
        reports = np.concatenate(self._held)
        self._held.clear()
        return reports

    def _check(self) -> None:
        """Raise what ended the stream, once; reports not yet taken come again at the next logon."""
        if self._fault is not None:
            fault, self._fault = self._fault, None
            self._link.close()
            self._held.clear()
            raise fault
        _ = self._link.linked
