"""The exploration budget: what fills it, what it refuses and why, cadence, freezes, permits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.adaptation.exploration.budget import (
    BUDGET_DTYPE,
    BUDGET_PARAMS_DTYPE,
    FOREVER,
    FREEZE_ALERT,
    FREEZE_OPERATOR,
    Verdict,
    book,
    covers,
    freeze,
    offer,
    permit,
    prepare_budget,
    release,
    room,
)
from alphatrade_runtime.market.faults import InputError

pytestmark = pytest.mark.twin
DAY_NS = 86_400_000_000_000
NOW = 20_000 * DAY_NS
LOT = 10**12  # quanta


class Budget:
    def __init__(self, mode="Sim", permitted=True, **asked):
        self.params = np.zeros(1, BUDGET_PARAMS_DTYPE).view(np.recarray)[0]
        self.state = np.zeros(1, BUDGET_DTYPE).view(np.recarray)[0]
        prepare_budget(self.params, mode, **asked)
        if permitted:
            permit(self.state, 10_000, FOREVER, 1)

    def covers(self, notional=LOT, now=NOW):
        found = covers(self.state, self.params, now, notional)
        assert found == (self.state.verdict == Verdict.GRANTED)
        return bool(found)

    def offer(self, decisions=0, notional=LOT, now=NOW):
        found = offer(self.state, self.params, now, decisions, notional)
        assert found == (self.state.verdict == Verdict.GRANTED)
        return bool(found)

    def book(self, notional=LOT, exploring=0, now=NOW):
        return bool(book(self.state, self.params, exploring, notional, now))

    def normal(self, n, notional=LOT):
        for _ in range(n):
            self.book(notional)
        return self

    @property
    def verdict(self):
        return Verdict(int(self.state.verdict))


@pytest.mark.parametrize("mode", ["Live", "LiveShadow"])
def test_nothing_is_explored_in_live_modes(mode):
    budget = Budget(mode).normal(100)
    assert not budget.offer()
    assert not budget.covers()
    assert budget.verdict == Verdict.LIVE
    budget.params.share_bps = 1_000  # whatever is written there
    assert not budget.covers()
    with pytest.raises(InputError, match="maxFlowShareBps"):
        Budget(mode, share_bps=1)


def test_nothing_is_explored_before_normal_flow():
    budget = Budget()
    assert not budget.offer()
    assert budget.verdict == Verdict.NO_NORMAL_FLOW
    budget.normal(9)
    assert budget.offer()


def test_the_bucket_fills_exactly_by_its_share_of_normal_flow():
    budget = Budget(share_bps=1_000).normal(8)
    assert not budget.covers()
    assert budget.verdict == Verdict.TOKENS
    assert budget.normal(1).covers()
    budget.book(exploring=1)
    assert not budget.covers(1)
    odd = Budget(share_bps=1_000).normal(8, 1)
    assert not odd.covers(1)
    assert odd.normal(1, 1).covers(1)  # remainders add up


def test_the_bucket_holds_at_most_fifty_median_orders():
    budget = Budget().normal(2_000)
    assert budget.state.tokens == 50 * LOT
    few = Budget(cap_orders=2).normal(200)
    few.book(1_000 * LOT)
    assert few.state.tokens == 2 * LOT


def test_the_median_is_of_the_latest_normal_orders():
    budget = Budget(cap_orders=1).normal(150, 5)
    budget.normal(51, 9)
    assert sorted(budget.state.sorted) == list(budget.state.sorted)
    assert (budget.state.sorted[49], budget.state.sorted[50]) == (5, 9)
    assert budget.state.tokens == 6  # was held at 5 until now
    assert budget.normal(10, 9).state.tokens == 9


def test_a_mutant_starts_at_most_once_a_cadence_and_a_slot_comes_each():
    budget = Budget(cadence=50).normal(1_000)
    granted = [d for d in range(500) if budget.offer(d, 1)]
    assert granted == list(range(0, 500, 50))
    assert not budget.offer(499, 1)
    assert budget.verdict == Verdict.CADENCE
    assert budget.covers(1)  # the running one goes on


def test_a_count_of_decisions_that_fell_waits_a_whole_cadence():
    budget = Budget(cadence=50).normal(1_000)
    assert budget.offer(10_000, 1)
    assert [d for d in range(120) if budget.offer(d, 1)] == [50, 100]


def test_a_count_binds_where_exploring_orders_are_small():
    budget = Budget(share_bps=1_000, window=100).normal(100, LOT)
    found = []
    for _ in range(15):
        found.append(budget.covers(1))
        budget.book(1, exploring=1 if found[-1] else 0)
    assert found == [True] * 10 + [False] * 5
    assert budget.verdict == Verdict.COUNT


@pytest.mark.parametrize("cause", [FREEZE_ALERT, FREEZE_OPERATOR])
def test_a_freeze_holds_until_each_cause_is_gone(cause):
    budget = Budget().normal(100)
    freeze(budget.state, cause)
    freeze(budget.state, FREEZE_ALERT)
    assert not budget.offer()
    assert budget.verdict == Verdict.FROZEN
    release(budget.state, FREEZE_ALERT)
    assert budget.covers() == (cause == FREEZE_ALERT)
    release(budget.state, cause)
    assert budget.covers()


def test_without_a_fresh_permit_nothing_is_explored():
    budget = Budget(permitted=False).normal(100)
    assert not budget.covers()
    assert budget.verdict == Verdict.NO_PERMIT
    assert permit(budget.state, 10_000, NOW + 10, 3) == 1
    assert budget.covers(now=NOW + 9)
    assert not budget.covers(now=NOW + 10)
    assert budget.verdict == Verdict.PERMIT_EXPIRED
    assert permit(budget.state, 10_000, FOREVER, 2) == 0  # of a writer that has been replaced
    assert not budget.covers(now=NOW + 10)
    assert permit(budget.state, 0, FOREVER, 3) == 1
    assert not budget.covers()


def test_a_permit_of_less_holds_less():
    budget = Budget(permitted=False).normal(100)
    permit(budget.state, 100, FOREVER, 1)
    assert budget.covers(LOT)
    assert not budget.covers(LOT + LOT // 50)
    assert budget.verdict == Verdict.SHARE


def test_a_new_day_begins_with_nothing():
    budget = Budget().normal(100)
    assert budget.covers()
    assert not budget.covers(now=NOW + DAY_NS)
    assert budget.verdict == Verdict.NO_NORMAL_FLOW
    assert not budget.covers(now=NOW)  # a clock set back does not bring the old day's back


@pytest.mark.parametrize("notional", [0, -1, 2**60 + 1, 2**62])
def test_an_order_without_a_notional_is_no_order(notional):
    budget = Budget().normal(100)
    assert not budget.covers(notional)
    assert budget.verdict == Verdict.BAD_NOTIONAL


def test_an_exploring_order_that_nobody_granted_is_booked_as_a_breach():
    budget = Budget().normal(9)
    assert not budget.book(3 * LOT, exploring=1)
    assert budget.state.breaches == 1
    assert not budget.normal(17).covers(1)
    assert budget.normal(10).covers(LOT)


def test_the_largest_orders_overflow_nothing():
    budget = Budget().normal(200, 2**60)
    assert budget.state.normal == 2**62
    assert budget.covers(2**58)
    assert not budget.covers(2**60)
    assert budget.verdict == Verdict.SHARE


@pytest.mark.parametrize(
    ("mode", "asked"),
    [
        ("Simulated", {}), ("Sim", {"share_bps": 1_001}), ("Sim", {"share_bps": -1}), ("Paper", {"share_bps": 501}),
        ("Sim", {"cadence": 0}), ("Sim", {"window": 0}), ("Sim", {"window": 1_001}), ("Sim", {"cap_orders": 0}),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(mode, asked):
    with pytest.raises(InputError, match="xploration"):
        Budget(mode, **asked)


@given(
    seed=st.integers(0, 2**32), share_bps=st.integers(0, 1_000), n=st.integers(0, 60), window=st.integers(10, 40),
    frozen=st.integers(0, 9), asked=st.lists(st.integers(1, 3 * LOT), max_size=5),
)  # fmt: skip
def test_the_room_is_the_largest_order_that_is_covered(seed, share_bps, n, window, frozen, asked):
    budget = Budget(share_bps=share_bps, window=window)
    draw = np.random.default_rng(seed)
    for size in draw.integers(1, 2 * LOT, n).tolist():
        budget.book(size, exploring=int(draw.uniform() < 0.3 and budget.covers(size)))
    if frozen == 0:
        freeze(budget.state, FREEZE_ALERT)
    left = room(budget.state, budget.params, NOW)
    assert not budget.covers(left + 1)
    assert left == 0 or budget.covers(left)
    assert all(budget.covers(size) == (size <= left) for size in asked)
