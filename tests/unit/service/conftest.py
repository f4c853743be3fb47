"""What tests of pods share: an authority, mounted certificates."""

import pytest

from certificates import Authority


@pytest.fixture(scope="session")
def authority():
    return Authority.new()


@pytest.fixture
def issue(authority, tmp_path):
    """Mount a new certificate of an identity; return the folder."""

    def issue(identity, **lifetime):
        return authority.write(tmp_path / "tls" / identity.replace("/", "_"), identity, **lifetime)

    return issue
