"""Replay a tape under a session: the way in for the command line, for tests and for notebooks."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from alphatrade_runtime.execution.venue_state import DEPTH_TICKS
from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.build import build, instrument_of
from alphatrade_runtime.loop.checkpoint import Checkpoint, restore, state_of
from alphatrade_runtime.loop.core import Core, part
from alphatrade_runtime.loop.identity import Identity, identify
from alphatrade_runtime.loop.mind_link import streams_of
from alphatrade_runtime.loop.recorder import Recorder
from alphatrade_runtime.loop.window import RowWindow, remap
from alphatrade_runtime.market.calendar import Calendar
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.manifest import instruments_of
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import Session, parse_session
from alphatrade_runtime.risk.auditor import Auditor, Violation
from alphatrade_runtime.risk.codes import Code, KillState

DIARY_SCHEMA = 1
Progress = Callable[[int, int], None]
_COUNTERS = (
    "events", "steps", "decisions", "actions", "orders", "acks", "fills", "near_misses", "plugin_faults", "breaks",
)  # fmt: skip
_MONEY = ("initial_cash", "cash", "nav", "fees", "funding", "turnover", "high_water")


@dataclass(frozen=True)
class RunResult:
    """What a run came to. tables: the record streams, when they were kept in memory."""

    run_id: str
    identity: Identity
    digests: dict[str, str]
    counts: dict[str, Any]
    money: dict[str, int]
    kill: dict[str, str]
    violations: list[Violation]
    tables: dict[str, pa.Table] = field(default_factory=dict, repr=False)

    @property
    def breached(self) -> bool:
        """True when the run must not count as good: a violation, a strategy fault, or books that did not agree."""
        return bool(self.violations or self.counts["plugin_faults"] or self.counts["breaks"])


class Engine:
    """One session, ready to replay tapes. plugin_digests: `sha256:<hex>` by signal name."""

    def __init__(self, session: Session | Mapping[str, Any], plugin_digests: Mapping[str, str] | None = None) -> None:
        self.session = session if isinstance(session, Session) else parse_session(session)
        self.identity = identify(self.session, plugin_digests or {})

    def replay(
        self,
        tape: Tape | Rows,
        out: Path | None = None,
        *,
        audit: bool = True,
        progress: Progress | None = None,
        checkpoint_every_s: float | None = None,
        prepare: Callable[[Core], None] | None = None,
    ) -> RunResult:
        """Run a tape to its end against the simulated exchange.

        out: folder of the record streams; None keeps them as Arrow tables.  progress: called with rows done and all.
        checkpoint_every_s: with `out`, save the state so often; an `out` that holds a checkpoint is resumed.
        prepare: called with the state before its first row, for studies that trade a loop as no session would have it.
        Raises InputError when tape and session do not fit, DiaryStalled when a record cannot be written.
        """
        source = _source(tape, self.session)
        run = _Run(self, source, out, audit)
        if prepare is not None:
            prepare(run.core)
        try:
            run.loop(progress, checkpoint_every_s)
            return run.finish()
        except BaseException:
            run.recorder.abandon()
            raise


@dataclass(frozen=True)
class _Source:
    """A tape as the run needs it: chunks from a row on, length, digest, calendar, what kinds it has."""

    window: Callable[[int], RowWindow]
    rows: int
    digest: str
    calendar: Calendar | None
    bar_mode: bool
    depth: bool


def _source(tape: Tape | Rows, session: Session) -> _Source:
    name = session.policy.envelope.calendar
    if isinstance(tape, Rows):
        if len(tape.seq) == 0:
            raise InputError("tape: 0 rows; give one with market data")
        calendar = Calendar.load(name, int(tape.ts_init_ns[0]), int(tape.ts_init_ns[-1]))
        bars = bool((tape.kind == int(Kind.BAR)).any() and not (tape.kind == int(Kind.QUOTE)).any())
        depth = bool((tape.kind == int(Kind.DEPTH)).any())
        return _Source(lambda _: RowWindow.of_rows(tape), len(tape.seq), "in-memory", calendar, bars, depth)
    manifest = tape.manifest
    wanted = [instrument_of(terms) for terms in session.policy.envelope.instruments]
    table = remap(instruments_of(manifest), wanted, "tape")
    counts = manifest["counts_by_kind"]
    bars = bool(counts.get("BAR")) and not counts.get("QUOTE")
    calendar = Calendar.load(name, manifest["first_ts_ns"], manifest["last_ts_ns"])

    def window(start: int) -> RowWindow:
        opened = RowWindow(_chunks(tape, start), table)
        opened.base = start
        return opened

    return _Source(window, len(tape), manifest["digest"], calendar, bars, bool(counts.get("DEPTH")))


def _chunks(tape: Tape, start: int) -> Any:
    at = 0
    for chunk in tape.chunks():
        n = len(chunk.seq)
        if at + n > start:
            yield chunk.slice(max(start - at, 0), n)
        at += n


class _Run:
    """One replay under way."""

    def __init__(self, engine: Engine, source: _Source, out: Path | None, audit: bool) -> None:
        self.engine, self.source, self.out = engine, source, out
        session = engine.session
        self.core: Core = build(session, source.calendar, bar_mode=source.bar_mode)
        n = len(session.policy.envelope.instruments)
        self.depth = np.zeros((n, 2, DEPTH_TICKS if source.depth else 0), np.int64)
        self.auditor = Auditor.from_session(session) if audit else None
        self.header = header_of(engine, source.digest)
        saved = Checkpoint.load(out) if out is not None else None
        if saved is not None and out is not None:
            self._resume(out, saved)
        else:
            self.window = source.window(0)
            self.recorder = Recorder.create(out, self.header, source.bar_mode, self.auditor, streams_of(self.core))

    def _resume(self, out: Path, saved: Checkpoint) -> None:
        if saved.facts != self._facts():
            raise InputError(
                f"{out}: its checkpoint is of another session, tape or code; give an empty folder, or delete it"
            )
        restore(self.core, saved.state)
        if self.source.depth:
            self.depth[:] = saved.auditor["depth"]  # kept beside the auditor's arrays: large, and only with depth rows
        if self.auditor is not None:
            self.auditor.restore({k: v for k, v in saved.auditor.items() if k != "depth"})
        self.window = self.source.window(saved.base)
        self.recorder = Recorder.resume(
            out, self.header, self.source.bar_mode, self.auditor, saved.logs, streams_of(self.core)
        )

    def _facts(self) -> dict[str, str]:
        return {**{k: str(v) for k, v in self.header.items()}, "audit": str(self.auditor is not None)}

    def loop(self, progress: Progress | None, checkpoint_every_s: float | None) -> None:
        """Run until everything that is under way has arrived."""
        last = time.monotonic()
        while True:
            window = self.window
            state = replay.run(self.core, window.rows, len(window), window.final, self.depth)
            self.recorder.drain(self.core)
            if state == replay.DONE:
                return
            if state == replay.NEED_ROWS:
                self._advance()
            if progress is not None:
                progress(window.base + int(part(self.core, "loop")[0].local_row), self.source.rows)
            if checkpoint_every_s is not None and time.monotonic() - last >= checkpoint_every_s:
                self.checkpoint()
                last = time.monotonic()

    def _advance(self) -> None:
        loop = part(self.core, "loop")[0]
        consumed = int(min(loop.local_row, loop.venue_row, len(self.window)))  # a resumed window starts empty
        self.window.advance(consumed)
        loop.local_row -= consumed
        loop.venue_row -= consumed

    def checkpoint(self) -> None:
        """Save everything that the rest of the run depends on."""
        if self.out is None:
            return
        arrays: dict[str, Any] = self.auditor.checkpoint() if self.auditor is not None else {}
        if self.source.depth:
            arrays["depth"] = self.depth
        Checkpoint(state_of(self.core), self.recorder.states(), arrays, self.window.base, self._facts()).save(self.out)

    def finish(self) -> RunResult:
        """Write the last rows, close the streams, count."""
        replay.close(self.core)
        self.recorder.drain(self.core)
        digests = self.recorder.close()
        engine = self.engine
        return RunResult(
            run_id=engine.identity.run_id(self.source.digest, engine.session),
            identity=engine.identity,
            digests=digests,
            counts=counts_of(self.core),
            money=money_of(self.core),
            kill=kill_of(self.core),
            violations=self.recorder.violations,
            tables=self.recorder.tables() if self.out is None else {},
        )


def header_of(engine: Engine, tape: str) -> dict[str, Any]:
    """Return what the record streams of a run say of it first. tape: its digest."""
    policy = engine.session.policy
    return {
        "schema": DIARY_SCHEMA,
        "policy_hash": engine.identity.policy_hash,
        "envelope_hash": engine.identity.envelope_hash,
        "code_hash": engine.identity.code_hash,
        "strategy_id": policy.strategy_id,
        "stage": policy.stage,
        "tape": tape,
    }


def counts_of(core: Core) -> dict[str, Any]:
    """Return the counters of a run; denials by code name."""
    loop = part(core, "loop")[0]
    counts: dict[str, Any] = {name: int(loop[name]) for name in _COUNTERS}
    counts["denials"] = {code.name: int(loop.denials[code]) for code in Code if loop.denials[code]}
    return counts


def money_of(core: Core) -> dict[str, int]:
    """Return the account's money in quanta of 1e-8."""
    account = part(core, "account")[0]
    return {name: int(account[name]) for name in _MONEY}


def kill_of(core: Core) -> dict[str, str]:
    """Return the kill state and what tripped it."""
    account = part(core, "account")[0]
    return {
        "state": KillState(int(account.kill_state)).name,
        "mode": str(int(account.kill_mode)),
        "seq": str(int(account.kill_seq)),
    }
