"""A paced feed: what is due by the clock, lap after lap, and what is passed over."""

import numpy as np
import pytest

from alphatrade_runtime.loop.live_feed import LAP_PAUSE_NS, NEVER, FeedSource, PacedFeed
from alphatrade_runtime.market.schema import Kind, rows_from_columns

QUOTE, STATUS = int(Kind.QUOTE), int(Kind.STATUS)


def source(chunk_rows=2, kinds=(QUOTE,) * 5, table=None):
    n = len(kinds)
    rows = rows_from_columns(
        {
            "seq": np.arange(n),
            "ts_event_ns": np.array([90, 190, 180, 390, 490])[:n],
            "ts_init_ns": np.array([100, 200, 300, 400, 500])[:n],
            "kind": np.array(kinds, np.uint8),
            "instrument": np.zeros(n, np.uint16),
        }
    )
    spans = [rows.slice(start, min(start + chunk_rows, n)) for start in range(0, n, chunk_rows)]
    return FeedSource(lambda: iter(spans), 100, 500, "sha256:x", table, False)


def times(spans):
    return [int(ts) for span in spans for ts in span.ts_init_ns]


@pytest.mark.parametrize("chunk_rows", [1, 2, 5])
def test_rows_come_once_and_when_they_are_due(chunk_rows):
    feed = PacedFeed(source(chunk_rows), venue_side=False, loop=False)
    assert times(feed.poll(99)) == []
    assert feed.next_due_ns() == 100
    assert times(feed.poll(300)) == [100, 200, 300]
    assert times(feed.poll(300)) == []
    assert times(feed.poll(10_000)) == [400, 500]
    assert feed.ended
    assert feed.next_due_ns() == NEVER


def test_the_venue_sees_rows_by_its_own_time_which_never_runs_backwards():
    feed = PacedFeed(source(), venue_side=True, loop=False)
    assert times(feed.poll(189)) == [100]
    assert times(feed.poll(190)) == [200, 300]


def test_a_lap_begins_where_the_last_one_ended_with_times_that_go_forward():
    feed = PacedFeed(source(), venue_side=False, loop=True)
    lap = 400 + LAP_PAUSE_NS
    assert times(feed.poll(100 + lap)) == [100, 200, 300, 400, 500, 100 + lap]
    assert times(feed.poll(200 + lap)) == [200 + lap]
    spans = feed.poll(300 + 2 * lap)
    assert times(spans) == [300 + lap, 400 + lap, 500 + lap, 100 + 2 * lap, 200 + 2 * lap, 300 + 2 * lap]
    assert int(spans[-1].ts_event_ns[-1]) == 180 + 2 * lap


def test_skipping_counts_passing_prices_and_keeps_lasting_state():
    feed = PacedFeed(source(kinds=(QUOTE, STATUS, QUOTE, QUOTE, QUOTE)), venue_side=False, loop=False)
    missed, kept = feed.skip(300)
    assert missed == 2
    assert [int(kind) for span in kept for kind in span.kind] == [STATUS]
    assert times(feed.poll(400)) == [400]


def test_skipping_many_laps_goes_straight_to_the_last():
    feed = PacedFeed(source(), venue_side=False, loop=True)
    lap = 400 + LAP_PAUSE_NS
    missed, _ = feed.skip(200 + 1_000_000 * lap)
    assert missed == 2
    assert feed.next_due_ns() == 300 + 1_000_000 * lap


def test_instruments_become_the_sessions_and_all_instruments_stays():
    made = source(table=np.array([3], np.uint16))
    assert {int(i) for span in PacedFeed(made, venue_side=False, loop=False).poll(500) for i in span.instrument} == {3}
