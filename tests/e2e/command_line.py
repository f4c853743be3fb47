"""Run `alphatrade` as a process of its own, and look at what it said and left behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


def alphatrade(*arguments, cwd=ROOT, env=None, timeout=400):
    """Return the finished process; its output as text."""
    command = [sys.executable, "-m", "alphatrade_runtime.cli", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=timeout
    )


def digests(text):
    """Return the digests that a run printed, by name."""
    return dict(re.findall(r"^(diary|fills|pnl) (sha256:[0-9a-f]{64})$", text, re.MULTILINE))


def run_folder(text):
    """Return the folder of the report that a run printed."""
    return Path(re.findall(r"^report (.+)/report\.html$", text, re.MULTILINE)[-1])


def listing(folder):
    """Return every path under a folder with its size, sorted."""
    return sorted((str(p.relative_to(folder)), p.stat().st_size if p.is_file() else -1) for p in folder.rglob("*"))
