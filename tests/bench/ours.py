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

import pyarrow as pa

from alphatrade_runtime.loop.engine import Engine, RunResult
from alphatrade_runtime.market.schema import Rows, rows_from_columns
from alphatrade_runtime.market.tape import Tape
from bench import make_tape, sessions, strategies  # noqa: F401 (declares P2's signals)
from bench.fills import canonical
from bench.make_reference import QUANTA
from bench.ours_bursts import bursts
from bench.ours_latency import latency
from bench.ours_law import law
from bench.ours_mind import belief_steps, products
from bench.peers.serve import Run, serve, timed

DIARIES = Path(os.environ.get("ALPHATRADE_BENCH_DIARIES", "/dev/shm"))
Figures = dict[str, Any]
Work = Callable[[], tuple[Figures, Path]]


def replayed(session: dict[str, Any], tape: Tape | Rows, events: int, audit: bool) -> Work:
    """Return a run: tape in memory to the last segment closed on the memory disk, in a folder of its own."""
    engine, number = Engine(session), count()

    def run() -> tuple[Figures, Path]:
        folder = DIARIES / f"run-{os.getpid()}-{next(number)}"
        seconds, result = timed(lambda: engine.replay(tape, folder, audit=audit))
        return {"seconds": seconds, "events": events, **_figures(result)}, folder

    return run


def _figures(result: RunResult) -> Figures:
    money, counts = result.money, result.counts
    return {
        "net": (money["nav"] - money["initial_cash"]) / QUANTA,
        "orders": counts["orders"],
        "decisions": counts["decisions"],
        "denials": sum(counts["denials"].values()),
        "violations": len(result.violations),
        "diary": result.digests["diary"],
    }


def _read(folder: Path, stream: str) -> pa.Table:
    """Read a stream's segments back."""
    parts = [pa.ipc.open_stream(path).read_all() for path in sorted(folder.glob(f"{stream}-*.arrow"))]
    return pa.concat_tables(parts)


def _quotes(n: str, market: str) -> Run:
    rows = make_tape.quote_rows(int(n), "walk" if market == "walk" else "trends")
    work = replayed(sessions.quotes_session(), rows, len(rows.seq), False)

    def run() -> Figures:
        figures, folder = work()
        position = _read(folder, "fills")["position_after"][-1].as_py()
        shutil.rmtree(folder)
        return {**figures, "position": position}

    return run


def _bars(n: str, _: str) -> Run:
    rows = make_tape.bar_rows(int(n))
    work = replayed(sessions.bars_session(), rows, len(rows.seq), False)

    def run() -> Figures:
        figures, folder = work()
        shutil.rmtree(folder)
        return figures

    return run


def _capture(folder: str, strategy_every: str) -> Run:
    strategy, every = strategy_every.split("/")
    rows = _in_memory(folder)
    work = replayed(sessions.capture_session(strategy, int(every)), rows, len(rows.seq), False)
    last = int(rows.ts_init_ns[-1])

    def run() -> Figures:
        figures, out = work()
        fills = canonical(_read(out, "fills"), last)
        shutil.rmtree(out)
        return {**figures, "fills": fills}

    return run


def _mind(n: str, parts: str) -> Run:
    """P4: the quotes of P1, a decision each, with the first so many parts on."""
    rows = make_tape.quote_rows(int(n), "trends")
    return _thinking(sessions.mind_session(int(parts)), rows)


def _mind_capture(folder: str, _: str) -> Run:
    """P4: a capture with everything on, at the default clock."""
    return _thinking(sessions.mind_capture_session(), _in_memory(folder))


def _thinking(session: dict[str, Any], rows: Rows) -> Run:
    work = replayed(session, rows, len(rows.seq), False)

    def run() -> Figures:
        figures, folder = work()
        shutil.rmtree(folder)
        return {**figures, "each_ns": 1e9 * figures["seconds"] / figures["decisions"]}

    return run


def _in_memory(folder: str) -> Rows:
    with Tape.open(folder) as tape:
        mapped = tape.rows()
        return rows_from_columns({name: getattr(mapped, name).copy() for name in Rows._fields})


def _growth(folder: str, _: str) -> Run:
    tape = Tape.open(folder, verify=False)
    work = replayed(sessions.quotes_session(), tape, len(tape), False)

    def run() -> Figures:
        figures, out = work()
        shutil.rmtree(out)
        return {**figures, "rss_kib": _peak_rss_kib()}

    return run


def _peak_rss_kib() -> int:
    """Return the peak of resident memory of this process."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1])


MODES: dict[str, Callable[[str, str], Run]] = {
    "quotes": _quotes, "bars": _bars, "capture": _capture, "growth": _growth, "law": law, "latency": latency,
    "mind": _mind, "mind_capture": _mind_capture, "belief": belief_steps, "product": products, "bursts": bursts,
}  # fmt: skip

if __name__ == "__main__":
    serve(lambda first: MODES[sys.argv[2]](first, sys.argv[3] if len(sys.argv) > 3 else ""), version("alphatrade"))
