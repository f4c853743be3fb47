"""A candidate priced both ways on one book, and its bounds: tables."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.adaptation.exploration.counterfactual import (
    GUARD_PARAMS_DTYPE,
    PRICED_DTYPE,
    TAKEN_DTYPE,
    Finding,
    count_taken,
    expected_against,
    prepare_guard,
    price_both,
)
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.view import VIEW_DTYPE

pytestmark = pytest.mark.twin
NAN = math.nan
BOOK = {"bid": 9_999, "ask": 10_001, "bid_size": 20, "ask_size": 10}  # a tick is 1 bps of the mid
SECOND = 1_000_000_000


def record(dtype, **values):
    row = np.zeros(1, dtype).view(np.recarray)[0]
    for name, value in values.items():
        row[name] = value
    return row


def priced(side=1, lots=10, share=0.5, incumbent=0.5, expected=0.0, maker=0, taker=0, book=BOOK, **bounds):
    out, params, view = record(PRICED_DTYPE), record(GUARD_PARAMS_DTYPE), record(VIEW_DTYPE, **book)
    prepare_guard(params, **bounds)
    finding = price_both(out, params, view, expected, side, lots, share, incumbent, maker, taker)
    assert finding == out.finding
    return out


@pytest.mark.parametrize(
    ("side", "lots", "cost"),
    [
        (1, 1, 1.0), (1, 10, 1.0), (1, 11, 1.0 + 1 / 11), (1, 20, 1.5), (1, 30, 2.0), (1, 25, 1.0 + (10 + 10) / 25),
        (-1, 20, 1.0), (-1, 40, 1.5),
    ],
)  # fmt: skip
def test_a_taker_pays_half_the_spread_and_a_tick_more_for_each_further_displayed_size(side, lots, cost):
    assert priced(side, lots).aggressive_cost_bps == pytest.approx(cost)


def filled_by_the_exchange(side, lots):
    """Walk the book a lot at a time, as the exchange does."""
    best, shown = (BOOK["ask"], BOOK["ask_size"]) if side > 0 else (BOOK["bid"], BOOK["bid_size"])
    return sum((best + side * (k // shown) - 10_000) * side for k in range(lots)) / lots


@given(side=st.sampled_from([1, -1]), lots=st.integers(1, 5_000))
def test_the_walk_is_the_exchanges(side, lots):
    assert priced(side, lots).aggressive_cost_bps == pytest.approx(filled_by_the_exchange(side, lots))


def test_a_resting_order_is_filled_when_takers_trade_the_queue_and_our_lots():
    out = priced(1, 10, expected=30.0)
    p = math.exp(-(20 + 10) / 30.0)
    assert out.passive_fill_probability == pytest.approx(p)
    assert out.passive_cost_bps == pytest.approx(-p + (1 - p) * out.aggressive_cost_bps)
    assert priced(-1, 10, expected=30.0).passive_fill_probability == pytest.approx(math.exp(-20 / 30.0))


@pytest.mark.parametrize("expected", [0.0, -3.0, NAN, math.inf])
def test_without_a_known_flow_nothing_fills_a_resting_order(expected):
    out = priced(expected=expected)
    assert out.passive_fill_probability == 0.0
    assert out.passive_cost_bps == out.aggressive_cost_bps


def test_more_flow_fills_more_often_and_costs_less():
    found = [priced(expected=float(flow)) for flow in (1, 10, 100, 1_000)]
    assert sorted(out.passive_fill_probability for out in found) == [out.passive_fill_probability for out in found]
    assert sorted((out.passive_cost_bps for out in found), reverse=True) == [out.passive_cost_bps for out in found]


def test_fees_stand_apart():
    out, free = priced(expected=30.0, maker=-1_000, taker=4_000), priced(expected=30.0)
    p = out.passive_fill_probability
    assert out.aggressive_fee_bps == pytest.approx(4.0)
    assert out.passive_fee_bps == pytest.approx(-1.0 * p + 4.0 * (1 - p))
    assert (out.passive_cost_bps, out.aggressive_cost_bps) == (free.passive_cost_bps, free.aggressive_cost_bps)


@pytest.mark.parametrize(
    ("share", "incumbent", "finding", "held"),
    [
        (0.5, 0.5, Finding.WITHIN, 0.5),
        (0.9, 0.7, Finding.WITHIN, 0.9),
        (-0.9, -0.7, Finding.WITHIN, -0.9),
        (0.71, 0.5, Finding.PAPER_SIZE, 0.5),
        (-0.71, -0.5, Finding.PAPER_SIZE, -0.5),
        (0.15, 0.5, Finding.WITHIN, 0.15),
        (0.14, 0.5, Finding.CLIP_SIZE, 0.15),
        (-0.14, -0.5, Finding.CLIP_SIZE, -0.15),
        (-0.5, 0.5, Finding.CLIP_SIZE, 0.15),
        (-0.4, 0.1, Finding.PAPER_SIZE, 0.1),
        (-0.3, 0.1, Finding.CLIP_SIZE, -0.25),
        (0.2, 0.0, Finding.WITHIN, 0.2),
        (-0.2, 0.0, Finding.WITHIN, -0.2),
        (0.21, 0.0, Finding.PAPER_SIZE, 0.0),
        (-0.21, 0.0, Finding.PAPER_SIZE, 0.0),
        (0.0, 0.3, Finding.WITHIN, 0.0),
        (0.0, 1.0, Finding.CLIP_SIZE, 0.65),
    ],
)
def test_a_size_stays_near_the_incumbents(share, incumbent, finding, held):
    out = priced(share=share, incumbent=incumbent)
    assert (out.finding, out.share) == (finding, pytest.approx(held))


@given(share=st.floats(-1, 1), incumbent=st.floats(-1, 1))
def test_what_may_be_held_is_always_within_bounds(share, incumbent):
    out = priced(share=share, incumbent=incumbent)
    assert abs(out.share) <= abs(incumbent) + 0.2 + 1e-6
    assert (incumbent - out.share) * (1 if incumbent >= 0 else -1) <= 0.35 + 1e-6 or incumbent == 0.0


@pytest.mark.parametrize(
    ("share", "finding", "cross"),
    [(0.6, Finding.PAPER_COST, 0), (0.4, Finding.CLIP_COST, 0), (0.5, Finding.CLIP_COST, 0)],
)
def test_crossing_must_not_cost_too_much_beyond_resting(share, finding, cross):
    busy = {"lots": 200, "expected": 1e6}  # resting is all but certain to fill; 200 lots walk 19 ticks
    out = priced(share=share, incumbent=0.5, **busy)
    assert (out.finding, out.cross) == (finding, cross)
    assert out.cost_gap_bps > out.cost_bound_bps == pytest.approx(3.0)
    assert out.share == (0.5 if finding == Finding.PAPER_COST else share)


def test_the_bound_on_cost_is_three_bps_or_one_and_a_half_spreads_fees_excluded():
    wide = {**BOOK, "bid": 9_995, "ask": 10_005}
    assert priced(book=wide).cost_bound_bps == pytest.approx(15.0)
    out = priced(lots=20, expected=1e6, taker=1_000_000)
    assert out.cost_gap_bps == pytest.approx(2.5, abs=0.01)
    assert (out.finding, out.cross) == (Finding.WITHIN, 1)


@pytest.mark.parametrize(
    ("case", "finding"),
    [
        ({"book": {**BOOK, "bid": 0}}, Finding.EMPTY_BOOK),
        ({"book": {**BOOK, "ask": 0}}, Finding.EMPTY_BOOK),
        ({"book": {}}, Finding.EMPTY_BOOK),
        ({"book": {**BOOK, "ask": 9_999}}, Finding.CROSSED_BOOK),
        ({"book": {**BOOK, "ask": 9_990}}, Finding.CROSSED_BOOK),
        ({"book": {**BOOK, "ask_size": 0}}, Finding.NO_DEPTH),
        ({"book": {**BOOK, "bid": 2, "ask": 3, "bid_size": 1}, "side": -1, "lots": 3}, Finding.NO_DEPTH),
        ({"lots": 0}, Finding.BAD_ORDER),
        ({"lots": -5}, Finding.BAD_ORDER),
        ({"side": 0}, Finding.BAD_ORDER),
        ({"share": NAN}, Finding.BAD_ORDER),
        ({"share": 1.01}, Finding.BAD_ORDER),
        ({"incumbent": NAN}, Finding.NO_INCUMBENT),
        ({"incumbent": 2.0}, Finding.NO_INCUMBENT),
    ],
)
def test_what_has_no_price_says_why(case, finding):
    out = priced(**case)
    assert out.finding == finding
    assert out.cross == 0
    assert math.isnan(out.aggressive_cost_bps)
    assert math.isnan(out.passive_fill_probability)


def test_the_flow_against_an_order_is_the_other_sides_and_fades():
    taken = record(TAKEN_DTYPE)
    for k in range(1, 2_001):
        count_taken(taken, 1 if k % 4 else -1, 5, k * SECOND // 10)
    now = 200 * SECOND
    assert expected_against(taken, -1, now, 2.0) == pytest.approx(2.0 * 37.5, rel=0.05)  # 7.5 trades of 5 lots a second
    assert expected_against(taken, 1, now, 2.0) == pytest.approx(2.0 * 12.5, rel=0.05)
    assert expected_against(taken, 1, now + 10 * SECOND, 2.0) == pytest.approx(12.5, rel=0.05)
    count_taken(taken, 0, 10**6, now)
    assert expected_against(taken, 1, now, 2.0) < 30.0


@pytest.mark.parametrize("bound", [{"most_up": -0.1}, {"cost_bps": NAN}, {"cost_spreads": math.inf}])
def test_bounds_out_of_range_are_refused(bound):
    with pytest.raises(InputError, match="guardrail"):
        priced(**bound)
