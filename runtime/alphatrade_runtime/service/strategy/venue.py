"""A simulated exchange in the pod, for the mode that has no order session. Its fills are simulated."""

from collections.abc import Callable, Sequence
from pathlib import Path

from alphatrade_runtime.execution.broker.contract import BrokerLost, Commands, Reports, VenueState
from alphatrade_runtime.execution.broker.exchange_log import ExchangeLog
from alphatrade_runtime.execution.broker.stepped_exchange import MarketLost, SteppedExchange, SteppedMarket
from alphatrade_runtime.policy.document import Session


class OwnVenue:
    """SteppedBroker over an exchange of this process, kept in a log. market: opens the venue's view of the feed."""

    def __init__(self, session: Session, folder: Path, market: Callable[[], SteppedMarket], depth: bool) -> None:
        self._session, self._folder, self._market, self._depth = session, folder, market, depth
        self._exchange: SteppedExchange | None = None

    def logon(self, session_id: str, after: int) -> tuple[int, Reports]:
        """Open the exchange; return how many commands it has on record, and its reports numbered above `after`."""
        if self._exchange is None:
            n = len(self._session.policy.envelope.instruments)
            log = ExchangeLog(self._folder)
            try:
                self._exchange = SteppedExchange(self._session.exchange, n, self._market(), log, depth=self._depth)
            except MarketLost as error:
                log.close()
                raise BrokerLost(str(error)) from error
        return self._exchange.commands, self._exchange.resend(after)

    def send(self, commands: Commands, first: int) -> None:
        """Hand commands over; those on record are passed over."""
        self._open.submit(commands[self._open.commands + 1 - first :])

    def advance(self, through_ns: int) -> Reports:
        """Bring the exchange to exchange time through_ns."""
        try:
            return self._open.advance(through_ns)
        except MarketLost as error:
            raise BrokerLost(str(error)) from error

    def settle(self, order_ids: Sequence[int]) -> tuple[Reports, VenueState]:
        """Return the reports due at the time reached, and the books."""
        return self._open.settle(), self._open.state(order_ids)

    def close(self) -> None:
        """Let the exchange and its log go."""
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None

    @property
    def _open(self) -> SteppedExchange:
        if self._exchange is None:
            raise BrokerLost("the pod's own exchange is closed")
        return self._exchange
