"""The paper exchanges in the runtime's own process: the same classes without a network."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.contract import BrokerLost, Commands, Reports, VenueState
from alphatrade_runtime.execution.broker.paper_exchange import PaperExchange
from alphatrade_runtime.execution.broker.stepped_exchange import MarketLost, SteppedExchange
from alphatrade_runtime.market.orders import REPORT_DTYPE


@contextmanager
def _lost_on_error() -> Iterator[None]:
    """An exchange that cannot keep its log is no exchange: to its client it is gone."""
    try:
        yield
    except OSError as error:
        raise BrokerLost(f"the paper exchange cannot write its log ({error.strerror})") from error
    except MarketLost as error:
        raise BrokerLost(str(error)) from error


MakeExchange = Callable[[str, Mapping[str, Any]], PaperExchange]


class InProcessBroker:
    """Broker over an exchange that `make` opens at logon, from a session id and its facts."""

    def __init__(self, make: MakeExchange) -> None:
        self._make = make
        self._exchange: PaperExchange | None = None
        self._missed = np.zeros(0, REPORT_DTYPE)

    def logon(self, session_id: str, after: int, facts: Mapping[str, Any]) -> None:
        """Open the session's exchange; what it reported before and is not known here comes first."""
        if self._exchange is None:
            self._exchange = self._make(session_id, facts)
        self._missed = self._exchange.resend(after)

    def send(self, commands: Commands) -> None:
        """Hand commands to the exchange."""
        with _lost_on_error():
            self._open.submit(commands)

    def receive(self) -> Reports:
        """Return the reports whose latency is over."""
        with _lost_on_error():
            self._open.advance()
            return self._with_missed(self._open.take_reports())

    def reconcile(self, order_ids: Sequence[int]) -> tuple[Reports, VenueState]:
        """Settle, and return reports and books."""
        with _lost_on_error():
            reports = self._with_missed(self._open.settle())
            return reports, self._open.state(order_ids)

    def cancel_all(self) -> Reports:
        """Cancel every working order."""
        with _lost_on_error():
            return self._with_missed(self._open.cancel_all())

    def wait(self, timeout_s: float) -> None:
        """Sleep; nothing arrives by itself in one process."""
        time.sleep(timeout_s)

    def close(self) -> None:
        """Let the exchange and its log go."""
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None

    @property
    def _open(self) -> PaperExchange:
        assert self._exchange is not None, "logon comes first"
        return self._exchange

    def _with_missed(self, reports: Reports) -> Reports:
        if len(self._missed) == 0:
            return reports
        missed, self._missed = self._missed, self._missed[:0]
        return np.concatenate((missed, reports))


class InProcessSteppedBroker:
    """A venue on the stream's clock that `make` opens at the first logon, from a session id."""

    def __init__(self, make: Callable[[str], SteppedExchange]) -> None:
        self._make = make
        self._exchange: SteppedExchange | None = None

    def logon(self, session_id: str, after: int) -> tuple[int, Reports]:
        """Open the session's exchange; return how many commands it has, and its reports numbered above `after`."""
        with _lost_on_error():
            if self._exchange is None:
                self._exchange = self._make(session_id)
            return self._exchange.commands, self._exchange.resend(after)

    def send(self, commands: Commands, first: int) -> None:
        """Hand commands over. first: number of the first one; those known to the exchange are passed over."""
        known = self._open.commands
        if not 1 <= first <= known + 1:
            raise BrokerLost(f"the exchange has {known} commands, these begin with {first}")
        with _lost_on_error():
            if len(commands) > known + 1 - first:
                self._open.submit(commands[known + 1 - first :])

    def advance(self, through_ns: int) -> Reports:
        """Bring the exchange to exchange time through_ns; return the reports made."""
        with _lost_on_error():
            return self._open.advance(through_ns)

    def settle(self, order_ids: Sequence[int]) -> tuple[Reports, VenueState]:
        """Return the books at the time reached; nothing that is under way is hurried."""
        with _lost_on_error():
            reports = self._open.settle()
            return reports, self._open.state(order_ids)

    def cancel_all(self) -> Reports:
        """Let what is under way arrive, cancel all that works; return the reports."""
        with _lost_on_error():
            return self._open.cancel_all()

    def close(self) -> None:
        """Let the exchange and its log go."""
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None

    @property
    def _open(self) -> SteppedExchange:
        if self._exchange is None:
            raise BrokerLost("not logged on")
        return self._exchange
