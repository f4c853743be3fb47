"""A strategy that breaks the contract is told so, by the check that finds it."""

import re
from pathlib import Path

import numpy as np
import pytest

from alphatrade_runtime.cli import cut_tape as cut_tape_module
from alphatrade_runtime.cli.cut_tape import cut_tape
from alphatrade_runtime.plugin import check as checks
from alphatrade_runtime.plugin.check import check
from alphatrade_runtime.plugin.contract import SignalSpec
from alphatrade_runtime.plugin.contract import declared as declared_signals
from alphatrade_runtime.plugin.drive import interpreted
from alphatrade_runtime.plugin.load import load

ROOT = Path(__file__).resolve().parents[3]
HEAD = (
    "import math\nimport random\nimport time\nimport numpy as np\nfrom alphatrade_runtime.plugin import quote, signal\n"
)
SIGNAL = '@signal(name="{name}", api=1, features=("mid_ticks", "book_imbalance"), state=2)\ndef f(x, s, p):\n'
QUOTE = '@quote(name="{name}", api=1, features=("bid_ticks", "ask_ticks"))\ndef f(x, s, p, out):\n'

BAD = {
    "clock": ("pure", "module time", "    return time.time()"),
    "random_module": ("pure", "module random", "    return random.random()"),
    "numpy_random": ("pure", "np.random", "    return np.random.random()"),
    "libm": ("pure", "math.exp", "    return math.exp(-x[0])"),
    "file": ("pure", "open", "    open('x')\n    return 0.0"),
    "printing": ("pure", "print", "    print(x[0])\n    return 0.0"),
    "global_array": ("pure", "ndarray", "    return TABLE[0]"),
    "global_write": ("pure", "writes the global", "    global COUNT\n    COUNT = 1\n    return 0.0"),
    "plain_helper": ("pure", "function", "    return helper(x[0])"),
    "uncompilable": ("compiles", "nopython", "    return x[0] + 'a'"),
    "out_of_range": ("in range", "target 2", "    return 2.0"),
    "beyond_features": ("in range", "raised", "    return x[2] * 0.0"),
    "beyond_state": ("in range", "raised", "    s[int(x[0])] = 1.0\n    return 0.0"),
    "never_trades": ("in range", "never trade", "    return math.nan"),
    "poisoned": ("NaN inputs", "mid_ticks", "    s[0] += x[0]\n    return 0.5"),
}
TOP = "COUNT = 0\nTABLE = np.zeros(3)\n\n\ndef helper(v):\n    return v\n\n\n"


def declared(tmp_path, name, body, form=SIGNAL):
    path = tmp_path / f"{name}.py"
    path.write_text(HEAD + TOP + form.format(name=name) + body + "\n")
    (spec,) = load(path).signals
    return spec


@pytest.mark.parametrize("name", BAD)
def test_a_bad_strategy_fails_the_check_that_names_its_fault(tmp_path, name):
    wanted, said, body = BAD[name]
    failed = [one for one in check(declared(tmp_path, name, body)) if not one.passed]
    assert [one.name for one in failed][:1] == [wanted]
    assert said in failed[0].detail


def test_a_crossed_quote_is_found(tmp_path):
    body = "    out[0] = int(x[1])\n    out[2] = int(x[0])\n    out[1] = out[3] = 1\n    return 0.0"
    failed = [one for one in check(declared(tmp_path, "crossed", body, QUOTE)) if not one.passed]
    assert failed[0].name == "in range"
    assert "crossed" in failed[0].detail


def test_what_differs_from_plain_python_is_found(tmp_path):
    # Python's integers grow, the compiled ones wrap at 64 bits
    loop = "    for k in range(9):\n        v = v * 6364136223846793005 + 1\n"
    body = f"    v = int(x[0])\n{loop}    return v % 1000 / 1000.0"
    found = {one.name: one for one in check(declared(tmp_path, "wraps", body))}
    assert not found["twin bytes"].passed
    assert "row 0" in found["twin bytes"].detail


def test_a_helper_compiled_with_numba_is_looked_into(tmp_path):
    path = tmp_path / "helped.py"
    helper = "import numba\n\n\n@numba.njit\ndef inner(v):\n    return random.random() * v\n\n\n"
    path.write_text(HEAD + helper + SIGNAL.format(name="helped") + "    return inner(x[1])\n")
    (spec,) = load(path).signals
    assert "random" in check(spec)[0].detail


def spec_of(function):
    return SignalSpec("by_hand", 1, "signal", ("mid_ticks",), 1, {}, lambda p: 0, function, Path(__file__))


def test_state_kept_elsewhere_than_in_s_does_not_restart(monkeypatch):
    monkeypatch.setattr(checks, "compiled", interpreted)
    calls = []

    def counting(x, s, p):
        calls.append(1)
        return len(calls) % 7 / 7.0

    found = checks.restart(spec_of(counting), np.ones((100, 1)))
    assert not found.passed
    assert "row 1 " in found.detail


def test_looking_ahead_is_found(monkeypatch):
    monkeypatch.setattr(checks, "compiled", interpreted)

    def peeking(x, s, p):
        return 1.0 if x.base[-1, 0] > x[0] else -1.0

    rows = checks.sample(spec_of(peeking))
    assert not checks.no_look_ahead(spec_of(peeking), rows).passed
    assert checks.no_look_ahead(spec_of(lambda x, s, p: 0.5), rows).passed


def test_a_decision_that_depends_on_what_comes_later_fails_the_cut_tape(monkeypatch):
    spec = declared_signals()["ema_cross"]
    assert cut_tape_module.cut_tape(spec, "sha256:" + "0" * 64, rows_wanted=500, cuts=1).passed
    change = cut_tape_module._changed_after
    # rows before the cut that change stand for a strategy that sees them
    monkeypatch.setattr(cut_tape_module, "_changed_after", lambda rows, k: change(rows, k // 2))
    found = cut_tape_module.cut_tape(spec, "sha256:" + "0" * 64, rows_wanted=500, cuts=1)
    assert not found.passed
    assert "changes a decision before it" in found.detail


def test_the_strategy_in_the_readme_passes_every_check(tmp_path):
    shown = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    path = tmp_path / "readme_strategy.py"
    path.write_text(shown[1].replace("my_cross", "readme_cross"))
    loaded = load(path)
    found = check(loaded.signals[0])
    assert [one.name for one in found if not one.passed] == []
    assert {one.name for one in found} >= {"pure", "compiles", "twin bytes", "NaN inputs", "restart", "no look-ahead"}
    assert cut_tape(loaded.signals[0], loaded.digest, rows_wanted=600, cuts=2).passed
