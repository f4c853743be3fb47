"""Rebuild a wall-clock session from its journal: after a kill, to go on; after its end, to verify it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.contract import Commands
from alphatrade_runtime.loop import frames, replay
from alphatrade_runtime.loop.books import Books
from alphatrade_runtime.loop.carried import opening_of, put_in, take_out
from alphatrade_runtime.loop.carry import CarriedPlace, Carry
from alphatrade_runtime.loop.core import STREAMS
from alphatrade_runtime.loop.identity import Identity, identify
from alphatrade_runtime.loop.journal import Journal, Record, RecordKind, read_records
from alphatrade_runtime.loop.live_session import LiveFacts, LiveSession, new_live_core, same_commands
from alphatrade_runtime.loop.mind_link import streams_of
from alphatrade_runtime.loop.recorder import Recorder
from alphatrade_runtime.loop.stream_facts import StreamFacts
from alphatrade_runtime.loop.stream_session import StreamSession
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.policy.document import Session, parse_session
from alphatrade_runtime.reflection.diary.chain import MIND_STREAMS
from alphatrade_runtime.reflection.diary.segments import manifest_path, parquet_path
from alphatrade_runtime.risk.auditor import Auditor, Violation

JOURNAL = "journal"
Facts = LiveFacts | StreamFacts


@dataclass(frozen=True)
class Replayed:
    """What replaying a journal came to. owed: commands of the last batch that the journal lacks: they never left."""

    owed: list[Commands]
    closed: Mapping[str, Any] | None
    records: int


@dataclass(frozen=True)
class Verification:
    """The digests of a journal replayed, those its session closed with, positions in lots at the end, findings."""

    digests: dict[str, str]
    recorded: dict[str, str]
    positions: tuple[int, ...]
    violations: list[Violation] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """True when the replay gave the same bytes."""
        return self.digests == self.recorded and not self.violations


def has_journal(folder: Path) -> bool:
    """True when a run folder's journal has a record; a journal killed before its first one is removed."""
    paths = sorted((folder / JOURNAL).glob("journal-*.bin"))
    if not paths:
        return False
    if frames.find_tail(folder / JOURNAL).next_number > 0:
        return True
    for path in paths:
        path.unlink()
    return False


def read_facts(folder: Path) -> LiveFacts:
    """Read what a journal's first record says of its session. Raises InputError."""
    first = next(read_records(folder / JOURNAL), None)
    if first is None or not isinstance(first.payload, dict):
        raise InputError(f"{folder / JOURNAL}: no first record; give the folder of a wall-clock run")
    return LiveFacts.from_mapping(first.payload["facts"])


def recover(folder: Path, facts: LiveFacts, session: Session, identity: Identity, audit: bool) -> LiveSession:
    """Rebuild a session from its folder's journal, write its record streams anew, and hold the journal.

    Commands that the journal lacks never left; they are put on record so that the books stay explained.
    Raises InputError when the journal is damaged, or its commands are not those that this code makes.
    """
    journal = Journal.open(folder / JOURNAL, session.durability)
    try:
        remove_streams(folder)
        live = _start(folder, facts, session, identity, audit)
        replayed = replay_records(live, journal.recover(), folder)
        live.journal = journal
        for commands in replayed.owed:
            journal.append_commands(commands)
        journal.append_meta({"recovered": {"records": replayed.records, "never_left": sum(map(len, replayed.owed))}})
        journal.flush()
    except BaseException:
        journal.abandon()
        raise
    return live


def remove_streams(folder: Path) -> None:
    """Remove the record streams of a run; they are written anew from the journal."""
    for stream in (*STREAMS, *MIND_STREAMS):
        for path in (manifest_path(folder, stream), parquet_path(folder, stream), *folder.glob(f"{stream}-*.arrow")):
            path.unlink(missing_ok=True)


def replay_records(live: LiveSession, records: Iterator[Record], folder: Path) -> Replayed:
    """Run a journal's batches; hold the commands made against those on record."""
    owed: list[Commands] = []
    closed = None
    count = 0
    for record in records:
        count += 1
        if isinstance(record.payload, Rows):
            if owed:
                raise unlike(folder, record.number)
            commands = live.apply(record.payload)
            closed = None
            if len(commands):
                owed.append(commands)
        elif record.kind is RecordKind.COMMANDS:
            if not same_commands(owed, [np.asarray(record.payload)]):
                raise unlike(folder, record.number)
            owed.clear()
        elif isinstance(record.payload, dict):
            closed = record.payload.get("closed", closed)
            if "limits" in record.payload:
                live.take_limits(record.payload["limits"])
    live.drain()
    return Replayed(owed, closed, count)


def verify(folder: Path, plugin_digests: Mapping[str, str] | None = None) -> Verification:
    """Replay the input journal of a closed wall-clock session and hold its digests against the recorded ones.

    plugin_digests: as the session had them, once its plug-ins are loaded. Raises InputError.
    """
    facts = read_facts(folder)
    session = parse_session(facts.document)
    identity = identify(session, plugin_digests if plugin_digests is not None else facts.plugin_digests)
    if identity.code_hash != facts.code_hash:
        raise InputError(f"{folder}: its journal is of another code; verify it with the version that wrote it")
    live = _start(None, facts, session, identity, audit=True)
    replayed = replay_records(live, read_records(folder / JOURNAL), folder)
    if replayed.closed is None:
        raise InputError(f"{folder}: the session was not closed; run it again, stop it, then verify")
    replay.close(live.core)
    live.drain()
    digests = live.recorder.close()
    return Verification(digests, dict(replayed.closed["digests"]), live.positions(), live.recorder.violations)


def _start(folder: Path | None, facts: LiveFacts, session: Session, identity: Identity, audit: bool) -> LiveSession:
    auditor = Auditor.from_session(session) if audit else None
    core = new_live_core(session, facts.clock)
    recorder = Recorder.create(folder, facts.header(identity, session), False, auditor, streams_of(core))
    live = LiveSession(core, recorder, None)
    if facts.carry is not None:
        live.go_on_from(go_on(live, session, facts.carry, str(folder)).place)
    return live


def hand_on(live: LiveSession | StreamSession, facts: Facts, identity: Identity, place: CarriedPlace) -> None:
    """End a journal in order: streams sealed, and a last record from which another code can go on.

    The same code replays the journal instead. Raises JournalStalled, DiaryStalled.
    """
    carry = take_out(live.core, parse_session(facts.document), facts.session_id, identity, place)
    replay.close(live.core)
    live.drain()
    digests = live.recorder.close()
    assert live.journal is not None
    live.journal.append_meta({"carry": carry.to_record(), "digests": digests})
    live.journal.close()


def go_on(live: Books, session: Session, record: Mapping[str, Any], where: str) -> Carry:
    """Bring a new session's state to where another one ended; return what that one handed on. Raises InputError."""
    carry = Carry.from_record(record, where)
    put_in(live.core, carry, session)
    if live.recorder.auditor is not None:
        live.recorder.auditor.open_with(opening_of(carry))
    return carry


def start(folder: Path, facts: LiveFacts, session: Session, identity: Identity, audit: bool) -> LiveSession:
    """Start a session in a folder without a journal."""
    journal = Journal.create(folder / JOURNAL, facts.to_mapping(), session.durability)
    try:
        live = _start(folder, facts, session, identity, audit)
    except BaseException:
        journal.abandon()
        raise
    live.journal = journal
    return live


def unlike(folder: Path, number: int) -> InputError:
    """Return the error of a record that this code would not have written."""
    return InputError(
        f"{folder / JOURNAL}: record {number} does not follow from the records before it; "
        "go on with the code that wrote the journal, or restore it"
    )
