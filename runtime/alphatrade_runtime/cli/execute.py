"""Carry out a run in simulated time: engine, run folder, run.json, Parquet, report."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alphatrade_runtime.cli.screen import progress, remark
from alphatrade_runtime.cli.session import Plan
from alphatrade_runtime.loop.artifacts import RunFolder, write_facts
from alphatrade_runtime.loop.engine import RunResult
from alphatrade_runtime.loop.facts import run_facts
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


def execute(plan: Plan, tape: Tape, base: Path, checkpoint_s: float = CHECKPOINT_S) -> Finished:
    """Replay the tape and keep the run under `base`. Raises InputError; then nothing new is left there."""
    engine = plan.engine()
    kind = "sim" if tape.manifest["source"]["simulated"] else "replay"
    _warn_of_compiling()
    began = time.monotonic()
    with RunFolder(base, kind, engine.identity.run_id(tape.digest, engine.session)) as folder:
        if folder.resumed:
            remark(f"going on from the checkpoint of an unfinished run in {folder.path}")
        with progress("replaying") as advance:
            result = engine.replay(tape, folder.path, progress=advance, checkpoint_every_s=checkpoint_s)
        measured = {"wall_s": round(time.monotonic() - began, 3), "resumed": folder.resumed}
        facts = run_facts(engine, result, plan.document, tape, kind=kind, speed="Simulated", telemetry=measured)
        return finish(folder, facts, result)


def finish(folder: RunFolder, facts: Mapping[str, Any], result: RunResult) -> Finished:
    """Write run.json, Parquet and report of a run that has ended, and move it to its place."""
    write_facts(folder.path, facts)
    with progress("writing the report") as advance:
        compact(folder.path, Dictionary.from_run(facts))
        advance(1, 2)
        write_report(folder.path)
    return Finished(folder.publish(datetime.now(UTC).date()), facts, result.breached)


def _warn_of_compiling() -> None:
    """Say that the first run of a version takes longer, so that nobody takes it for hung."""
    cache = Path(os.environ.get("NUMBA_CACHE_DIR", ""))
    if os.environ.get("NUMBA_DISABLE_JIT") != "1" and not any(cache.rglob("replay.run*.nbi")):
        remark("compiling the trading loop: once for each version of the code, about a minute")
