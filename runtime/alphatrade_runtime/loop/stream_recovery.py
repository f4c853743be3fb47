"""Start a session on a stream's clock, or rebuild it from its journal: to go on, or to verify."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.contract import Commands
from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.carry import Carry
from alphatrade_runtime.loop.identity import Identity, identify
from alphatrade_runtime.loop.journal import Journal, Record, RecordKind, read_records
from alphatrade_runtime.loop.live_session import same_commands
from alphatrade_runtime.loop.mind_link import streams_of
from alphatrade_runtime.loop.permit import take_kept
from alphatrade_runtime.loop.recorder import Recorder
from alphatrade_runtime.loop.recovery import JOURNAL, Verification, go_on, remove_streams, unlike
from alphatrade_runtime.loop.stream_facts import StreamFacts
from alphatrade_runtime.loop.stream_session import StreamSession, new_stream_core
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Control, Rows
from alphatrade_runtime.risk.auditor import Auditor


def start(folder: Path, facts: StreamFacts, identity: Identity, audit: bool) -> StreamSession:
    """Start a session in a folder without a journal."""
    journal = Journal.create(folder / JOURNAL, facts.to_mapping(), facts.session.durability)
    try:
        live = _new(folder, facts, identity, audit)
    except BaseException:
        journal.abandon()
        raise
    live.journal = journal
    return live


def recover(folder: Path, facts: StreamFacts, identity: Identity, audit: bool) -> StreamSession:
    """Rebuild a session from its folder's journal, write its record streams anew, and hold the journal.

    What was made and not put on record never left: it is put on record now and leaves at the next logon.
    Raises InputError when the journal is damaged, or its commands are not those that this code makes.
    """
    journal = Journal.open(folder / JOURNAL, facts.session.durability)
    try:
        remove_streams(folder)
        live = _new(folder, facts, identity, audit)
        replayer = _Replayer(live, folder)
        records = replayer.take(journal.recover())
        live.journal = journal
        for commands in replayer.owed:
            journal.append_commands(commands)
        journal.append_meta({"recovered": {"records": records, "never_left": sum(map(len, replayer.owed))}})
        journal.flush()
    except BaseException:
        journal.abandon()
        raise
    return live


def read_facts(folder: Path) -> StreamFacts | None:
    """Return what a journal's first record says; None when its session runs by the wall clock. Raises InputError."""
    first = next(read_records(folder / JOURNAL), None)
    if first is None or not isinstance(first.payload, dict):
        raise InputError(f"{folder / JOURNAL}: no first record; give the folder of a run")
    return StreamFacts.from_mapping(first.payload["facts"]) if "stream" in first.payload["facts"] else None


def closed_facts(folder: Path) -> Mapping[str, Any] | None:
    """Return how a session ended; None when it goes on."""
    closed = None
    for record in read_records(folder / JOURNAL):
        if record.kind is RecordKind.META and isinstance(record.payload, dict):
            closed = record.payload.get("closed", closed)
    return closed


def verify(folder: Path, facts: StreamFacts, plugin_digests: Mapping[str, str] | None = None) -> Verification:
    """Replay the journal of a closed session and hold its digests against the recorded ones. Raises InputError."""
    digests_of = plugin_digests if plugin_digests is not None else facts.plugin_digests
    identity = identify(facts.session, digests_of)
    if identity.code_hash != facts.code_hash:
        raise InputError(f"{folder}: its journal is of another code; verify it with the version that wrote it")
    live = _new(None, facts, identity, audit=True)
    replayer = _Replayer(live, folder)
    replayer.take(read_records(folder / JOURNAL))
    if replayer.closed is None:
        raise InputError(f"{folder}: the session was not closed; run it again to its end, then verify")
    replay.close(live.core)
    live.drain()
    digests = live.recorder.close()
    return Verification(digests, dict(replayer.closed["digests"]), live.positions(), live.recorder.violations)


class _Replayer:
    """Give a journal's records to a session that writes none; hold the commands made against those on record."""

    def __init__(self, live: StreamSession, folder: Path) -> None:
        self.live, self.folder = live, folder
        self.owed: list[Commands] = []
        self._now_ns = 0
        self.closed: Mapping[str, Any] | None = None

    def take(self, records: Iterator[Record]) -> int:
        """Take all records; return how many."""
        count = 0
        for record in records:
            count += 1
            if record.kind is not RecordKind.COMMANDS and record.kind is not RecordKind.META and self.owed:
                raise unlike(self.folder, record.number)
            self._take(record)
        self.live.drain()
        return count

    def _take(self, record: Record) -> None:
        payload = record.payload
        if isinstance(payload, Rows):
            self._finish_rows()
            self.live.give_rows(payload, int(payload.ts_init_ns[-1]))
        elif record.kind is RecordKind.REPORTS:
            self.live.give_reports(np.asarray(payload))
        elif isinstance(payload, tuple):
            self._step(record.kind, *payload)
        elif record.kind is RecordKind.COMMANDS:
            if not same_commands(self.owed, [np.asarray(payload)]):
                raise unlike(self.folder, record.number)
            self.owed.clear()
        elif isinstance(payload, dict):
            self.closed = payload.get("closed", self.closed)
            if "carry" in payload:
                self.live.note_venue(Carry.from_record(payload["carry"], str(self.folder)).place)
            if "permit" in payload:
                take_kept(self.live.core, payload["permit"])
            if "limits" in payload:
                self._owe(self.live.take_limits(payload["limits"], self._now_ns))

    def _step(self, kind: RecordKind, first: int, second: int) -> None:
        if kind is RecordKind.RUN:
            self._owe(self.live.run(first))
            self._now_ns = second
        else:
            self._owe(self.live.obey(Control(first), second, self._now_ns))

    def _finish_rows(self) -> None:
        """Rows made no commands to their end, or a RUN record would have come first."""
        if not self.live.wants_rows and len(self.live.run(self.live.complete_ns)):
            raise InputError(f"{self.folder}: commands were made that the journal lacks; restore it")

    def _owe(self, commands: Commands) -> None:
        if len(commands):
            self.owed.append(commands)


def _new(folder: Path | None, facts: StreamFacts, identity: Identity, audit: bool) -> StreamSession:
    session = facts.session
    auditor = Auditor.from_session(session) if audit else None
    core = new_stream_core(session, facts.first_ts_ns, facts.last_ts_ns)
    recorder = Recorder.create(folder, facts.header(identity), False, auditor, streams_of(core))
    live = StreamSession(core, recorder, None)
    if facts.carry is not None:
        live.go_on_from(go_on(live, session, facts.carry, str(folder)).place)
    return live
