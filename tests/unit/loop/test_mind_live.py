"""The understanding loop in a session by the wall clock: killed in mid-learning it goes on from its journal."""

import pytest

from alphatrade_runtime.adaptation.fast_weights.state import fast_params
from alphatrade_runtime.loop import recovery
from alphatrade_runtime.loop.identity import identify
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.loop.live_rows import timer_row
from alphatrade_runtime.loop.live_session import LiveFacts
from alphatrade_runtime.loop.mind import build
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.reflection.graph.snapshots import FOLDER
from unit.loop.mind_sessions import everything, rows

DOCUMENT = everything()
SESSION = parse_session(DOCUMENT)
IDENTITY = identify(SESSION, {})
TAPE = rows(1_600)
KILLED_AT, END = 1_000, len(TAPE.seq)
BATCH = 4  # rows that arrive together


def facts():
    clock = ClockFacts(int(TAPE.ts_init_ns[0]), 0, 1)
    return LiveFacts("run-mind", DOCUMENT, {}, IDENTITY.code_hash, clock, "sha256:x", False)


def started(folder):
    folder.mkdir()
    return recovery.start(folder, facts(), SESSION, IDENTITY, True)


def drive(live, first, end):
    """Hand in rows of the tape as they come."""
    for at in range(first, end, BATCH):
        live.take([TAPE.slice(at, at + BATCH)], int(TAPE.ts_init_ns[at + BATCH - 1]))


def let_go(live):
    """As a killed process would, but for the files that it held."""
    live.journal.abandon()
    live.recorder.abandon()


def closed(live):
    """Return the digests of the records; the journal is let go."""
    live.drain()
    digests = live.recorder.close()
    live.journal.abandon()
    return digests


@pytest.fixture
def undisturbed(tmp_path):
    live = started(tmp_path / "undisturbed")
    drive(live, 0, END)
    return live


def test_a_kill_in_mid_learning_loses_nothing(tmp_path, undisturbed):
    live = started(tmp_path / "killed")
    drive(live, 0, KILLED_AT)
    before = mind_in(live)
    learnt, shown = memory(before), before.outlook()
    assert all(one.fast_weights.norm > 0.0 for one in shown), "nothing was learnt before the kill"
    let_go(live)
    again = recovery.recover(tmp_path / "killed", facts(), SESSION, IDENTITY, True)
    mind = mind_in(again)
    assert mind.outlook() == shown
    assert memory(mind) == learnt
    drive(again, KILLED_AT, END)
    assert memory(mind) == memory(mind_in(undisturbed))
    digests = closed(again)
    assert "mind" in digests
    assert digests == closed(undisturbed)


def test_a_kill_leaves_the_snapshots_of_an_undisturbed_session(tmp_path, monkeypatch):

    def frequent(*given, **named):
        params = fast_params(*given, **named)
        params.every[:] = 64
        return params

    monkeypatch.setattr(build, "fast_params", frequent)
    whole, live = started(tmp_path / "whole"), started(tmp_path / "killed")
    drive(whole, 0, END)
    drive(live, 0, KILLED_AT)
    for one in (whole, live):
        let_go(one)
    late = tmp_path / "killed" / FOLDER / "001-000000000099999.npz"
    late.write_bytes(b"of rows that never came to the journal")
    again = recovery.recover(tmp_path / "killed", facts(), SESSION, IDENTITY, True)
    assert not late.exists()
    drive(again, KILLED_AT, END)
    let_go(again)
    left, undisturbed = (
        {path.name: path.read_bytes() for path in (tmp_path / name / FOLDER).iterdir()} for name in ("killed", "whole")
    )
    assert left == undisturbed
    assert len(left) > 4


def mind_in(live):
    """Return the mind of a session."""
    mind = mind_of(live.core)
    assert isinstance(mind, Mind)
    return mind


def memory(mind):
    """Return all that a mind remembers of each instrument, as bytes."""
    return mind.symbols.tobytes()


def test_rows_of_a_mind_are_taken_when_it_asks_although_the_diary_has_none(undisturbed):
    live, mind = undisturbed, mind_in(undisturbed)
    live.drain()
    mind.shared["out_n"][0][0] = 1
    live.core["loop"]["drain"] = 1
    live.take([timer_row()], live.now_ns, decide=False)
    assert not mind.shared["out_n"][0].any()
    assert live.core["loop"]["drain"][0][0] == 0
    let_go(live)
