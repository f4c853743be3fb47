"""The paper exchange: the simulated venue against a market at its own pace, with latencies and a log.

Its fills are simulated.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.execution.broker.account import open_seat
from alphatrade_runtime.execution.broker.contract import Commands, Reports, VenueState
from alphatrade_runtime.execution.broker.exchange_log import ExchangeLog, expiries, open_orders, positions_of
from alphatrade_runtime.execution.broker.seat import Seat
from alphatrade_runtime.execution.broker.venue import NEVER, Venue, frozen
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import REPORT_DTYPE, Command
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.policy.document import Exchange

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
    seat: the session's place at its account, whose law is asked when a command comes in; None: no account.
    """

    def __init__(
        self,
        terms: Exchange,
        instruments: int,
        market: Market,
        log: ExchangeLog,
        clock: Callable[[], int],
        depth: bool,
        seat: Seat | None = None,
    ) -> None:
        self._terms, self._n, self._market, self._log, self._clock = terms, instruments, market, log, clock
        self._seat = open_seat(instruments) if seat is None else seat
        commands, reports = log.commands(), log.reports()
        self._known = {int(command["order_id"]) for command in commands if command["command"] == _NEW}
        self._taken, self._count = len(commands), len(reports)
        self._positions = positions_of(reports, instruments)
        exec_id, order_id = int(reports["exec_id"].max(initial=0)) + 1, max(self._known, default=0)
        self._venue = Venue(
            terms, instruments, self._seat, depth=depth, next_exec_id=exec_id, max_order_id=order_id
        )  # fmt: skip
        self._venue.place_positions(self._positions)
        self._seat.restore(commands, log.verdicts(), reports)
        self._under_way: deque[tuple[int, npt.NDArray[Any]]] = deque()
        self._due: deque[npt.NDArray[Any]] = deque()
        self._now = clock()
        self._held = 0
        self._take_rows(market.skip(self._now)[1])
        self._expire(open_orders(commands, reports))

    @property
    def commands(self) -> int:
        """How many commands have come in."""
        return self._taken

    @property
    def reports(self) -> int:
        """How many reports have left."""
        return self._count

    @property
    def is_busy(self) -> bool:
        """Whether orders work, or commands or reports are under way."""
        return bool(self._under_way or self._due) or self._venue.has_working

    def submit(self, commands: Commands) -> None:
        """Take commands that arrived just now; what the account lets pass reaches the book after the entry latency."""
        self.advance()
        arrived = commands.copy()
        arrived["ts_ns"] = self._now
        self._log.append_commands(arrived)
        self._taken += len(arrived)
        self._known.update(int(command["order_id"]) for command in arrived if command["command"] == _NEW)
        passed = self._ask(arrived) if self._seat.gated else arrived
        self._under_way.append((self._now + self._terms.entry_latency_ns, passed))

    def _ask(self, commands: Commands) -> Commands:
        """Return the commands that the account's law lets pass; put the denials of the others on their way."""
        codes = np.array([self._seat.ask(commands, k, self._now) for k in range(len(commands))], np.uint8)
        self._log.append_verdicts(codes)
        for command, code in zip(commands, codes, strict=True):
            if code:
                self._due.append(self._venue.denial(command, self._now, int(code)))
        return commands[codes == 0]

    def now_ns(self) -> int:
        """Return the session's time."""
        return self._clock()

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
        known = frozenset(order_id for order_id in order_ids if order_id in self._known)
        return VenueState(self._count, tuple(self._positions), self._venue.working(), known)

    def positions(self) -> list[int]:
        """Return the position of each instrument as the venue has it now, lots."""
        return self._venue.positions()

    def resend(self, after: int) -> Reports:
        """Return the logged reports numbered above `after`. Raises InputError when the log has not so many."""
        if after > self._count:
            raise InputError(f"exchange log has {self._count} reports, the session has seen {after}; restore the log")
        return self._log.reports(after)

    def cancel_all(self) -> Reports:
        """Cancel what works, as at a logout; return all reports up to the cancels."""
        reports = self.settle()
        self._take_commands(self._venue.cancels(), self._now)
        return np.concatenate((reports, self._release(NEVER)))

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
            at, n, rows = 0, len(span.seq), frozen(span)
            while at < n:
                at = self._venue.take_rows(rows, at, n)
                self._collect()
                self._heed()

    def _take_commands(self, commands: Commands, ts_ns: int) -> None:
        for command in commands:
            self._venue.take_command(command, max(ts_ns, self._venue.ts_ns))
            self._collect()

    def _heed(self) -> None:
        """Cancel what the account leaves standing no longer, once it was latched or held to reductions."""
        held, self._held = self._held, self._seat.account.held
        if self._held not in (0, held):
            self._take_commands(self._venue.cancels(held=True), self._venue.ts_ns)

    def _collect(self) -> None:
        """Put the reports just made on their way."""
        made = self._venue.made()
        if len(made):
            self._due.append(made)

    def _expire(self, orders: Sequence[Any]) -> None:
        made = expiries(orders, self._now)
        if len(made):
            self._seat.book(made)
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


def open_log(folder: Path, session_id: str, facts: Mapping[str, Any]) -> ExchangeLog:
    """Open the log of a session, or start it. Raises InputError when the folder has another session's."""
    log = ExchangeLog(folder)
    if log.facts is None:
        log.begin({"session_id": session_id, **facts})
    elif log.facts["session_id"] != session_id:
        log.close()
        raise InputError(f"{folder}: the log of session {log.facts['session_id']}; choose an empty folder")
    return log
