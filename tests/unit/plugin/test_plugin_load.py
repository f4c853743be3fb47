"""A plug-in is a file, or the only one of a folder: what an image brings along."""

import re

import pytest

from alphatrade_runtime.plugin.contract import PluginError
from alphatrade_runtime.plugin.load import digest_of, load

SOURCE = """
from alphatrade_runtime.plugin import Int, signal

@signal(name="{name}", api=1, features=("mid_ticks",), state=1, params={{"fast": Int(20, 2, 500)}})
def {name}(x, s, p):
    return 0.0
"""


def test_the_only_file_of_a_folder_is_the_plug_in(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(SOURCE.format(name="from_a_folder"))
    (tmp_path / "README").write_text("not code")
    loaded = load(tmp_path, digest_of(file))
    assert (loaded.path, loaded.digest) == (file, digest_of(file))
    assert [spec.name for spec in loaded.signals] == ["from_a_folder"]


@pytest.mark.parametrize("files", [(), ("a.py", "b.py")])
def test_a_folder_of_none_or_several_is_refused(tmp_path, files):
    for name in files:
        (tmp_path / name).write_text("")
    text = f"{tmp_path}: holds {', '.join(files) or 'none'}; put exactly one Python file there"
    with pytest.raises(PluginError, match=re.escape(text)):
        load(tmp_path)


def test_another_digest_is_a_mismatch_in_a_folder_too(tmp_path):
    (tmp_path / "mine.py").write_text("")
    with pytest.raises(PluginError, match="PluginDigestMismatch"):
        load(tmp_path, "sha256:" + "0" * 64)
