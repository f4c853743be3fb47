"""What an account remembers: the latch for good, the day's loss until the next day, the peak over every restart."""

import json
from dataclasses import replace

import numpy as np
import pytest

from alphatrade_runtime.execution.broker.account_store import AccountStore, Latch
from alphatrade_runtime.execution.broker.exchange_log import ExchangeLog
from alphatrade_runtime.market.orders import Purpose, TimeInForce
from alphatrade_runtime.risk.codes import Code
from unit.execution.account_stories import Desk, told
from unit.risk.law_session import MID, NAV, SECOND_NS, START_NS, STEP_NS, TapeByHand

DAY_NS = 86_400 * SECOND_NS
KILLED = 100 + Code.KILL
HELD = 100 + Code.DRAWDOWN
LOTS = 5_000  # half the account's value at MID: a fall of 30% costs 15% of it
DROP = 3_001
DEEP = {"bid_size": 10_000, "ask_size": 10_000}


def falling(drop=DROP):
    """Ten quotes at MID, ten at MID - drop."""
    return TapeByHand().quotes(10, **DEEP).quotes(50, bid=MID - drop - 1, ask=MID - drop + 1, **DEEP)


def latched(store=None, log=None, **more):
    desk = Desk(falling(), store, max_drawdown_bps=1_500, **more)
    desk.open(log=log)
    desk.send(5, qty=LOTS)
    return desk


def sell(lots, **more):
    return {"side": -1, "price": MID - DROP - 1, "qty": lots, **more}


def test_a_peak_to_trough_loss_latches_the_account_for_every_client(tmp_path):
    desk = latched(AccountStore(tmp_path))
    assert desk.account.latch is None
    assert desk.send(12, price=MID - DROP + 1) == [("REJECTED", 2, KILLED)]
    assert desk.send(13, key="st/b", price=MID - DROP + 1) == [("REJECTED", 3, KILLED)]
    assert desk.account.totals().latched_reason == "DrawdownPeak"
    assert json.loads((tmp_path / "latch.json").read_bytes())["session"] == "st/a"


def test_a_latched_account_still_reduces(tmp_path):
    desk = latched()
    assert desk.send(12, **sell(LOTS + 1)) == [("REJECTED", 2, KILLED)]
    assert desk.send(13, **sell(1_000))[-1] == ("FILL", 3, 0)
    assert desk.send(14, **sell(4_000, purpose=int(Purpose.FLATTEN)))[-1] == ("FILL", 4, 0)
    assert desk.account.totals().positions == {"SIM-0": 0}


def test_flatten_is_no_way_around_a_latch():
    desk = latched()
    flatten = {"price": MID - DROP + 1, "purpose": int(Purpose.FLATTEN)}
    assert desk.send(12, **flatten) == [("REJECTED", 2, KILLED)]
    assert desk.send(13, key="st/b", **flatten) == [("REJECTED", 3, KILLED)]


def test_what_works_and_could_raise_is_cancelled_by_the_row_that_latches():
    desk = latched()
    ids = {}
    for name, terms in (
        ("bid far below", {"price": 100, "side": 1}),
        ("offer that reduces", {"price": MID + 500, "side": -1}),
        ("offer that would flip", {"price": MID + 600, "side": -1, "qty": LOTS}),
    ):
        desk.account.put_law(desk.account.law and _wide(desk.account.law))
        desk.send(6, tif=TimeInForce.GTC, **terms)
        ids[name] = desk.ids
    reports = desk.exchanges["st/a"].advance(START_NS + 11 * STEP_NS)
    assert {order_id for kind, order_id, _ in told(reports) if kind == "CANCELED"} == set(ids.values())
    assert set(reports["exch_ts_ns"]) == {START_NS + 10 * STEP_NS}


def _wide(law):
    return replace(law, limits=replace(law.limits, band_limit_bps=10_000, band_marketable_bps=10_000))


def test_an_offer_that_only_reduces_stays():
    desk = latched()
    assert desk.send(6, tif=TimeInForce.GTC, price=MID + 500, side=-1, qty=LOTS) == [("ACCEPTED", 2, 0)]
    assert len(desk.exchanges["st/a"].advance(START_NS + 11 * STEP_NS)) == 0
    assert desk.account.is_tripped


@pytest.mark.parametrize("limits", [{}, {"max_drawdown_bps": None, "day_drawdown_bps": None}])
def test_a_latch_outlives_restart_policy_and_name(tmp_path, limits):
    store = AccountStore(tmp_path)
    latched(store)
    assert store.latch() is None
    desk = latched(store)
    desk.exchanges["st/a"].advance(START_NS + 12 * STEP_NS)
    assert store.latch() == Latch("DrawdownPeak", "st/a", NAV - LOTS * (DROP + 1) * 10**6, NAV, 1)
    again = Desk(None, AccountStore(tmp_path), **limits)
    assert again.send(20, key="another/name") == [("REJECTED", 1, KILLED)]


def test_the_peak_is_that_of_the_account_and_not_of_a_session(tmp_path):
    store = AccountStore(tmp_path)
    rising = TapeByHand().quotes(10, **DEEP).quotes(10, bid=MID + 1_999, ask=MID + 2_001, **DEEP)
    desk = Desk(rising, store, max_drawdown_bps=1_500)
    desk.send(5, qty=LOTS)
    desk.send(12, side=-1, price=MID + 1_999, qty=LOTS)
    peak = desk.account.totals().high_water
    assert peak == NAV + LOTS * 1_999 * 10**6
    desk.account.keep(desk.account.counters())
    again = Desk(None, AccountStore(tmp_path), max_drawdown_bps=1_500)
    assert again.account.totals().high_water == peak


def test_the_days_loss_leaves_only_reductions_until_the_next_day(tmp_path):
    tape = falling(1_001).quotes(20, dt=DAY_NS, bid=MID - 1_002, ask=MID - 1_000)
    desk = Desk(tape, AccountStore(tmp_path), day_drawdown_bps=500, max_drawdown_bps=9_000)
    desk.send(5, qty=LOTS)
    low = {"price": MID - 1_000}
    assert desk.send(12, **low) == [("REJECTED", 2, HELD)]
    assert desk.send(13, side=-1, price=MID - 1_002, qty=10)[-1] == ("FILL", 3, 0)
    desk.account.keep(desk.account.counters())
    held = AccountStore(tmp_path).counters()
    assert held is not None
    assert held.reduce_only == 1
    ts_ns = int(desk.rows.ts_init_ns[65])
    assert desk.send((ts_ns - START_NS) // STEP_NS, **low)[-1] == ("FILL", 4, 0)


def test_a_restart_on_the_same_day_does_not_forget_the_days_loss(tmp_path):
    store = AccountStore(tmp_path)
    limits = {"day_drawdown_bps": 500, "max_drawdown_bps": 9_000}
    desk = Desk(falling(1_001), store, **limits)
    desk.send(5, qty=LOTS)
    desk.send(12, side=-1, price=MID - 1_002, qty=LOTS)
    desk.account.keep(desk.account.counters())
    again = Desk(None, AccountStore(tmp_path), **limits)
    assert again.send(20, key="new/run") == [("REJECTED", 1, HELD)]


def test_a_session_on_a_streams_clock_is_rebuilt_to_the_same_account(tmp_path):
    def opened(folder):
        desk = Desk(falling(), AccountStore(folder), max_drawdown_bps=9_000, day_drawdown_bps=8_000)
        log = ExchangeLog(folder / "session")
        desk.open(log=log)
        return desk, log

    desk, log = opened(tmp_path / "killed")
    desk.send(5, qty=LOTS)
    desk.send(12, **sell(100))
    log.close()
    again, log = opened(tmp_path / "killed")
    again.ids = 2
    whole, _ = opened(tmp_path / "whole")
    whole.send(5, qty=LOTS)
    whole.send(12, **sell(100))
    assert again.send(15, **sell(7)) == whole.send(15, **sell(7))
    assert again.account.totals() == whole.account.totals()
    assert again.account.counters() == whole.account.counters()
    log.close()


def test_a_latch_that_cannot_be_written_still_holds(tmp_path):
    class Full(AccountStore):
        def write_latch(self, latch):
            raise OSError(28, "No space left on device")

    desk = latched(Full(tmp_path))
    with pytest.raises(OSError, match="No space left"):
        desk.exchanges["st/a"].advance(START_NS + 12 * STEP_NS)
    assert desk.send(13, price=MID - DROP + 1)[-1] == ("REJECTED", 2, KILLED)


def test_counters_are_whole_or_those_before(tmp_path):
    store = AccountStore(tmp_path)
    desk = Desk(None, store)
    desk.send(5)
    desk.account.keep(desk.account.counters())
    kept = store.counters()
    (tmp_path / "counters.json.partial").write_bytes(b"{")
    assert AccountStore(tmp_path).counters() == kept
    assert kept is not None
    assert kept.marks == {"SIM-0": 2 * MID}
    assert kept.initial_cash == NAV
    assert np.isclose(kept.high_water, NAV)


def test_the_accounts_day_begins_once_each_session_that_is_on_has_entered_it():
    tape = falling(1_001).quotes(5, dt=DAY_NS, bid=MID - 1_002, ask=MID - 1_000, **DEEP)
    desk = Desk(tape, day_drawdown_bps=500, max_drawdown_bps=9_000)
    days = [(int(ts) - START_NS) // STEP_NS for ts in desk.rows.ts_init_ns[60:63]]
    low = {"price": MID - 1_000}
    desk.send(5, qty=LOTS)
    desk.send(5, key="st/slow", qty=1)
    assert desk.send(days[0], **low) == [("REJECTED", 3, HELD)]
    assert desk.send(days[0], key="st/slow", **low)[-1] == ("FILL", 4, 0)
    assert desk.send(days[1], **low)[-1] == ("FILL", 5, 0)
