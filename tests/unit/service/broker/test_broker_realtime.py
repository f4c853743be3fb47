"""Trade by the wall clock over real gRPC: reports as they come, links that end, rotate and are replaced."""

import os
import time

import numpy as np
import pytest

from alphatrade_runtime.execution.broker.contract import Broker, BrokerLost
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import Command, Report
from alphatrade_runtime.service.broker.link import Link
from unit.execution.account_stories import order
from unit.risk.law_session import MID, SECOND_NS, TapeByHand, session, targets
from unit.service.broker.desk import OTHER_HASH, STRATEGY, Desk, serving

LATENCY = {"entry_latency_ns": 2_000_000, "response_latency_ns": 3_000_000}
WIDE = {"stream_stale_ns": 3_600 * SECOND_NS}
OLD = {"max_quote_age_ns": 3_600 * SECOND_NS}
ROWS = TapeByHand().quotes(10, dt=0).quotes(20_000, dt=10_000_000).rows()  # a quote every 10 ms from the start on


def document_of(cancels):
    return session(
        targets((1, 1.0)), exchange={**LATENCY, "cancel_on_disconnect": cancels}, limits=WIDE, terms=OLD
    )  # fmt: skip


@pytest.fixture(params=[True])
def desk(request, tmp_path, issue):
    with serving(tmp_path / "data", issue, document_of(request.param), ROWS, stream=False) as made:
        yield made


def received(broker, n, within_s=5.0):
    reports: list[np.ndarray] = []
    until = time.monotonic() + within_s
    while sum(len(span) for span in reports) < n and time.monotonic() < until:
        broker.wait(0.05)
        reports.append(broker.receive())
    return np.concatenate(reports)


def on(desk, broker, after=0):
    """Log on, and wait until the venue has seen a quote: until then the law says STALE."""
    broker.logon("run-1", after, desk.facts())
    until = time.monotonic() + 5
    while desk.gateway.account.gate[0].views[0].quote_ts == 0 and time.monotonic() < until:
        time.sleep(0.005)
    return broker


def fill_up(path):
    """Write until nothing more fits."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(fd, b"x" * 4096):
            pass
    except OSError:
        os.close(fd)


def orders_until_lost(broker):
    for order_id in range(1, 200):
        broker.send(buy(order_id, MID - 50))
        received(broker, 1, within_s=0.1)


def told(reports):
    return [(Report(int(r["type"])).name, int(r["order_id"])) for r in reports]


def buy(order_id, price=MID + 1, **more):
    return order(order_id, 0, price=price, tif=0, **more)


def test_reports_come_when_they_are_due(desk):
    broker: Broker = on(desk, desk.live())
    before = desk.now_ns()
    broker.send(buy(1))
    reports = received(broker, 2)
    assert told(reports) == [("ACCEPTED", 1), ("FILL", 1)]
    assert (reports["exch_ts_ns"] >= before + LATENCY["entry_latency_ns"]).all()
    assert (reports["ts_ns"] - reports["exch_ts_ns"] == LATENCY["response_latency_ns"]).all()
    assert desk.now_ns() >= reports["ts_ns"][-1]
    assert desk.gateway.account.totals().positions == {"SIM-0": 10}
    broker.close()


def test_books_and_cancels_are_told(desk):
    broker = on(desk, desk.live())
    broker.send(np.concatenate((buy(1), buy(2, MID - 50))))
    reports, books = broker.reconcile([1, 2, 3])
    assert [kind for kind, _ in told(reports)] == ["ACCEPTED", "FILL", "ACCEPTED"]
    assert (books.positions, set(books.working), books.known) == ((10,), {2}, frozenset({1, 2}))
    assert told(broker.cancel_all()) == [("CANCELED", 2)]
    broker.close()


def test_a_denial_comes_back_and_nothing_reaches_the_venue(desk):
    broker = on(desk, desk.live())
    broker.send(buy(1, qty=10**7))
    reports = received(broker, 1)
    assert (told(reports), list(reports["reason"])) == ([("REJECTED", 1)], [105])
    assert broker.reconcile([1])[1].working == {}
    assert desk.gateway.status().broker.denied == {"SIZE": 1}
    broker.close()


def gone(desk):
    until = time.monotonic() + 5
    while any(s.link is not None for s in desk.gateway.sessions.all()) and time.monotonic() < until:
        time.sleep(0.005)


@pytest.mark.parametrize("desk", [True, False], indirect=True)
def test_a_link_that_ends_cancels_if_the_account_says_so(desk):
    broker = on(desk, desk.live())
    broker.send(buy(1, MID - 50))
    assert told(received(broker, 1)) == [("ACCEPTED", 1)]
    broker.close()
    gone(desk)
    broker.logon("run-1", 1, desk.facts())
    reports, books = broker.reconcile([1])
    if desk.document["exchange"]["cancel_on_disconnect"]:
        assert (told(reports), books.working) == ([("CANCELED", 1)], {})
    else:
        assert (told(reports), set(books.working)) == ([], {1})
    broker.close()


def test_a_second_link_takes_over_without_a_cancel(desk):
    first, second = desk.live(), desk.live()
    on(desk, first)
    first.send(buy(1, MID - 50))
    assert len(received(first, 1)) == 1
    second.logon("run-1", 1, desk.facts())
    with pytest.raises(BrokerLost, match="LinkReplaced"):
        received(first, 1)
    assert set(second.reconcile([1])[1].working) == {1}
    second.close()


def test_certificates_that_rotate_lose_no_order(desk):
    broker = on(desk, desk.live())
    got = []
    for order_id in range(1, 31):
        if order_id % 10 == 0:
            desk.issue(STRATEGY)
            broker._link._look_ns = 0
        broker.send(buy(order_id, MID - 50 - order_id))
        got.append(broker.receive())
    assert broker._link._generation == 4
    reports, books = broker.reconcile(list(range(1, 31)))
    got.append(reports)
    assert told(np.concatenate(got)) == [("ACCEPTED", order_id) for order_id in range(1, 31)]
    assert set(books.working) == set(range(1, 31))
    broker.close()


def test_a_stream_that_ends_while_its_session_is_handed_on_cancels_nothing(desk, monkeypatch):
    take_over = Link.take_over

    def slowly(link):
        take_over(link)
        time.sleep(0.3)  # by then the call of the stream before has ended

    monkeypatch.setattr(Link, "take_over", slowly)
    broker = on(desk, desk.live())
    broker.send(buy(1, MID - 50))
    assert told(received(broker, 1)) == [("ACCEPTED", 1)]
    desk.issue(STRATEGY)
    broker._link._look_ns = 0
    broker.send(buy(2, MID - 51))
    assert told(received(broker, 2, within_s=1.0)) == [("ACCEPTED", 2)]
    assert broker._link._generation == 2
    broker.close()


def test_reports_that_were_missed_come_again(desk):
    broker = on(desk, desk.live())
    broker.send(buy(1))
    received(broker, 2)
    broker.logon("run-1", 1, desk.facts())
    assert told(received(broker, 1)) == [("FILL", 1)]
    broker.close()


def test_a_gateway_that_stops_in_order_cancels_and_tells(desk):
    broker = on(desk, desk.live())
    broker.send(buy(1, MID - 50))
    received(broker, 1)
    desk.restart()
    with pytest.raises(BrokerLost):
        received(broker, 100, within_s=5)
    broker.logon("run-1", 0, desk.facts())
    reports, books = broker.reconcile([1])
    assert (told(reports), books.working) == ([("ACCEPTED", 1), ("CANCELED", 1)], {})
    assert desk.gateway.account.totals().working == 0
    broker.close()


def test_a_gateway_that_was_killed_expires_what_worked(desk):
    broker = on(desk, desk.live())
    broker.send(np.concatenate((buy(1), buy(2, MID - 50))))
    assert len(received(broker, 3)) == 3
    nav = desk.gateway.account.totals().nav
    for held in desk.gateway.sessions.all():  # what a kill leaves: no cancel, no last word, files as they are
        held._log.close()
        held._exchange = None
    desk.server.stop(0.2)
    desk.gateway.keep_counters()
    desk.start(desk.port)
    totals = desk.gateway.account.totals()
    assert (totals.positions, totals.working, totals.nav) == ({"SIM-0": 10}, 1, nav)  # reserved until its end is told
    broker.logon("run-1", 3, desk.facts())
    reports, books = broker.reconcile([1, 2])
    assert (told(reports), books.positions, books.working) == ([("EXPIRED", 2)], (10,), {})
    assert desk.gateway.account.totals().working == 0
    broker.close()


def test_a_full_disk_stops_the_session_and_says_so(tmp_path, issue, small_disk):
    desk = Desk(small_disk / "data", issue, document_of(True), ROWS, stream=False)
    try:
        broker = on(desk, desk.live())
        filler = small_disk / "filler"
        fill_up(filler)
        with pytest.raises(BrokerLost, match=r"LogStalled: .*free some space"):
            orders_until_lost(broker)
        desk.gateway.keep_counters()
        assert desk.gateway.status().broker.reason == "VolumeNotWritable"
        filler.unlink()
        broker.logon("run-1", 0, desk.facts())
        assert broker.reconcile([])[1].working == {}
        desk.gateway.keep_counters()
        assert desk.gateway.status().broker.phase == "Serving"
        broker.close()
    finally:
        desk.stop()


def test_who_is_refused_for_now_may_come_again_and_who_for_good_may_not(desk):
    with pytest.raises(BrokerLost, match="PolicyNotEntitled"):
        desk.live(policy_hash=OTHER_HASH).logon("run-1", 0, desk.facts())
    with pytest.raises(InputError, match="FeedDiffers"):
        desk.live().logon("run-1", 0, desk.facts("sha256:other"))


def test_nobody_there_is_said(desk):
    broker = desk.live(answer_s=1.0)
    broker.logon("run-1", 0, desk.facts())
    desk.server.stop(0.1)
    with pytest.raises(BrokerLost):
        received(broker, 1)
    with pytest.raises(BrokerLost, match="not connected"):
        broker.send(buy(1))
    with pytest.raises(BrokerLost):
        broker.logon("run-1", 0, desk.facts())


def test_an_amend_and_a_cancel_go_through(desk):
    broker = on(desk, desk.live())
    broker.send(buy(1, MID - 50))
    received(broker, 1)
    broker.send(buy(1, MID - 60, command=Command.AMEND))
    assert told(received(broker, 1)) == [("AMENDED", 1)]
    broker.send(buy(1, MID - 60, command=Command.CANCEL))
    assert told(received(broker, 1)) == [("CANCELED", 1)]
    broker.close()


def test_orders_that_had_not_arrived_when_a_certificate_was_replaced_are_sent_again(desk):
    broker = on(desk, desk.live())
    broker.send(buy(1, MID - 50))
    assert len(received(broker, 1)) == 1
    broker._link.call._requests.put = lambda request: None  # what is sent from here on stays behind
    broker.send(buy(2, MID - 51))
    broker.send(buy(3, MID - 52))
    desk.issue(STRATEGY)
    broker._link._look_ns = 0
    assert told(received(broker, 2)) == [("ACCEPTED", 2), ("ACCEPTED", 3)]
    broker.close()
