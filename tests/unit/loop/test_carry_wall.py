"""By the wall clock, too: a pod of another code goes on with the positions of the one before."""

import time

import numpy as np
import pytest

from alphatrade_runtime.execution.broker.exchange_log import positions_of, read_commands, read_reports
from alphatrade_runtime.execution.broker.in_process import InProcessBroker
from alphatrade_runtime.loop import identity
from alphatrade_runtime.loop.carry import read_closed
from alphatrade_runtime.loop.journal import input_rows
from alphatrade_runtime.loop.live import Wall, run_wall
from alphatrade_runtime.loop.live_clock import ClockFacts, Clocks, parse_speed
from alphatrade_runtime.loop.live_exchange import exchange_maker
from alphatrade_runtime.loop.live_feed import PacedFeed, open_source
from alphatrade_runtime.loop.live_options import LiveOptions
from alphatrade_runtime.loop.recovery import JOURNAL
from alphatrade_runtime.market.orders import Command
from alphatrade_runtime.market.schema import Control, Kind
from alphatrade_runtime.policy.document import parse_session
from e2e.live_story import document, make_tape

QUOTES, CROSS = ("two_sided_quote", "passive_quote"), ("ema_cross", "market")


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    return make_tape(tmp_path_factory.mktemp("tape") / "tape", 1_200)


class Pods:
    """Pods one after another at one exchange, each of its own code. books: positions and kill state at the end."""

    def __init__(self, tape, folder, monkeypatch, signal, topology):
        self.doc = document(tape, "40x", signal, topology)
        self.session, self.folder, self.monkeypatch = parse_session(self.doc), folder, monkeypatch
        self.source = open_source(self.session)
        self.clock = ClockFacts(self.source.first_ts_ns, time.time_ns(), parse_speed("40x"))
        self.parts = 0

    def run(self, code, seconds):
        self.monkeypatch.setattr(identity, "code_hash", lambda facts: code * 64)
        before = read_closed(self.part / JOURNAL) if self.parts else None
        self.parts += 1
        exchange = exchange_maker(self.session, self.source, self.folder / "exchange", Clocks())
        feed = PacedFeed(self.source, venue_side=False, loop=False)
        until = time.monotonic() + seconds
        options = LiveOptions(signals=False, stop=lambda: time.monotonic() > until)
        wall, broker = Wall(self.source.digest, self.clock), InProcessBroker(exchange)
        run_wall(self.doc, self.part, wall, feed, broker, options, self._watch, before)

    def _watch(self, loop):
        self.loop = loop

    @property
    def part(self):
        return self.folder / f"{self.parts:06d}"


@pytest.mark.parametrize(("signal", "topology"), [QUOTES, CROSS])
def test_another_code_goes_on_at_the_same_exchange(tape, tmp_path, monkeypatch, signal, topology):
    pods = Pods(tape, tmp_path, monkeypatch, signal, topology)
    pods.run("a", 2.0)
    for code in "bab":
        handed = read_closed(pods.part / JOURNAL).carry
        assert not handed.orders
        pods.run(code, 1.5)
        assert not [note for note in pods.loop.notes if "disagree" in note]
        assert not pods.loop.live.recorder.violations
    controls = [
        Control(int(price)).name
        for span in input_rows(pods.part / JOURNAL)
        for price in span.price[span.kind == int(Kind.CONTROL)]
    ]
    assert controls[:2] == ["LINK_LOST", "RECONCILED"]
    commands = read_commands(tmp_path / "exchange")
    new = commands[commands["command"] == int(Command.NEW)]["order_id"]
    assert len(np.unique(new)) == len(new) > 10
    assert list(pods.loop.live.positions()) == list(positions_of(read_reports(tmp_path / "exchange"), 1))
