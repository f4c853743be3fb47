"""The paper exchange: the simulated venue against a market at its own pace, with latencies and a log.

Its fills are simulated.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.execution.broker import matching
from alphatrade_runtime.execution.broker.contract import Commands, Reports, VenueState, Working
from alphatrade_runtime.execution.broker.exchange_log import ExchangeLog, open_orders, positions_of
from alphatrade_runtime.execution.venue_state import DEPTH_TICKS, RING
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE, Command, Report
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.policy.document import Exchange

NEVER = 1 << 62
_FILL = int(Report.FILL)
_CANCEL = int(Command.CANCEL)
_NEW = int(Command.NEW)
_NONE = np.zeros(0, REPORT_DTYPE)


class Market(Protocol):
    """What the exchange sees of the market, by its own clock."""

    def poll(self, now_ns: int) -> list[Rows]:
        """Return the spans of rows due at now_ns that were not given out yet."""

    def next_due_ns(self) -> int:
        """Return when the next row is due."""

    def skip(self, until_ns: int) -> tuple[int, list[Rows]]:
        """Pass over what was due by until_ns; return how many rows are missed and those of lasting state."""


class PaperExchange:
    """One account's session at the exchange, kept in a log that outlives the process.

    An order of a session that goes on from a log is expired: a book does not survive its exchange.
    clock: session time in ns.  instruments: how many.  depth: whether the market has DEPTH rows.
    """

    def __init__(
        self, terms: Exchange, instruments: int, market: Market, log: ExchangeLog, clock: Callable[[], int], depth: bool
    ) -> None:
        self._terms, self._n, self._market, self._log, self._clock = terms, instruments, market, log, clock
        commands, reports = log.commands(), log.reports()
        self._known = {int(command["order_id"]) for command in commands if command["command"] == _NEW}
        self._count = len(reports)
        self._positions = positions_of(reports, instruments)
        exec_id = int(reports["exec_id"].max(initial=0)) + 1
        self._state = matching.new_matching(terms, instruments, exec_id, max(self._known, default=0))
        for i, lots in enumerate(self._positions):
            self._state[0].books[i].position = lots
        self._depth = np.zeros((instruments, 2, DEPTH_TICKS if depth else 0), np.int64)
        self._under_way: deque[tuple[int, npt.NDArray[Any]]] = deque()
        self._due: deque[npt.NDArray[Any]] = deque()
        self._out = np.zeros(RING, REPORT_DTYPE)
        self._now = clock()
        self._take_rows(market.skip(self._now)[1])
        self._expire(open_orders(commands, reports))

    def submit(self, commands: Commands) -> None:
        """Take commands that arrived just now; they reach the book after the entry latency."""
        self.advance()
        arrived = commands.copy()
        arrived["ts_ns"] = self._now
        self._log.append_commands(arrived)
        self._known.update(int(command["order_id"]) for command in arrived if command["command"] == _NEW)
        self._under_way.append((self._now + self._terms.entry_latency_ns, arrived))

    def advance(self) -> None:
        """Bring market and book up to the clock."""
        self._run_to(max(self._clock(), self._now))

    def take_reports(self) -> Reports:
        """Return the reports whose latency is over, in order; they are in the log."""
        return self._release(self._now)

    def next_due_ns(self) -> int:
        """Return when there is something to do next."""
        command = self._under_way[0][0] if self._under_way else NEVER
        report = int(self._due[0]["ts_ns"][0]) if self._due else NEVER
        return min(command, report, self._market.next_due_ns())

    def settle(self) -> Reports:
        """Bring all that is under way to its end now; return the reports."""
        self.advance()
        while self._under_way:
            self._take_commands(self._under_way.popleft()[1], self._now)
        return self._release(NEVER)

    def state(self, order_ids: Sequence[int]) -> VenueState:
        """Return the books; call it after `settle`."""
        working = {}
        for i in range(self._n):
            for k in range(int(self._state[0].books[i].resting)):
                order = self._state[0].resting[i, k]
                working[int(order.order_id)] = Working(int(order.price), int(order.leaves))
        known = frozenset(order_id for order_id in order_ids if order_id in self._known)
        return VenueState(self._count, tuple(self._positions), working, known)

    def resend(self, after: int) -> Reports:
        """Return the logged reports numbered above `after`. Raises InputError when the log has not so many."""
        if after > self._count:
            raise InputError(f"exchange log has {self._count} reports, the session has seen {after}; restore the log")
        return self._log.reports(after)

    def cancel_all(self) -> Reports:
        """Cancel what works, as at a logout; return all reports up to the cancels."""
        reports = [self.settle()]
        cancels = np.zeros(0, COMMAND_DTYPE)
        for i in range(self._n):
            resting = self._state[0].resting[i][: int(self._state[0].books[i].resting)]
            more = np.zeros(len(resting), COMMAND_DTYPE)
            more["order_id"], more["side"], more["instrument"], more["command"] = (
                resting["order_id"], resting["side"], i, _CANCEL,
            )  # fmt: skip
            cancels = np.concatenate((cancels, more))
        self._take_commands(cancels, self._now)
        return np.concatenate((*reports, self._release(NEVER)))

    def close(self) -> None:
        """Let the log go."""
        self._log.close()

    def _run_to(self, now_ns: int) -> None:
        while self._under_way and self._under_way[0][0] <= now_ns:
            due, commands = self._under_way.popleft()
            self._take_rows(self._market.poll(due))
            self._take_commands(commands, due)
        self._take_rows(self._market.poll(now_ns))
        self._now = now_ns

    def _take_rows(self, spans: Sequence[Rows]) -> None:
        for span in spans:
            for start in range(0, len(span.seq), matching.ROWS_PER_CALL):
                rows = _frozen(span.slice(start, min(start + matching.ROWS_PER_CALL, len(span.seq))))
                matching.take_market(self._state, rows, len(rows.seq), self._depth)
                self._collect()

    def _take_commands(self, commands: Commands, ts_ns: int) -> None:
        for command in commands:
            self._state[0].command[0] = command
            matching.take_command(self._state, self._depth, ts_ns)
            self._collect()

    def _collect(self) -> None:
        """Put the reports just made on their way."""
        venue = self._state[0].venue[0]
        if venue.head == venue.tail:
            return
        made = self._out[: matching.take_reports(self._state, self._out)].copy()
        made["ts_ns"] = made["exch_ts_ns"] + self._terms.response_latency_ns
        self._due.append(made)

    def _expire(self, orders: Sequence[Any]) -> None:
        made = np.zeros(len(orders), REPORT_DTYPE)
        for report, order in zip(made, orders, strict=True):
            for name in ("order_id", "price", "instrument", "side"):
                report[name] = order[name]
        made["type"], made["ts_ns"], made["exch_ts_ns"] = int(Report.EXPIRED), self._now, self._now
        if len(made):
            self._due.append(made)

    def _release(self, until_ns: int) -> Reports:
        ready = []
        while self._due and self._due[0]["ts_ns"][0] <= until_ns:
            made = self._due.popleft()
            over = int(np.searchsorted(made["ts_ns"], until_ns, side="right"))
            ready.append(made[:over])
            if over < len(made):
                self._due.appendleft(made[over:])
        if not ready:
            return _NONE
        reports = np.concatenate(ready)
        self._log.append_reports(reports)
        self._count += len(reports)
        for i, lots in enumerate(positions_of(reports, self._n)):
            self._positions[i] += lots
        return reports


def _frozen(rows: Rows) -> Rows:
    for column in rows:
        column.setflags(write=False)  # one numba type for copied and mapped columns
    return rows


def open_log(folder: Path, session_id: str, facts: Mapping[str, Any]) -> ExchangeLog:
    """Open the log of a session, or start it. Raises InputError when the folder has another session's."""
    log = ExchangeLog(folder)
    if log.facts is None:
        log.begin({"session_id": session_id, **facts})
    elif log.facts["session_id"] != session_id:
        log.close()
        raise InputError(f"{folder}: the log of session {log.facts['session_id']}; choose an empty folder")
    return log
