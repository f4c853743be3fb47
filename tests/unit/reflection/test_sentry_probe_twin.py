"""Compiled sentry, probes and PSI, and the same functions as plain Python, give the same bytes."""

import json
import os
import subprocess
import sys

import pytest

from unit.reflection import sentry_probe_runs


@pytest.fixture(scope="module")
def plain():
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-W", "ignore", "-m", "unit.reflection.sentry_probe_runs"]
    return json.loads(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def compiled():
    return json.loads(json.dumps(sentry_probe_runs.digests()))


@pytest.mark.parametrize("run", ["sentry", "probes", "psi", "calibrate"])
def test_compiled_and_plain_give_the_same_bytes(run, compiled, plain):
    assert plain[run] == compiled[run]


def test_the_runs_do_something(compiled):
    assert compiled["sentry"]["alerts"] >= 4
    assert compiled["probes"]["available"] >= 5
    assert compiled["probes"]["n"] > 300
    assert compiled["calibrate"]["alerts"] > 20
