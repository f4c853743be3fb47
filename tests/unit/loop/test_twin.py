"""Compiled code and plain Python give the same bytes."""

import json
import os
import subprocess
import sys

import pytest

from unit.loop import twin_runs


@pytest.fixture(scope="module")
def plain():
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-W", "ignore", "-m", "unit.loop.twin_runs"]
    return json.loads(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def compiled():
    return twin_runs.digests()


@pytest.mark.parametrize("case", twin_runs.CASES)
def test_compiled_and_plain_give_the_same_bytes(case, compiled, plain):
    assert plain[case] == json.loads(json.dumps(compiled[case]))


def test_the_runs_do_something(compiled):
    for case, run in compiled.items():
        assert run["counts"]["orders"] > 50, case
        assert run["counts"]["fills"] > 5, case
        assert run["violations"] == [], case
    assert len(compiled["tight_law"]["counts"]["denials"]) >= 3
    assert len({run["diary"] for run in compiled.values()}) == len(compiled)
