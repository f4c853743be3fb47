"""Rows over the network are those of the tape: both views, any cut, over reconnects, certificates and restarts."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import grpc
import numpy as np
import pytest

from alphatrade.mtls import Certificates, channel
from alphatrade.v1 import market_pb2, market_pb2_grpc
from alphatrade.v1.market_pb2 import BatchAck, SubscribeRequest, SubscribeStart
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.service.feed.inbox import NEVER
from alphatrade_runtime.service.feed.subscription import BATCH_ROWS, MAX_UNACKNOWLEDGED, Subscription
from certificates import Authority, identity_of
from unit.service.feed.conftest import FEED, STRATEGY, take_all, tape_feed
from unit.service.feed.tapes import BTC, ETH, busy, joined, same, times_of

VIEWS = pytest.mark.parametrize("view", ["LOCAL", "VENUE"])


@pytest.fixture
def tape(tmp_path):
    return busy(tmp_path / "tape", rows=100_000)


def eventually(look, seconds=10.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if look():
            return True
        time.sleep(0.01)
    return False


@VIEWS
def test_rows_over_the_network_are_those_of_the_tape(gateway, subscribe, tape, view):
    with gateway(tape_feed()) as running:
        feed = subscribe(running, view)
        spans = take_all(feed)
        assert same(joined(spans), tape.rows())
        assert feed.ended
        assert feed.reason == "all rows of the tape were sent"
        assert running.gateway.rows_sent == len(tape)


@VIEWS
def test_when_rows_are_due_is_the_same_on_both_sides(gateway, subscribe, tape, view):
    due, at = times_of(tape, view == "VENUE"), 0
    with gateway(tape_feed()) as running:
        feed = subscribe(running, view)
        while (batch := feed.take(10)) is not None:
            n = len(batch.rows.seq)
            assert np.array_equal(batch.due_ns, due[at : at + n])
            at += n
            assert batch.complete_through_ns == (due[at] - 1 if at < len(due) else NEVER)
            feed.acknowledge(batch.number)
    assert at == len(tape)


@VIEWS
@pytest.mark.parametrize("seq", [1, 777, 65_536, 99_999, 100_000])
def test_a_subscription_starts_at_any_row(gateway, subscribe, tape, view, seq):
    with gateway(tape_feed()) as running:
        feed = subscribe(running, view, from_seq=seq)
        first = feed.take(10)
        if seq == len(tape):
            assert first is None
            assert feed.ended
        else:
            assert first.rows.seq[0] == seq
            assert np.array_equal(first.due_ns, times_of(tape, view == "VENUE")[seq : seq + len(first.due_ns)])


def test_what_a_feed_is(gateway, subscribe, tape):
    with gateway(tape_feed(speed="20x")) as running:
        facts = subscribe(running).facts(10)
    assert facts.digest == tape.digest
    assert (facts.pace, facts.speed, facts.simulated, facts.depth) == ("Stream", 20, True, False)
    assert (facts.first_ts_ns, facts.last_ts_ns) == (tape.manifest["first_ts_ns"], tape.manifest["last_ts_ns"])
    assert [one.symbol for one in facts.instruments] == ["BTC", "ETH"]
    assert facts.instruments[0].tick_size == BTC.tick_size


def test_rows_carry_the_indices_of_the_session(gateway, subscribe, tape):
    with gateway(tape_feed()) as running:
        rows = joined(take_all(subscribe(running, instruments=(ETH,))))
    theirs = tape.rows().instrument
    assert np.array_equal(rows.instrument, np.where(theirs == 1, 0, 1))
    assert rows.instrument.dtype == np.uint16


def test_columns_are_read_only_and_of_the_tapes_types(gateway, subscribe, tape):
    with gateway(tape_feed()) as running:
        for instruments in ((BTC, ETH), (ETH,)):
            batch = subscribe(running, instruments=instruments).take(10)
            for ours, theirs in zip(batch.rows, tape.rows(), strict=True):
                assert ours.dtype == theirs.dtype
                assert not ours.flags.writeable
                assert ours.flags.aligned


def test_an_instrument_that_the_feed_lacks_is_told(gateway, subscribe, tape):
    with gateway(tape_feed()) as running:
        feed = subscribe(running, instruments=(Instrument("XRP", BTC.tick_size, BTC.lot_size),))
        with pytest.raises(InputError, match="has no instrument XRP; it has BTC, ETH"):
            feed.take(10)
        with pytest.raises(InputError, match="XRP"):
            feed.facts(10)


def test_without_acknowledgements_a_few_batches_come_and_no_more(gateway, subscribe, tape):
    with gateway(tape_feed()) as running:
        feed = subscribe(running)
        taken = [feed.take(5) for _ in range(MAX_UNACKNOWLEDGED)]
        assert all(taken)
        assert running.gateway.unacknowledged() == MAX_UNACKNOWLEDGED
        assert feed.take(0.3) is None
        feed.acknowledge(taken[1].number)  # and with it the one before
        assert feed.take(5) is not None
        assert feed.take(5) is not None
        assert feed.take(0.3) is None


def test_subscribers_do_not_wait_for_each_other(gateway, subscribe, tape):
    with gateway(tape_feed()) as running:
        idle = subscribe(running, "VENUE")
        assert idle.take(5) is not None
        assert same(joined(take_all(subscribe(running))), tape.rows())
        assert running.gateway.status().subscribers >= 1
        idle.close()
        assert eventually(lambda: running.gateway.status().subscribers == 0)


def test_a_paced_stream_takes_its_time_and_its_venue_view_does_not(gateway, subscribe, tmp_path):
    tape = busy(tmp_path / "tape", rows=2_000)  # two seconds of event time
    span_s = (int(tape.rows().ts_init_ns[-1]) - int(tape.rows().ts_init_ns[0])) / 1e9
    with gateway(tape_feed(speed="2x")) as running:
        began = time.monotonic()
        take_all(subscribe(running, "VENUE"))
        assert time.monotonic() - began < span_s / 2
        began = time.monotonic()
        spans = take_all(subscribe(running, "LOCAL"))
        assert span_s / 2 <= time.monotonic() - began < span_s
        assert same(joined(spans), tape.rows())


def test_a_gateway_that_comes_back_is_gone_on_with(gateway, subscribe, tape):
    spans = []
    with gateway(tape_feed()) as running:
        listen = running.endpoint.target
        feed = subscribe(running)
        for _ in range(3):
            batch = feed.take(10)
            spans.append(batch.rows)
            feed.acknowledge(batch.number)
    assert eventually(lambda: not feed.connected)
    assert feed.lost_since_ns is not None
    assert "UNAVAILABLE" in feed.reason
    with gateway(tape_feed(), listen=listen):
        spans += take_all(feed)
    assert same(joined(spans), tape.rows())
    assert feed.missed == 0


@pytest.mark.parametrize(("rows", "says"), [(100_000, "another tape than before"), (10, "the tape has 10 rows")])
def test_a_gateway_that_comes_back_with_another_tape_is_refused(gateway, subscribe, tape, tmp_path, rows, says):
    busy(tmp_path / "other", rows=rows, seed=2)
    with gateway(tape_feed()) as running:
        listen = running.endpoint.target
        feed = subscribe(running)
        assert feed.take(10) is not None
    with gateway(tape_feed("other"), listen=listen), pytest.raises(InputError, match=says):
        take_all(feed)


@contextmanager
def rotating(authority, folder):
    """Replace a certificate of 2 s every second, for as long as the block lasts."""
    stop = threading.Event()

    def rotate():
        while not stop.wait(1.0):
            authority.write(folder, STRATEGY, lifetime=timedelta(seconds=2))

    authority.write(folder, STRATEGY, lifetime=timedelta(seconds=2))
    thread = threading.Thread(target=rotate)
    thread.start()
    try:
        yield Certificates(folder)
    finally:
        stop.set()
        thread.join()


def test_three_rotations_of_certificates_lose_no_row(gateway, subscribe, tape, authority, tmp_path, monkeypatch):
    monkeypatch.setattr("alphatrade_runtime.service.feed.subscription.BATCH_ROWS", 4_000)
    taken: dict[str, list] = {"LOCAL": [], "VENUE": []}
    with gateway(tape_feed()) as running, rotating(authority, tmp_path / "short") as certificates:
        feeds = {view: subscribe(running, view, certificates=certificates) for view in taken}
        while not all(feed.ended for feed in feeds.values()):
            time.sleep(0.4)  # 25 batches: about 10 s
            for view, feed in feeds.items():
                if (batch := feed.take(5)) is not None:
                    taken[view].append(batch.rows)
                    feed.acknowledge(batch.number)
        assert all(feed.connections >= 4 for feed in feeds.values())  # cut as each certificate expired
        assert certificates.current().generation >= 4
    for spans in taken.values():
        assert same(joined(spans), tape.rows())


# What is refused.


def raw(running, certificates, requests, identity=FEED):
    with channel(running.endpoint.target, identity, certificates) as opened:
        return list(market_pb2_grpc.MarketDataStub(opened).Subscribe(iter(requests), timeout=10))


def start(view=market_pb2.MARKET_VIEW_LOCAL, from_seq=0):
    return SubscribeRequest(start=SubscribeStart(view=view, from_seq=from_seq))


@pytest.mark.parametrize(
    ("requests", "code", "says"),
    [
        ([], "INVALID_ARGUMENT", "first request must be start"),
        ([SubscribeRequest()], "INVALID_ARGUMENT", "first request must be start"),
        ([SubscribeRequest(ack=BatchAck(batch=1))], "INVALID_ARGUMENT", "first request must be start"),
        ([start(market_pb2.MARKET_VIEW_UNSPECIFIED)], "INVALID_ARGUMENT", "start.view"),
        ([start(view=9)], "INVALID_ARGUMENT", "start.view"),
        ([start(from_seq=-1)], "OUT_OF_RANGE", "from_seq -1: the tape has 100000 rows"),
        ([start(from_seq=100_001)], "OUT_OF_RANGE", "the tape has 100000 rows"),
        ([start(), start()], "INVALID_ARGUMENT", "acknowledgements only"),
        ([start(), SubscribeRequest(ack=BatchAck(batch=99))], "INVALID_ARGUMENT", "batch 99 is acknowledged"),
        ([start(), SubscribeRequest(ack=BatchAck(batch=0))], "INVALID_ARGUMENT", "batch 0 is acknowledged"),
        ([start()], "INVALID_ARGUMENT", "can acknowledge nothing any more"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(gateway, issue, tape, requests, code, says):
    with gateway(tape_feed()) as running, pytest.raises(grpc.RpcError) as refused:
        raw(running, Certificates(issue(STRATEGY)), requests)
    assert refused.value.code().name == code
    assert says in str(refused.value.details())


@pytest.mark.parametrize(
    ("identity", "code", "says"),
    [
        (identity_of("operator", "op"), "PERMISSION_DENIED", "is for broker and client and strategy"),
        (identity_of("feed", "other"), "PERMISSION_DENIED", "is for broker and client and strategy"),
        (identity_of("strategy", "trend", namespace="elsewhere"), "PERMISSION_DENIED", "is for namespace desk"),
    ],
)
def test_another_identity_is_refused(gateway, issue, tape, identity, code, says):
    with gateway(tape_feed()) as running, pytest.raises(grpc.RpcError) as refused:
        raw(running, Certificates(issue(identity)), [start()])
    assert refused.value.code().name == code
    assert says in str(refused.value.details())


def test_the_certificate_of_a_foreign_authority_does_not_get_in(gateway, tape, tmp_path):
    folder = Authority.new().write(tmp_path / "foreign", STRATEGY)
    with gateway(tape_feed()) as running, pytest.raises(grpc.RpcError) as refused:
        raw(running, Certificates(folder), [start()])
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_an_expired_certificate_does_not_get_in(gateway, tape, issue):
    folder = issue(STRATEGY, since=-timedelta(hours=2), lifetime=-timedelta(hours=1))
    with gateway(tape_feed()) as running, pytest.raises(grpc.RpcError) as refused:
        raw(running, Certificates(folder), [start()])
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_subscriber_does_not_talk_to_another_gateway(gateway, subscribe, tape, issue):
    with gateway(tape_feed()) as running:
        running.endpoint = running.endpoint.model_copy(update={"identity": identity_of("feed", "eth")})
        feed = subscribe(running)
        assert feed.take(0.5) is None
        assert not feed.connected
        assert "UNAVAILABLE" in feed.reason
        assert running.gateway.rows_sent == 0


def test_batches_are_of_bounded_size(gateway, subscribe, tape):
    with gateway(tape_feed()) as running:
        assert max(len(span.seq) for span in take_all(subscribe(running))) <= BATCH_ROWS


def test_a_gateway_of_another_version_is_told(gateway, subscribe, tape, monkeypatch):
    real = Subscription._batch

    def damaged(self, span, lasting=False):
        response = real(self, span, lasting)
        response.batch.price = response.batch.price[:-1]
        return response

    monkeypatch.setattr(Subscription, "_batch", damaged)
    with gateway(tape_feed()) as running:
        feed = subscribe(running)
        with pytest.raises(InputError, match=r"price has \d+ bytes for 8"):
            feed.take(10)


def test_a_gateway_that_says_nothing_is_left_and_asked_again(gateway, subscribe, tape, monkeypatch):
    monkeypatch.setattr("alphatrade_runtime.service.feed.client.FACTS_S", 0.3)
    real, silent = Subscription.responses, [True]

    def responses(self, feed, lasting):
        if silent.pop() if silent else False:
            self._wait(None, lambda: False)
            return
        yield from real(self, feed, lasting)

    monkeypatch.setattr(Subscription, "responses", responses)
    with gateway(tape_feed()) as running:
        assert same(joined(take_all(subscribe(running))), tape.rows())
    assert not silent
