"""Commands as data: what a backend would run can be told, and tested, without running it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster.settings import ClusterError


@dataclass(frozen=True)
class Command:
    """One command line. env: over this process's own.  quiet: its output is shown only when it fails."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stdin: str | None = None
    quiet: bool = True


Runner = Callable[[Command], str]


def command(*argv: object, **options: object) -> Command:
    """Build a command of words of any kind."""
    return Command(tuple(map(str, argv)), **options)  # type: ignore[arg-type]


def run(given: Command) -> str:
    """Run a command; return what it printed. Raises ClusterError with its output when it fails."""
    kept = subprocess.PIPE if given.quiet else sys.stderr
    try:
        done = subprocess.run(
            given.argv,
            env={**os.environ, **given.env},
            cwd=given.cwd,
            input=given.stdin if given.stdin is not None else "",
            stdout=kept,
            stderr=kept,
            text=True,
        )
    except FileNotFoundError:
        raise ClusterError(f"{given.argv[0]}: not found on this machine; install it") from None
    if done.returncode:
        said = f"{done.stdout or ''}{done.stderr or ''}".strip()
        raise ClusterError(f"{' '.join(given.argv)}: exit code {done.returncode}\n{said}".rstrip())
    return done.stdout or ""


def works(given: Command) -> bool:
    """Tell whether a command can be run and succeeds."""
    try:
        run(given)
    except ClusterError:
        return False
    return True


def say(text: str) -> None:
    """Tell progress on the error stream."""
    print(f"[{time.strftime('%H:%M:%S')}] cluster: {text}", file=sys.stderr, flush=True)
