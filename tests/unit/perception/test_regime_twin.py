"""The classifiers and their training give the same bytes compiled and as plain Python."""

import json
import os
import subprocess
import sys

import pytest

from unit.perception import regime_runs


@pytest.fixture(scope="module")
def compiled():
    return regime_runs.digests()


def test_compiled_and_plain_give_the_same_bytes(compiled):
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-W", "ignore", "-m", "unit.perception.regime_runs"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(json.dumps(compiled))


@pytest.mark.parametrize("kind", ["rules", "hmm"])
def test_the_tape_makes_them_do_something(compiled, kind):
    assert compiled[kind]["changes"] >= 8
    assert len(compiled[kind]["labels"]) >= 4
