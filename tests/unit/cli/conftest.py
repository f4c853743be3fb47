"""What the command line's tests share."""

from pathlib import Path

import pytest


@pytest.fixture
def repository():
    return Path(__file__).resolve().parents[3]


@pytest.fixture
def plugin_file(tmp_path):
    """Write a strategy file that declares signals of these names; return its path."""

    def write(*names):
        path = tmp_path / f"{'_'.join(names)}.py"
        text = "from alphatrade_runtime.plugin import signal\n"
        for name in names:
            text += (
                f'\n\n@signal(name="{name}", api=1, features=("mid_ticks",))\ndef {name}(x, s, p):\n    return 1.0\n'
            )
        path.write_text(text)
        return path

    return write


@pytest.fixture
def two_instruments(repository, tmp_path):
    """Write a session on a feed of two instruments, of which the Strategy trades the second; return its folder."""
    folder = tmp_path / "session"
    folder.mkdir()
    for file in (repository / "examples" / "quickstart").glob("*.yaml"):
        text = file.read_text()
        if file.name == "feed.yaml":
            listed = text[text.index("    - symbol: SIM-A") :]
            text += listed.replace("SIM-A", "SIM-B").replace('"0.0001"', '"0.0002"')
        text = text.replace("- symbol: SIM-A\n      maxPositionLots", "- symbol: SIM-B\n      maxPositionLots")
        (folder / file.name).write_text(text.replace("  mode: Paper ", "  instruments: [SIM-B]\n  mode: Paper "))
    return folder
