"""One session's simulated venue: matching, and the session's books at its account, always moved together."""

from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker import matching
from alphatrade_runtime.execution.broker.contract import Commands, Reports, Working
from alphatrade_runtime.execution.broker.seat import Seat
from alphatrade_runtime.execution.venue_state import DEPTH_TICKS, RING
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE, Command, Report
from alphatrade_runtime.market.schema import Rows, rows_from_columns
from alphatrade_runtime.numerics.direct import direct
from alphatrade_runtime.policy.document import Exchange

NEVER = 1 << 62
ACCOUNT_REASON = 100  # a report's reason from here on: this and the account law's code
_AMEND = int(Command.AMEND)
_CANCEL = int(Command.CANCEL)


class Venue:
    """A book without orders. depth: whether the market has DEPTH rows."""

    def __init__(
        self,
        terms: Exchange,
        instruments: int,
        seat: Seat,
        *,
        depth: bool,
        next_exec_id: int = 1,
        max_order_id: int = 0,
    ) -> None:
        self._n, self.seat, self._response_ns = instruments, seat, terms.response_latency_ns
        self.state = matching.new_matching(terms, instruments, next_exec_id, max_order_id)
        self._depth = np.zeros((instruments, 2, DEPTH_TICKS if depth else 0), np.int64)
        self._out = np.zeros(RING, REPORT_DTYPE)
        self._command = self.state["command"][0]
        venue = np.asarray(self.state["venue"])[0]
        self._resting_n = np.asarray(self.state["books"])[0]["resting"][:instruments]
        self._head, self._tail, self._ts_exch = venue["head"], venue["tail"], venue["ts_exch"]
        rows = frozen(rows_from_columns({"seq": []}))
        self._rows = direct(
            matching.take_market, self.state, rows, 0, 0, 0, self._depth, *seat.place, *seat.calendar
        )  # fmt: skip
        self._take = direct(matching.take_command, self.state, self._depth, 0)
        self._give = direct(matching.take_reports, self.state, self._out, *seat.place)

    @property
    def ts_ns(self) -> int:
        """Exchange time reached."""
        return int(self._ts_exch[0])

    @property
    def has_working(self) -> bool:
        """Whether an order rests in the book."""
        return bool(self._resting_n.any())

    def positions(self) -> list[int]:
        """Return the session's position of each instrument as the venue has it, lots."""
        return [int(self.state[0].books[i].position) for i in range(self._n)]

    def take_rows(self, rows: Rows, start: int, stop: int, until_ns: int = NEVER) -> int:
        """Take rows from `start` on, of exchange times <= until_ns; stop early behind one with effects.

        Returns the first row not taken. rows: as `frozen` returns them.
        """
        seat = self.seat
        at = self._rows(self.state, rows, start, stop, until_ns, self._depth, *seat.place, *seat.calendar)
        seat.account.heed(seat)
        return int(at)

    def take_command(self, command: Any, ts_ns: int) -> None:
        """Take a command that the account lets pass, at exchange time ts_ns."""
        self._command[0] = command
        self._take(self.state, self._depth, ts_ns)

    def made(self) -> Reports:
        """Return the reports made since the last call, booked, with their times of arrival."""
        if self._head[0] == self._tail[0]:
            return self._out[:0]
        made = self._out[: self._give(self.state, self._out, *self.seat.place)].copy()
        self.seat.account.heed(self.seat)
        made["ts_ns"] = made["exch_ts_ns"] + self._response_ns
        return made

    def denial(self, command: Any, ts_ns: int, code: int) -> Reports:
        """Return the report of a command that the account denies by a code of the law."""
        made = np.zeros(1, REPORT_DTYPE)
        report = made[0]
        for name in ("order_id", "price", "instrument", "side"):
            report[name] = command[name]
        report["type"] = int(Report.REJECTED)
        if command["command"] == _AMEND:
            report["type"] = int(Report.AMEND_REJECTED)
            at = self.working().get(int(command["order_id"]))
            report["leaves"] = 0 if at is None else at.leaves
        report["reason"] = ACCOUNT_REASON + code
        report["exch_ts_ns"], report["ts_ns"] = ts_ns, ts_ns + self._response_ns
        return made

    def working(self) -> dict[int, Working]:
        """Return the resting orders by id."""
        working = {}
        for order in self._resting():
            working[int(order.order_id)] = Working(int(order.price), int(order.leaves))
        return working

    def cancels(self, *, held: bool = False) -> Commands:
        """Return cancels of all resting orders; held: of those only that the account leaves standing no longer."""
        orders = self._resting()
        if held:
            orders = [o for o in orders if self.seat.must_cancel(int(o.instrument), int(o.side))]
        cancels = np.zeros(len(orders), COMMAND_DTYPE)
        for cancel, order in zip(cancels, orders, strict=True):
            cancel["order_id"], cancel["side"], cancel["instrument"] = order.order_id, order.side, order.instrument
            cancel["command"] = _CANCEL
        return cancels

    def place_positions(self, lots: list[int]) -> None:
        """Begin with positions from before."""
        for i, position in enumerate(lots):
            self.state[0].books[i].position = position

    def _resting(self) -> list[Any]:
        return [self.state[0].resting[i, k] for i, count in enumerate(self._resting_n) for k in range(int(count))]


def frozen(rows: Rows) -> Rows:
    """Return rows as compiled code takes them: contiguous, read-only."""
    columns = [np.ascontiguousarray(column) for column in rows]
    for column in columns:
        column.setflags(write=False)  # one numba type for copied and mapped columns
    return Rows._make(columns)
