"""A session closed in order goes on under another code: same books, same latch, no order number twice."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from alphatrade_runtime.loop import carry as carrying
from alphatrade_runtime.loop import frames, identity, stream_recovery
from alphatrade_runtime.loop.carried import take_out
from alphatrade_runtime.loop.carry import Carry, read_closed
from alphatrade_runtime.loop.engine import counts_of, kill_of, money_of
from alphatrade_runtime.loop.journal import RecordKind
from alphatrade_runtime.loop.live_options import LiveOptions
from alphatrade_runtime.loop.steering import Directive
from alphatrade_runtime.loop.stream import Stream, run_stream
from alphatrade_runtime.loop.stream_loop import StreamLoop
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import Command, Report
from alphatrade_runtime.market.schema import Control
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import parse_session
from e2e.live_story import document, make_tape

from .stream_doubles import KernelVenue, RowsFeed

STRATEGIES = [("ema_cross", "market"), ("two_sided_quote", "passive_quote"), ("ema_cross", "pegged")]


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    with Tape.open(make_tape(tmp_path_factory.mktemp("tape") / "t", seconds=240)) as opened:
        yield opened


class Desk:
    """One strategy at one venue, whose pods may be of any code. books: of the session that ran last."""

    def __init__(self, tape, tmp_path, monkeypatch, signal, topology, lose_every=0):
        self.doc = document(Path("unused"), "Max", signal, topology)
        rows = tape.rows(0, len(tape))
        self.stream = Stream(
            tape.digest,
            tape.manifest["first_ts_ns"],
            tape.manifest["last_ts_ns"],
            0,
            lambda seq: RowsFeed(rows, seq, 60),
        )
        self.venue = KernelVenue(parse_session(self.doc), rows, lose_every=lose_every)
        self.folder, self.monkeypatch, self.parts = tmp_path, monkeypatch, 0
        self.loop: StreamLoop
        self.hasty = False

    def run(self, code, turns, control=None):
        """Run a new pod of a code for so many turns; return the result, None when it was stopped before the end."""
        self.monkeypatch.setattr(identity, "code_hash", lambda facts: code * 64)
        before = read_closed(self.part / "journal") if self.parts else None
        self.parts += 1
        left = iter(range(10**9))
        steering = Obeyed([control] if control is not None else [])
        options = LiveOptions(
            signals=False, idle=lambda _: None, stop=lambda: next(left) >= turns, steering=steering
        )  # fmt: skip
        if self.hasty:
            moments = iter(range(0, 10**18, 10**7))  # a clock that jumps at each look: a turn ends with rows in hand
            options.clocks = replace(options.clocks, mono_ns=lambda: next(moments))
        return run_stream(self.doc, self.part, self.stream, self.venue, options, self.watch, before)

    def watch(self, loop):
        self.loop = loop
        self.opened = books(loop)

    @property
    def part(self):
        return self.folder / f"{self.parts:06d}"


class Obeyed:
    def __init__(self, controls):
        self.left = [Directive(control, 200, {"reason": "a test"}) for control in controls]

    def pending(self):
        return list(self.left)

    def done(self, directive, last_command):
        self.left.remove(directive)


def books(loop):
    core = loop.live.core
    account = core["account"][0][0]
    days = {name: int(account[name]) for name in ("day_start_nav", "kill_level", "day_level", "reduce_only")}
    counts = counts_of(core)
    return (loop.live.positions(), money_of(core), kill_of(core), days, counts["orders"], counts["decisions"],
            counts["fills"], counts["denials"], [int(o["order_id"]) for o in loop.live.open_orders()])  # fmt: skip


def taken_out(loop):
    """What a session would hand on now."""
    live, facts = loop.live, loop.facts
    who = identity.identify(facts.session, {})
    return take_out(live.core, facts.session, facts.session_id, who, live.place())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("signal", "topology"), STRATEGIES)
def test_any_end_begins_where_it_ended(tape, tmp_path, monkeypatch, signal, topology, seed):
    draws = random.Random(seed)
    desk = Desk(tape, tmp_path, monkeypatch, signal, topology)
    assert desk.run("a", draws.randrange(2, 15)) is None
    held = []
    for code in "babab":
        ended = read_closed(desk.part / "journal").carry
        desk.run(code, 0)
        begun = read_closed(desk.part / "journal").carry
        assert begun.model_copy(update={"code_hash": ""}) == ended.model_copy(update={"code_hash": ""})
        assert begun.code_hash == code * 64
        held.append(sum(abs(one.position) for one in begun.instruments))
        if desk.run("ba"["ab".index(code)], draws.randrange(2, 5)) is not None:
            break
    if signal == "ema_cross":
        assert any(held)
    numbers = [int(c["order_id"]) for span in desk.venue.commands for c in span if c["command"] == int(Command.NEW)]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(("signal", "topology"), STRATEGIES)
def test_it_trades_on_and_the_books_are_the_venues(tape, tmp_path, monkeypatch, signal, topology):
    desk = Desk(tape, tmp_path, monkeypatch, signal, topology)
    for code in "abacab":
        desk.hasty = not desk.hasty
        assert desk.run(code, 37 if desk.hasty else 4) is None
    done = desk.run("c", 10**9)
    assert done is not None
    assert not done.run.violations
    assert done.run.counts["breaks"] == 0
    assert done.run.counts["events"] == len(tape), "a row was left out, or taken twice"
    assert done.run.kill["state"] == "ARMED"
    _, venue = desk.venue.settle([])
    assert desk.loop.live.positions() == venue.positions
    assert not [note for note in done.notes if "disagree" in note]
    sent = [c for span in desk.venue.commands for c in span]
    numbers = [int(c["order_id"]) for c in sent if c["command"] == int(Command.NEW)]
    assert len(numbers) == len(set(numbers)) > 20
    ended = {int(r["order_id"]) for r in desk.venue.reports if int(r["type"]) != int(Report.ACCEPTED)}
    assert set(numbers) - ended <= set(venue.working)
    facts = stream_recovery.read_facts(desk.part)
    assert facts is not None
    assert stream_recovery.verify(desk.part, facts).agrees


def test_the_first_order_waits_for_the_accounts_word(tape, tmp_path, monkeypatch):
    desk = Desk(tape, tmp_path, monkeypatch, "ema_cross", "market")
    desk.run("a", 8)
    asked: list[str] = []
    for name in ("settle", "send"):
        monkeypatch.setattr(desk.venue, name, told(asked, name, getattr(desk.venue, name)))
    desk.run("b", 10**9)
    assert "send" in asked
    assert asked[0] == "settle"


def told(asked, name, call):
    def tell(*given):
        asked.append(name)
        return call(*given)

    return tell


def test_another_position_at_the_account_leaves_only_reductions(tape, tmp_path, monkeypatch):
    desk = Desk(tape, tmp_path, monkeypatch, "ema_cross", "market")
    desk.run("a", 8)
    settle = desk.venue.settle

    def elsewhere(ids):
        made, venue = settle(ids)
        return made, replace(venue, positions=tuple(lots + 7 for lots in venue.positions))

    monkeypatch.setattr(desk.venue, "settle", elsewhere)
    desk.run("b", 8)
    assert [note for note in desk.loop.notes if "books disagree: instrument 0" in note]
    assert int(desk.loop.live.core["account"][0][0]["reduce_only"]) & 2


@pytest.mark.parametrize("control", [Control.REDUCE, Control.HALT, Control.FLATTEN])
def test_a_latch_stays_latched(tape, tmp_path, monkeypatch, control):
    desk = Desk(tape, tmp_path, monkeypatch, "ema_cross", "market")
    desk.run("a", 8)
    desk.run("b", 8, control)
    held = kill_of(desk.loop.live.core)
    assert held["state"] != "ARMED"
    before = sum(map(len, desk.venue.commands))
    done = desk.run("a", 10**9)
    assert done.run.kill == {**held, "state": done.run.kill["state"]}
    assert done.run.kill["state"] != "ARMED"
    behind = [int(c["command"]) for span in desk.venue.commands for c in span][before:]
    if control is Control.HALT:
        assert set(behind) <= {int(Command.CANCEL)}


def test_the_same_code_replays_and_needs_no_carry(tape, tmp_path, monkeypatch):
    desk = Desk(tape, tmp_path, monkeypatch, "ema_cross", "market")
    desk.run("a", 8)
    desk.run("b", 8)
    ended = books(desk.loop)
    carried = read_closed(desk.part / "journal").carry
    desk.parts -= 1
    monkeypatch.setattr(Desk, "part", property(lambda self: self.folder / "000002"))
    desk.run("b", 0)
    assert desk.opened == ended
    assert read_closed(desk.part / "journal").carry == carried


def records(folder):
    return [(frame.kind, frame.payload) for frame in frames.read_frames(folder)]


def rewrite(folder, kept):
    (path,) = sorted(folder.glob("journal-*.bin"))
    path.write_bytes(b"".join(frames.encode(kind, n, payload) for n, (kind, payload) in enumerate(kept)))


def changed(change):
    def rewritten(folder):
        *kept, (kind, payload) = records(folder)
        last = json.loads(payload)
        change(last["carry"])
        rewrite(folder, [*kept, (kind, json.dumps(last).encode())])

    return rewritten


def without_orders(record):
    del record["body"]["orders"]
    record["digest"] = carrying._digest(record["body"])


def killed(folder):
    rewrite(folder, records(folder)[:-1])


def gone_on(folder):
    rewrite(folder, [*records(folder), (int(RecordKind.META), b'{"recovered":{}}')])


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (killed, "of another code, aaaaaaaaaaaa, and was not closed in order; go back to the image that wrote it"),
        (gone_on, "was not closed in order"),
        (changed(lambda record: record.update(schema=2)), "carry record is newer: schema 2"),
        (changed(lambda record: record["body"]["account"].update(cash=1)), "carry record is damaged"),
        (changed(lambda record: record.pop("schema")), "carry record is damaged"),
        (changed(lambda record: record["body"].pop("orders")), "carry record is damaged"),
        (changed(without_orders), "carry record is damaged .orders: Field required"),
    ],
)
def test_what_was_not_closed_in_order_is_refused(tape, tmp_path, monkeypatch, spoil, named):
    desk = Desk(tape, tmp_path, monkeypatch, "ema_cross", "market")
    desk.run("a", 8)
    spoil(desk.part / "journal")
    with pytest.raises(InputError, match=named):
        desk.run("b", 8)
    assert not (desk.folder / "000002").exists()


def test_a_crash_between_end_and_start_changes_nothing(tape, tmp_path, monkeypatch):
    desk = Desk(tape, tmp_path, monkeypatch, "ema_cross", "market")
    desk.run("a", 8)
    first = read_closed(desk.part / "journal").carry
    (desk.folder / "000002" / "journal").mkdir(parents=True)
    desk.run("b", 0)
    again = read_closed(desk.part / "journal").carry
    assert again == first.model_copy(update={"code_hash": "b" * 64})


def test_a_record_is_the_same_bytes_whatever_the_order_of_its_fields(tape, tmp_path, monkeypatch):
    desk = Desk(tape, tmp_path, monkeypatch, "two_sided_quote", "passive_quote")
    desk.run("a", 8)
    record = taken_out(desk.loop).to_record()
    turned = {**record, "body": dict(reversed(list(record["body"].items())))}
    assert Carry.from_record(turned, "here").to_record() == record
