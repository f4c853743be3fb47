"""What a session on a stream's clock asks of its feed and its broker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from alphatrade_runtime.execution.broker.contract import Commands, Reports, VenueState
from alphatrade_runtime.market.schema import Rows


@dataclass(frozen=True)
class Batch:
    """Rows of a stream with the session's instruments; no row at or below complete_through_ns follows."""

    rows: Rows
    complete_through_ns: int
    number: int


class StreamFeed(Protocol):
    """Rows by time of arrival."""

    ended: bool
    connected: bool

    def take(self, timeout_s: float) -> Batch | None:
        """Return the next batch, None when none came in time or the feed has ended."""

    def ack(self, number: int) -> None:
        """Say that a batch is on record here."""

    def close(self) -> None:
        """Let the feed go."""


class SteppedBroker(Protocol):
    """A venue that is brought forward by its clients. Every method may raise BrokerLost; then only `logon` helps."""

    def logon(self, session_id: str, after: int) -> tuple[int, Reports]:
        """Connect; return how many commands the venue has on record, and its reports numbered above `after`."""

    def send(self, commands: Commands, first: int) -> None:
        """Hand commands over. first: number of the first one."""

    def advance(self, through_ns: int) -> Reports:
        """Bring the venue to exchange time through_ns; return the reports made, with the time of their arrival."""

    def settle(self, order_ids: Sequence[int]) -> tuple[Reports, VenueState]:
        """Bring all that is under way to its end; return the reports made and the venue's books."""

    def close(self) -> None:
        """Let the link go."""
