"""SIGKILL a simulated-time run at random points: resumed from its checkpoints it ends with the same bytes."""

import json
import os
import random
import shutil
import signal
import time

import pytest

from e2e.live_story import Runtimes, document, make_tape

KILLS = int(os.environ.get("ALPHATRADE_KILLS", "50"))
CHECKPOINT_S = 0.02


@pytest.fixture(scope="module")
def runtimes():
    forks = Runtimes()
    yield forks
    forks.close()


def goes_on(folder):
    """Return whether there is a checkpoint to go on from; what was killed before its first one is removed."""
    if (folder / "checkpoint.npz").exists():
        return True
    shutil.rmtree(folder, ignore_errors=True)
    return False


def finish(runtimes, session, folder):
    pid = runtimes.start(session, folder, replay=True, checkpoint_every_s=3_600)
    assert runtimes.wait(pid) == 0
    return json.loads((folder / "result.json").read_text())


def test_killed_and_resumed_ends_like_uninterrupted(tmp_path, runtimes):
    tape = make_tape(tmp_path / "tape", seconds=40_000)
    session = tmp_path / "session.json"
    session.write_text(json.dumps(document(tape, speed="Max")))
    whole = finish(runtimes, session, tmp_path / "whole")
    assert whole["counts"]["orders"] > 1_000
    seeded = random.Random(50)
    kills = resumed = runs = 0
    while kills < KILLS:
        folder = tmp_path / f"run-{runs}"
        runs += 1
        code = -signal.SIGKILL
        while code == -signal.SIGKILL and kills < KILLS:
            resumed += goes_on(folder)
            pid = runtimes.start(session, folder, replay=True, checkpoint_every_s=CHECKPOINT_S)
            time.sleep(seeded.uniform(0.0, 0.5))
            os.kill(pid, signal.SIGKILL)
            code = runtimes.wait(pid)
            assert code in (0, -signal.SIGKILL)
            kills += code == -signal.SIGKILL
        goes_on(folder)
        assert finish(runtimes, session, folder) == whole
    assert resumed > KILLS // 4, "too few kills came after a checkpoint to show anything"
