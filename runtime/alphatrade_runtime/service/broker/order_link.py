"""What both client ends share: logon, numbers of commands and reports, a stream made anew when certificates rotate."""

import time
from collections import deque
from typing import Any

import grpc
import numpy as np

from alphatrade.config import Endpoint
from alphatrade.mtls import Certificates
from alphatrade.v1.broker_pb2 import LoggedOn, Logon, SessionClock, Stopped, TradeRequest, TradeResponse
from alphatrade_runtime.execution.broker.contract import BrokerLost, Commands, Reports
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE
from alphatrade_runtime.service.broker.trade_call import TradeCall
from alphatrade_runtime.service.broker.wire import MAX_ORDERS_A_MESSAGE, from_reports, to_orders
from alphatrade_runtime.service.transport.link import Link

LOOK_NS = 1_000_000_000
READY_S = 2.0
_NONE = np.zeros(0, REPORT_DTYPE)


class OrderLink:
    """One session's way to its gateway. reports: how many were received; sent: how many commands were sent."""

    def __init__(self, endpoint: Endpoint, certificates: Certificates, policy_hash: str, logon_s: float) -> None:
        self._link = Link(endpoint.target, endpoint.identity, certificates)
        self._policy_hash, self._logon_s = policy_hash, logon_s
        self.where = f"broker {endpoint.target}"
        self.call: TradeCall | None = None
        self.reports = self.sent = 0
        self._logon = Logon()
        self._unsure: deque[Any] = deque(maxlen=MAX_ORDERS_A_MESSAGE)
        self._generation = 0
        self._look_ns = 0
        self.stopped: Stopped | None = None  # what we know to have stopped us
        self.told: Stopped | None = None  # what the account says has

    def log_on(self, session_id: str, after: int, clock: SessionClock, feed_digest: str) -> tuple[LoggedOn, Reports]:
        """Connect; return what the gateway has, and its reports numbered above `after`."""
        self.close()
        self._unsure.clear()
        self._logon = Logon(
            session_id=session_id, policy_hash=self._policy_hash, clock=clock, feed_digest=feed_digest
        )  # fmt: skip
        self.call, on, missed = self._connect(after)
        self.sent = on.commands
        return on, missed

    def send(self, commands: Commands, first: int) -> None:
        """Hand commands over. first: number of the first one."""
        call = self.linked
        for start in range(0, len(commands), MAX_ORDERS_A_MESSAGE):
            part = commands[start : start + MAX_ORDERS_A_MESSAGE]
            call.send(TradeRequest(orders=to_orders(part, first + start)))
        self._unsure.extend(commands)
        self.sent = first + len(commands) - 1

    def tell_stopped(self, stopped: Stopped) -> None:
        """Let the account keep what stopped us: now if there is a stream, and at every logon."""
        self.stopped = stopped
        if self.call is not None:
            self.call.send(TradeRequest(stopped=stopped))

    def taken(self) -> None:
        """Say that the gateway has on record all that was sent: it answered something that came behind."""
        self._unsure.clear()

    def receive(self, response: TradeResponse) -> Reports:
        """Return the reports of a response. Raises BrokerLost when some are missing before them."""
        if response.WhichOneof("response") != "reports":
            return _NONE
        first = response.reports.first
        if first != self.reports + 1:
            raise BrokerLost(f"{self.where}: report {first} came, {self.reports + 1} is next")
        self.reports += len(response.reports.reports)
        return from_reports(response.reports)

    @property
    def stale(self) -> bool:
        """Whether our certificate was replaced since the stream was made, and a new one can be made. Asked often."""
        now = time.monotonic_ns()
        if self.call is None or now < self._look_ns:
            return False
        self._look_ns = now + LOOK_NS
        return self._link.generation != self._generation and self._is_ready()

    def renew(self) -> Reports:
        """Go on with the session over a new stream; return the reports that the one before did not bring.

        The gateway gives the session over from link to link: nothing is cancelled, nothing lost.
        """
        before = self.linked
        self.call, on, missed = self._connect(self.reports)
        before.close()
        again = list(self._unsure)[len(self._unsure) - (self.sent - on.commands) :] if on.commands < self.sent else []
        if again:
            self.send(np.array(again, COMMAND_DTYPE), on.commands + 1)
        return missed

    def close(self) -> None:
        """Let the stream go."""
        if self.call is not None:
            self.call.close()
            self.call = None

    @property
    def linked(self) -> TradeCall:
        """The stream. Raises BrokerLost when there is none."""
        if self.call is None:
            raise BrokerLost(f"{self.where}: not connected")
        return self.call

    def _connect(self, after: int) -> tuple[TradeCall, LoggedOn, Reports]:
        self._generation = self._link.generation
        call = TradeCall(self._link)
        self.reports, missed = after, [_NONE]
        try:
            call.expect(self._logon_s)
            self._logon.after_report = after
            if self.stopped is not None:
                self._logon.stopped.CopyFrom(self.stopped)
            call.send(TradeRequest(logon=self._logon))
            while True:
                response = call.next()
                if response.WhichOneof("response") == "logged_on":
                    call.expect(0)
                    self.told = response.logged_on.stopped if response.logged_on.HasField("stopped") else None
                    return call, response.logged_on, np.concatenate(missed)
                missed.append(self.receive(response))
        except BaseException:
            call.close()
            raise

    def _is_ready(self) -> bool:
        ready = grpc.channel_ready_future(self._link.channel())
        try:
            ready.result(READY_S)
            return True
        except grpc.FutureTimeoutError:
            return False
        finally:
            ready.cancel()
