"""The paper exchange: latencies, its log, its restart, and its two ways in."""

import threading
import time

import numpy as np
import pytest

from alphatrade_runtime.execution.broker.contract import Broker, BrokerLost, Working
from alphatrade_runtime.execution.broker.exchange_log import ExchangeLog, read_commands, read_reports
from alphatrade_runtime.execution.broker.in_process import InProcessBroker
from alphatrade_runtime.execution.broker.paper_exchange import PaperExchange, open_log
from alphatrade_runtime.execution.broker.server import PaperServer
from alphatrade_runtime.execution.broker.socket_broker import SocketBroker
from alphatrade_runtime.execution.broker.venue import NEVER
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import COMMAND_DTYPE, Command, Report, TimeInForce
from alphatrade_runtime.market.schema import Kind, rows_from_columns
from alphatrade_runtime.policy.document import Exchange

ENTRY_NS, RESPONSE_NS = 10, 5
FACTS = {"looped": False}


class Market:
    """Quotes at given times: bid, ask by time."""

    def __init__(self, quotes):
        self.quotes = sorted(quotes.items())

    def poll(self, now_ns):
        due = [(ts, q) for ts, q in self.quotes if ts <= now_ns]
        self.quotes = self.quotes[len(due) :]
        return [quote(ts, *q) for ts, q in due]

    def next_due_ns(self):
        return self.quotes[0][0] if self.quotes else NEVER

    def skip(self, until_ns):
        self.poll(until_ns)
        return 0, []


def quote(ts, bid, ask):
    cells = {"kind": int(Kind.QUOTE), "ts_event_ns": ts, "bid": bid, "ask": ask, "bid_size": 100, "ask_size": 100}
    return rows_from_columns({name: np.array([value]) for name, value in cells.items()})


def order(order_id, side=1, price=100, qty=10, tif=TimeInForce.GTC, command=Command.NEW):
    made = np.zeros(1, COMMAND_DTYPE)
    row = made[0]
    row["order_id"], row["side"], row["price"], row["qty"] = order_id, side, price, qty
    row["tif"], row["command"] = int(tif), int(command)
    return made


class Story:
    """An exchange with a clock that the test sets."""

    def __init__(self, folder, cancels=True):
        self.folder, self.now = folder, 0
        self.terms = Exchange("risk_averse", True, ENTRY_NS, RESPONSE_NS, cancels)
        self.quotes = {1: (100, 102), 50: (100, 101), 80: (98, 99)}

    def open(self, session_id="run-1", facts=None):
        log = open_log(self.folder, session_id, facts or {})
        return PaperExchange(self.terms, 1, Market(self.quotes), log, lambda: self.now, False)

    def types(self, reports):
        return [Report(int(kind)).name for kind in reports["type"]]


@pytest.fixture
def story(tmp_path):
    return Story(tmp_path / "log")


def test_an_order_arrives_after_the_entry_latency_and_its_report_after_the_response_latency(story):
    exchange = story.open()
    story.now = 2
    exchange.submit(order(1))
    for now, seen in ((11, 0), (12, 0), (16, 0), (17, 1)):
        story.now = now
        exchange.advance()
        reports = exchange.take_reports()
        assert len(reports) == seen, now
    assert story.types(reports) == ["ACCEPTED"]
    assert (reports["exch_ts_ns"][0], reports["ts_ns"][0]) == (12, 17)
    story.now = 84
    exchange.advance()
    assert len(exchange.take_reports()) == 0
    story.now = 85  # the quote at 80 went through our price
    exchange.advance()
    assert story.types(exchange.take_reports()) == ["FILL"]


def test_what_arrived_and_what_left_is_in_the_log(story):
    exchange = story.open()
    story.now = 2
    exchange.submit(order(1))
    assert [int(i) for i in read_commands(story.folder)["order_id"]] == [1]
    assert len(read_reports(story.folder)) == 0
    story.now = 85
    exchange.advance()
    left = exchange.take_reports()
    assert bytes(read_reports(story.folder)) == bytes(left)
    assert bytes(exchange.resend(1)) == bytes(left[1:])
    with pytest.raises(InputError, match="has 2 reports, the session has seen 3"):
        exchange.resend(3)


def test_settling_waits_for_no_latency(story):
    exchange = story.open()
    story.now = 2
    exchange.submit(order(7))
    assert story.types(exchange.settle()) == ["ACCEPTED"]
    state = exchange.state([7, 8])
    assert state.working == {7: Working(100, 10)}
    assert (state.reports, state.positions, state.known) == (1, (0,), frozenset({7}))


def test_a_restarted_exchange_knows_positions_and_ids_and_expires_what_worked(story):
    exchange = story.open()
    story.now = 2
    exchange.submit(order(1, price=102))
    exchange.submit(order(2, price=90))
    assert "FILL" in story.types(exchange.settle())
    exchange.close()
    story.now = 20
    again = story.open()
    assert story.types(again.settle()) == ["EXPIRED"]
    again.submit(order(2))
    assert story.types(again.settle()) == ["REJECTED"]
    state = again.state([1, 2, 3])
    assert (state.positions, state.known, state.working) == ((10,), frozenset({1, 2}), {})


def test_cancelling_all_reports_each(story):
    exchange = story.open()
    story.now = 2
    exchange.submit(order(1, price=90))
    exchange.submit(order(2, price=91))
    assert story.types(exchange.cancel_all()) == ["ACCEPTED", "ACCEPTED", "CANCELED", "CANCELED"]
    assert exchange.state([]).working == {}


def test_a_torn_record_is_cut_off(story):
    exchange = story.open()
    story.now = 2
    exchange.submit(order(1))
    exchange.close()
    with (story.folder / "commands.bin").open("ab") as file:
        file.write(b"torn")
    assert len(ExchangeLog(story.folder).commands()) == 1
    assert (story.folder / "commands.bin").stat().st_size == COMMAND_DTYPE.itemsize


def test_another_session_or_process_is_refused(story):
    exchange = story.open()
    with pytest.raises(InputError, match="another exchange writes this log"):
        story.open()
    exchange.close()
    with pytest.raises(InputError, match="the log of session run-1; choose an empty folder"):
        story.open("run-2")


class Served:
    """A served exchange in a thread; one clock for both sides."""

    def __init__(self, story, socket):
        self.stop = threading.Event()
        self.server = PaperServer(socket, story.open, story.terms.cancel_on_disconnect)
        self.thread = threading.Thread(target=self.server.serve, args=(self.stop.is_set,))
        self.thread.start()

    def end(self):
        self.stop.set()
        self.thread.join()


@pytest.fixture(params=["in process", "socket"])
def broker(request, story, tmp_path_factory):
    if request.param == "in process":
        made: Broker = InProcessBroker(story.open)
        served = None
    else:
        socket = tmp_path_factory.mktemp("s") / "x"
        served = Served(story, socket)
        made = SocketBroker(socket, 2.0)
    yield made
    made.close()
    if served is not None:
        served.end()


def received(broker, n):
    reports: list[np.ndarray] = []
    until = time.monotonic() + 5
    while sum(len(span) for span in reports) < n and time.monotonic() < until:
        broker.wait(0.01)
        reports.append(broker.receive())
    return np.concatenate(reports)


def test_both_ways_in_give_the_same(broker, story):
    broker.logon("run-1", 0, FACTS)
    story.now = 2
    broker.send(order(1))
    broker.send(order(2, price=95))
    reports, state = broker.reconcile([1, 2, 3])
    assert story.types(reports) == ["ACCEPTED", "ACCEPTED"]
    assert state.known == frozenset({1, 2})
    assert state.working == {1: Working(100, 10), 2: Working(95, 10)}
    story.now = 200
    assert story.types(received(broker, 1)) == ["FILL"]
    assert story.types(broker.cancel_all()) == ["CANCELED"]
    assert broker.reconcile([])[1].positions == (10,)


def test_reports_that_were_missed_come_again(broker, story):
    broker.logon("run-1", 0, FACTS)
    story.now = 2
    broker.send(order(1, price=95))
    assert len(broker.reconcile([1])[0]) == 1
    broker.logon("run-1", 0, FACTS)
    assert story.types(broker.reconcile([1])[0])[0] == "ACCEPTED"


@pytest.mark.parametrize("cancels", [True, False])
def test_a_link_that_ends_is_read_to_its_end_and_cancels_if_the_account_says_so(tmp_path, tmp_path_factory, cancels):
    story = Story(tmp_path / "log", cancels)
    socket = tmp_path_factory.mktemp("s") / "x"
    served = Served(story, socket)
    first, second = SocketBroker(socket, 2.0), SocketBroker(socket, 2.0)
    try:
        first.logon("run-1", 0, FACTS)
        story.now = 2
        for order_id in range(1, 200):
            first.send(order(order_id, price=90, command=Command.NEW))
        first.close()
        second.logon("run-1", 0, FACTS)
        _, state = second.reconcile(list(range(1, 300)))
        assert state.known == frozenset(range(1, 200))
        assert bool(state.working) is not cancels
    finally:
        second.close()
        served.end()


def test_a_lost_exchange_is_said_to_be_lost(tmp_path_factory, story):
    socket = tmp_path_factory.mktemp("s") / "x"
    broker = SocketBroker(socket, 0.5)
    with pytest.raises(BrokerLost, match="no exchange answers"):
        broker.logon("run-1", 0, FACTS)
    served = Served(story, socket)
    broker.logon("run-1", 0, FACTS)
    served.end()
    with pytest.raises(BrokerLost):
        received(broker, 1)
    with pytest.raises(BrokerLost, match="not connected"):
        broker.send(order(1))


def test_an_exchange_of_another_session_refuses(tmp_path_factory, story):
    socket = tmp_path_factory.mktemp("s") / "x"
    served = Served(story, socket)
    broker = SocketBroker(socket, 2.0)
    try:
        broker.logon("run-1", 0, FACTS)
        with pytest.raises(InputError, match="serves session run-1"):
            broker.logon("run-2", 0, FACTS)
    finally:
        broker.close()
        served.end()
