"""Who knows what when: latencies, rows that share a time, the order in which sources are heard, bars, funding, fees."""

import pytest

from alphatrade_runtime.market.schema import Kind
from unit.risk.law_session import (
    MID,
    SECOND_NS,
    START_NS,
    STEP_NS,
    TICK_LOT,
    TapeByHand,
    fill_rows,
    order_rows,
    quotes,
    run,
    session,
    targets,
)

pytestmark = pytest.mark.twin
DAY_NS = 86_400 * SECOND_NS
TEN_LOTS = {"max_position_lots": 10, "max_order_lots": 20}


def taker(tape, wish=1.0, at=1, **exchange):
    """Ten lots bought at market from decision `at` on."""
    return run(session(targets((at, wish)), terms=TEN_LOTS, exchange=exchange), tape)


@pytest.mark.parametrize("entry_ns", [0, 1, 30_000_000, 250_000_000])
@pytest.mark.parametrize("response_ns", [0, 70_000_000])
def test_an_order_meets_the_book_of_its_arrival(entry_ns, response_ns):
    tape = TapeByHand()
    for k in range(8):
        tape.quote(bid=MID + k, ask=MID + 1 + k)
    fill = fill_rows(taker(tape, entry_latency_ns=entry_ns, response_latency_ns=response_ns))[0]
    assert fill["exch_ts_ns"] == START_NS + entry_ns
    assert fill["ts_ns"] == START_NS + entry_ns + response_ns
    assert fill["price"] == MID + 1 + entry_ns // STEP_NS


def test_at_one_time_the_venue_hears_the_market_before_the_order():
    tape = TapeByHand().quote().quote(bid=MID + 4, ask=MID + 6).quotes(2, bid=MID + 4, ask=MID + 6)
    fill = fill_rows(taker(tape, entry_latency_ns=STEP_NS))[0]
    assert (fill["exch_ts_ns"], fill["price"]) == (START_NS + STEP_NS, MID + 6)


def test_at_one_time_a_report_is_heard_before_the_step_decides():
    result = taker(TapeByHand().quotes(3), response_latency_ns=STEP_NS)
    assert len(order_rows(result, event=1)) == 1  # the fill was known at the second quote
    late = taker(TapeByHand().quotes(3), response_latency_ns=STEP_NS + 1)
    assert len(order_rows(late, event=1)) == 1  # and until then the order counts as under way


@pytest.mark.parametrize("row", ["trade through", "trade at", "opposite best"])
def test_an_order_is_never_filled_by_the_row_it_was_made_at(row):
    wish = quotes((1, 0, 0, 0, 0), (2, MID - 1, 5, 0, 0))
    document = session(wish, clock="quote_change", interval_ns=1)
    tape = TapeByHand().quote()
    if row == "opposite best":
        tape.quote(bid=MID - 4, ask=MID)
    else:
        tape.trade(MID - 2 if row == "trade through" else MID - 1, 10_000, -1)
    made = run(document, tape)
    assert len(order_rows(made, event=1, code=0)) == 1
    assert fill_rows(made) == []
    assert len(fill_rows(run(document, tape.trade(MID - 2, 10_000, -1)))) == 1


def test_a_row_the_venue_saw_before_the_order_came_does_not_fill_it():
    wish = quotes((1, MID, 5, 0, 0))
    through = {"price": MID - 1, "size": 100, "side": -1}
    entry = {"entry_latency_ns": 50_000_000}
    early = TapeByHand().quote().row(Kind.TRADE, dt=20_000_000, **through).quotes(2)
    assert fill_rows(run(session(wish, exchange=entry), early)) == []
    told_late = TapeByHand().quote().row(Kind.TRADE, event=START_NS + 20_000_000, **through).quotes(2)
    assert fill_rows(run(session(wish, exchange=entry), told_late)) == []
    after = TapeByHand().quote().row(Kind.TRADE, dt=60_000_000, **through).quotes(2)
    assert len(fill_rows(run(session(wish, exchange=entry), after))) == 1


def test_a_cancel_travels_too():
    wish = quotes((1, MID, 5, 0, 0), (2, 0, 0, 0, 0))
    tape = TapeByHand().quotes(2).trade(MID - 1, 100, -1, dt=20_000_000).quotes(2)
    slow = run(session(wish, exchange={"entry_latency_ns": 30_000_000}), tape)
    fast = run(session(wish, exchange={"entry_latency_ns": 10_000_000}), tape)
    assert (len(fill_rows(slow)), len(fill_rows(fast))) == (1, 0)
    assert [row["event"] for row in order_rows(fast)] == [1, 101, 3, 104]


def test_rows_of_one_arrival_share_one_step():
    policies = quotes((1, MID - 5, 1, 0, 0))
    together = TapeByHand().quote(last=False).quote(instrument=1, dt=0)
    result = run(session(policies, n=2), together)
    assert (result.counts["steps"], result.counts["decisions"]) == (1, 2)
    assert [row["seq"] for row in order_rows(result, event=1)] == [2, 2]


def test_venue_time_never_runs_backwards():
    wish = quotes((1, MID, 5, 0, 0))
    tape = TapeByHand().quotes(3).row(Kind.TRADE, event=START_NS - SECOND_NS, price=MID - 1, size=100, side=-1).quote()
    fill = fill_rows(run(session(wish), tape))[0]
    assert fill["exch_ts_ns"] == START_NS + 2 * STEP_NS


# Bars


def bars(*prices, first=0, missing=()):
    """Daily bars (open, high, low, close); the next opens when the last closes."""
    tape = TapeByHand()
    for k, (bar_open, high, low, close) in enumerate(prices):
        if k not in missing:
            opens = START_NS + k * DAY_NS
            tape.bar(first + k, bar_open, high, low, close, opens=opens, closes=opens + DAY_NS)
    return tape


FLAT = (MID, MID, MID, MID)
ON_BARS = {"clock": "bar", "interval_ns": DAY_NS, "terms": TEN_LOTS}


def test_an_order_made_at_a_close_fills_at_the_next_open_whatever_the_gap():
    result = run(session(targets((1, 1.0)), **ON_BARS), bars(FLAT, (MID + 900, MID + 950, MID + 700, MID + 800), FLAT))
    order, fill = order_rows(result, event=1)[0], fill_rows(result)[0]
    assert (order["tif"], order["price"], order["ts_ns"]) == (4, MID, START_NS + DAY_NS)
    assert (fill["price"], fill["exch_ts_ns"]) == (MID + 900, START_NS + DAY_NS)
    assert result.violations == []


def test_an_order_made_at_the_last_close_stays_open():
    result = run(session(targets((1, 1.0)), **ON_BARS), bars(FLAT))
    assert len(order_rows(result, event=1)) == 1
    assert fill_rows(result) == []


def test_a_missing_bar_fills_at_the_one_after():
    result = run(session(targets((1, 1.0)), **ON_BARS), bars(FLAT, FLAT, (MID + 5, MID + 9, MID, MID + 2), missing={1}))
    assert [(f["price"], f["exch_ts_ns"]) for f in fill_rows(result)] == [(MID + 5, START_NS + 2 * DAY_NS)]


@pytest.mark.parametrize(("low", "filled"), [(MID - 1, True), (MID, False)])
def test_a_resting_order_fills_at_the_close_of_the_bar_that_went_through_it(low, filled):
    document = session(targets((1, 1.0), topology="passive_quote"), **ON_BARS)
    result = run(document, bars(FLAT, (MID + 2, MID + 4, low, MID + 3), (MID + 3, MID + 4, MID + 3, MID + 3)))
    fills = [(f["price"], f["exch_ts_ns"]) for f in fill_rows(result)]
    assert fills == ([(MID, START_NS + 2 * DAY_NS)] if filled else [])


def test_a_jump_of_more_than_five_percent_is_taken_at_once_on_bars_and_not_on_quotes():
    held = {"limits": {"mark_jump_bps": 500}}
    on_bars = run(session(targets((1, 1.0)), **ON_BARS, **held), bars(FLAT, FLAT, (MID * 2,) * 4))
    assert on_bars.money["nav"] == on_bars.money["initial_cash"] + 10 * MID * TICK_LOT
    tape = TapeByHand().quotes(3).quote(bid=2 * MID - 1, ask=2 * MID + 1)
    on_quotes = run(session(targets((1, 1.0)), terms=TEN_LOTS, **held), tape)
    assert on_quotes.money["nav"] == on_quotes.money["initial_cash"] - 10 * TICK_LOT


# Money


@pytest.mark.parametrize(
    ("terms", "fee"),
    [
        ({"taker_fee_e7": 450}, 10 * (MID + 1) * TICK_LOT * 450 // 10**7),
        ({"taker_fee_e7": -20}, -(10 * (MID + 1) * TICK_LOT * 20 // 10**7)),
        ({"fee_per_fill": "0.01"}, 1_000_000),
        ({"maker_fee_e7": 999}, 0),
    ],
)
def test_fees_of_a_taker(terms, fee):
    result = run(session(targets((1, 1.0)), terms={**TEN_LOTS, **terms}), TapeByHand().quotes(3))
    assert [f["fee"] for f in fill_rows(result)] == [fee]
    assert result.money["cash"] == result.money["initial_cash"] - 10 * (MID + 1) * TICK_LOT - fee
    assert result.violations == []


def test_a_maker_pays_the_maker_fee():
    wish = quotes((1, MID, 5, 0, 0))
    tape = TapeByHand().quote().trade(MID - 1, 100, -1).quote()
    result = run(session(wish, terms={"maker_fee_e7": -200, "taker_fee_e7": 500}), tape)
    assert [(f["fee"], f["maker"]) for f in fill_rows(result)] == [(-5 * MID * TICK_LOT * 200 // 10**7, 1)]


@pytest.mark.parametrize(
    ("share", "rate", "sign"), [(1.0, 10_000, 1), (-1.0, 10_000, -1), (1.0, -10_000, -1), (0.0, 10_000, 0)]
)
def test_longs_pay_a_positive_funding_rate(share, rate, sign):
    tape = TapeByHand().quotes(3).row(Kind.FUNDING, price=rate).quote()
    result = run(session(targets((1, share)), terms=TEN_LOTS, funding="tape"), tape)
    assert result.money["funding"] == sign * 10 * MID * TICK_LOT // 10_000
    assert result.violations == []
    assert run(session(targets((1, share)), terms=TEN_LOTS), tape).money["funding"] == 0


def test_funding_received_raises_the_high_water_mark():
    tape = TapeByHand().quote().trade(MID - 1, 10**5, -1).quote().row(Kind.FUNDING, price=-(10**6))
    result = run(session(quotes((1, MID, 5_000, 0, 0), (2, 0, 0, 0, 0)), funding="tape"), tape)
    assert result.money["high_water"] == result.money["nav"] > result.money["initial_cash"]


def test_a_strategy_that_raises_counts_as_a_breach_and_wishes_nothing_new():
    from unit.risk.law_session import policy

    result = run(session(policy("law_faulty", {}), terms=TEN_LOTS), TapeByHand().quotes(5))
    assert result.counts["plugin_faults"] == 1
    assert result.breached
    assert len(fill_rows(result)) == 1
