"""Compiled belief and plain Python give the same bytes."""

import json
import os
import subprocess
import sys

from unit.perception import belief_runs


def test_compiled_and_plain_give_the_same_bytes():
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-W", "ignore", "-m", "unit.perception.belief_runs"]
    plain = json.loads(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)
    compiled = belief_runs.digests()
    assert plain == compiled
    assert len({str(digest) for digest in compiled.values()}) == len(compiled)
