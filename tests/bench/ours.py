"""Serve AlphaTrade to the benchmark runner, by the same protocol as its peers."""

# ruff: noqa: E402 (the pins must be in place before numba is imported)
from alphatrade_runtime.numerics import pins

pins.apply()

import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

from alphatrade_runtime.loop.engine import Engine, RunResult
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.market.tape import Tape
from tests.bench import make_tape, sessions, strategies  # noqa: F401 (declares P2's signals)
from tests.bench.make_reference import QUANTA
from tests.bench.p2_rows import peer_columns
from tests.bench.peers.serve import Run, serve, timed

SCRATCH = Path(os.environ.get("ALPHATRADE_BENCH_SCRATCH", "/dev/shm"))
Figures = dict[str, Any]


def replayed(session: dict[str, Any], tape: Tape | Rows, events: int, audit: bool) -> Callable[[], tuple[Figures, Path]]:
    """Return a run: tape in memory to the last segment closed on the memory disk, in a folder of its own."""
    engine, number = Engine(session), count()

    def run() -> tuple[Figures, Path]:
        folder = SCRATCH / f"run-{os.getpid()}-{next(number)}"
        seconds, result = timed(lambda: engine.replay(tape, folder, audit=audit))
        return {"seconds": seconds, "events": events, **_figures(result)}, folder

    return run


def _figures(result: RunResult) -> Figures:
    money, counts = result.money, result.counts
    return {
        "net": (money["nav"] - money["initial_cash"]) / QUANTA,
        "orders": counts["orders"],
        "denials": sum(counts["denials"].values()),
        "violations": len(result.violations),
        "diary": result.digests["diary"],
    }
