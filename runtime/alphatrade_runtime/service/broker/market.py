"""A session's market: the gateway's own subscription to the client's feed, as the exchanges take it."""

import time
from collections.abc import Callable
from typing import Protocol

from alphatrade.config import Endpoint
from alphatrade.mtls import Certificates
from alphatrade_runtime.execution.broker.stepped_exchange import MarketLost
from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.service.feed.client import RemoteFeed
from alphatrade_runtime.service.feed.facts import Facts
from alphatrade_runtime.service.feed.inbox import Batch

PATIENCE_S = 4.0  # below a client's own, so that it learns why


class VenueFeed(Protocol):
    """A feed in the venue's order of time."""

    @property
    def ended(self) -> bool:
        """Whether the feed has ended and all its rows were taken."""

    def facts(self, timeout_s: float = 0.0) -> Facts | None:
        """Return what the feed is."""

    def take(self, timeout_s: float) -> Batch | None:
        """Return the next batch."""

    def acknowledge(self, number: int) -> None:
        """Let the gateway send on."""

    def poll(self, now_ns: int, most: int = 1 << 62) -> list[Rows]:
        """Return the rows due."""

    def next_due_ns(self) -> int:
        """Return when the next row is due."""

    def skip(self, until_ns: int) -> tuple[int, list[Rows]]:
        """Pass over rows."""

    def close(self) -> None:
        """Leave the feed."""


OpenFeed = Callable[[Endpoint, Session, Callable[[], None]], VenueFeed]


def remote_feeds(certificates: Certificates) -> OpenFeed:
    """Return what subscribes to a client's feed."""

    def subscribe(endpoint: Endpoint, session: Session, arrived: Callable[[], None]) -> VenueFeed:
        instruments = [instrument_of(terms) for terms in session.policy.envelope.instruments]
        return RemoteFeed(endpoint, certificates, "VENUE", instruments, arrived=arrived)

    return subscribe


class StreamMarket:
    """A feed on the stream's clock as a SteppedMarket: each batch is acknowledged when the next one is wanted."""

    def __init__(self, feed: VenueFeed, patience_s: float = PATIENCE_S) -> None:
        self._feed, self._patience_s = feed, patience_s
        self._taken = 0

    def take(self) -> tuple[Rows, int] | None:
        """Return the next rows and the exchange time that they are complete through; None at the end."""
        if self._taken:
            self._feed.acknowledge(self._taken)
        until = time.monotonic() + self._patience_s
        while not self._feed.ended:
            left = until - time.monotonic()
            batch = self._batch(max(left, 0.0))
            if batch is not None:
                self._taken = batch.number
                return batch.rows, batch.complete_through_ns
            if left <= 0 and not self._feed.ended:
                raise MarketLost(f"the client's feed sent nothing for {self._patience_s:.0f} s")
        return None

    def _batch(self, timeout_s: float) -> Batch | None:
        try:
            return self._feed.take(timeout_s)
        except InputError as error:
            raise MarketLost(str(error)) from error

    def close(self) -> None:
        """Leave the feed."""
        self._feed.close()
