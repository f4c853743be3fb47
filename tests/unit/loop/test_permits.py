"""Permits in a session: nothing explores without one, and a journal replays to the same bytes with all of them."""

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from alphatrade_runtime.adaptation.exploration.budget import Verdict
from alphatrade_runtime.adaptation.router.weighted import NOBODY
from alphatrade_runtime.loop import recovery, stream_recovery
from alphatrade_runtime.loop.identity import identify
from alphatrade_runtime.loop.journal import input_rows
from alphatrade_runtime.loop.live import run_live
from alphatrade_runtime.loop.live_clock import ClockFacts, Clocks, SessionClock
from alphatrade_runtime.loop.live_loop import LiveLoop
from alphatrade_runtime.loop.live_options import LiveOptions
from alphatrade_runtime.loop.live_rows import permit_row
from alphatrade_runtime.loop.live_session import LiveFacts
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.loop.permit import Permit
from alphatrade_runtime.loop.steering import Directive
from alphatrade_runtime.loop.stream import Stream, run_stream
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.reflection.explorations import Ending, Event
from e2e import live_story
from unit.loop.mind_sessions import BUDGET, exploring, rows
from unit.loop.stream_doubles import KernelVenue, RowsFeed

DOCUMENT = exploring(budget={"by_permit": True, "cadence": 10})
SESSION = parse_session(DOCUMENT)
IDENTITY = identify(SESSION, {})
TAPE = rows(4_000)
BATCH = 4
NONE = Permit(0, 0, 0)
NO_PERMIT = int(Verdict.NO_PERMIT)


def mind(live):
    """Return the mind of a session."""
    found = mind_of(live.core)
    assert isinstance(found, Mind)
    return found


def budget(live):
    return mind(live).shared[0].budget[0]


def let_go(live):
    """As a killed process would, but for the files that it held."""
    live.journal.abandon()
    live.recorder.abandon()


# On the stream's clock


class Given:
    """Hand out permits when the session has made so many commands, or when something holds of it."""

    def __init__(self, *permits):
        self.left = list(permits)
        self.loop: Any = None

    def pending(self):
        if not self.left or self.loop is None or not self.due(self.left[0][0]):
            return []
        return [Directive(None, permit=self.left.pop(0)[1])]

    def due(self, when):
        return when(self.loop.live) if callable(when) else self.loop.live.commands >= when

    def done(self, directive, last_command):
        pass


def tries(live):
    """Whether a trial is under way."""
    return any(symbol.tried != NOBODY for symbol in mind(live).symbols)


def streamed(folder, *permits, stop=lambda: False, venue=None, document=DOCUMENT):
    """Run the tape; return the result, the session, and its rows of the stream explorations."""
    steering, seen = Given(*permits), []

    def watch(loop):
        steering.loop = loop
        seen.append(loop)

    span = int(TAPE.ts_init_ns[0]), int(TAPE.ts_init_ns[-1])
    stream = Stream("sha256:x", *span, 0, lambda seq: RowsFeed(TAPE, seq, size=40))
    moments = iter(range(0, 10**18, 6 * 10**6))  # a clock that jumps at each look, so that every turn is steered
    options = LiveOptions(signals=False, idle=lambda _: None, steering=steering, stop=stop)
    options.clocks = Clocks(mono_ns=lambda: next(moments))
    done = run_stream(document, folder, stream, venue or KernelVenue(SESSION, TAPE), options, watch)
    return done, seen[-1].live


def facts_in(folder):
    facts = stream_recovery.read_facts(folder)
    assert facts is not None
    return facts


def explorations(folder):
    tables = [pa.ipc.open_stream(str(path)).read_all() for path in sorted(folder.glob("explorations-*.arrow"))]
    return pa.concat_tables(tables).to_pylist()


def begun(folder):
    return [row for row in explorations(folder) if row["event"] == int(Event.BEGUN)]


def test_without_a_permit_nothing_explores(tmp_path):
    streamed(tmp_path / "run", (0, NONE))
    assert begun(tmp_path / "run") == []
    assert {row["verdict"] for row in explorations(tmp_path / "run")} >= {NO_PERMIT}


def test_not_even_where_nobody_says_so(tmp_path):
    streamed(tmp_path / "run")
    assert begun(tmp_path / "run") == []


def test_with_one_it_does_and_once_it_is_taken_away_it_does_not(tmp_path):
    _, live = streamed(tmp_path / "run", (0, NONE), (20, Permit(1_000, 1, 3)), (60, Permit(0, 0, 3)))
    taken_at = [row["event_ts_ns"] for row in explorations(tmp_path / "run") if row["verdict"] == NO_PERMIT]
    tried = begun(tmp_path / "run")
    assert tried
    behind = max(row["event_ts_ns"] for row in tried)
    assert any(at > behind for at in taken_at)
    assert (int(budget(live).permit_bps), int(budget(live).permit_epoch)) == (0, 3)
    assert int(budget(live).breaches) == 0


def test_what_is_under_way_ends_with_its_permit(tmp_path):
    """At the next decision, not with its slot."""
    given = [(0, Permit(1_000, 1, 3)), (tries, Permit(0, 0, 3))]
    document = exploring(budget={"by_permit": True, "cadence": 200})
    streamed(tmp_path / "run", *given, document=document)
    (trial,) = begun(tmp_path / "run")
    (ended,) = [row for row in explorations(tmp_path / "run") if row["event"] == int(Event.ENDED)]
    assert ended["ending"] == int(Ending.BARRED)
    assert 0 < ended["event_ts_ns"] - trial["event_ts_ns"] < 2_000_000_000


@pytest.mark.parametrize("after", [3, 8])
def test_a_session_that_was_stopped_goes_on_without_the_permit_that_it_had(tmp_path, after):
    venue, calls = KernelVenue(SESSION, TAPE), iter(range(10**9))
    done, _ = streamed(
        tmp_path / "run", (0, NONE), (1, Permit(1_000, 1, 3)), stop=lambda: next(calls) >= after, venue=venue
    )
    assert done is None
    live = stream_recovery.recover(tmp_path / "run", facts_in(tmp_path / "run"), IDENTITY, True)
    assert int(budget(live).permit_bps) == 1_000, "the journal has it; the first thing that a session is told takes it"
    live.take_permit(NONE)
    assert (int(budget(live).permit_bps), int(budget(live).permit_epoch)) == (0, 3)
    let_go(live)
    done, live = streamed(tmp_path / "run", (0, NONE), venue=venue)
    assert done is not None
    assert int(budget(live).permit_bps) == 0
    assert stream_recovery.verify(tmp_path / "run", facts_in(tmp_path / "run")).agrees


def test_its_journal_replays_to_the_same_bytes(tmp_path):
    given = [(0, NONE), (20, Permit(1_000, 1, 3)), (40, Permit(0, 0, 3)), (60, Permit(500, 1, 4))]
    done, _ = streamed(tmp_path / "run", *given)
    assert len(begun(tmp_path / "run")) > 1
    found = stream_recovery.verify(tmp_path / "run", facts_in(tmp_path / "run"))
    assert found.agrees
    assert found.digests == done.run.digests


# By the wall clock


def started(folder):
    folder.mkdir()
    clock = ClockFacts(int(TAPE.ts_init_ns[0]), 0, 1)
    facts = LiveFacts("run-permits", DOCUMENT, {}, IDENTITY.code_hash, clock, "sha256:x", False)
    return facts, recovery.start(folder, facts, SESSION, IDENTITY, True)


def drive(live, first, end):
    """Hand in rows of the tape as they come."""
    for at in range(first, end, BATCH):
        live.take([TAPE.slice(at, at + BATCH)], int(TAPE.ts_init_ns[at + BATCH - 1]))


def permits_in(folder):
    """Return share, end, epoch and arrival of each PERMIT row of a journal."""
    return [
        (int(span.price[k]), int(span.size[k]), int(span.venue_seq[k]), int(span.ts_init_ns[k]))
        for span in input_rows(folder / "journal")
        for k in range(len(span.kind))
        if span.kind[k] == int(Kind.PERMIT)
    ]


def permitted(live, share_bps, until_ns, epoch):
    live.take([permit_row(share_bps, until_ns, epoch)], live.now_ns, decide=False)
    return int(budget(live).permit_bps), int(budget(live).permit_until_ns), int(budget(live).permit_epoch)


def test_permits_are_rows_of_the_journal_and_a_killed_session_has_them_again(tmp_path):
    facts, live = started(tmp_path / "run")
    drive(live, 0, 400)
    until_ns = live.now_ns + 10**9
    assert permitted(live, 1_000, until_ns, 3) == (1_000, until_ns, 3)
    drive(live, 400, 1_600)
    assert permitted(live, 0, 0, 3) == (0, 0, 3)
    drive(live, 1_600, 2_000)
    seq, state = live.seq, (mind(live).symbols.tobytes(), budget(live).tobytes())
    live.drain()
    heads = {name: log.head for name, log in live.recorder.logs.items()}
    let_go(live)
    again = recovery.recover(tmp_path / "run", facts, SESSION, IDENTITY, True)
    assert again.seq == seq
    assert (mind(again).symbols.tobytes(), budget(again).tobytes()) == state
    assert {name: log.head for name, log in again.recorder.logs.items()} == heads
    let_go(again)
    assert [row[:3] for row in permits_in(tmp_path / "run")] == [(1_000, until_ns, 3), (0, 0, 3)]


def test_a_lower_epoch_gives_nothing_and_may_take_away(tmp_path):
    _, live = started(tmp_path / "run")
    assert permitted(live, 0, 0, 0) == (0, 0, 0)
    assert permitted(live, 500, 10, 3) == (500, 10, 3)
    assert permitted(live, 900, 20, 2) == (500, 10, 3)
    assert permitted(live, 900, 20, 3) == (900, 20, 3)
    assert permitted(live, 0, 0, 1) == (0, 0, 3)
    assert permitted(live, 100, 30, 2) == (0, 0, 3)
    assert permitted(live, 100, 30, 4) == (100, 30, 4)
    let_go(live)


@pytest.mark.parametrize(("left_ns", "speed", "holds_ns"), [(10, 1, 10), (10, 200, 2_000), (-5, 200, 0)])
def test_a_permit_ends_in_session_time_when_it_does_on_our_clock(left_ns, speed, holds_ns):
    clocks = Clocks(wall_ns=lambda: 0, mono_ns=lambda: 1_000)

    loop: Any = SimpleNamespace(clock=SessionClock(ClockFacts(7, 0, speed), clocks), mono=clocks.mono_ns)
    (row,) = zip(*LiveLoop._permit_row(loop, Permit(500, 1_000 + left_ns, 3)))
    found = dict(zip(Rows._fields, row, strict=True))
    assert (found["kind"], found["price"], found["venue_seq"]) == (int(Kind.PERMIT), 500, 3)
    assert found["size"] == 7 + holds_ns


def test_the_loop_puts_a_permit_on_record_as_a_row_and_its_session_verifies(tmp_path):
    tape, half_s = live_story.make_tape(tmp_path / "tape", 120), 500_000_000
    story = live_story.document(tape, signal_ref="ema_cross", topology="market")
    genes = story["policy"]["genotype"]["policies"]
    genes.append({**genes[0], "name": "other", "weight_bps": 5_000})
    story["policy"]["envelope"]["flags"]["exploration"] = True
    story["policy"]["envelope"]["exploration"] = {**BUDGET, "share_bps": 500, "by_permit": True}

    class Once:
        def __init__(self):
            self.left = [Permit(500, 0, 3), NONE]

        def pending(self):
            given, self.left = self.left, []
            return [Directive(None, permit=replace(one, until_ns=time.monotonic_ns() + half_s)) for one in given]

        def done(self, directive, last_command):
            pass

    options = LiveOptions(loop=True, signals=False, duration_s=0.8, steering=Once())
    run_live(story, tmp_path / "run", options)
    given, taken = permits_in(tmp_path / "run")
    assert (given[0], taken[0], given[2]) == (500, 0, 3)
    assert 0 < given[1] - given[3] <= 40 * half_s  # the session runs at 40x
    assert recovery.verify(tmp_path / "run").agrees
