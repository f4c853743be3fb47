"""The exchange on a stream's clock: the bytes of a replay's own, however its client steps it, also behind a kill."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.execution.broker.contract import BrokerLost
from alphatrade_runtime.execution.broker.exchange_log import ExchangeLog
from alphatrade_runtime.execution.broker.in_process import InProcessSteppedBroker
from alphatrade_runtime.execution.broker.stepped_exchange import MarketLost
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import Command, Report
from unit.execution.account_stories import order
from unit.execution.stepped_runs import NEVER, TapeMarket, exchange_of, replayed, stepped
from unit.loop.made_tapes import START_NS, made_rows, with_events
from unit.loop.mixed_sessions import mixed
from unit.risk.law_session import MID, STEP_NS, TapeByHand, session, targets

SPAN_NS = 200_000_000_000


def tape(depth=False, seed=1):
    return with_events(made_rows(2_000, 7, seed=seed, depth=depth), seed)


@pytest.fixture(scope="module", params=["risk averse", "probabilistic, depth", "no latency"])
def story(request):
    exchange = {
        "risk averse": {"entry_latency_ns": 7_000_000, "response_latency_ns": 5_000_000},
        "probabilistic, depth": {
            "queue_model": "probabilistic", "partial_fills": False, "entry_latency_ns": 40_000_000,
            "response_latency_ns": 3_000_000,
        },
        "no latency": {"entry_latency_ns": 0, "response_latency_ns": 0},
    }[request.param]  # fmt: skip
    document, rows = mixed(exchange=exchange), tape("depth" in request.param)
    commands, reports, _ = replayed(document, rows)
    assert len(commands) > 300
    assert {int(kind) for kind in reports["type"]} >= {int(Report.FILL), int(Report.CANCELED), int(Report.ACCEPTED)}
    return document, rows, commands, reports


@pytest.mark.parametrize("size", [1, 64, 1 << 20])
def test_reports_are_those_of_a_replay_byte_for_byte(story, size):
    document, rows, commands, reports = story
    cuts = np.arange(START_NS, START_NS + SPAN_NS, 90_000_000)
    made = stepped(exchange_of(document, rows, size=size), commands, cuts)
    assert bytes(made) == bytes(reports)


@given(st.lists(st.integers(0, SPAN_NS), max_size=40), st.integers(1, 500))
@settings(max_examples=25)
def test_however_it_is_stepped(story, cuts, size):
    document, rows, commands, reports = story
    made = stepped(exchange_of(document, rows, size=size), commands, START_NS + np.sort(np.array(cuts, np.int64)))
    assert bytes(made) == bytes(reports)


@given(st.lists(st.integers(0, SPAN_NS), min_size=1, max_size=6))
@settings(max_examples=10)
def test_killed_anywhere_it_goes_on_as_if_nothing_had_been(story, tmp_path_factory, cuts):
    document, rows, commands, reports = story
    folder = tmp_path_factory.mktemp("log")
    made: list[np.ndarray] = []
    sent = 0
    for cut in [*(START_NS + np.sort(np.array(cuts, np.int64))), NEVER]:
        log = ExchangeLog(folder)
        exchange = exchange_of(document, rows, log, size=100)
        assert exchange.commands == sent
        assert bytes(exchange.resend(0)) == bytes(np.concatenate(made) if made else reports[:0])
        upto = int(np.searchsorted(commands["ts_ns"], cut, side="right"))
        if upto > sent:
            exchange.submit(commands[sent:upto])
            sent = upto
        made.append(exchange.advance(int(cut)))
        log.close()  # the rest of the process is gone without a word
    assert bytes(np.concatenate(made)) == bytes(reports)


def test_a_command_that_was_sent_and_not_yet_stepped_over_survives(story, tmp_path):
    document, rows, commands, reports = story
    log = ExchangeLog(tmp_path)
    exchange_of(document, rows, log).submit(commands[:50])
    log.close()
    again = exchange_of(document, rows, ExchangeLog(tmp_path))
    assert again.commands == 50
    again.submit(commands[50:])
    assert bytes(again.advance(NEVER)) == bytes(reports)


def test_cancelling_all_is_remembered(story, tmp_path):
    document, rows, commands, _ = story
    log = ExchangeLog(tmp_path)
    exchange = exchange_of(document, rows, log)
    cut = int(commands["ts_ns"][120])
    exchange.submit(commands[:121])
    first = [exchange.advance(cut)]
    assert exchange.state([]).working
    first.append(exchange.cancel_all())
    assert not exchange.state([]).working
    assert (first[1]["type"] == int(Report.CANCELED)).any()
    log.close()
    again = exchange_of(document, rows, ExchangeLog(tmp_path))
    assert again.commands == 121  # its own cancels are not the client's
    assert not again.state([]).working
    assert bytes(again.resend(0)) == bytes(np.concatenate(first))
    assert not (again.advance(NEVER)["type"] == int(Report.FILL)).any()


def test_what_is_under_way_counts_as_known_and_as_working(story):
    document, rows, commands, _ = story
    exchange = exchange_of(document, rows)
    new = commands[commands["command"] == int(Command.NEW)][:1]
    exchange.submit(new)
    order_id = int(new["order_id"][0])
    state = exchange.state([order_id, order_id + 1])
    assert state.known == frozenset({order_id})
    assert state.working[order_id].leaves == int(new["qty"][0])


def test_another_market_than_it_began_with_is_refused(story, tmp_path):
    document, rows, commands, _ = story
    log = ExchangeLog(tmp_path)
    stepped(exchange_of(document, rows, log), commands, [])
    log.close()
    with pytest.raises(InputError, match="do not follow from its commands and the market"):
        exchange_of(document, tape(seed=2), ExchangeLog(tmp_path))


def test_a_lost_market_stands_still_and_goes_on(story):
    document, rows, commands, reports = story

    class Flaky(TapeMarket):
        calls = 0

        def take(self):
            Flaky.calls += 1
            if Flaky.calls % 3 == 0:
                raise MarketLost("no rows within 1 s")
            return super().take()

    exchange = exchange_of(document, rows)
    exchange._market = Flaky(rows, 50)
    exchange.submit(commands)
    made = []
    for cut in [*range(START_NS, START_NS + SPAN_NS, 1_000_000_000), NEVER]:
        while True:
            try:
                made.append(exchange.advance(cut))
                break
            except MarketLost:
                continue
    assert bytes(np.concatenate(made)) == bytes(reports)


def test_in_one_process_it_is_the_broker_of_a_stream(story, tmp_path):
    document, rows, commands, reports = story
    opened: list[str] = []

    def make(session_id):
        opened.append(session_id)
        return exchange_of(document, rows, ExchangeLog(tmp_path))

    broker = InProcessSteppedBroker(make)
    with pytest.raises(BrokerLost, match="not logged on"):
        broker.advance(0)
    assert broker.logon("run-1", 0)[0] == 0
    broker.send(commands[:60], 1)
    first = broker.advance(int(commands["ts_ns"][40]))
    broker.close()
    known, missed = broker.logon("run-1", 3)
    assert (known, opened) == (60, ["run-1", "run-1"])
    assert bytes(missed) == bytes(first[3:])
    with pytest.raises(BrokerLost, match="the exchange has 60 commands, these begin with 62"):
        broker.send(commands[61:], 62)
    broker.send(commands[50:], 51)
    assert bytes(first) + bytes(broker.advance(NEVER)) == bytes(reports)
    assert broker.settle([1])[1].reports == len(reports)
    assert broker.settle([1])[1].working == {} or len(broker.cancel_all())
    broker.close()


@pytest.mark.parametrize("dt", [-1, 0, 1])
def test_at_one_time_the_market_comes_before_the_command(dt):
    """A quote moves the offer up: an order there before it fills at the old one, one at its time does not."""
    document = session(targets((1, 1.0)))
    rows = TapeByHand().quote().quote(bid=MID + 4, ask=MID + 6).quotes(2, bid=MID + 4, ask=MID + 6).rows()
    exchange = exchange_of(document, rows)
    exchange.submit(order(1, START_NS + STEP_NS + dt, price=MID + 10, qty=5))
    fills = exchange.advance(START_NS + STEP_NS + 1)
    assert [int(price) for price in fills["price"]] == [MID + 1 if dt < 0 else MID + 6]
    assert [int(ts) for ts in fills["exch_ts_ns"]] == [START_NS + STEP_NS + dt]
