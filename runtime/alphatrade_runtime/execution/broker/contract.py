"""What the loop asks of a broker. The paper exchange implements it in this process and over a socket.

Reports are numbered from 1 in the order in which the venue made them and never dropped: who logs on says
which number was the last that he has, and gets all that follow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

Commands = npt.NDArray[Any]  # (n,) of COMMAND_DTYPE
Reports = npt.NDArray[Any]  # (n,) of REPORT_DTYPE


class BrokerLost(RuntimeError):
    """The link to the broker is gone: what became of the working orders is unknown until reconciled."""


@dataclass(frozen=True)
class Working:
    """A working order as the venue has it: limit in ticks, leaves in lots."""

    price: int
    leaves: int


@dataclass(frozen=True)
class VenueState:
    """The venue's books after the report numbered `reports`, with nothing under way.

    positions: lots by instrument index.  working: by order id.  known: which of the asked order ids ever arrived.
    """

    reports: int
    positions: tuple[int, ...]
    working: Mapping[int, Working]
    known: frozenset[int]


class Broker(Protocol):
    """One session's way to its venue. Every method may raise BrokerLost; then only `logon` helps."""

    def logon(self, session_id: str, after: int, facts: Mapping[str, Any]) -> None:
        """Connect as `session_id`; reports numbered above `after` follow. facts: of the session's clock and feed."""

    def send(self, commands: Commands) -> None:
        """Hand commands to the venue, in order."""

    def receive(self) -> Reports:
        """Return the reports that have arrived, in order; never waits."""

    def reconcile(self, order_ids: Sequence[int]) -> tuple[Reports, VenueState]:
        """Let the venue settle all that is under way; return the reports not yet received, and its books."""

    def cancel_all(self) -> Reports:
        """Cancel every working order; return the reports not yet received, up to and including the cancels."""

    def wait(self, timeout_s: float) -> None:
        """Return when a report may have arrived, at the latest after timeout_s."""

    def close(self) -> None:
        """Let the link go; the venue cancels working orders if the session asked for that."""
