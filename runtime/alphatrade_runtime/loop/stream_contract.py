"""What a session on a stream's clock asks of its feed and its broker."""

from collections.abc import Sequence
from typing import Protocol

from alphatrade_runtime.execution.broker.contract import Commands, Reports, VenueState
from alphatrade_runtime.market.schema import Rows


class Batch(Protocol):
    """Rows of a stream with the session's instruments; no row at or below complete_through_ns follows."""

    @property
    def rows(self) -> Rows:
        """The rows, read-only columns."""

    @property
    def complete_through_ns(self) -> int:
        """Time that they are complete through."""

    @property
    def number(self) -> int:
        """What to acknowledge."""


class StreamFeed(Protocol):
    """Rows by time of arrival."""

    @property
    def ended(self) -> bool:
        """True when all rows were taken and no more will come."""

    def take(self, timeout_s: float) -> Batch | None:
        """Return the next batch, None when none came in time or the feed has ended."""

    def acknowledge(self, number: int) -> None:
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
