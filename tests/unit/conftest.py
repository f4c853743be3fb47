"""What all unit tests share: no test fails by the clock, and a disk of 1 MiB."""

import pytest
from hypothesis import settings

from small_disk import small_disk_at
from twin import pytest_collection_finish, pytest_configure, pytest_pyfunc_call, pytest_runtest_logreport  # noqa: F401

settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture
def small_disk(tmp_path):
    """Mount a tmpfs of 1 MiB, where the host lets us."""
    with small_disk_at(tmp_path / "small", "1m") as folder:
        yield folder
