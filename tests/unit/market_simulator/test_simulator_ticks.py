"""Simulated ticks: order and soundness of rows, trades that consume, every scripted event as planted."""

import numpy as np
import pytest

from alphatrade_runtime.market.quality import REFUSALS
from alphatrade_runtime.market.schema import Flag, Kind, Status
from alphatrade_runtime.market.simulator.examples import FOUR_HOURS
from unit.market_simulator.readings import SECOND, calm, mids_and_imbalance, only, rows_of, seconds

TWO = [{"symbol": "SIM-A"}, {"symbol": "SIM-B", "price": "300"}]


def one_event(**event):
    return rows_of(calm(instruments=TWO, events=[event]))


def at(rows):
    """Event time in seconds after the start of the simulation."""
    return (rows.ts_event_ns - 1_767_571_200 * SECOND) / SECOND


@pytest.fixture(scope="module")
def plain():
    return rows_of({"duration": "20m", "instruments": TWO, "depth_levels": 3, "mark_interval": "1s"})


def test_rows_are_numbered_and_arrive_in_order(plain):
    assert (plain.seq == np.arange(len(plain.seq))).all()
    assert (np.diff(plain.ts_init_ns) >= 0).all()
    assert (np.diff(plain.ts_event_ns) >= 0).all()


def test_the_last_row_of_each_arrival_ends_a_step(plain):
    ends = np.append(np.diff(plain.ts_init_ns) > 0, True)
    assert ((plain.flags & Flag.LAST > 0) == ends).all()


def test_no_row_is_received_before_its_latency(plain):
    latency = plain.ts_init_ns - plain.ts_event_ns
    assert latency.min() >= 2_000_000
    assert latency.mean() == pytest.approx(3_000_000, rel=0.15)


def test_every_row_is_sound(plain):
    for name, fault in REFUSALS:
        assert not fault(plain).any(), name
    quotes = plain.kind == Kind.QUOTE
    assert (plain.bid < plain.ask)[quotes].all()
    assert (np.minimum(plain.bid_size, plain.ask_size)[quotes] > 0).all()


@pytest.mark.parametrize("instrument", [0, 1])
def test_trades_hit_the_displayed_quote_and_take_from_it(plain, instrument):
    mask = (plain.instrument == instrument) & np.isin(plain.kind, (Kind.QUOTE, Kind.TRADE))
    kind, side, price, size = (column[mask] for column in (plain.kind, plain.side, plain.price, plain.size))
    bid, ask, bid_size, ask_size = (column[mask] for column in (plain.bid, plain.ask, plain.bid_size, plain.ask_size))
    trades = np.flatnonzero(kind == Kind.TRADE)
    before, after = trades - 1, trades + 1
    assert len(trades) > 1000
    assert (kind[before] == Kind.QUOTE).all()
    assert (kind[after] == Kind.QUOTE).all()
    buy = side[trades] > 0
    assert (price[trades] == np.where(buy, ask[before], bid[before])).all()
    shown = np.where(buy, ask_size[before], bid_size[before])
    left = np.where(buy, ask_size[after], bid_size[after])
    assert (size[trades] <= shown).all()
    partial = size[trades] < shown
    assert (left[partial] == (shown - size[trades])[partial]).all()
    swept = ~partial
    moved = np.where(buy, ask[after] - ask[before], bid[before] - bid[after])
    assert swept.any()
    assert (moved[swept] == 1).all()
    assert (moved[partial] == 0).all()


def test_trade_flags_say_who_was_the_maker(plain):
    trades = only(plain, Kind.TRADE)
    assert ((trades.flags & Flag.BUYER_MAKER > 0) == (trades.side < 0)).all()


def test_venue_numbers_count_the_messages_of_each_instrument(plain):
    for instrument in (0, 1):
        mask = (plain.instrument == instrument) & np.isin(plain.kind, (Kind.QUOTE, Kind.TRADE))
        assert (np.diff(plain.venue_seq[mask]) == 1).all()


def test_depth_rows_rebuild_a_book_whose_best_is_the_quote(plain):
    book: dict[int, dict[int, int]] = {1: {}, -1: {}}
    ends = 0
    for i in np.flatnonzero((plain.instrument == 0) & np.isin(plain.kind, (Kind.QUOTE, Kind.DEPTH)))[:20_000]:
        if plain.kind[i] == Kind.QUOTE:
            quote = (plain.bid[i], plain.ask[i], plain.bid_size[i], plain.ask_size[i])
        elif plain.size[i]:
            book[int(plain.side[i])][plain.price[i]] = plain.size[i]
        else:
            del book[int(plain.side[i])][plain.price[i]]
        if plain.flags[i] & Flag.LAST:
            bid, ask = max(book[1]), min(book[-1])
            assert (bid, ask, book[1][bid], book[-1][ask]) == quote
            assert set(book[1]) == {bid, bid - 1, bid - 2}
            assert set(book[-1]) == {ask, ask + 1, ask + 2}
            ends += 1
    assert ends > 1000


def test_depth_sizes_of_prices_that_stay_are_kept(plain):
    mask = (plain.instrument == 0) & np.isin(plain.kind, (Kind.QUOTE, Kind.DEPTH))
    quotes = np.flatnonzero(plain.kind[mask] == Kind.QUOTE)
    rows_each = np.diff(quotes) - 1
    moved = np.diff(plain.bid[mask][quotes])[:-1]
    up_by_one = rows_each[1:][moved == 1]
    assert len(up_by_one) > 100
    # bid: one level out, one in, one resized now and then; ask the same: not the 2 x 3 levels of a new book
    assert np.median(up_by_one) < 6


def test_marks_come_at_their_interval_near_the_mid(plain):
    marks = only(plain, Kind.MARK)
    assert (np.diff(marks.ts_event_ns) == SECOND).all()
    mids, _ = mids_and_imbalance(plain)
    n = min(len(mids) - 1, len(marks.price))
    assert np.abs(marks.price[:n] - mids[1 : n + 1]).mean() < 5


def test_a_halt_is_told_is_silent_and_reopens_at_a_gap():
    wild = [{**one, "annual_volatility": 3.0} for one in TWO]  # 0.5% in 100 s, were the price to move in the halt
    event = {"type": "halt", "at": "200s", "duration": "100s", "instrument": "SIM-A", "size": 0.05}
    rows = rows_of(calm(instruments=wild, events=[event]))
    status = only(rows, Kind.STATUS)
    assert at(status).tolist() == [200.0, 300.0]
    assert status.price.tolist() == [Status.HALTED, Status.TRADING]
    quotes, trades = only(rows, Kind.QUOTE), only(rows, Kind.TRADE)
    for seen in (quotes, trades):
        assert not ((at(seen) >= 200) & (at(seen) < 300)).any()
    mid = (quotes.bid + quotes.ask) / 2
    last, first = np.flatnonzero(at(quotes) < 200)[-1], np.flatnonzero(at(quotes) >= 300)[0]
    assert at(quotes)[first] == 300.0
    assert mid[first] / mid[last] == pytest.approx(1.05, rel=0.0005)
    assert ((at(only(rows, Kind.QUOTE, 1)) > 200) & (at(only(rows, Kind.QUOTE, 1)) < 300)).any(), "the other trades on"


def test_overlapping_halts_are_one():
    rows = rows_of(
        calm(
            events=[
                {"type": "halt", "at": "100s", "duration": "100s"},
                {"type": "halt", "at": "150s", "duration": "100s"},
            ]
        )
    )
    assert at(only(rows, Kind.STATUS)).tolist() == [100.0, 250.0]


def test_a_gap_is_silent_and_then_says_what_was_missed():
    rows = one_event(type="gap", at="200s", duration="30s", instrument="SIM-B")
    gap = only(rows, Kind.GAP, 1)
    assert at(gap).tolist() == [230.0]
    mask = (rows.instrument == 1) & np.isin(rows.kind, (Kind.QUOTE, Kind.TRADE))
    times, numbers = at(rows)[mask], rows.venue_seq[mask]
    assert not ((times >= 200) & (times < 230)).any()
    before, after = np.flatnonzero(times < 200)[-1], np.flatnonzero(times >= 230)[0]
    assert numbers[after] - numbers[before] - 1 == gap.size[0] > 100


def test_a_halt_inside_a_gap_is_told_when_the_feed_is_back():
    rows = rows_of(
        calm(
            events=[
                {"type": "gap", "at": "100s", "duration": "50s"},
                {"type": "halt", "at": "120s", "duration": "100s"},
            ]
        )
    )
    status = only(rows, Kind.STATUS)
    assert at(status).tolist() == [150.0, 220.0]
    assert status.price.tolist() == [Status.HALTED, Status.TRADING]


def test_a_whole_book_follows_a_gap():
    rows = rows_of(calm(depth_levels=4, events=[{"type": "gap", "at": "100s", "duration": "50s"}]))
    snapshots = only(rows, Kind.DEPTH)
    whole = snapshots.flags & Flag.SNAPSHOT > 0
    assert at(snapshots)[whole].tolist() == [0.0] * 8 + [150.0] * 8


def test_a_stale_feed_is_silent_and_says_nothing():
    rows = one_event(type="stale", at="200s", duration="30s", instrument="SIM-A")
    assert not np.isin(rows.kind, (Kind.GAP, Kind.STATUS)).any()
    times = at(only(rows, Kind.QUOTE))
    assert not ((times >= 200) & (times < 230)).any()
    assert 230.0 in times


@pytest.mark.parametrize(("refill", "left"), [(0.0, 0.92), (0.75, 0.98), (1.0, 1.0)])
def test_a_crash_falls_as_planted_and_comes_back_as_planted(refill, left):
    rows = one_event(type="crash", at="200s", duration="60s", size=-0.08, refill=refill)
    mid, _ = mids_and_imbalance(rows)
    assert mid[260] / mid[200] == pytest.approx(0.92, abs=0.004)
    assert mid[325] / mid[200] == pytest.approx(left, abs=0.006)
    assert abs(mid[200] / mid[140] - 1) < 0.005


def test_a_crash_is_not_undone_by_a_reverting_regime():
    config = calm(
        regimes={name: {"weight": 0} for name in ("calm", "trend_up", "trend_down", "storm")},
        events=[{"type": "crash", "at": "200s", "duration": "0s", "size": -0.08}],
    )
    mid, _ = mids_and_imbalance(rows_of(config))
    assert mid[590] / mid[199] == pytest.approx(0.92, abs=0.006)


def test_a_bad_print_is_one_trade_far_away():
    rows = one_event(type="bad_print", at="200s", instrument="SIM-A", size=10)
    trades, quotes = only(rows, Kind.TRADE), only(rows, Kind.QUOTE)
    far = trades.price > 2 * quotes.ask.max()
    assert far.sum() == 1
    assert at(trades)[far].tolist() == [200.0]
    assert trades.price[far][0] / quotes.bid.mean() == pytest.approx(10, rel=0.02)
    assert quotes.ask.max() < 1.1 * quotes.ask.min()


def test_crossed_quotes_last_as_long_as_planted():
    rows = one_event(type="crossed_quote", at="200s", duration="5s", instrument="SIM-A", size=3)
    quotes = only(rows, Kind.QUOTE)
    crossed = quotes.bid >= quotes.ask
    inside = (at(quotes) >= 200) & (at(quotes) < 205)
    assert (crossed == inside).all()
    assert crossed.sum() > 10
    assert (quotes.bid - quotes.ask)[crossed].min() == 4  # a spread of one tick, crossed by three more


def test_a_crossed_quote_without_duration_is_a_moment():
    quotes = only(one_event(type="crossed_quote", at="200s", size=0, instrument="SIM-A"), Kind.QUOTE)
    assert (quotes.bid >= quotes.ask).sum() == 1


def test_funding_comes_at_its_interval():
    rows = rows_of(calm(funding={"interval": "2m", "rate_e8": -2500}))
    funding = only(rows, Kind.FUNDING)
    assert at(funding).tolist() == [120.0, 240.0, 360.0, 480.0]
    assert set(funding.price.tolist()) == {-2500}


def test_the_example_has_storms_halts_gaps_and_faults():
    rows = rows_of(FOUR_HOURS)
    assert seconds(rows)[-1] == pytest.approx(14_400, abs=5)
    assert (only(rows, Kind.STATUS, 1).price == Status.HALTED).sum() == 1
    assert len(only(rows, Kind.GAP, 2).seq) == 1
    assert set(np.unique(rows.instrument)) == {0, 1, 2}
