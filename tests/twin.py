"""Run tests marked `twin` as plain Python: one child process with the compiler off, whatever was selected.

Compiled kernels cannot be called one by one from Python, and a mutated kernel would take a minute to compile;
NUMBA_DISABLE_JIT runs the very same functions. It must be set before numba is imported, hence the child.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_OUTCOMES = pytest.StashKey[dict[str, str]]()
_SELECTED = pytest.StashKey[list[str]]()
_REPORT = "ALPHATRADE_TWIN_REPORT"  # where the child writes what became of each test


def pytest_configure(config):
    config.addinivalue_line("markers", "twin: runs as plain Python, with the compiler off")
    # hashing wraps around; compiled code does so silently, numpy's scalars say it
    config.addinivalue_line("filterwarnings", "ignore:overflow:RuntimeWarning:alphatrade_runtime.risk.auditor.state")


def pytest_collection_finish(session):
    session.config.stash[_SELECTED] = [item.nodeid for item in session.items if item.get_closest_marker("twin")]


def pytest_pyfunc_call(pyfuncitem):
    """Tell what the child found instead of calling the function; in the child itself, call it."""
    # numba's own word for it would load numba before the pins say where its cache lies
    if os.environ.get("NUMBA_DISABLE_JIT") == "1" or pyfuncitem.get_closest_marker("twin") is None:
        return None
    stash = pyfuncitem.config.stash
    if _OUTCOMES not in stash:
        stash[_OUTCOMES] = _run_child(pyfuncitem.config.rootpath, stash[_SELECTED])
    outcome = stash[_OUTCOMES].get(pyfuncitem.nodeid, "the child process did not run this test")
    if outcome:
        pytest.fail(outcome, pytrace=False)
    return True


def pytest_runtest_logreport(report):
    """Write each outcome down, in the child."""
    if _REPORT in os.environ and (report.when == "call" or report.failed):
        line = {"test": report.nodeid, "outcome": report.longreprtext if report.failed else ""}
        with Path(os.environ[_REPORT]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _run_child(root: Path, tests: list[str]) -> dict[str, str]:
    where = root / ".pytest_cache" / f"twin-{os.getpid()}.jsonl"
    where.parent.mkdir(exist_ok=True)
    selected = where.with_suffix(".args")
    selected.write_text("\n".join(tests), encoding="utf-8")
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", _REPORT: str(where)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"@{selected}"]
    try:
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)
        lines = where.read_text(encoding="utf-8").splitlines() if where.exists() else []
    finally:
        where.unlink(missing_ok=True)
        selected.unlink(missing_ok=True)
    if not lines:
        pytest.fail(f"the child process ran nothing:\n{done.stdout}\n{done.stderr}", pytrace=False)
    outcomes: dict[str, str] = {}
    for line in map(json.loads, lines):
        outcomes[line["test"]] = outcomes.get(line["test"], "") + line["outcome"]
    return outcomes
