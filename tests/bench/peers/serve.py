"""Serve one peer to the benchmark runner: load once, then one timed run a request, as JSON lines on stdout.

A peer stays alive between runs so that runs of several engines can be interleaved without compiling again.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Run = Callable[[], dict[str, Any]]


def serve(load: Callable[[str], Run], version: str) -> None:
    """Load the tape named by argv[1], warm up with one run, then answer each line on stdin with a run's figures."""
    answers = _own_stdout()
    started = time.perf_counter()
    run = load(sys.argv[1])
    first = run()
    ready = {"ready": True, "version": version, "python": sys.version.split()[0]}
    _say(answers, {**ready, "warm_up_s": time.perf_counter() - started, "first": first})
    for _ in sys.stdin:
        _say(answers, run())


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return (seconds, result) of one call."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _own_stdout() -> int:
    """Keep the real stdout for answers; whatever a library prints goes to stderr."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def _say(answers: int, message: dict[str, Any]) -> None:
    os.write(answers, json.dumps(message).encode() + b"\n")
