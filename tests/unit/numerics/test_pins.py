"""Where numba's cache is: a folder of this code's own, filled from what an image brought along."""

import pytest

from alphatrade_runtime.numerics import pins


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Give the folder that the cache should be in, and that of an image's cache for the same code."""
    digest = pins.kernel_digest()[:16]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("ALPHATRADE_BAKED", str(tmp_path / "baked"))
    baked = tmp_path / "baked" / digest
    (baked / "loop_1").mkdir(parents=True)
    (baked / "loop_1" / "step.nbi").write_text("compiled")
    return tmp_path / "cache" / "alphatrade" / "numba" / digest, baked


def test_without_an_image_the_folder_is_of_this_code_and_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("ALPHATRADE_BAKED", raising=False)
    folder = pins._cache_folder()
    assert folder == tmp_path / "alphatrade" / "numba" / pins.kernel_digest()[:16]
    assert not folder.exists()


def test_what_an_image_brought_is_copied_once(folders):
    folder, baked = folders
    assert pins._cache_folder() == folder
    assert (folder / "loop_1" / "step.nbi").read_text() == "compiled"
    (baked / "loop_1" / "step.nbi").write_text("newer")
    pins._cache_folder()
    assert (folder / "loop_1" / "step.nbi").read_text() == "compiled"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_what_an_image_brought_for_other_code_is_left_alone(folders):
    folder, baked = folders
    baked.rename(baked.with_name("0" * 16))
    assert pins._cache_folder() == folder
    assert not folder.exists()


def test_a_read_only_file_of_an_image_can_be_written_in_the_copy(folders):
    folder, baked = folders
    (baked / "loop_1" / "step.nbi").chmod(0o444)
    pins._cache_folder()
    assert (folder / "loop_1" / "step.nbi").stat().st_mode & 0o200
