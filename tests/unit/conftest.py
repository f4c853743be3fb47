"""What all unit tests share: no test fails by the clock, and a disk of 1 MiB."""

import subprocess

import pytest
from hypothesis import settings

from twin import pytest_collection_finish, pytest_configure, pytest_pyfunc_call, pytest_runtest_logreport  # noqa: F401

settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture
def small_disk(tmp_path):
    """Mount a tmpfs of 1 MiB, where the host lets us."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this host lets nobody mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
