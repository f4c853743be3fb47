"""A feed by the wall clock: rows when they are due, one clock over restarts, and gaps that are told."""

import threading
import time
from datetime import timedelta

import numpy as np
import pytest

from alphatrade.mtls import Certificates
from alphatrade_runtime.loop.live_clock import Clocks
from alphatrade_runtime.market.schema import Kind
from alphatrade_runtime.service.feed import service as services
from alphatrade_runtime.service.feed import subscription as subscriptions
from alphatrade_runtime.service.feed.cursor import ROW_BYTES
from unit.service.feed.conftest import STRATEGY, tape_feed
from unit.service.feed.tapes import MS, START_NS, joined, make, same, times_of

VIEWS = pytest.mark.parametrize("view", ["LOCAL", "VENUE"])
RATE_MS = 5


@pytest.fixture
def tape(tmp_path):
    """Ten minutes at 200 rows a second."""
    rng = np.random.default_rng(3)
    n = 120_000
    arrivals = START_NS + np.arange(n) // 2 * (2 * RATE_MS * MS)
    kinds = np.full(n, int(Kind.QUOTE), np.uint8)
    kinds[[0, 7, 9]] = [int(Kind.STATUS), int(Kind.STATUS), int(Kind.MARK)]
    return make(tmp_path / "tape", arrivals, arrivals - rng.integers(1, 8, n) * MS, kinds)


def drain(feed, clock, seconds):
    """Poll a feed for a while, as a loop does."""
    spans, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        spans += feed.poll(clock())
        time.sleep(0.001)
    return spans


def clock_of(feed):
    facts = feed.facts(10)
    assert facts.pace == "Realtime"
    start = facts.clock()
    return lambda: start.origin_ns + time.time_ns() - start.wall_start_ns


def market(spans):
    """Return rows without the gaps that a client puts in, and without the first ten, which also come as lasting."""
    rows = joined([span for span in spans if span.kind[0] != int(Kind.GAP)])
    return rows.slice(int(np.argmax(rows.seq >= 10)), len(rows.seq))


@VIEWS
def test_rows_come_when_they_are_due(gateway, subscribe, tape, view):
    due = times_of(tape, view == "VENUE")
    with gateway(tape_feed(speed="Realtime")) as running:
        feed = subscribe(running, view)
        clock, latest = clock_of(feed), []
        first = None
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            for span in feed.poll(clock()):
                first = span.seq[0] if first is None and span.kind[0] == int(Kind.QUOTE) else first
                assert due[span.seq[-1]] <= clock()
                latest.append(clock() - due[span.seq[-1]])
            time.sleep(0.0005)
    assert len(latest) > 50
    assert np.median(latest) < 20 * MS


@VIEWS
def test_no_row_is_lost_or_doubled(gateway, subscribe, tape, view):
    with gateway(tape_feed(speed="Realtime")) as running:
        feed = subscribe(running, view)
        rows = market(drain(feed, clock_of(feed), 1.0))
        assert len(rows.seq) > 150
        assert same(rows, tape.rows(int(rows.seq[0]), int(rows.seq[-1]) + 1))
        assert feed.missed == 0


def test_who_comes_late_begins_at_now_with_what_still_matters(gateway, subscribe, tape):
    with gateway(tape_feed(speed="Realtime")) as running:
        time.sleep(0.3)
        feed = subscribe(running)
        spans = drain(feed, clock_of(feed), 0.3)
        assert spans[0].seq.tolist() == [0, 7, 9]  # the last status of both instruments, the mark
        assert spans[1].seq[0] >= 30
        assert all(span.kind[0] != int(Kind.GAP) for span in spans)


def test_passing_over_tells_what_was_missed_and_what_lasts(gateway, subscribe, tape):
    with gateway(tape_feed(speed="Realtime")) as running:
        feed = subscribe(running)
        clock = clock_of(feed)
        time.sleep(0.5)
        missed, lasting = feed.skip(clock())
        assert missed > 50
        assert int(sum(len(span.seq) for span in lasting)) <= 3
        assert drain(feed, clock, 0.1)[0].seq[0] >= missed


def test_a_restarted_gateway_goes_on_with_the_same_clock(gateway, subscribe, tape):
    with gateway(tape_feed(speed="Realtime")) as running:
        listen = running.endpoint.target
        feed = subscribe(running)
        clock = clock_of(feed)
        before = market(drain(feed, clock, 0.3))
    with gateway(tape_feed(speed="Realtime"), listen=listen) as again:
        assert again.gateway.served.clock == running.gateway.served.clock
        after = market(drain(feed, clock, 1.5))
    assert feed.missed == 0  # it was back within two seconds
    rows = joined([before, after])
    assert same(rows, tape.rows(int(rows.seq[0]), int(rows.seq[-1]) + 1))


def test_a_longer_absence_is_a_gap_and_the_market_goes_on(gateway, subscribe, tape, monkeypatch):
    monkeypatch.setattr(services, "RESUME_NS", 100 * MS)
    with gateway(tape_feed(speed="Realtime")) as running:
        listen = running.endpoint.target
        feed = subscribe(running)
        clock = clock_of(feed)
        before = market(drain(feed, clock, 0.3))
    time.sleep(0.5)
    with gateway(tape_feed(speed="Realtime"), listen=listen):
        spans = drain(feed, clock, 1.5)
    gaps = [span for span in spans if span.kind[0] == int(Kind.GAP)]
    assert len(gaps) == 1
    after = market(spans)
    lost = int(after.seq[-1]) - int(before.seq[-1]) - len(after.seq)
    assert int(gaps[0].size[0]) == feed.missed == lost > 0


def test_rotations_of_certificates_lose_no_row(gateway, subscribe, tape, authority, tmp_path):
    folder = authority.write(tmp_path / "short", STRATEGY, lifetime=timedelta(seconds=2))
    with gateway(tape_feed(speed="Realtime")) as running:
        feed = subscribe(running, certificates=Certificates(folder))
        clock, spans = clock_of(feed), []
        for _ in range(5):
            spans += drain(feed, clock, 1.0)
            authority.write(folder, STRATEGY, lifetime=timedelta(seconds=2))
        assert feed.connections >= 3
        assert feed.missed == 0
    rows = market(spans)
    assert same(rows, tape.rows(int(rows.seq[0]), int(rows.seq[-1]) + 1))


def test_who_falls_behind_is_cut_and_begins_at_now(gateway, subscribe, tape, monkeypatch):
    monkeypatch.setattr(subscriptions, "MAX_BEHIND_BYTES", 20 * ROW_BYTES)
    monkeypatch.setattr(services, "RESUME_NS", 100 * MS)
    real, stuck = subscriptions.Subscription._batch, threading.Event()

    def slow(self, span, lasting=False):
        time.sleep(0.3 if stuck.is_set() and not lasting else 0)  # as if the network took no more
        return real(self, span, lasting)

    stuck.set()
    monkeypatch.setattr(subscriptions.Subscription, "_batch", slow)
    with gateway(tape_feed(speed="Realtime")) as running:
        feed = subscribe(running)
        clock = clock_of(feed)
        told = set()
        for _ in range(100):
            drain(feed, clock, 0.01)
            told.add(feed.reason)
        assert any("RESOURCE_EXHAUSTED" in reason and "behind the market" in reason for reason in told)
        stuck.clear()
        drain(feed, clock, 1.5)
        assert feed.connected
        assert feed.missed > 0


def test_a_tape_that_was_played_to_its_end_says_so(gateway, subscribe, tmp_path):
    make(tmp_path / "tape", START_NS + np.arange(20) * 10 * MS)
    with gateway(tape_feed(speed="Realtime")) as running:
        feed = subscribe(running)
        drain(feed, clock_of(feed), 0.6)
        assert feed.ended
        assert running.gateway.state().phase == "Ended"
        late = subscribe(running, "VENUE")
        drain(late, clock_of(late), 0.3)
        assert late.ended


def test_session_time_before_the_first_row_is_fine(gateway, subscribe, tape):
    """A volume from a host whose clock ran ahead: the session's clock stands before the tape."""
    ahead = Clocks(wall_ns=lambda: time.time_ns() + 3_600 * 10**9)
    with gateway(tape_feed(speed="Realtime"), clocks=ahead):
        pass
    with gateway(tape_feed(speed="Realtime")) as running:
        feed = subscribe(running)
        assert drain(feed, clock_of(feed), 0.2) == []
        assert running.gateway.state().phase == "Serving"


def test_a_clock_of_another_tape_starts_anew(gateway, subscribe, tape, tmp_path):
    with gateway(tape_feed(speed="Realtime")) as running:
        first = running.gateway.served.clock
    (tmp_path / "data" / "feed-clock.json").write_text("{damaged")
    with gateway(tape_feed(speed="Realtime")) as running:
        second = running.gateway.served.clock
    make(tmp_path / "other", START_NS + np.arange(20) * MS)
    with gateway(tape_feed("other", speed="Realtime")) as running:
        third = running.gateway.served.clock
    assert first.wall_start_ns < second.wall_start_ns < third.wall_start_ns
