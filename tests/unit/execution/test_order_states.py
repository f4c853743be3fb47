"""Our side of an order's life: every state meets every report; races, reservations, breaks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.execution.orders import SLOT_DTYPE, advance, can_cancel, is_terminal
from alphatrade_runtime.market.orders import REPORT_DTYPE, OrderState, Report
from alphatrade_runtime.risk.state import EXPOSURE_DTYPE
from unit.risk.law_mutants import Mutant, damaged
from unit.risk.law_session import MID, TapeByHand, fill_rows, guard_rows, order_rows, quotes, run, session

pytestmark = pytest.mark.twin
S, R = OrderState, Report


class Life:
    """A buy of 10 lots at 100, in a state; 4 may be filled."""

    def __init__(self, state, prior=S.ACCEPTED, filled=0, amend_to=0):
        self.order = np.zeros(1, SLOT_DTYPE).view(np.recarray)[0]
        self.exposure = np.zeros(1, EXPOSURE_DTYPE).view(np.recarray)[0]
        order = self.order
        order.qty, order.leaves, order.side, order.price = 10, 10 - filled, 1, 100
        order.state, order.prior = int(state), int(prior)
        order.reserved = max(order.leaves, amend_to - filled) if amend_to else order.leaves
        self.exposure.working_buy = order.reserved

    def hears(self, kind, qty=0, leaves=0, price=100):
        report = np.zeros(1, REPORT_DTYPE).view(np.recarray)[0]
        report.type, report.qty, report.leaves, report.price = int(kind), qty, leaves, price
        return bool(advance(self.order, self.exposure, report))

    @property
    def state(self):
        return OrderState(int(self.order.state))

    @property
    def reserved(self):
        assert self.exposure.working_buy == self.order.reserved
        return int(self.order.reserved)


TABLE = [  # state, prior, filled before, report, its lots, its leaves: state after, reserved after, explained
    (S.IN_FLIGHT_NEW, S.NEW, 0, R.ACCEPTED, 0, 10, S.ACCEPTED, 10, True),
    (S.IN_FLIGHT_NEW, S.NEW, 0, R.REJECTED, 0, 0, S.REJECTED, 10, True),
    (S.IN_FLIGHT_NEW, S.NEW, 0, R.FILL, 10, 0, S.FILLED, 0, True),
    (S.IN_FLIGHT_NEW, S.NEW, 0, R.FILL, 4, 6, S.PARTIALLY_FILLED, 6, True),
    (S.IN_FLIGHT_NEW, S.NEW, 0, R.EXPIRED, 0, 0, S.EXPIRED, 10, True),
    (S.ACCEPTED, S.IN_FLIGHT_NEW, 0, R.FILL, 4, 6, S.PARTIALLY_FILLED, 6, True),
    (S.ACCEPTED, S.IN_FLIGHT_NEW, 0, R.CANCELED, 0, 0, S.CANCELED, 10, True),
    (S.ACCEPTED, S.IN_FLIGHT_NEW, 0, R.ACCEPTED, 0, 10, S.ACCEPTED, 10, True),
    (S.PARTIALLY_FILLED, S.ACCEPTED, 4, R.FILL, 5, 1, S.PARTIALLY_FILLED, 1, True),
    (S.PARTIALLY_FILLED, S.ACCEPTED, 4, R.FILL, 6, 0, S.FILLED, 0, True),
    (S.PARTIALLY_FILLED, S.ACCEPTED, 4, R.FILL, 7, 0, S.FILLED, 0, False),  # more than we asked for
    (S.PARTIALLY_FILLED, S.ACCEPTED, 4, R.FILL, 0, 6, S.PARTIALLY_FILLED, 6, False),
    (S.PARTIALLY_FILLED, S.ACCEPTED, 4, R.CANCELED, 0, 0, S.CANCELED, 6, True),
    (S.PENDING_CANCEL, S.ACCEPTED, 0, R.CANCELED, 0, 0, S.CANCELED, 10, True),
    (S.PENDING_CANCEL, S.ACCEPTED, 0, R.CANCEL_REJECTED, 0, 0, S.ACCEPTED, 10, True),
    (S.PENDING_CANCEL, S.PARTIALLY_FILLED, 4, R.CANCEL_REJECTED, 0, 0, S.PARTIALLY_FILLED, 6, True),
    (S.PENDING_CANCEL, S.ACCEPTED, 0, R.FILL, 4, 6, S.PENDING_CANCEL, 6, True),  # still fillable
    (S.PENDING_CANCEL, S.ACCEPTED, 0, R.FILL, 10, 0, S.FILLED, 0, True),  # a fill beats a cancel
    (S.PENDING_CANCEL, S.PENDING_AMEND, 0, R.AMENDED, 0, 10, S.PENDING_CANCEL, 10, True),
    (S.PENDING_CANCEL, S.PENDING_AMEND, 0, R.AMEND_REJECTED, 0, 0, S.PENDING_CANCEL, 10, True),
    (S.PENDING_CANCEL, S.PENDING_AMEND, 0, R.CANCEL_REJECTED, 0, 0, S.PENDING_AMEND, 10, True),
    (S.PENDING_CANCEL, S.ACCEPTED, 0, R.AMEND_REJECTED, 0, 0, S.PENDING_CANCEL, 10, True),
    (S.PENDING_AMEND, S.ACCEPTED, 0, R.AMENDED, 0, 8, S.ACCEPTED, 8, True),
    (S.PENDING_AMEND, S.PARTIALLY_FILLED, 4, R.AMENDED, 0, 9, S.PARTIALLY_FILLED, 9, True),
    (S.PENDING_AMEND, S.ACCEPTED, 0, R.AMEND_REJECTED, 0, 0, S.ACCEPTED, 10, True),
    (S.PENDING_AMEND, S.ACCEPTED, 0, R.CANCEL_REJECTED, 0, 0, S.PENDING_AMEND, 10, True),
    (S.PENDING_AMEND, S.ACCEPTED, 0, R.FILL, 4, 6, S.PENDING_AMEND, 6, True),
    (S.PENDING_AMEND, S.ACCEPTED, 0, R.FILL, 10, 0, S.FILLED, 0, True),
    (S.PENDING_AMEND, S.ACCEPTED, 0, R.CANCELED, 0, 0, S.CANCELED, 10, True),
    (S.UNKNOWN, S.IN_FLIGHT_NEW, 0, R.ACCEPTED, 0, 10, S.ACCEPTED, 10, True),
    (S.UNKNOWN, S.IN_FLIGHT_NEW, 0, R.REJECTED, 0, 0, S.REJECTED, 10, True),
    (S.UNKNOWN, S.IN_FLIGHT_NEW, 0, R.FILL, 10, 0, S.FILLED, 0, True),
    (S.UNKNOWN, S.IN_FLIGHT_NEW, 0, R.CANCELED, 0, 0, S.CANCELED, 10, True),
]


@pytest.mark.parametrize(("state", "prior", "filled", "kind", "qty", "leaves", "after", "reserved", "explained"), TABLE)
def test_a_report_moves_an_order(state, prior, filled, kind, qty, leaves, after, reserved, explained):
    life = Life(state, prior, filled)
    assert life.hears(kind, qty, leaves) is explained
    assert (life.state, life.reserved) == (after, reserved)


def test_a_fill_while_an_amend_waits_comes_back_partial():
    life = Life(S.PENDING_AMEND, S.ACCEPTED)
    life.hears(R.FILL, 4, 6)
    life.hears(R.AMEND_REJECTED)
    assert (life.state, life.reserved) == (S.PARTIALLY_FILLED, 6)


def test_an_amend_to_more_reserves_more_until_it_is_answered():
    life = Life(S.PENDING_AMEND, S.ACCEPTED, amend_to=15)
    assert life.reserved == 15
    life.hears(R.FILL, 4, 6)
    assert life.reserved == 11
    life.hears(R.AMENDED, 0, 11, 101)
    assert (life.state, life.reserved, life.order.qty, life.order.price) == (S.PARTIALLY_FILLED, 11, 15, 101)
    refused = Life(S.PENDING_AMEND, S.ACCEPTED, amend_to=15)
    refused.hears(R.AMEND_REJECTED)
    assert (refused.state, refused.reserved) == (S.ACCEPTED, 10)


def test_a_cancel_asked_while_an_amend_waits_outlives_it():
    life = Life(S.PENDING_CANCEL, S.PENDING_AMEND, amend_to=15)
    life.hears(R.FILL, 4, 6)
    life.hears(R.AMENDED, 0, 11, 101)
    assert (life.state, life.reserved) == (S.PENDING_CANCEL, 11)
    life.hears(R.CANCEL_REJECTED)
    assert life.state == S.PARTIALLY_FILLED


@pytest.mark.parametrize("state", OrderState)
def test_what_is_terminal_and_what_can_be_canceled(state):
    assert is_terminal(int(state)) == (state in (S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED))
    assert can_cancel(int(state)) == (state in (S.ACCEPTED, S.PARTIALLY_FILLED, S.PENDING_AMEND))


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(list(R)), st.integers(0, 12), st.integers(0, 12)), max_size=12))
def test_reservations_are_never_negative_whatever_is_reported(reports):
    life = Life(S.IN_FLIGHT_NEW, S.NEW)
    for kind, qty, leaves in reports:
        life.hears(kind, qty, leaves)
        assert life.reserved >= 0
        if is_terminal(life.order.state):
            break


# The same through the running step

RESTING = session(quotes((1, MID - 5, 10, 0, 0)))


def heard(*reports, quotes_after=1):
    """An order of ours (id 1) rests; then EXEC_REPORT rows as from a venue of its own, then quotes."""
    tape = TapeByHand().quotes(2)
    for kind, order_id, fields in reports:
        tape.report(kind, order_id, **fields)
    return run(RESTING, tape.quotes(quotes_after))


def fill(qty, exec_id, order_id=1, **fields):
    return (R.FILL, order_id, {"qty": qty, "price": MID - 5, "exec_id": exec_id, **fields})


def test_a_duplicate_execution_is_booked_once():
    result = heard(fill(4, 900), fill(4, 900), fill(3, 901))
    assert [(row["exec_id"], row["position_after"]) for row in fill_rows(result)] == [(900, 4), (901, 7)]
    assert result.counts["breaks"] == 0


def test_a_fill_after_the_end_is_booked_is_a_break_and_leaves_only_reductions():
    result = heard((R.CANCELED, 1, {}), fill(4, 900), quotes_after=3)
    assert fill_rows(result)[-1]["position_after"] == 4
    assert result.counts["breaks"] == 1
    assert guard_rows(result)[-1]["guard"] == 6
    assert result.counts["denials"]["INVENTORY"] >= 1
    assert result.violations == []


def test_more_than_was_asked_for_is_booked_and_a_break():
    result = heard(fill(11, 900))
    assert fill_rows(result)[-1]["position_after"] == 11
    assert result.counts["breaks"] == 1


def test_a_fill_of_an_order_that_is_not_ours_is_booked_and_a_break():
    result = heard(fill(4, 900, order_id=77, side=-1))
    assert fill_rows(result)[-1]["position_after"] == -4
    assert result.counts["breaks"] == 1


def test_a_late_word_about_an_ended_order_changes_nothing():
    result = heard((R.CANCELED, 1, {}), (R.CANCEL_REJECTED, 1, {}), (R.EXPIRED, 1, {}))
    assert result.counts["breaks"] == 0
    assert result.violations == []


def test_a_fill_on_its_way_beats_our_cancel():
    wish = quotes((1, MID, 10, 0, 0), (3, 0, 0, 0, 0))
    slow = {"entry_latency_ns": 50_000_000, "response_latency_ns": 150_000_000}
    tape = TapeByHand().quotes(2).trade(MID - 1, 100, -1).quotes(6)
    result = run(session(wish, exchange=slow), tape)
    assert [row["event"] for row in order_rows(result)] == [1, 101, 3, 103]
    assert order_rows(result)[-1]["state"] == S.FILLED
    assert result.counts["breaks"] == 0
    assert result.violations == []


def test_a_cancel_that_comes_too_late_is_rejected_after_the_fill():
    wish = quotes((1, MID, 10, 0, 0), (3, 0, 0, 0, 0))
    slow = {"entry_latency_ns": 50_000_000, "response_latency_ns": 300_000_000}
    tape = TapeByHand().quotes(4).trade(MID - 1, 100, -1, dt=1).quotes(9)
    result = run(session(wish, exchange=slow), tape)
    assert order_rows(result)[-1]["state"] in (S.FILLED, S.CANCELED)
    assert result.counts["breaks"] == 0
    assert result.violations == []


def test_booked_before_its_cancel_is_answered_frees_no_more_than_was_reserved():
    result = heard(fill(4, 900), fill(6, 901), (R.CANCELED, 1, {}), quotes_after=2)
    assert fill_rows(result)[-1]["position_after"] == 10
    assert result.tables["equity"].to_pylist()[-1]["gross"] >= 0
    assert result.counts["breaks"] == 0


MUTANTS = [
    Mutant(
        "duplicates_are_booked",
        "execution.orders",
        "    if exec_seen[at] == exec_id:\n        return True\n",
        "",
        ("test_a_duplicate_execution_is_booked_once",),
    ),
    Mutant(
        "late_fills_are_no_break",
        "loop.reports",
        "        _book(c, report, 0, 0, 0, 0)\n",
        "        _book(c, report, 0, 0, 0, 0)\n        return\n",
        ("test_a_fill_after_the_end_is_booked_is_a_break_and_leaves_only_reductions",),
    ),
    Mutant(
        "late_fills_are_lost",
        "loop.reports",
        "        _book(c, report, 0, 0, 0, 0)\n",
        "        pass\n",
        ("test_a_fill_after_the_end_is_booked_is_a_break_and_leaves_only_reductions",),
    ),
    Mutant(
        "overfills_fit",
        "execution.orders",
        "fits = report.qty > 0 and report.qty <= order.leaves",
        "fits = True",
        ("test_more_than_was_asked_for_is_booked_and_a_break",),
    ),
    Mutant(
        "amend_rejects_undo_cancels",
        "execution.orders",
        "    elif order.state == _PENDING_CANCEL and order.prior == _PENDING_AMEND:\n",
        "    elif order.state == _PENDING_CANCEL:\n        order.state = order.prior\n    elif False:\n",
        ("test_a_cancel_asked_while_an_amend_waits_outlives_it",),
    ),
    Mutant(
        "fills_do_not_mark_partial",
        "execution.orders",
        "order.prior = _PARTIAL if order.prior != _PENDING_AMEND else _PENDING_AMEND",
        "pass",
        ("test_a_fill_while_an_amend_waits_comes_back_partial",),
    ),
    Mutant(
        "breaks_change_nothing",
        "execution.orders",
        "account.reduce_only |= REDUCE_BREAK",
        "pass",
        ("test_a_fill_after_the_end_is_booked_is_a_break_and_leaves_only_reductions",),
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_removal_from_the_state_machine_is_caught(mutant):
    with damaged(mutant), pytest.raises((AssertionError, LookupError)):
        globals()[mutant.caught_by[0]]()
