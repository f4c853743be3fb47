"""The simulated exchange on a stream's clock: time is that of the market's rows, and its client says how far it goes.

At one time market rows come before commands, as in `loop/replay.py`; a command's time is that of its arrival. The
market is a tape, so a killed exchange rebuilds its book by going through the log's commands again: nothing is expired,
nothing is lost, the reports are the same bytes. Its fills are simulated.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from alphatrade_runtime.execution.broker.account import open_seat
from alphatrade_runtime.execution.broker.account_orders import DECIDE
from alphatrade_runtime.execution.broker.contract import Commands, Reports, VenueState, Working
from alphatrade_runtime.execution.broker.exchange_log import OWN, from_client, positions_of
from alphatrade_runtime.execution.broker.outbox import Outbox
from alphatrade_runtime.execution.broker.seat import Seat
from alphatrade_runtime.execution.broker.venue import NEVER, Venue, frozen
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import Command
from alphatrade_runtime.market.schema import Rows, rows_from_columns
from alphatrade_runtime.policy.document import Exchange

_NEW = int(Command.NEW)


class SteppedMarket(Protocol):
    """The market's rows in the order of the tape."""

    def take(self) -> tuple[Rows, int] | None:
        """Return the next rows and the exchange time that they are complete through; None behind the last ones.

        Waits for them. Raises MarketLost when none come in time; a later call goes on where this one stood.
        """

    def close(self) -> None:
        """Let the market go."""


class Log(Protocol):
    """What a session leaves behind: on disk (ExchangeLog), or in memory for an exchange that ends with its client."""

    def append_commands(self, commands: Any) -> None:
        """Keep commands before they have any effect."""

    def append_verdicts(self, codes: Any) -> None:
        """Keep what the account decided on them."""

    def append_reports(self, reports: Any) -> None:
        """Keep reports before they leave."""

    def commands(self) -> Any:
        """Return all commands."""

    def verdicts(self) -> Any:
        """Return all verdicts."""

    def reports(self, after: int = 0) -> Any:
        """Return the reports numbered above `after`."""

    def close(self) -> None:
        """Let it go."""


class MarketLost(RuntimeError):
    """The market does not answer: the exchange stands still until it does."""


class SteppedExchange:
    """One session at the exchange. instruments: how many.  depth: whether the market has DEPTH rows.

    seat: the session's place at its account, whose law is asked when a command reaches the exchange; None: no account.
    A session that goes on is brought to where its seat says that it was, at the least.
    """

    def __init__(
        self,
        terms: Exchange,
        instruments: int,
        market: SteppedMarket,
        log: Log,
        *,
        depth: bool,
        seat: Seat | None = None,
    ) -> None:
        self._n, self._market, self._log = instruments, market, log
        self._seat = open_seat(instruments) if seat is None else seat
        self._venue = Venue(terms, instruments, self._seat, depth=depth)
        self._rows, self._at, self._complete_ns, self._seen = frozen(rows_from_columns({"seq": []})), 0, -NEVER, 0
        self._ended = False
        self._queue: deque[Any] = deque()
        self._codes: list[int] = []
        self._done, self._held, self._through = 0, 0, 0
        self._out, self._rebuilding = Outbox(), False
        commands, reports = log.commands(), log.reports()
        self._known = {int(command["order_id"]) for command in commands if command["command"] == _NEW}
        self._taken, self._count = len(from_client(commands)), len(reports)
        self._positions = positions_of(reports, instruments)
        if len(commands):
            self._rebuild(commands, log.verdicts(), reports, self._seat.through_ns)

    @property
    def commands(self) -> int:
        """How many commands of the client have come in."""
        return self._taken

    @property
    def reports(self) -> int:
        """How many reports have left."""
        return self._count

    @property
    def is_busy(self) -> bool:
        """Whether orders work, or commands are under way."""
        return bool(self._queue) or self._venue.has_working

    def submit(self, commands: Commands) -> None:
        """Take commands; each reaches the book at its own ts_ns."""
        arrived = commands.copy()
        self._log.append_commands(arrived)
        self._taken += len(arrived)
        self._known.update(int(command["order_id"]) for command in arrived if command["command"] == _NEW)
        self._queue.extend(arrived[k : k + 1].copy() for k in range(len(arrived)))

    def advance(self, through_ns: int) -> Reports:
        """Bring market and book to exchange time through_ns; return the reports of what happened by then.

        Raises MarketLost: what was reached is kept, and the next call goes on from there.
        """
        while True:
            due = int(self._queue[0]["ts_ns"][0]) if self._queue else NEVER
            self._take_rows(min(due, through_ns))
            if due > through_ns or not self._queue:
                break
            self._take_next(DECIDE)
        self._through = max(self._through, through_ns)
        reports = self._release()
        self._seat.through_ns = max(self._seat.through_ns, min(through_ns, self._venue.ts_ns))
        return reports

    def settle(self) -> Reports:
        """Return the reports due at the time reached. Nothing is hurried: what is under way arrives at its own time."""
        return self._release()

    def state(self, order_ids: Sequence[int]) -> VenueState:
        """Return the books at the time reached; commands still under way count as known, and as working."""
        working = {
            int(c["order_id"][0]): Working(int(c["price"][0]), int(c["qty"][0]))
            for c in self._queue
            if c["command"][0] == _NEW
        } | self._venue.working()
        known = frozenset(order_id for order_id in order_ids if order_id in self._known)
        return VenueState(self._count, tuple(self._positions), working, known)

    def positions(self) -> list[int]:
        """Return the position of each instrument as the venue has it now, lots."""
        return self._venue.positions()

    def resend(self, after: int) -> Reports:
        """Return the logged reports numbered above `after`. Raises InputError when the log has not so many."""
        if after > self._count:
            raise InputError(f"exchange log has {self._count} reports, the session has seen {after}; restore the log")
        return self._log.reports(after)

    def cancel_all(self) -> Reports:
        """Let what is under way arrive, then cancel all that works, at the time that is reached by then."""
        last = max((int(command["ts_ns"][0]) for command in self._queue), default=self._through)
        reports = self.advance(max(last, self._through))
        self._cancel(self._venue.cancels(), self._through)
        return np.concatenate((reports, self._release()))

    def close(self) -> None:
        """Let market and log go."""
        self._market.close()
        self._log.close()

    def _take_rows(self, until_ns: int, most: int = NEVER) -> None:
        """Take the market's rows up to exchange time until_ns, at the most `most` of them."""
        goal = self._seen + most
        while self._seen < goal:
            n = len(self._rows.seq)
            if self._at == n:
                if self._ended or self._complete_ns >= until_ns:
                    return
                self._next_rows()
                continue
            stop = min(n, self._at + goal - self._seen)
            at = self._venue.take_rows(self._rows, self._at, stop, until_ns)
            self._seen += at - self._at
            stuck, self._at = at == self._at, at
            self._out.put(self._venue.made())
            self._heed()
            if stuck:
                return

    def _next_rows(self) -> None:
        taken = self._market.take()
        if taken is None:
            self._ended = True
            return
        rows, self._complete_ns = taken
        self._rows, self._at = frozen(rows), 0

    def _take_next(self, code: int) -> None:
        """Take the oldest command under way; code: DECIDE, or what was decided on it before."""
        command = self._queue.popleft()
        ts_ns = int(command["ts_ns"][0])
        code = self._seat.ask(command, 0, ts_ns, code)
        self._codes.append(code)
        self._done += 1
        if code:
            self._out.put(self._venue.denial(command[0], ts_ns, code))
        else:
            self._venue.take_command(command[0], ts_ns)
            self._out.put(self._venue.made())
        self._heed()

    def _heed(self) -> None:
        """Cancel what the account leaves standing no longer, once it was latched or held to reductions."""
        if self._rebuilding or not self._seat.gated:
            return  # what was cancelled for the account's sake is in the log
        held, self._held = self._held, self._seat.account.held
        if self._held not in (0, held):
            self._cancel(self._venue.cancels(held=True), self._venue.ts_ns)

    def _cancel(self, cancels: Commands, ts_ns: int) -> None:
        """Cancel on the exchange's own account. Each says behind how many rows and commands it came."""
        cancels["purpose"], cancels["ts_ns"] = OWN, ts_ns
        cancels["price"], cancels["decision_id"] = self._seen, self._done
        if len(cancels):
            self._log.append_commands(cancels)
        for k in range(len(cancels)):
            self._take_own(cancels[k : k + 1])

    def _take_own(self, cancel: Commands) -> None:
        self._seat.ask(cancel, 0, int(cancel["ts_ns"][0]))
        self._venue.take_command(cancel[0], int(cancel["ts_ns"][0]))
        self._out.put(self._venue.made())

    def _release(self) -> Reports:
        """Log what was decided, then the reports due; return these."""
        if self._codes:
            self._log.append_verdicts(np.array(self._codes, np.uint8))
            self._codes.clear()
        reports = self._out.take(self._through)
        if len(reports):
            self._log.append_reports(reports)
            self._count += len(reports)
            for i, lots in enumerate(positions_of(reports, self._n)):
                self._positions[i] += lots
        return reports

    def _rebuild(self, commands: Commands, verdicts: Any, reports: Reports, through_ns: int) -> None:
        """Go through the log again: the same rows, commands and decisions, and so the same reports."""
        client = from_client(commands)
        own = deque(np.flatnonzero(commands["purpose"] == OWN))
        self._queue.extend(client[k : k + 1].copy() for k in range(len(client)))
        self._rebuilding = True
        through_ns = max(through_ns, int(reports["exch_ts_ns"].max(initial=0)))
        while own or self._done < len(verdicts):
            cancel = commands[own[0] : own[0] + 1].copy() if own else None
            if cancel is not None and self._is_next(cancel):
                own.popleft()
                self._take_own(cancel)
            else:
                self._go_towards(cancel, verdicts)
        due = int(self._queue[0]["ts_ns"][0]) if self._queue else NEVER
        self._through = min(through_ns, due)
        self._take_rows(self._through)
        self._seat.through_ns = self._through
        self._codes.clear()
        self._held, self._rebuilding = self._seat.account.held, False
        self._out.drop(reports)

    def _is_next(self, cancel: Commands) -> bool:
        return (self._seen, self._done) == (int(cancel["price"][0]), int(cancel["decision_id"][0]))

    def _go_towards(self, cancel: Commands | None, verdicts: Any) -> None:
        """Come closer to the next of the exchange's own cancels, or take the next command that was decided on."""
        decided = self._done < len(verdicts)
        most = NEVER if cancel is None else int(cancel["price"][0]) - self._seen
        before = self._seen
        self._take_rows(int(self._queue[0]["ts_ns"][0]) if decided else NEVER, most)
        if cancel is not None and self._is_next(cancel):
            return
        if decided:
            self._take_next(int(verdicts[self._done]))
        elif self._seen == before:
            raise InputError("exchange log: a cancel of its own lies behind the market's end; serve the feed it had")
