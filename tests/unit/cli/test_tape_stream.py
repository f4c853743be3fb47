"""A tape as a stream and as its venue in one process: paced, gone on with, and to the digests of a replay."""

from decimal import Decimal
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.cli.execute import execute, execute_stream
from alphatrade_runtime.cli.feeds import open_tape
from alphatrade_runtime.cli.session import read_plan
from alphatrade_runtime.cli.tape_stream import TapeMarket, TapeStream, sides_of
from alphatrade_runtime.loop import stream_recovery
from alphatrade_runtime.loop.live_clock import Clocks
from alphatrade_runtime.loop.live_options import LiveOptions
from alphatrade_runtime.loop.stream import run_stream
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, Kind, rows_from_columns
from alphatrade_runtime.market.tape import Tape, write_tape

START_NS = 1_700_000_000 * 10**9
A, B = (Instrument(symbol, Decimal("0.1"), Decimal("0.001")) for symbol in ("A", "B"))
SOURCE = {"type": "test", "name": "test", "simulated": True}


def tape_of(folder, times, kind=Kind.QUOTE, instruments=0):
    """Write rows of these times, ns after the start; return the tape."""
    ts = START_NS + np.array(times, np.int64)
    sizes = dict.fromkeys(("bid_size", "ask_size"), np.full(len(ts), 100))  # a bar's open is there, too
    prices = {
        "bid": np.full(len(ts), 100),
        "ask": np.full(len(ts), 100 + (kind == Kind.QUOTE)),
        "price": np.full(len(ts), 100),
    }
    columns = {"ts_event_ns": ts, "ts_init_ns": ts, "kind": np.full(len(ts), kind), **prices, **sizes}
    write_tape(
        folder,
        rows_from_columns(columns | {"instrument": np.broadcast_to(instruments, len(ts))}),
        (A, B),
        source=SOURCE,
        replace=True,
    )
    return Tape.open(folder)


class Host:
    """Clocks that only a wait moves."""

    def __init__(self):
        self.ns = 0
        self.clocks = Clocks(wall_ns=lambda: 10**18 + self.ns, mono_ns=lambda: self.ns)

    def wait(self, seconds):
        assert seconds > 0
        self.ns += max(int(seconds * 1e9), 1)


@settings(max_examples=40, deadline=None)
@given(
    gaps=st.lists(st.integers(0, 3), min_size=1, max_size=200),
    speed=st.sampled_from([1, 20, 500]),
    patience_s=st.sampled_from([0.001, 0.02, 5.0]),
)
def test_no_row_is_given_out_before_its_time_and_no_time_is_split(tmp_path_factory, gaps, speed, patience_s):
    host = Host()
    given_out: list = []
    with tape_of(tmp_path_factory.mktemp("tape") / "t", np.cumsum(gaps) * 40_000_000) as tape:
        stream = TapeStream(tape, None, 0, speed, host.clocks, host.wait)
        host.ns += 10**9  # what passes before the first row is asked for
        began = host.ns
        first = int(tape.rows(0, 1).ts_init_ns[0])
        while not stream.ended:
            batch = stream.take(patience_s)
            if batch is None:
                continue
            assert batch.rows.ts_init_ns[-1] <= first + (host.ns - began) * speed
            assert batch.number == len(given_out) + 1
            given_out.append(batch)
        times = [batch.rows.ts_init_ns for batch in given_out]
        assert np.concatenate([batch.rows.seq for batch in given_out]).tolist() == list(range(len(tape)))
        for batch, later in zip(given_out, times[1:], strict=False):
            assert batch.rows.ts_init_ns[-1] <= batch.complete_through_ns < later[0]
        assert stream.take(0.0) is None


def test_rows_carry_the_sessions_instruments(tmp_path):
    table = np.array([1, 0], np.uint16)  # the session trades B, and nothing of A
    with tape_of(tmp_path / "t", [0, 1, 2], instruments=[0, 1, ALL_INSTRUMENTS]) as tape:
        batch = TapeStream(tape, table, 0, 1).take(1.0)
        taken = TapeMarket(tape, table).take()
        assert batch is not None
        assert taken is not None
        assert taken[0].instrument.tolist() == [1, 0, ALL_INSTRUMENTS]
        assert batch.rows.instrument.tolist() == [1, 0, ALL_INSTRUMENTS][: len(batch.rows.seq)]
        assert not batch.rows.instrument.flags.writeable


def test_bars_have_no_pace(tmp_path, two_instruments):
    plan = read_plan(two_instruments, speed="20x")
    with (
        tape_of(tmp_path / "t", [0, 10**9], kind=Kind.BAR) as tape,
        pytest.raises(InputError, match="bars, which have no pace of their own"),
    ):
        sides_of(plan.session, tape, [A], tmp_path / "exchange")


@pytest.fixture
def plan(two_instruments):
    return read_plan(two_instruments, speed="20000x")


@pytest.fixture
def tape(plan, tmp_path):
    with open_tape(plan, tmp_path / "runs") as opened:
        yield opened


def test_a_multiple_of_real_time_gives_the_digests_of_max(plan, tape, two_instruments, tmp_path):
    fastest = read_plan(two_instruments, speed="Max")
    replayed = execute(fastest.engine(), fastest, tape, tmp_path / "runs")
    streamed = execute_stream(plan.engine(), plan, tape, tmp_path / "runs")
    assert replayed.facts["counts"]["fills"] > 10
    assert streamed.facts["digests"] == replayed.facts["digests"]
    assert streamed.facts["counts"] == replayed.facts["counts"]
    assert streamed.facts["run_id"] == replayed.facts["run_id"]
    assert (replayed.facts["speed"], streamed.facts["speed"]) == ("Simulated Max", "Simulated 20000x")
    assert verified(streamed.folder)


def verified(folder):
    facts = stream_recovery.read_facts(folder)
    return facts is not None and stream_recovery.verify(folder, facts).agrees


def stopped_after(turns):
    """Return a question that is answered yes once it was asked so often."""
    asked = count()
    return lambda: next(asked) >= turns


def test_a_stopped_session_goes_on_and_so_does_one_that_was_over(plan, tape, tmp_path):
    replayed = plan.engine().replay(tape)
    instruments = list(tape.instruments[1:])

    def go_on(stop):
        sides = sides_of(plan.session, tape, instruments, tmp_path / "run" / "exchange")
        options = LiveOptions(signals=False, stop=stop)
        return run_stream(plan.document, tmp_path / "run", sides.stream, sides.broker, options)

    parts, done = 0, None
    while done is None:
        parts += 1
        done = go_on(stopped_after(parts + 1))
    assert parts > 2
    assert done.run.digests == replayed.digests
    assert verified(tmp_path / "run")
    again = go_on(lambda: False)  # killed between its end and the report
    assert again is not None
    assert again.run.digests == replayed.digests


def test_a_run_that_was_cut_short_takes_no_other_runs_place(two_instruments, tape, tmp_path):
    plan = read_plan(two_instruments, speed="2x")
    cut = execute_stream(plan.engine(), plan, tape, tmp_path / "runs", duration_s=0.5)
    assert cut.facts["telemetry"]["ended_by"] == "time is up"
    assert cut.folder.name == cut.facts["run_id"]
    assert cut.facts["run_id"].startswith(plan.engine().identity.run_id(tape.digest, plan.session) + "-")
    assert verified(cut.folder)
