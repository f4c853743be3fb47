"""What the stories of killed and restarted sessions share."""

import pytest


@pytest.fixture(scope="module")
def runtimes():
    from e2e.live_story import Runtimes  # only these stories pay for it

    forks = Runtimes()
    yield forks
    forks.close()


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    from e2e.live_story import make_tape

    return make_tape(tmp_path_factory.mktemp("tape") / "tape")
