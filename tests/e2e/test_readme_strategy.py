"""A newcomer who follows the README's section on strategies, and nothing else, gets there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.command_line import EXAMPLES, ROOT

SECTION = re.search(
    r"<!-- section: your-own-strategy.*?-->(.*?)<!-- /section -->", (ROOT / "README.md").read_text(), re.DOTALL
)


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """Write the file that the README shows and type its commands; return what each printed."""
    assert SECTION is not None
    folder = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(EXAMPLES, folder / "examples")
    (code,) = re.findall(r"```python\n(.*?)```", SECTION[1], re.DOTALL)
    (commands,) = re.findall(r"```sh\n(.*?)```", SECTION[1], re.DOTALL)
    (folder / "my.py").write_text(code)
    printed = {}
    for typed in (text.partition("#")[0].strip() for text in commands.splitlines()):
        done = subprocess.run(
            [sys.executable, "-m", "alphatrade_runtime.cli", *typed.split()[1:]],
            cwd=folder, capture_output=True, text=True, timeout=400,
        )  # fmt: skip
        printed[typed] = done
    return folder, printed


def said(followed, start):
    return next(done for typed, done in followed[1].items() if typed.startswith(start))


def test_the_strategy_has_at_most_20_lines(followed):
    text = (followed[0] / "my.py").read_text()
    assert len([line for line in text.strip().splitlines() if line.strip()]) <= 20


def test_every_command_ends_well(followed):
    assert len(followed[1]) >= 3
    for typed, done in followed[1].items():
        assert done.returncode == 0, (typed, done.stdout, done.stderr)


def test_it_is_checked(followed):
    text = said(followed, "alphatrade plugin check").stdout
    assert "FAILED" not in text
    for check in ("pure", "compiles", "twin bytes", "NaN inputs", "restart", "no look-ahead", "cut tape", "speed"):
        assert re.search(rf"^{check} +ok", text, re.MULTILINE)


def test_it_trades_and_is_reported(followed):
    text = said(followed, "alphatrade run").stdout
    assert re.search(r"^fills +[1-9]", text, re.MULTILINE)
    (report,) = re.findall(r"^report (.+)$", text, re.MULTILINE)
    assert (followed[0] / report).stat().st_size > 1_000


def test_what_is_pinned_runs_until_the_file_changes(followed):
    folder = followed[0]
    pinned = said(followed, "alphatrade plugin pin").stdout
    lines = pinned[pinned.index("plugins:") :].replace("file: my.py", "file: ../../my.py")
    strategy = folder / "examples" / "quickstart" / "strategy.yaml"
    text = strategy.read_text().replace("ref: ema_cross ", "ref: my_cross ")
    strategy.write_text(text.rstrip() + "\n" + "".join(f"  {line}\n" for line in lines.splitlines()))
    command = [sys.executable, "-m", "alphatrade_runtime.cli", "run", "-f", "examples/quickstart"]
    assert subprocess.run(command, cwd=folder, capture_output=True, timeout=400).returncode == 0
    (folder / "my.py").write_text((folder / "my.py").read_text() + "# changed\n")
    changed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400)
    assert changed.returncode == 2
    assert "PluginDigestMismatch" in changed.stderr
    assert Path("my.py").name in changed.stderr
