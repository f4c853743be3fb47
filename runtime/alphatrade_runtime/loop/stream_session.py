"""The state of a session on a stream's clock with its journal: what is given goes on record before it has effect."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.contract import Commands, Reports
from alphatrade_runtime.loop import lockstep
from alphatrade_runtime.loop.books import Books
from alphatrade_runtime.loop.build import build
from alphatrade_runtime.loop.carry import CarriedPlace
from alphatrade_runtime.loop.core import Core
from alphatrade_runtime.loop.journal import Journal
from alphatrade_runtime.loop.limits import take_limits
from alphatrade_runtime.loop.live_batch import command_buffer, take_commands
from alphatrade_runtime.loop.permit import Permit, take_kept
from alphatrade_runtime.loop.recorder import Recorder
from alphatrade_runtime.market.calendar import Calendar
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import REPORT_DTYPE
from alphatrade_runtime.market.schema import Control, Rows, rows_from_columns
from alphatrade_runtime.numerics.direct import direct
from alphatrade_runtime.policy.document import Session, parse_session
from alphatrade_runtime.risk.state import HALT_LINK_LOST, HALT_RECONCILED

FOREVER = lockstep.NEVER - 1  # later than everything that happens
_NO_ROWS = rows_from_columns({"seq": np.zeros(0, np.int64)})


def new_stream_core(session: Session, first_ts_ns: int, last_ts_ns: int) -> Core:
    """Return the state at the start of a stream that spans these times: the same as a replay's."""
    calendar = Calendar.load(session.policy.envelope.calendar, first_ts_ns, last_ts_ns)
    return build(session, calendar, bar_mode=False)


class StreamSession(Books):
    """Give rows and reports, run, take commands. journal None: replay without writing.

    complete_ns: no row at or below it will come any more.  next_seq: number of the first row not given yet.
    through_ns: how far the venue was brought, 0 while that is not known.  reports: how many of its reports were given.
    answered: so many commands it is known to have.  sent: all commands made, oldest first.
    """

    def __init__(self, core: Core, recorder: Recorder, journal: Journal | None) -> None:
        super().__init__(core, recorder)
        self.journal = journal
        self.rows, self.n = _NO_ROWS, 0
        self.complete_ns = self.reached_ns = -1
        self.next_seq = self.reports = self.commands = self.through_ns = self.answered = 0
        self.sent: list[Commands] = []
        self._buffer = command_buffer()
        self._local_row = self._loop["local_row"]
        self._run = direct(lockstep.run_local, core, self.rows, 0, 0)
        self._next = direct(lockstep.next_event_ns, core, self.rows, 0)
        self._take_commands = direct(take_commands, core, self._buffer)

    @property
    def wants_rows(self) -> bool:
        """True when all rows given have been taken and their time is over."""
        return int(self._local_row[0]) >= self.n and self.reached_ns >= self.complete_ns

    @property
    def awaits_reconcile(self) -> bool:
        """True while orders are held until the account has told where we stand."""
        return int(self._account["halt"][0]) & (HALT_LINK_LOST | HALT_RECONCILED) == HALT_LINK_LOST

    def give_rows(self, rows: Rows, complete_ns: int) -> None:
        """Put the next rows of the stream on record. Raises InputError when they do not follow."""
        if not self.wants_rows:
            raise InputError("rows given before those before them were taken")
        if len(rows.seq) and int(rows.seq[0]) < self.next_seq:
            raise InputError(f"the feed gave row {int(rows.seq[0])} again; {self.next_seq} is next")
        if self.journal is not None and len(rows.seq):
            self.journal.append_rows(rows)
            self.journal.flush()
        self._hold(rows, complete_ns)

    def _hold(self, rows: Rows, complete_ns: int) -> None:
        self.rows, self.n = (rows, len(rows.seq)) if len(rows.seq) else (_NO_ROWS, 0)
        self._local_row[0] = 0
        if self.n:
            self.next_seq = int(rows.seq[-1]) + 1
            complete_ns = max(complete_ns, int(rows.ts_init_ns[-1]))
        self.complete_ns = max(self.complete_ns, complete_ns)

    def give_reports(self, reports: Reports) -> None:
        """Put execution reports on record; they have effect when their time comes."""
        if len(reports) == 0:
            return
        if self.journal is not None:
            self.journal.append_reports(reports)
        if lockstep.give_reports(self.core, np.ascontiguousarray(reports, REPORT_DTYPE)) != len(reports):
            raise InputError(f"{len(reports)} reports at once do not fit; the venue made too many at one time")
        self.reports += len(reports)

    def run(self, until_ns: int) -> Commands:
        """Go on up to `until_ns`, or until commands were made; return them: they may leave now.

        Raises JournalStalled or DiaryStalled; nothing may leave then.
        """
        while True:
            why = self._run(self.core, self.rows, self.n, until_ns)
            if why == lockstep.DRAIN:
                self.drain()
                continue
            reached = until_ns if why == lockstep.REACHED else int(self._account["now"][0])
            self.reached_ns = max(self.reached_ns, reached)
            return self._made() if why == lockstep.SENT else self._buffer[:0]

    def next_ns(self) -> int:
        """Return when something happens next, by what is in hand."""
        return int(self._next(self.core, self.rows, self.n))

    def obey(self, what: Control, argument: int = 0, now_ns: int = 0) -> Commands:
        """Take a control at the time reached or, later, at now_ns; return the commands that it made."""
        lockstep.move_clock(self.core, now_ns)
        if self.journal is not None:
            self.journal.append_run(self.reached_ns, now_ns)
            self.journal.append_control(int(what), argument)
            self.journal.flush(fsync=True)
        lockstep.obey(self.core, int(what), argument)
        self.drain()
        return self._made(control=True)

    def take_limits(self, document: Mapping[str, Any], now_ns: int = 0) -> Commands:
        """Put the limits of a session document in force, at the time as in `obey`; return the cancels they ask for."""
        lockstep.move_clock(self.core, now_ns)
        if self.journal is not None:
            self.journal.append_run(self.reached_ns, now_ns)
            self.journal.append_meta({"limits": dict(document)})
            self.journal.flush(fsync=True)
        take_limits(self.core, parse_session(document))
        self.drain()
        return self._made(control=True)

    def take_permit(self, permit: Permit) -> None:
        """Put a permit in force until it is taken away: monotonic time, which ends it, is not that of the stream."""
        meta = permit.to_meta(FOREVER)
        if self.journal is not None:
            self.journal.append_run(self.reached_ns)
            self.journal.append_meta(meta)
            self.journal.flush(fsync=True)
        take_kept(self.core, meta["permit"])

    def _made(self, control: bool = False) -> Commands:
        """Take the commands just made, put them on record, and return them."""
        commands = self._buffer[: self._take_commands(self.core, self._buffer)].copy()
        if self._report[0]:
            self.drain()  # what a mind found out is on disk before what it did about it leaves
        if self.journal is not None:
            if not control:
                self.journal.append_run(self.reached_ns)
            if len(commands):
                self.journal.append_commands(commands)
            self.journal.flush()
        if len(commands):
            self.sent.append(commands)
            self.commands += len(commands)
        return commands

    def pending_reports(self) -> Reports:
        """Return the reports given whose time has not come, (n,) of REPORT_DTYPE."""
        venue, ring = self.core["venue"][0][0], self.core["reports"][0]
        at = np.arange(int(venue["head"]), int(venue["tail"])) & (len(ring) - 1)
        return np.asarray(ring)[at].copy()

    def go_on_from(self, place: CarriedPlace) -> None:
        """Count on from where another session ended."""
        self.next_seq, self.complete_ns, self.reached_ns = place.next_seq, place.reached_ns, place.reached_ns
        self.reports, self.commands = place.reports, place.commands
        self.note_venue(place)

    def note_venue(self, place: CarriedPlace) -> None:
        """Take how far the venue had come at an end in order."""
        self.through_ns, self.answered = place.through_ns, place.commands

    def place(self) -> CarriedPlace:
        """Return how far the session has come: what is in hand and was not taken comes again."""
        at = int(self._local_row[0])
        return CarriedPlace(
            seq=0,
            next_seq=int(self.rows.seq[at]) if at < self.n else self.next_seq,
            now_ns=0,
            reached_ns=self.reached_ns,
            through_ns=self.through_ns,
            reports=self.reports - len(self.pending_reports()),
            commands=self.commands,
        )

    def commands_after(self, number: int) -> Commands:
        """Return the commands numbered above `number`; the first one has number 1."""
        left = self.commands - number
        held: list[Commands] = []
        for span in reversed(self.sent):
            if left <= 0:
                break
            held.append(span[max(len(span) - left, 0) :])
            left -= len(span)
        return np.concatenate(held[::-1]) if held else self._buffer[:0]
