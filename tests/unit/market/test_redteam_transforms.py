"""What each fault changes, by its figures."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from alphatrade_runtime.market.fault_ledger import FaultLedger
from alphatrade_runtime.market.faults import FAULTS, InputError
from alphatrade_runtime.market.faults import Severity as Stop
from alphatrade_runtime.market.redteam import SCENARIOS, Severity
from alphatrade_runtime.market.schema import Kind, Status
from alphatrade_runtime.market.stream_check import StreamCheck
from unit.market.redteam_tapes import SECOND_NS, placed, quiet_market

MARKET = quiet_market()
SEVERITIES = list(Severity)


def plant(name, severity=Severity.HIGH, rows=MARKET):
    return SCENARIOS[name].plant(rows, placed(SCENARIOS[name], severity, rows))


def quotes(rows, instrument=0):
    return (rows.kind == Kind.QUOTE) & (rows.instrument == instrument)


def mids(rows, instrument=0):
    at = quotes(rows, instrument)
    return rows.ts_init_ns[at], (rows.bid + rows.ask)[at] / 2


def during(planted):
    rows = planted.rows
    return (rows.ts_init_ns >= planted.start_ns) & (rows.ts_init_ns < planted.end_ns)


def imported(rows):
    stops = frozenset(name for name, fault in FAULTS.items() if fault.severity is Stop.STOP)
    ledger = FaultLedger("tape", "row", stops)
    StreamCheck(ledger).check(rows, np.arange(len(rows.seq)))
    return ledger.refused + ledger.noticed


@pytest.mark.parametrize(("severity", "times", "span_s"), [("Low", 5, 30), ("Medium", 10, 30), ("High", 10, 90)])
@pytest.mark.parametrize("instrument", [0, 1])
def test_volatility_multiplies_every_move_within_and_none_without(severity, times, span_s, instrument):
    planted = plant("vol_jump", Severity(severity))
    assert planted.end_ns - planted.start_ns == span_s * SECOND_NS
    ts, mid = mids(planted.rows, instrument)
    _, before = mids(MARKET, instrument)
    inside = (ts[1:] >= planted.start_ns) & (ts[1:] < planted.end_ns) & (ts[:-1] >= planted.start_ns)
    assert np.array_equal(np.diff(mid)[inside], np.diff(before)[inside] * times)
    outside = (ts[1:] < planted.start_ns) | (ts[:-1] >= planted.end_ns)
    assert np.array_equal(np.diff(mid)[outside], np.diff(before)[outside])
    assert (planted.rows.ask - planted.rows.bid)[quotes(planted.rows)].tolist() == [2] * quotes(MARKET).sum()


@pytest.mark.parametrize(
    ("severity", "fall", "back"), [("Low", 0.04, 0.0), ("Medium", 0.08, 0.02), ("High", 0.16, 0.08)]
)
def test_a_crash_falls_in_a_minute_and_refills_in_the_next(severity, fall, back):
    planted = plant("flash_crash", Severity(severity))
    ts, mid = mids(planted.rows)
    _, before = mids(MARKET)
    at = np.searchsorted(ts, [planted.start_ns + 60 * SECOND_NS, planted.end_ns])
    assert 1 - mid[at[0]] / before[at[0]] == pytest.approx(fall, abs=0.002)
    assert 1 - mid[at[1]] / before[at[1]] == pytest.approx(back, abs=0.002)
    assert np.argmin(mid) in range(at[0] - 6, at[0] + 7)
    inside = during(planted) & quotes(planted.rows)
    was = quotes(MARKET) & (MARKET.ts_init_ns >= planted.start_ns) & (MARKET.ts_init_ns < planted.end_ns)
    assert np.array_equal(planted.rows.bid_size[inside], MARKET.bid_size[was] // 4)


@pytest.mark.parametrize(("severity", "span_s", "gap"), [("Low", 10, 0.01), ("Medium", 30, 0.03), ("High", 60, 0.06)])
def test_a_halt_says_so_sends_nothing_and_reopens_away(severity, span_s, gap):
    planted = plant("halt_reopen", Severity(severity))
    rows = planted.rows
    assert planted.due_ns == planted.start_ns
    assert planted.end_ns - planted.start_ns == span_s * SECOND_NS
    told = rows.kind == Kind.STATUS
    assert sorted(zip(rows.instrument[told].tolist(), rows.price[told].tolist(), strict=True)) == [
        (0, Status.TRADING), (0, Status.HALTED), (1, Status.TRADING), (1, Status.HALTED),
    ]  # fmt: skip
    assert set(rows.kind[during(planted) & (rows.instrument < 2)].tolist()) == {Kind.STATUS}
    ts, mid = mids(rows)
    k = int(np.searchsorted(ts, planted.end_ns))
    assert abs(mid[k] / mid[k - 1] - 1) == pytest.approx(gap, abs=0.003)


@pytest.mark.parametrize(("name", "factor"), [("bad_print_high", 10.0), ("bad_print_low", 0.1)])
@pytest.mark.parametrize(("severity", "count"), [("Low", 1), ("Medium", 5), ("High", 20)])
def test_bad_prints_stand_alone_between_sound_quotes(name, factor, severity, count):
    planted = plant(name, Severity(severity))
    assert len(planted.rows.seq) == len(MARKET.seq) + 2 * 2 * count
    assert len(planted.moments) == 2 * count
    _, mid = mids(planted.rows)
    bad = np.flatnonzero(np.abs(mid / 10_000 - 1) > 0.5)
    assert len(bad) == count
    assert (np.diff(bad) > 1).all()
    assert mid[bad] / mid[bad - 1] == pytest.approx(factor, rel=0.01)
    assert ((planted.rows.bid < planted.rows.ask) | (planted.rows.kind != Kind.QUOTE)).all()


@pytest.mark.parametrize(
    "name", ["bad_print_zero", "bad_print_negative", "duplicate_rows", "out_of_order", "crossed_book"]
)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_an_import_refuses_as_many_messages_as_are_planted(name, severity):
    planted = plant(name, severity)
    assert planted.count > 0
    more = imported(planted.rows) - imported(MARKET)
    refused = Counter({fault: n for fault, n in more.items() if FAULTS[fault].severity is Stop.STOP})
    assert refused == Counter({SCENARIOS[name].told: planted.count})


@pytest.mark.parametrize("name", ["bad_print_zero", "duplicate_rows", "out_of_order", "crossed_book"])
def test_a_strict_import_stops_at_the_first(name):
    with pytest.raises(InputError, match=SCENARIOS[name].told):
        StreamCheck(FaultLedger("tape", "row")).check(plant(name).rows, np.arange(len(plant(name).rows.seq)))


@pytest.mark.parametrize(("severity", "span_s"), [("Low", 1), ("Medium", 5), ("High", 20)])
def test_a_locked_book_is_empty_for_a_while_and_an_import_keeps_and_tells_it(severity, span_s):
    planted = plant("nan_features", Severity(severity))
    rows = planted.rows
    locked = (rows.kind == Kind.QUOTE) & (rows.bid == rows.ask)
    assert np.array_equal(locked, during(planted) & (rows.kind == Kind.QUOTE) & (rows.instrument < 2))
    assert planted.due_ns == planted.moments[-1] - 1
    assert (rows.bid_size[locked] == 0).all()
    assert planted.end_ns - planted.start_ns == span_s * SECOND_NS
    assert imported(rows)["locked_book"] == locked.sum()


@pytest.mark.parametrize("name", ["crossed_book", "nan_features"])
def test_a_book_that_is_quoted_seldom_is_broken_until_it_is_quoted_again(name):
    seldom = quiet_market(per_s=1)
    thin = seldom.kind != int(Kind.QUOTE)
    thin |= (np.arange(len(seldom.seq)) // 3) % 10 == 0
    rows = seldom._replace(kind=np.where(thin, seldom.kind, np.uint8(Kind.GAP)))
    planted = plant(name, Severity.LOW, rows)
    assert planted.end_ns - planted.start_ns > SECOND_NS
    assert (planted.rows.bid >= planted.rows.ask)[planted.rows.kind == Kind.QUOTE].sum() == 2


@pytest.mark.parametrize(("severity", "times"), [("Low", 60), ("Medium", 120), ("High", 160)])
def test_a_repeated_quote_is_told_of_by_an_import(severity, times):
    planted = plant("repeated_quote", Severity(severity))
    at = quotes(planted.rows) & (planted.rows.ts_init_ns >= planted.start_ns)
    first = planted.rows.bid[at][0], planted.rows.ask_size[at][0]
    same = (planted.rows.bid[at] == first[0]) & (planted.rows.ask_size[at] == first[1])
    assert same[:times].all()
    assert imported(planted.rows)["stuck_quote"] >= 2


@pytest.mark.parametrize(("severity", "more_s"), [("Low", 2), ("Medium", 10), ("High", 30)])
def test_a_stuck_quote_outlives_its_age_while_trades_go_on(severity, more_s):
    planted = plant("stuck_quote", Severity(severity))
    rows = planted.rows
    assert planted.end_ns - planted.start_ns == (5 + more_s) * SECOND_NS
    assert not (during(planted) & quotes(rows)).any()
    assert (during(planted) & (rows.kind == Kind.TRADE) & (rows.instrument == 0)).any()
    last = max(int(mids(rows, i)[0][mids(rows, i)[0] < planted.start_ns][-1]) for i in (0, 1))
    assert planted.due_ns == last + 5 * SECOND_NS


@pytest.mark.parametrize(
    ("severity", "delay_ns", "due"), [("Low", 5e8, False), ("Medium", 4e9, True), ("High", 12e9, True)]
)
def test_late_ticks_come_in_one_burst_in_their_order(severity, delay_ns, due):
    planted = plant("late_ticks", Severity(severity))
    rows = planted.rows
    assert planted.end_ns - planted.start_ns == delay_ns
    assert (planted.due_ns is not None) is due
    assert not during(planted).any()
    assert np.array_equal(
        rows.venue_seq[rows.ts_init_ns < planted.end_ns], MARKET.venue_seq[MARKET.ts_init_ns < planted.start_ns]
    )
    assert (np.diff(rows.venue_seq) > 0).all()
    assert np.array_equal(rows.ts_event_ns, MARKET.ts_event_ns)


@pytest.mark.parametrize(("severity", "low", "high"), [("Low", 0.3, 0.7), ("Medium", 0.0, 0.25), ("High", 0.0, 0.0)])
def test_a_drought_leaves_few_trades_and_a_lot_at_each_side(severity, low, high):
    planted = plant("volume_drought", Severity(severity))
    rows = planted.rows
    mine = during(planted) & (rows.instrument < 2)
    was = (MARKET.ts_init_ns >= planted.start_ns) & (MARKET.ts_init_ns < planted.end_ns) & (MARKET.instrument < 2)
    left = (mine & (rows.kind == Kind.TRADE)).sum() / (was & (MARKET.kind == Kind.TRADE)).sum()
    assert low <= left <= high
    assert set(rows.bid_size[mine & (rows.kind == Kind.QUOTE)].tolist()) == {1}


@pytest.mark.parametrize(("severity", "times", "due"), [("Low", 5, False), ("Medium", 10, False), ("High", 20, False)])
def test_a_wider_spread_keeps_the_mid_and_is_due_only_beyond_the_band(severity, times, due):
    planted = plant("spread_20", Severity(severity))
    rows = planted.rows
    inside = during(planted) & quotes(rows)
    assert set((rows.ask - rows.bid)[inside].tolist()) == {2 * times}
    assert np.array_equal(mids(rows)[1], mids(MARKET)[1])
    assert (planted.due_ns is not None) is due
    scenario = SCENARIOS["spread_20"]
    narrow = placed(scenario, Severity(severity), MARKET)
    for band_bps, expected in ((times // 2 - 1, True), (times + 1, False)):
        asked = scenario.plant(MARKET, type(narrow)(**{**vars(narrow), "band_bps": band_bps, "instruments": (0,)}))
        assert (asked.due_ns is not None) is expected


@pytest.mark.parametrize(("severity", "bps"), [("Low", 2), ("Medium", 5), ("High", 10)])
def test_what_trades_through_us_is_followed_by_a_move_against_us(severity, bps):
    planted = plant("one_way_fill", Severity(severity))
    rows = planted.rows
    sweeps = np.flatnonzero(during(planted) & (rows.kind == Kind.TRADE) & (rows.instrument == 0))
    assert len(sweeps) >= 5
    ts, mid = mids(rows)
    for k in sweeps.tolist():
        now = np.searchsorted(ts, rows.ts_init_ns[k], side="right") - 1
        touch = rows.bid if rows.side[k] < 0 else rows.ask
        best = int(touch[quotes(rows)][now])
        assert rows.price[k] == best + int(rows.side[k])
        assert (mid[now + 1] - mid[now]) * rows.side[k] >= mid[now] * bps / 10_000 - 2


@pytest.mark.parametrize(
    ("severity", "share", "due"), [("Low", 0.005, False), ("Medium", 0.02, False), ("High", 0.08, True)]
)
def test_a_second_source_disagrees_behind_every_quote(severity, share, due):
    planted = plant("split_brain", Severity(severity))
    rows = planted.rows
    inside = during(planted) & quotes(rows)
    mid = (rows.bid + rows.ask)[inside] / 2
    assert np.abs(mid[1::2] / mid[::2] - 1) == pytest.approx(share, rel=0.02)
    assert len(np.unique(np.sign(mid[1::2] - mid[::2]))) == 1
    assert (planted.due_ns is not None) is due


@pytest.mark.parametrize(("jump_bps", "due"), [(799, True), (800, False)])
def test_a_second_source_within_the_jump_that_a_mark_follows_has_no_answer(jump_bps, due):
    place = placed(SCENARIOS["split_brain"], Severity.HIGH, MARKET)
    planted = SCENARIOS["split_brain"].plant(MARKET, replace(place, mark_jump_bps=jump_bps))
    assert (planted.due_ns is not None) is due


def test_fees_leave_the_tape_alone():
    planted = plant("fee_shock")
    assert all(np.array_equal(a, b) for a, b in zip(planted.rows, MARKET, strict=True))
