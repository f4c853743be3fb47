"""Carry out a run: engine or wall clock, run folder, run.json, Parquet, report."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alphatrade_runtime.cli.screen import progress, remark, status
from alphatrade_runtime.cli.session import Plan
from alphatrade_runtime.loop.artifacts import RunFolder, write_facts
from alphatrade_runtime.loop.engine import Engine, RunResult
from alphatrade_runtime.loop.facts import run_facts
from alphatrade_runtime.loop.live import LiveOptions, LiveProgress, run_live
from alphatrade_runtime.market.faults import disk_errors
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.reflection.diary.compact import compact
from alphatrade_runtime.reflection.diary.dictionary import Dictionary
from alphatrade_runtime.report.write import write_report

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
    _warn_of_compiling()
    began = time.monotonic()
    with RunFolder(base, kind, engine.identity.run_id(tape.digest, engine.session)) as folder:
        if folder.resumed:
            remark(f"going on from the checkpoint of an unfinished run in {folder.path}")
        with disk_errors(folder.path), progress("replaying") as advance:
            result = engine.replay(tape, folder.path, progress=advance, checkpoint_every_s=checkpoint_s)
        measured = {"wall_s": round(time.monotonic() - began, 3), "resumed": folder.resumed}
        facts = run_facts(engine, result, plan.document, tape, kind=kind, speed="Simulated", telemetry=measured)
        return _finish(folder, facts, result)


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

    Raises InputError when it cannot start. A session that was killed is gone on with: its journal is in the folder.
    """
    speed = plan.session.feed.speed
    _warn_of_compiling()
    key = engine.identity.run_id(f"{tape.digest}@{speed}", engine.session)
    with RunFolder(base, "paper", key) as folder:
        remark(f"{'going on with' if folder.resumed else 'running in'} {folder.path}; Ctrl-C ends the session in order")
        with status() as show:
            options = LiveOptions(
                broker=broker,
                duration_s=duration_s,
                loop=loop,
                plugin_digests=plan.plugin_digests,
                progress=lambda now: show(_line(now)),
            )
            live = run_live(plan.document, folder.path, options)
        measured = {"ended_by": live.ended_by, "resumed": folder.resumed}
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


def _warn_of_compiling() -> None:
    """Say that the first run of a version takes longer, so that nobody takes it for hung."""
    cache = Path(os.environ.get("NUMBA_CACHE_DIR", ""))
    if os.environ.get("NUMBA_DISABLE_JIT") != "1" and not any(cache.rglob("replay.run*.nbi")):
        remark("compiling the trading loop: once for each version of the code, about a minute")
