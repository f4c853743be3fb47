"""The strategy that the README shows is a strategy, and short."""

import re
import runpy
from pathlib import Path

from alphatrade_runtime.plugin.compile import address_of
from alphatrade_runtime.plugin.contract import declared

ROOT = Path(__file__).resolve().parents[3]


def test_the_strategy_in_the_readme_compiles(tmp_path):
    shown = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    path = tmp_path / "my.py"
    path.write_text(shown[1])
    runpy.run_path(str(path))
    assert len(shown[1].strip().splitlines()) <= 20
    assert address_of(declared()["my_cross"]) != 0
