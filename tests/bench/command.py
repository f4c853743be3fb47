"""Run benchmarks side by side and write their figures: `make bench ARGS="P1 P2 ..."`."""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import make_capture, make_tape
from bench.measure import commit, machine, one_core
from bench.peers.install import PeerMissing
from bench.peers.process import REPO
from bench.suite import BENCHMARKS, Options
from bench.table import markdown
from cluster.settings import ClusterError

EVIDENCE = REPO / "docs" / "evidence" / "bench.json"
PAGE = REPO / "docs" / "benchmarks.md"
MEMORY_DISK = Path("/dev/shm")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/bench/run.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)}; all when left out")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each engine (default 5)")
    parser.add_argument("--quotes", type=int, default=1_000_000, help="rows of P1's and P2's tapes (default 1,000,000)")
    parser.add_argument("--objects", type=int, default=1_000, help="Strategies of P9 (default 1,000)")
    parser.add_argument("--capture", type=Path, help="recorded capture for P2; the generated one when left out")
    parser.add_argument("--out", type=Path, default=EVIDENCE, help="where the figures go")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]}; known: {', '.join(BENCHMARKS)}")
    return arguments


def _run_all(arguments: argparse.Namespace) -> dict[str, Any]:
    results = {}
    memory = str(MEMORY_DISK) if MEMORY_DISK.is_dir() else None
    with tempfile.TemporaryDirectory() as tapes, tempfile.TemporaryDirectory(dir=memory) as diaries:
        os.environ["ALPHATRADE_BENCH_DIARIES"] = diaries
        options = Options(Path(tapes), arguments.runs, arguments.quotes, arguments.capture, arguments.objects)
        for name in arguments.names or BENCHMARKS:
            started = time.perf_counter()
            results[name] = BENCHMARKS[name](options)
            results[name]["wall_s"] = round(time.perf_counter() - started, 1)
            print(f"{name}: {'met' if results[name]['met'] else 'MISSED'}: {results[name]['target']}", flush=True)
    return results


def _command(arguments: argparse.Namespace) -> str:
    """Return the command without the place of the capture, which is another one on each machine."""
    parts = ["python tests/bench/run.py", *arguments.names, f"--runs {arguments.runs} --quotes {arguments.quotes}"]
    if arguments.objects != 1_000:
        parts.append(f"--objects {arguments.objects}")
    return " ".join([*parts, "--capture CAPTURE"] if arguments.capture else parts)


def main() -> int:
    """Run, merge with the figures of benchmarks that were not asked for, write JSON and page."""
    arguments = _arguments()
    one_core()
    started = time.perf_counter()
    try:
        results = _run_all(arguments)
    except (PeerMissing, ClusterError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    facts = {
        "command": _command(arguments),
        "commit": commit(),
        "seeds": {"quotes": make_tape.SEED, "capture": make_capture.SEED},
        "wall_s": round(time.perf_counter() - started, 1),
        "machine": machine(),
    }
    known = json.loads(arguments.out.read_text())["benchmarks"] if arguments.out.exists() else {}
    merged = {**known, **{name: {**result, "facts": facts} for name, result in results.items()}}
    ordered = {name: merged[name] for name in BENCHMARKS if name in merged}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"benchmarks": ordered}, indent=1) + "\n")
    if arguments.out == EVIDENCE:
        PAGE.write_text(markdown(ordered))
    return 0 if all(result["met"] for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
