"""With the understanding loop off nothing changes: not by a byte, and not when none of it can be imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

from unit.loop import golden_columns

GOLDEN = json.loads((Path(__file__).parent / "golden_columns.json").read_text())


def test_decisions_orders_and_fills_are_those_of_before():
    assert golden_columns.digests() == GOLDEN


def test_they_are_also_without_any_of_it():
    command = [sys.executable, "-m", "unit.loop.golden_columns", "--without"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == GOLDEN
