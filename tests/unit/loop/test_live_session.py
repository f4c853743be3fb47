"""A session's batches: journaled with their commands, replayed to the same bytes, books brought in line."""

from pathlib import Path

import numpy as np
import pytest

from alphatrade_runtime.execution.broker.contract import VenueState, Working
from alphatrade_runtime.loop import recovery
from alphatrade_runtime.loop.identity import identify
from alphatrade_runtime.loop.journal import RecordKind, read_records
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.loop.live_reconcile import conclude
from alphatrade_runtime.loop.live_rows import control_row, report_rows
from alphatrade_runtime.loop.live_session import LiveFacts
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE, OrderState, Report
from alphatrade_runtime.market.schema import Control, Kind, Rows, rows_from_columns
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.risk.codes import Code
from e2e.live_story import document

DOCUMENT = document(Path("tape"))
SESSION = parse_session(DOCUMENT)
IDENTITY = identify(SESSION, {})
START_NS = 1_700_000_000_000_000_000
MS = 1_000_000


def facts():
    return LiveFacts("run-test", DOCUMENT, {}, IDENTITY.code_hash, ClockFacts(START_NS, 0, 1), "sha256:x", False)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


@pytest.fixture
def live(folder):
    folder.mkdir()
    made = recovery.start(folder, facts(), SESSION, IDENTITY, True)
    yield made
    let_go(made)


def let_go(live):
    """As a killed process would, but for the files that it held."""
    journal, live.journal = live.journal, None
    if journal is not None:
        journal.abandon()
    live.recorder.abandon()


def quote(bid, ask):
    return rows_from_columns(
        {
            "kind": np.array([int(Kind.QUOTE)], np.uint8),
            "bid": [bid], "ask": [ask], "bid_size": [500], "ask_size": [500], "ts_event_ns": [START_NS],
        }
    )  # fmt: skip


def drive(live, quotes=5, start_ms=1):
    """Hand in quotes that move; return the commands made."""
    made = [live.take([quote(10_000 + k, 10_002 + k)], START_NS + (start_ms + 200 * k) * MS) for k in range(quotes)]
    return np.concatenate(made)


def report_on(command, kind, exec_id=0, leaves=0, qty=0):
    report = np.zeros(1, REPORT_DTYPE)
    for name in ("order_id", "price", "side", "instrument"):
        report[name] = command[name]
    report["type"], report["exec_id"], report["leaves"], report["qty"] = int(kind), exec_id, leaves, qty
    return report


def states(live):
    return {int(order["order_id"]): OrderState(int(order["state"])) for order in live.open_orders()}


def reopen(live, folder):
    let_go(live)
    return recovery.recover(folder, facts(), SESSION, IDENTITY, True)


def test_a_batch_and_its_commands_are_on_record_before_they_are_returned(live, folder):
    commands = drive(live)
    assert len(commands) > 0
    records = list(read_records(folder / "journal"))
    assert [r.kind for r in records[:3]] == [RecordKind.META, RecordKind.INPUT, RecordKind.COMMANDS]
    journaled = np.concatenate([np.asarray(r.payload) for r in records if r.kind is RecordKind.COMMANDS])
    assert bytes(journaled) == bytes(commands)
    rows = [r.payload for r in records if isinstance(r.payload, Rows)]
    assert [int(seq) for span in rows for seq in span.seq] == list(range(5))


def test_rows_of_one_batch_are_decided_once_and_at_one_time(live):
    live.take([quote(10_000, 10_002), quote(10_005, 10_007), quote(10_009, 10_011)], START_NS + MS)
    assert live.counters()[:2] == [3, 1]
    assert live.take([quote(9_000, 9_002)], START_NS + MS, decide=False).size == 0
    assert live.counters()[:2] == [4, 1]
    assert live.now_ns == START_NS + MS + 1


def test_recovery_gives_the_same_state_and_goes_on(live, folder):
    first = drive(live)
    live.take([report_rows(report_on(first[0], Report.ACCEPTED, leaves=int(first[0]["qty"])))], live.now_ns)
    before = states(live), live.counters(), live.seq, live.now_ns, live.reports
    again = reopen(live, folder)
    assert (states(again), again.counters(), again.seq, again.now_ns, again.reports) == before
    later = drive(again, start_ms=5_000)
    ids = [*first["order_id"].tolist(), *later["order_id"].tolist()]
    assert len(set(ids)) == len(np.unique(ids))
    assert min(later["order_id"]) > 0
    let_go(again)


def test_commands_that_the_journal_lost_never_left_and_are_put_on_record(live, folder):
    commands = drive(live, quotes=1)
    path = next((folder / "journal").glob("journal-*.bin"))
    rows, last = list(read_records(folder / "journal"))[-2:]
    assert (rows.kind, last.kind) == (RecordKind.INPUT, RecordKind.COMMANDS)
    let_go(live)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)  # the last frame is torn
    again = recovery.recover(folder, facts(), SESSION, IDENTITY, True)
    put, said = list(read_records(folder / "journal"))[-2:]
    assert bytes(np.asarray(put.payload)) == bytes(commands)
    assert isinstance(said.payload, dict)
    assert said.payload["recovered"]["never_left"] == len(commands)
    again.take([control_row(Control.LINK_LOST)], again.now_ns, decide=False)
    concluded = conclude(again, VenueState(0, (0,), {}, frozenset()), again.now_ns)
    again.take(concluded.rows, again.now_ns)
    assert concluded.breaks == []
    assert states(again) == {}
    let_go(again)


def test_a_journal_that_does_not_follow_from_itself_is_refused(live, folder):
    drive(live, quotes=1)
    stray = np.zeros(1, COMMAND_DTYPE)
    live.journal.append_commands(stray)
    live.journal.flush()
    with pytest.raises(InputError, match="does not follow from the records before it"):
        reopen(live, folder)


def test_a_lost_link_puts_every_order_in_doubt_and_holds_all_trading(live):
    drive(live)
    assert states(live)
    live.take([control_row(Control.LINK_LOST)], live.now_ns)
    assert set(states(live).values()) == {OrderState.UNKNOWN}
    assert drive(live, start_ms=10_000).size == 0
    never_came = conclude(live, VenueState(0, (0,), {}, frozenset()), live.now_ns).rows[:-1]
    live.take(never_came, live.now_ns, decide=False)
    assert states(live) == {}
    assert drive(live, start_ms=20_000).size == 0
    assert live.core["loop"][0]["denials"][0][int(Code.KILL)] > 0


@pytest.mark.parametrize("known", [True, False])
def test_an_order_in_doubt_becomes_what_the_venue_says(live, known):
    drive(live, quotes=1)
    orders = {int(o["order_id"]): Working(int(o["price"]), int(o["leaves"])) for o in live.open_orders()}
    live.take([control_row(Control.LINK_LOST)], live.now_ns, decide=False)
    venue = VenueState(0, (0,), orders if known else {}, frozenset(orders) if known else frozenset())
    concluded = conclude(live, venue, live.now_ns)
    live.take(concluded.rows, live.now_ns, decide=False)
    assert concluded.breaks == []
    assert set(states(live).values()) == ({OrderState.ACCEPTED} if known else set())


@pytest.mark.parametrize(
    ("venue", "said"),
    [
        (VenueState(0, (7,), {}, frozenset()), "our position is 0 lots, the venue's 7"),
        (VenueState(3, (0,), {}, frozenset()), "the venue made 3 reports, we took 0"),
        (VenueState(0, (0,), {99: Working(1, 1)}, frozenset()), "the venue works order 99, which is not ours"),
        (VenueState(0, (0,), {}, frozenset({1})), "order 1 is neither working nor ended at the venue"),
    ],
)
def test_what_cannot_be_explained_leaves_only_reductions(live, venue, said):
    drive(live, quotes=1)
    concluded = conclude(live, venue, live.now_ns)
    assert any(said in text for text in concluded.breaks)
    assert int(concluded.rows[-1].price[0]) == int(Control.BREAK)
    live.take(concluded.rows, live.now_ns, decide=False)
    assert live.core["account"][0]["reduce_only"][0] & 2


def test_our_own_conclusions_are_not_counted_as_the_venues_reports(live):
    commands = drive(live, quotes=1)
    live.take([report_rows(report_on(commands[0], Report.ACCEPTED))], live.now_ns)
    live.take([control_row(Control.LINK_LOST)], live.now_ns, decide=False)
    live.take(conclude(live, VenueState(1, (0,), {}, frozenset()), live.now_ns).rows, live.now_ns, decide=False)
    assert live.reports == 1
