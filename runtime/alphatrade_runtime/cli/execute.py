"""Carry out a run: replay, stream's clock or wall clock; run folder, run.json, Parquet, report."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alphatrade_runtime.cli.screen import progress, remark, status
from alphatrade_runtime.cli.session import Plan
from alphatrade_runtime.cli.tape_stream import sides_of
from alphatrade_runtime.loop import live_control
from alphatrade_runtime.loop.artifacts import RunFolder, write_facts
from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.loop.engine import Engine, RunResult
from alphatrade_runtime.loop.facts import run_facts
from alphatrade_runtime.loop.live import LiveOptions, LiveProgress, LiveResult, run_live
from alphatrade_runtime.loop.live_feed import FeedSource, tape_source
from alphatrade_runtime.loop.live_loop import FEED_ENDED
from alphatrade_runtime.loop.stream import run_stream
from alphatrade_runtime.loop.stream_warm import warm_up_stream
from alphatrade_runtime.market.faults import InputError, disk_errors
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import TapeFeed
from alphatrade_runtime.reflection.diary.compact import compact
from alphatrade_runtime.reflection.diary.dictionary import Dictionary
from alphatrade_runtime.report.write import write_report
from alphatrade_runtime.service.feed.config import pace_of

CHECKPOINT_S = 5.0


@dataclass(frozen=True)
class Finished:
    """A run that has ended: its folder, its run.json, whether it breached."""

    folder: Path
    facts: Mapping[str, Any]
    breached: bool


def execute(engine: Engine, plan: Plan, tape: Tape, base: Path, checkpoint_s: float = CHECKPOINT_S) -> Finished:
    """Replay the tape and keep the run under `base`. Raises InputError; then nothing new is left there."""
    kind = "sim" if tape.manifest["source"]["simulated"] else "replay"
    _warn_of_compiling("replay.run")
    began = time.monotonic()
    with RunFolder(base, kind, engine.identity.run_id(tape.digest, engine.session)) as folder:
        if folder.resumed:
            remark(f"going on from the checkpoint of an unfinished run in {folder.path}")
        with disk_errors(folder.path), progress("replaying") as advance:
            result = engine.replay(tape, folder.path, progress=advance, checkpoint_every_s=checkpoint_s)
        measured = {"wall_s": round(time.monotonic() - began, 3), "resumed": folder.resumed}
        speed = pace_of(plan.session.feed)
        facts = run_facts(engine, result, plan.document, tape, kind=kind, speed=speed, telemetry=measured)
        return _finish(folder, facts, result)


def execute_stream(engine: Engine, plan: Plan, tape: Tape, base: Path, *, duration_s: float | None = None) -> Finished:
    """Run the session on the stream's clock, its rows given out at a multiple of real time, until feed or time ends.

    Raises InputError when it cannot start, KeyboardInterrupt when it was told to stop. A session that was stopped or
    killed is gone on with, to the same record: its journal is in the folder.
    """
    session = plan.session
    with RunFolder(base, "paper", _key(engine, tape)) as folder:
        sides = sides_of(session, tape, _instruments(plan), folder.path / "exchange")
        _warn_of_compiling("lockstep.run_local")
        _say_where(folder, "Ctrl-C stops it, and the same command goes on")
        warm_up_stream(session)
        with status() as show:
            options = LiveOptions(
                duration_s=duration_s, plugin_digests=plan.plugin_digests, progress=lambda now: show(_line(now))
            )
            live = run_stream(plan.document, folder.path, sides.stream, sides.broker, options)
        if live is None:
            raise KeyboardInterrupt
        return _finish_live(engine, plan, tape, folder, _named(live, folder.path))


def _named(live: LiveResult, folder: Path) -> LiveResult:
    """Name a run that is not the whole of its stream, or was steered, by what it came to: it is no other's equal."""
    if live.ended_by == FEED_ENDED and not live.notes and not (folder / live_control.FOLDER).exists():
        return live
    own = f"{live.run.run_id}-{live.run.digests['diary'].removeprefix('sha256:')[:8]}"
    return replace(live, run=replace(live.run, run_id=own))


def execute_live(
    engine: Engine,
    plan: Plan,
    tape: Tape,
    base: Path,
    *,
    duration_s: float | None = None,
    loop: bool = False,
    broker: Path | None = None,
) -> Finished:
    """Run the session by the wall clock, its feed at its own pace, until the feed or the time ends, or Ctrl-C.

    broker: socket of a paper exchange in a process of its own.
    Raises InputError when it cannot start. A session that was killed is gone on with: its journal is in the folder.
    """
    source = _wall_source(plan, tape, broker)
    _warn_of_compiling("replay.run")
    with RunFolder(base, "paper", _key(engine, tape)) as folder:
        _say_where(folder, "Ctrl-C ends the session in order")
        with status() as show:
            options = LiveOptions(
                broker=broker,
                duration_s=duration_s,
                loop=loop,
                plugin_digests=plan.plugin_digests,
                progress=lambda now: show(_line(now)),
            )
            live = run_live(plan.document, folder.path, options, source)
        return _finish_live(engine, plan, tape, folder, live)


def _wall_source(plan: Plan, tape: Tape, broker: Path | None) -> FeedSource | None:
    """Return the rows of a run by the wall clock; None: what the document says, as the exchange's process does."""
    if broker is None:
        return tape_source(tape, _instruments(plan))
    if not isinstance(plan.session.feed, TapeFeed) and len(plan.listed) > len(_instruments(plan)):
        raise InputError(
            "--broker: an exchange in its own process would simulate another market, of the traded instruments only; "
            "trade all of the feed's, or leave it out"
        )
    return None


def _instruments(plan: Plan) -> list[Instrument]:
    return [instrument_of(terms) for terms in plan.session.policy.envelope.instruments]


def _key(engine: Engine, tape: Tape) -> str:
    """Name the folder of a session under way: another speed is another session."""
    return engine.identity.run_id(f"{tape.digest}@{engine.session.feed.speed}", engine.session)


def _say_where(folder: RunFolder, stop: str) -> None:
    remark(f"{'going on with' if folder.resumed else 'running in'} {folder.path}; {stop}")


def _finish_live(engine: Engine, plan: Plan, tape: Tape, folder: RunFolder, live: LiveResult) -> Finished:
    """Finish a run that kept a journal."""
    measured, speed = {"ended_by": live.ended_by, "resumed": folder.resumed}, pace_of(plan.session.feed)
    facts = run_facts(engine, live.run, plan.document, tape, kind="paper", speed=speed, telemetry=measured)
    facts["notes"] += live.notes
    return _finish(folder, facts, live.run)


def _finish(folder: RunFolder, facts: Mapping[str, Any], result: RunResult) -> Finished:
    """Write run.json, Parquet and report of a run that has ended, and move it to its place."""
    write_facts(folder.path, facts)
    with progress("writing the report", "of 2 parts") as advance:
        compact(folder.path, Dictionary.from_run(facts))
        advance(1, 2)
        write_report(folder.path)
    return Finished(folder.publish(datetime.now(UTC).date(), result.run_id), facts, result.breached)


def _line(now: LiveProgress) -> str:
    counts = now.counts
    link = "" if now.linked else ", no link to the exchange"
    return (
        f"{now.elapsed_s:,.0f} s: {counts['events']:,} events, {counts['orders']:,} orders, {counts['fills']:,} fills, "
        f"NAV {now.nav / 1e8:,.2f}, {now.kill['state']}{link}"
    )


def _warn_of_compiling(function: str) -> None:
    """Say that the first run of a version takes longer, so that nobody takes it for hung. function: of its loop."""
    cache = Path(os.environ.get("NUMBA_CACHE_DIR", ""))
    if os.environ.get("NUMBA_DISABLE_JIT") != "1" and not any(cache.rglob(f"{function}*.nbi")):
        remark("compiling the trading loop: once for each version of the code, about a minute")
