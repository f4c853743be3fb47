"""The broker's own journal, read out of its gateway's volume: what reached the venue, apart from what runtimes say."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.exchange_log import from_client, open_orders
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE, Command, Purpose, Report
from e2e.cluster.market import ACCOUNT
from e2e.cluster.place import Place

FOLDER = "/data/sessions"


@dataclass(frozen=True)
class Journal:
    """One order session. commands: the client's, in the order of their numbers, which begin at 1.

    reports: as they left, in order.
    """

    session: str
    commands: Any
    reports: Any

    @property
    def placed(self) -> Any:
        """Numbers of the commands that could trade: new orders and amendments."""
        return np.flatnonzero(self.commands["command"] != int(Command.CANCEL)) + 1

    def placed_after(self, number: int) -> list[tuple[int, int, int]]:
        """Return (side, lots, purpose) of new orders and amendments after a command's number."""
        later = self.commands[number:]
        later = later[later["command"] != int(Command.CANCEL)]
        return [(int(one["side"]), int(one["qty"]), int(one["purpose"])) for one in later]

    @property
    def position(self) -> int:
        """Lots held, by the fills."""
        return int(_signed(self.fills).sum())

    @property
    def positions(self) -> Any:
        """Lots held behind each fill."""
        return np.cumsum(_signed(self.fills))

    @property
    def fills(self) -> Any:
        """The reports of fills."""
        return self.reports[self.reports["type"] == int(Report.FILL)]

    @property
    def working(self) -> list[int]:
        """Ids of the orders that have not ended at the venue."""
        return [int(order["order_id"]) for order in open_orders(self.commands, self.reports)]

    def held_at(self, number: int) -> int:
        """Return the lots held when the command of a number arrived."""
        before = self.fills[self.fills["exch_ts_ns"] <= self.commands["ts_ns"][:number].max(initial=0)]
        return int(_signed(before).sum())

    def only_flattens(self, number: int) -> bool:
        """Whether all that was placed after a command's number came from the kill state machine, to get flat."""
        return all(purpose == int(Purpose.FLATTEN) for _, _, purpose in self.placed_after(number))

    def _orders_after(self, number: int) -> Any:
        later = self.commands[number:]
        return later["order_id"][later["command"] != int(Command.CANCEL)]

    def grows(self, number: int) -> list[int]:
        """Return the positions, behind fills of orders placed after a command's number, that are larger than before.

        A position that passes through zero counts as larger.
        """
        before, grown = 0, []
        placed = self._orders_after(number)
        for fill in self.fills:
            after = before + int(fill["qty"]) * int(fill["side"])
            larger = abs(after) > abs(before) or after * before < 0
            if larger and fill["order_id"] in placed:
                grown.append(after)
            before = after
        return grown


def journals(place: Place, strategy: str, account: str = ACCOUNT) -> list[Journal]:
    """Return a Strategy's order sessions at its account, the oldest first."""
    uid = place.uid("Strategy", strategy)
    return journals_of(place, uid, account)


def journals_of(place: Place, uid: str, account: str = ACCOUNT) -> list[Journal]:
    """Return the order sessions of a Strategy by its UID: it may be gone."""
    files = place.files(place.pod("BrokerConnection", account), f"{FOLDER}/{uid}")  # none before the first one
    sessions = sorted({path.partition("/")[0] for path in files})
    found = [
        Journal(
            session,
            from_client(_rows(files.get(f"{session}/commands.bin", b""), COMMAND_DTYPE)),
            _rows(files.get(f"{session}/reports.bin", b""), REPORT_DTYPE),
        )
        for session in sessions
    ]
    return sorted(found, key=lambda one: int(one.commands["ts_ns"][0]) if len(one.commands) else 0)


def journal(place: Place, strategy: str, account: str = ACCOUNT) -> Journal:
    """Return a Strategy's latest order session."""
    return journals(place, strategy, account)[-1]


def trades(place: Place, strategy: str, orders: int = 3, account: str = ACCOUNT) -> None:
    """Wait until a Strategy has placed so many orders more, by the broker's journal."""
    seen: list[int] = []

    def placed() -> bool:
        seen.append(sum(len(one.placed) for one in journals(place, strategy, account)))
        return seen[-1] >= seen[0] + orders

    place.until(f"{strategy} places {orders} orders more", placed)


def _signed(fills: Any) -> Any:
    return fills["qty"] * fills["side"].astype(np.int64)


def _rows(data: bytes, dtype: np.dtype[Any]) -> Any:
    return np.frombuffer(data[: len(data) - len(data) % dtype.itemsize], dtype)
