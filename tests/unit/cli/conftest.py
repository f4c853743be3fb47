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
