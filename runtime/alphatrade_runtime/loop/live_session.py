"""The state of a wall-clock session with its journal: a batch and its commands are on record before they leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.contract import Commands
from alphatrade_runtime.loop.books import Books
from alphatrade_runtime.loop.build import build
from alphatrade_runtime.loop.carry import CarriedPlace
from alphatrade_runtime.loop.core import Core
from alphatrade_runtime.loop.identity import Identity
from alphatrade_runtime.loop.journal import Journal
from alphatrade_runtime.loop.limits import take_limits
from alphatrade_runtime.loop.live_batch import calls_of, command_buffer, live, make_batch, take_commands
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.loop.live_rows import timer_row, venue_reports
from alphatrade_runtime.loop.permit import take_permit
from alphatrade_runtime.loop.recorder import Recorder
from alphatrade_runtime.market.calendar import ALWAYS, DAY_NS, Calendar
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.numerics.direct import direct
from alphatrade_runtime.policy.document import Session, parse_session

DIARY_SCHEMA = 1
DRAIN_ROWS = 4_096
_PERMIT = int(Kind.PERMIT)
_HORIZON_DAYS = 3_650  # of a 24/7 calendar; an exchange's own ends sooner
_EXCHANGE_DAYS = 30


@dataclass(frozen=True)
class LiveFacts:
    """What the journal's first record says of its session. carry: what it goes on from, as loop/carry.py keeps it."""

    session_id: str
    document: Mapping[str, Any]
    plugin_digests: Mapping[str, str]
    code_hash: str
    clock: ClockFacts
    feed_digest: str
    looped: bool
    carry: Mapping[str, Any] | None = None

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values."""
        plain = {**self.__dict__, "clock": self.clock.to_mapping()}
        return plain if self.carry is not None else {name: plain[name] for name in plain if name != "carry"}

    def venue_facts(self) -> dict[str, Any]:
        """Return what an exchange that plays the same feed must know."""
        return {"clock": self.clock.to_mapping(), "feed_digest": self.feed_digest, "looped": self.looped}

    @classmethod
    def from_mapping(cls, facts: Mapping[str, Any]) -> "LiveFacts":
        """Read what `to_mapping` returned, of this version or another one."""
        known = {name: facts[name] for name in cls.__dataclass_fields__ if name in facts}
        return cls(**{**known, "clock": ClockFacts.from_mapping(facts["clock"])})

    def header(self, identity: Identity, session: Session) -> dict[str, Any]:
        """Return the facts that the record streams' chains start from."""
        return {
            "schema": DIARY_SCHEMA,
            "policy_hash": identity.policy_hash,
            "envelope_hash": identity.envelope_hash,
            "code_hash": identity.code_hash,
            "strategy_id": session.policy.strategy_id,
            "stage": session.policy.stage,
            "tape": self.feed_digest,
        }


def new_live_core(session: Session, clock: ClockFacts) -> Core:
    """Return the state of a wall-clock session at its start."""
    name = session.policy.envelope.calendar
    days = _HORIZON_DAYS if name == ALWAYS else _EXCHANGE_DAYS
    core = build(session, Calendar.load(name, clock.origin_ns, clock.origin_ns + days * DAY_NS), bar_mode=False)
    core["loop"]["live"] = 1
    return core


class LiveSession(Books):
    """Take batches, journal them, run the step, journal what leaves. journal None: replay without writing.

    seq: number of the next row.  now_ns: time of the last batch.  reports: how many of the venue's were taken.
    commands: how many were made.
    """

    def __init__(self, core: Core, recorder: Recorder, journal: Journal | None) -> None:
        super().__init__(core, recorder)
        self.journal = journal
        self.seq = self.now_ns = self.reports = self.commands = 0
        self._commands = command_buffer()
        self._live = direct(live, core, make_batch([timer_row()], 0, 0, decide=False), 0)
        self._take_commands = direct(take_commands, core, self._commands)

    def take(self, spans: Sequence[Rows], now_ns: int, decide: bool = True) -> Commands:
        """Take rows that arrived at now_ns as one batch; return the commands that may leave now.

        decide False applies the rows without a step. Raises JournalStalled or DiaryStalled; nothing may leave then.
        """
        batch = make_batch(spans, max(now_ns, self.now_ns + 1), self.seq, decide)
        commands = self.apply(batch)
        if self.journal is not None:
            self.journal.append_rows(batch)
            if len(commands):
                self.journal.append_commands(commands)
            self.journal.flush()  # one write: cause and effect
        return commands

    def apply(self, batch: Rows) -> Commands:
        """Run a batch; return the commands that it made."""
        if batch.kind[0] == _PERMIT:
            take_permit(self.core, int(batch.price[0]), int(batch.size[0]), int(batch.venue_seq[0]))
        for rows in calls_of(batch):
            self._live(self.core, rows, len(rows.seq))
            if self._out_n.max() >= DRAIN_ROWS or self._report[0] or self._drain[0]:
                self._drain[0] = 0
                self.drain()
        self.seq = int(batch.seq[-1]) + 1
        self.now_ns = int(batch.ts_init_ns[-1])
        self.reports += venue_reports(batch)
        if self._head[0] == self._tail[0]:
            return self._commands[:0]
        commands = self._commands[: self._take_commands(self.core, self._commands)].copy()
        self.commands += len(commands)
        return commands

    def go_on_from(self, place: CarriedPlace) -> None:
        """Count on from where another session ended."""
        self.seq, self.now_ns = place.seq, place.now_ns
        self.reports, self.commands = place.reports, place.commands

    def place(self) -> CarriedPlace:
        """Return how far the session has come."""
        return CarriedPlace(
            seq=self.seq, next_seq=0, now_ns=self.now_ns, reached_ns=0, through_ns=0, reports=self.reports,
            commands=self.commands,
        )  # fmt: skip

    def take_limits(self, document: Mapping[str, Any]) -> None:
        """Put the limits of a session document in force; the journal has it already."""
        take_limits(self.core, parse_session(document))


def same_commands(ours: Sequence[Commands], journaled: Sequence[Commands]) -> bool:
    """True when two lists of commands are the same, however they are cut."""
    if sum(map(len, ours)) != sum(map(len, journaled)):
        return False
    return not ours or bytes(np.concatenate(ours)) == bytes(np.concatenate(journaled))
