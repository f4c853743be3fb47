"""A session on a stream's clock writes what a replay writes, whatever happens to its links and its process."""

from dataclasses import replace
from pathlib import Path

import pytest

from alphatrade_runtime.loop import stream_recovery
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.loop.live_options import LiveOptions
from alphatrade_runtime.loop.steering import Directive
from alphatrade_runtime.loop.stream import Stream, run_stream
from alphatrade_runtime.market.schema import Control
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import parse_session
from e2e.live_story import document, make_tape

from .stream_doubles import KernelVenue, RowsFeed

CASES = [
    ("ema_cross", "market", {}),
    ("two_sided_quote", "passive_quote", {}),
    ("ema_cross", "twap", {}),
    ("ema_cross", "pegged", {"entry_latency_ns": 0, "response_latency_ns": 0}),
]


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    with Tape.open(make_tape(tmp_path_factory.mktemp("tape") / "t", seconds=240)) as opened:
        yield opened


def quiet(**changes):
    return LiveOptions(signals=False, idle=lambda _: None, **changes)


def verified(folder):
    facts = stream_recovery.read_facts(folder)
    return facts is not None and stream_recovery.verify(folder, facts).agrees


def stream_of(tape):
    rows, first, last = tape.rows(0, len(tape)), tape.manifest["first_ts_ns"], tape.manifest["last_ts_ns"]
    return rows, Stream(tape.digest, first, last, 0, lambda seq: RowsFeed(rows, seq))


@pytest.mark.parametrize(("signal", "topology", "exchange"), CASES)
def test_a_stream_gives_the_digests_of_a_replay(tape, tmp_path, signal, topology, exchange):
    doc = document(Path("unused"), "Max", signal, topology, **exchange)
    replayed = Engine(doc).replay(tape)
    rows, stream = stream_of(tape)
    done = run_stream(doc, tmp_path / "run", stream, KernelVenue(parse_session(doc), rows), quiet())
    assert done is not None
    assert replayed.counts["fills"] > 20
    assert done.run.counts == replayed.counts
    assert done.run.digests == replayed.digests
    assert verified(tmp_path / "run")


@pytest.mark.parametrize("lose_every", [3, 7])
def test_lost_links_change_nothing(tape, tmp_path, lose_every):
    doc = document(Path("unused"), "Max", "two_sided_quote", "passive_quote")
    replayed = Engine(doc).replay(tape)
    rows, stream = stream_of(tape)
    venue = KernelVenue(parse_session(doc), rows, lose_every=lose_every)
    moments = iter(range(0, 10**18, 10**7))  # a clock that jumps at each look, so that no back-off is waited for
    options = quiet()
    options.clocks = replace(options.clocks, mono_ns=lambda: next(moments))
    done = run_stream(doc, tmp_path / "run", stream, venue, options)
    assert done is not None
    assert venue.calls > 500
    assert done.run.digests == replayed.digests


def test_a_stopped_session_goes_on_from_its_journal(tape, tmp_path):
    doc = document(Path("unused"), "Max", "two_sided_quote", "passive_quote")
    replayed = Engine(doc).replay(tape)
    rows, stream = stream_of(tape)
    venue = KernelVenue(parse_session(doc), rows)
    parts = 0
    done = None
    while done is None:
        parts += 1
        calls = iter(range(10**9))
        done = run_stream(
            doc, tmp_path / "run", stream, venue, quiet(stop=lambda calls=calls, most=parts + 1: next(calls) >= most)
        )
    assert parts > 2
    assert done.run.digests == replayed.digests


class Once:
    """Give directives when the session has come so far."""

    def __init__(self, directive, when):
        self.directive, self.when, self.loop, self.taken = directive, when, None, []

    def pending(self):
        if self.taken or self.loop is None or self.loop.live.commands < self.when:
            return []
        return [self.directive]

    def done(self, directive, last_command):
        self.taken.append(last_command)


@pytest.mark.parametrize("mode", [Control.HALT, Control.FLATTEN, Control.DRAIN, Control.KILL_STALE])
def test_no_order_leaves_behind_a_kill(tape, tmp_path, mode):
    doc = document(Path("unused"), "Max", "two_sided_quote", "passive_quote")
    rows, stream = stream_of(tape)
    venue = KernelVenue(parse_session(doc), rows)
    steering = Once(Directive(mode, 200, {"reason": "a test"}), 40)
    options = quiet(steering=steering)

    def watch(loop):
        steering.loop = loop

    done = run_stream(doc, tmp_path / "run", stream, venue, options, watch)
    assert done is not None
    (last,) = steering.taken
    behind = [int(c["command"]) for span in venue.commands for c in span][last:]
    if mode in (Control.HALT, Control.KILL_STALE):
        assert set(behind) <= {3}
    else:
        assert done.run.kill["state"] == "HALTED"
        assert venue.settle([])[1].positions == (0,)
    assert venue.settle([])[1].working == {}
    assert verified(tmp_path / "run")


def test_tighter_limits_hold_from_the_moment_they_are_on_record(tape, tmp_path):
    doc = document(Path("unused"), "Max", "two_sided_quote", "passive_quote")
    tight = document(Path("unused"), "Max", "two_sided_quote", "passive_quote")
    tight["policy"]["envelope"]["instruments"][0] |= {"max_position_lots": 10, "max_order_lots": 10}
    rows, stream = stream_of(tape)
    venue = KernelVenue(parse_session(doc), rows)
    steering = Once(Directive(None, limits=tight), 40)

    def watch(loop):
        steering.loop = loop

    done = run_stream(doc, tmp_path / "run", stream, venue, quiet(steering=steering), watch)
    assert done is not None
    (last,) = steering.taken
    sizes = [int(c["qty"]) for span in venue.commands for c in span if c["command"] == 1]
    assert max(sizes[: last // 2]) == 20
    assert done.run.counts["denials"]["SIZE"] > 0
    assert verified(tmp_path / "run")
