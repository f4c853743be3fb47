"""SIGKILL the runtime at random points: the exchange's own log must agree with our journal, whatever happens."""

import json
import os
import random
import signal
import tempfile
import time
from pathlib import Path

import pytest

from alphatrade_runtime.loop.recovery import verify
from e2e.live_story import (
    Exchange,
    assert_accounted_for,
    document,
    venue_positions,
)

KILLS = int(os.environ.get("ALPHATRADE_KILLS", "50"))
POINTS = [
    ("append_rows", "before"), ("append_commands", "before"), ("append_commands", "after"), ("flush", "before"),
    ("flush", "after"), ("send", "before"), ("send", "after"), ("logon", "after"), ("reconcile", "after"),
]  # fmt: skip


@pytest.fixture
def short():
    """A folder with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="at") as folder:
        yield folder


def story(tmp_path, short, tape, **exchange):
    session = tmp_path / "session.json"
    session.write_text(json.dumps(document(tape, **exchange)))
    return session, Exchange(session, Path(short) / "x", tmp_path / "exchange"), tmp_path / "run"


@pytest.mark.parametrize("cancels", [True, False])
def test_50_kills_leave_no_order_without_decision(tmp_path, short, tape, runtimes, cancels):
    session, exchange, folder = story(tmp_path, short, tape, cancel_on_disconnect=cancels)
    seeded = random.Random(20240 + cancels)
    kills = starts = 0
    try:
        while kills < KILLS // 2:
            crash = None
            if starts % 2:
                name, when = POINTS[starts // 2 % len(POINTS)]
                crash = [name, seeded.randint(1, 1 if name in ("logon", "reconcile") else 12), when]
            pid = runtimes.start(session, folder, broker=str(exchange.socket), crash=crash, duration_s=3)
            if crash is None:
                time.sleep(seeded.uniform(0.02, 1.2))
                os.kill(pid, signal.SIGKILL)
            code = runtimes.wait(pid)
            assert code in (-signal.SIGKILL, 0), f"start {starts}, killed at {crash}: exit code {code}"
            starts += 1
            kills += code == -signal.SIGKILL
            assert starts < KILLS, "too many starts ended before they were killed"
        arrived = assert_accounted_for(folder, exchange.log)
        last = runtimes.start(session, folder, broker=str(exchange.socket), duration_s=1.5)
        assert runtimes.wait(last) == 0
        result = json.loads((folder / "result.json").read_text())
        assert assert_accounted_for(folder, exchange.log) >= arrived > KILLS // 4
        assert not [note for note in result["notes"] if "disagree" in note], result["notes"]
        assert result["counts"]["breaks"] == 0
        assert result["violations"] == []
        assert result["counts"]["fills"] > 0
    finally:
        exchange.stop()
    verified = verify(folder)
    assert verified.agrees
    assert result["digests"] == verified.digests
    assert verified.positions == tuple(venue_positions(exchange.log))
