"""Who may do what, tried on a cluster and compared with the reviewed file."""

import os
from pathlib import Path

import pytest

from api.privileges.table import difference
from api.privileges.tried import matrix

FILE = Path(__file__).parent / "matrix.yaml"


@pytest.fixture(scope="session")
def tried(roles, world, callers):
    return matrix(world, callers, callers["wildcard"])


def test_what_everybody_may_do_is_what_was_reviewed(tried):
    if os.environ.get("WRITE_MATRIX") == "1":
        FILE.write_text(tried)
    assert not (changed := difference(FILE.read_text(), tried)), f"\n{changed}\nWRITE_MATRIX=1 accepts it"
