"""Interleave engines, take medians and ratios, describe the machine."""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.peers.process import REPO, Engine

CENT = 0.005
_ALLOWED = os.sched_getaffinity(0)


def one_core() -> None:
    """Keep this process and its children on one core: the last that we may use."""
    os.sched_setaffinity(0, {max(_ALLOWED)})


def every_core() -> None:
    """Let this process and its children run where they could at the start."""
    os.sched_setaffinity(0, _ALLOWED)


def interleave(engines: Sequence[Engine], runs: int) -> None:
    """Start every engine, then run A B C A B C ...: a slow minute of the machine meets them all."""
    with ExitStack() as stack:
        for engine in engines:
            stack.enter_context(engine)
        for _ in range(runs):
            for engine in engines:
                engine.run()


def row(engine: Engine) -> dict[str, Any]:
    """Sum up one engine's runs: median and spread of seconds, events a second, what it answered."""
    seconds = [run["seconds"] for run in engine.runs]
    median = statistics.median(seconds)
    events = engine.runs[-1]["events"]
    facts = {key: value for key, value in engine.runs[-1].items() if key not in ("seconds", "fills", "events")}
    for key in facts:
        if key.endswith(("_ns", "_us")):
            facts[key] = round(statistics.median(run[key] for run in engine.runs), 3)
    return {
        "engine": engine.name,
        "version": engine.hello["version"],
        "events": events,
        "median_s": median,
        "min_s": min(seconds),
        "max_s": max(seconds),
        "runs_s": seconds,
        "events_per_s": round(events / median),
        "warm_up_s": engine.hello["warm_up_s"],
        **facts,
    }


def ratios(rows: Sequence[dict[str, Any]], ours: str, peers: Sequence[str]) -> dict[str, float]:
    """Return our speed over each peer's, and over the fastest of them as "fastest_peer"."""
    speed = {r["engine"]: r["events"] / r["median_s"] for r in rows}
    each = {peer: round(speed[ours] / speed[peer], 3) for peer in peers}
    return {**each, "fastest_peer": min(each.values())}


def machine() -> dict[str, Any]:
    """Describe the machine without naming it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    packages = {name: version(name) for name in ("numba", "numpy", "pyarrow", "llvmlite")}
    host = {"cpu": model, "cores": os.cpu_count(), "memory_mib": memory}
    return {**host, "python": platform.python_version(), **packages}


def commit() -> str:
    """Return the commit of the code that ran, with "+" when files differed from it."""
    result = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPO, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        return "uncommitted"
    dirty = subprocess.run(["git", "status", "--porcelain"], cwd=REPO, capture_output=True, text=True, check=True)
    return result.stdout.strip() + ("+" if dirty.stdout.strip() else "")
