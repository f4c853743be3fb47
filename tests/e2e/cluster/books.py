"""The broker's own journal, read out of its gateway's volume: what reached the venue, apart from what runtimes say."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.exchange_log import from_client
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE, Command, Report
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
    def fills(self) -> Any:
        """The reports of fills."""
        return self.reports[self.reports["type"] == int(Report.FILL)]

    def positions(self) -> Any:
        """Return the position behind each fill, and the session time at which the venue made it, ns."""
        return np.cumsum(_signed(self.fills)), self.fills["exch_ts_ns"]

    def grows(self, number: int) -> list[int]:
        """Return the positions, behind fills of orders placed after a command's number, that are larger than before.

        A position that passes through zero counts as larger.
        """
        before, grown = 0, []
        placed = self.commands[number:]["order_id"]
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
    files = place.files(place.pod("BrokerConnection", account), f"{FOLDER}/{uid}")
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
    seen = [len(one.placed) for one in _or_none(place, strategy, account)]
    place.until(
        f"{strategy} places {orders} orders more",
        lambda: sum(len(one.placed) for one in _or_none(place, strategy, account)) >= sum(seen) + orders,
    )


def _or_none(place: Place, strategy: str, account: str) -> list[Journal]:
    """Return the sessions; none before the first one is on disk."""
    uid, pod = place.uid("Strategy", strategy), place.pod("BrokerConnection", account)
    there = place.run(pod, "sh", "-c", f"ls -d {FOLDER}/{uid} 2>/dev/null || true").strip()
    return journals_of(place, uid, account) if there else []


def _signed(fills: Any) -> Any:
    return fills["qty"] * fills["side"].astype(np.int64)


def _rows(data: bytes, dtype: np.dtype[Any]) -> Any:
    return np.frombuffer(data[: len(data) - len(data) % dtype.itemsize], dtype)
