"""The kill switch in a running simulation: what leaves after a trip, what is canceled, how a flatten ends."""

import pytest

from alphatrade_runtime.market.schema import Control, Kind
from unit.risk.law_mutants import Mutant, damaged
from unit.risk.law_session import (
    MID,
    SECOND_NS,
    STEP_NS,
    TapeByHand,
    fill_rows,
    guard_rows,
    order_rows,
    quotes,
    run,
    session,
    targets,
)

NEW, AMEND, CANCEL = 1, 2, 3
ALWAYS_QUOTING = [quotes((1, MID - 3, 5, MID + 3, 5), (7, MID - 2, 5, MID + 2, 5), (12, MID - 4, 5, MID + 4, 5))]


def busy(control, argument=0, *, trip_at=9, n=25, **exchange):
    """Orders leave every few rows; the trip comes at row `trip_at`."""
    tape = TapeByHand()
    for k in range(1, n):
        if k == trip_at:
            tape.control(control, argument)
        tape.quote(bid=MID - 1 - k % 3, ask=MID + 1 + k % 3).trade(MID - 4 if k % 2 else MID + 4, 3, -1 if k % 2 else 1)
    return run(session(*ALWAYS_QUOTING, exchange=exchange), tape)


def trip_seq(result):
    return next(row["seq"] for row in guard_rows(result) if row["kill_state"] != 0)


LATENCIES = [0, 250_000_000]


@pytest.mark.twin
@pytest.mark.parametrize("latency_ns", LATENCIES)
@pytest.mark.parametrize("control", [Control.HALT, Control.FLATTEN])
def test_no_order_leaves_later_than_one_event_after_the_trip(control, latency_ns):
    result = busy(control, entry_latency_ns=latency_ns, response_latency_ns=latency_ns)
    seq = trip_seq(result)
    before = [
        row for row in order_rows(result, purpose=0, code=0) if row["event"] in (NEW, AMEND) and row["seq"] <= seq
    ]
    after = [row for row in order_rows(result, purpose=0, code=0) if row["event"] in (NEW, AMEND) and row["seq"] > seq]
    assert len(before) > 2
    assert after == []
    assert result.counts["denials"]["KILL"] > 0
    assert result.violations == []


@pytest.mark.twin
@pytest.mark.parametrize("latency_ns", LATENCIES)
@pytest.mark.parametrize("control", [Control.HALT, Control.FLATTEN])
def test_every_working_order_is_asked_to_cancel(control, latency_ns):
    result = busy(control, entry_latency_ns=latency_ns, response_latency_ns=latency_ns)
    seq = trip_seq(result)
    ended = {row["order_id"] for row in order_rows(result) if row["state"] in (4, 7, 8, 9)}
    assert any(row["seq"] >= seq for row in order_rows(result, event=CANCEL))
    assert {row["order_id"] for row in order_rows(result, event=NEW, code=0)} == ended
    assert result.kill["state"] == "HALTED"


@pytest.mark.twin
def test_reduce_keeps_what_only_reduces_and_lets_reductions_leave():
    wish = quotes((1, MID, 50, 0, 0), (2, MID - 5, 10, MID + 5, 50), (5, MID - 5, 10, MID + 6, 50))
    tape = TapeByHand().quote().trade(MID - 1, 100, -1).quotes(2).control(Control.REDUCE).quotes(4)
    result = run(session(wish), tape)
    seq = trip_seq(result)
    canceled = [row["side"] for row in order_rows(result, event=CANCEL) if row["seq"] == seq]
    assert canceled == [1]  # the bid would raise the position, the ask of 50 only closes it
    left = [(row["side"], row["price"]) for row in order_rows(result, event=NEW, code=0) if row["seq"] > seq]
    assert left == [(-1, MID + 6)]
    assert result.kill["state"] == "TRIPPED"


@pytest.mark.twin
def test_reduce_cancels_what_could_flip_the_position():
    wish = quotes((1, MID, 50, 0, 0), (2, 0, 0, MID + 5, 80))
    tape = TapeByHand().quote().trade(MID - 1, 100, -1).quotes(2).control(Control.REDUCE).quotes(2)
    result = run(session(wish), tape)
    assert [row["side"] for row in order_rows(result, event=CANCEL)] == [-1]
    assert order_rows(result, event=NEW, code=0)[-1]["qty"] == 80


def held(tape, **options):
    """50 lots bought, nothing wished since; then the rest of the tape."""
    start = TapeByHand().quote().trade(MID - 1, 100, -1).quotes(2)
    return run(session(quotes((1, MID, 50, 0, 0), (2, 0, 0, 0, 0)), **options), tape(start))


def flattening(result):
    return [(row["price"], row["qty"], row["side"]) for row in order_rows(result, purpose=1, event=NEW, code=0)]


@pytest.mark.twin
def test_flatten_closes_by_reduce_only_ioc_within_its_slippage():
    result = held(lambda tape: tape.control(Control.FLATTEN).quotes(3))
    rows = order_rows(result, purpose=1, event=NEW)
    assert [(row["price"], row["qty"], row["tif"], row["order_flags"]) for row in rows] == [(9_950, 50, 1, 2)]
    assert fill_rows(result)[-1]["position_after"] == 0
    assert [row["kill_state"] for row in guard_rows(result)[-2:]] == [2, 3]
    assert result.kill["state"] == "HALTED"


@pytest.mark.twin
@pytest.mark.parametrize(("argument", "limit"), [(0, 9_950), (20, 9_980), (120, 9_880)])
def test_the_switch_may_give_its_own_slippage(argument, limit):
    result = held(lambda tape: tape.control(Control.FLATTEN, argument).quotes(3))
    assert flattening(result)[0][0] == limit
    assert result.violations == []


@pytest.mark.twin
def test_flatten_never_fills_beyond_its_slippage():
    result = held(
        lambda tape: (
            tape.quote(bid=9_900, ask=10_100).control(Control.FLATTEN).quotes(9, bid=9_900, ask=10_100, dt=STEP_NS // 2)
        )
    )
    assert {price for price, _, _ in flattening(result)} == {9_950}
    assert len(fill_rows(result)) == 1
    assert result.kill["state"] == "FLATTENING"


@pytest.mark.twin
def test_flatten_waits_for_a_fresh_quote_and_then_closes():
    stale = held(
        lambda tape: tape.row(Kind.TIMER, dt=3 * SECOND_NS).control(Control.FLATTEN).row(Kind.TIMER).row(Kind.TIMER)
    )
    assert (flattening(stale), stale.kill["state"]) == ([], "FLATTENING")
    fresh = held(lambda tape: tape.row(Kind.TIMER, dt=3 * SECOND_NS).control(Control.FLATTEN).row(Kind.TIMER).quotes(3))
    assert (len(flattening(fresh)), fresh.kill["state"]) == (1, "HALTED")


@pytest.mark.twin
@pytest.mark.parametrize(("age_ns", "sent"), [(2 * SECOND_NS, 1), (2 * SECOND_NS + 1, 0)])
def test_a_quote_of_two_seconds_is_just_fresh_enough(age_ns, sent):
    assert len(flattening(held(lambda tape: tape.control(Control.FLATTEN, dt=age_ns)))) == sent


@pytest.mark.twin
@pytest.mark.parametrize("kind", ["gap", "crossed"])
def test_flatten_waits_over_a_gap_and_a_crossed_book(kind):
    def bad(tape):
        tape.row(Kind.GAP) if kind == "gap" else tape.quote(bid=MID + 1, ask=MID - 1)
        return tape.control(Control.FLATTEN)

    assert held(bad).kill["state"] == "FLATTENING"
    assert flattening(held(bad)) == []
    assert held(lambda tape: bad(tape).quotes(3)).kill["state"] == "HALTED"


@pytest.mark.twin
def test_flatten_blind_sends_at_the_last_reference():
    result = held(
        lambda tape: tape.row(Kind.TIMER, dt=9 * SECOND_NS).control(Control.FLATTEN), limits={"flatten_blind": True}
    )
    assert flattening(result) == [(9_950, 50, -1)]


@pytest.mark.twin
def test_a_flatten_that_cannot_finish_is_halted_with_its_position():
    result = held(
        lambda tape: tape.quote(bid=9_000, ask=11_000).control(Control.FLATTEN).quotes(110, bid=9_000, ask=11_000)
    )
    assert len(flattening(result)) == 100
    assert result.kill["state"] == "HALTED"
    assert guard_rows(result)[-1]["kill_state"] == 3
    assert result.tables["marks"].to_pylist()[-1]["position"] == 50


@pytest.mark.twin
def test_flatten_cancels_first_and_closes_every_instrument():
    policies = [
        quotes((1, MID, 50, 0, 0), (2, 0, 0, MID + 8, 50), instruments=["SIM-0"], name="long"),
        quotes((1, 0, 0, MID, 30), (2, MID - 8, 30, 0, 0), instruments=["SIM-1"], name="short"),
    ]
    tape = TapeByHand().quote().quote(instrument=1).trade(MID - 1, 100, -1).trade(MID + 1, 100, 1, instrument=1)
    tape.quote().quote(instrument=1).control(Control.FLATTEN)
    for _ in range(3):
        tape.quote().quote(instrument=1)
    result = run(session(*policies, n=2), tape)
    assert sorted(flattening(result)) == [(9_950, 50, -1), (10_050, 30, 1)]
    assert {row["position"] for row in result.tables["marks"].to_pylist()[-2:]} == {0}
    assert result.kill["state"] == "HALTED"
    assert result.violations == []


RANKS = [  # the controls in order, the mode that holds, the state at the end
    ((Control.REDUCE, Control.HALT), 2, "HALTED"),
    ((Control.REDUCE, Control.FLATTEN), 3, "HALTED"),
    ((Control.HALT, Control.FLATTEN), 3, "HALTED"),
    ((Control.HALT, Control.REDUCE), 2, "HALTED"),
    ((Control.FLATTEN, Control.HALT), 3, "HALTED"),
    ((Control.REDUCE, Control.REDUCE), 1, "TRIPPED"),
    ((Control.FLATTEN, Control.REDUCE), 3, "HALTED"),
    ((Control.REDUCE, Control.ARMED), 1, "TRIPPED"),
]


@pytest.mark.twin
@pytest.mark.parametrize(("controls", "mode", "state"), RANKS)
def test_a_higher_mode_wins_and_nothing_goes_back(controls, mode, state):
    def tripped(tape):
        for control in controls:
            tape.control(control).quote()
        return tape.quotes(3)

    result = held(tripped)
    assert (result.kill["mode"], result.kill["state"]) == (str(mode), state)
    states = [row["kill_state"] for row in guard_rows(result)]
    modes = [row["qty"] for row in guard_rows(result)]
    assert modes == sorted(modes)
    assert 0 not in states[next(k for k, s in enumerate(states) if s) :]


@pytest.mark.twin
def test_a_trip_within_a_group_of_rows_holds_in_their_step():
    wish = quotes((1, 0, 0, 0, 0), (2, MID - 3, 5, 0, 0))
    tape = TapeByHand().quote().control(Control.HALT, last=False).quote(dt=0)
    result = run(session(wish), tape)
    assert order_rows(result, code=0) == []
    assert result.counts["denials"] == {"KILL": 1}


@pytest.mark.twin
def test_drawdown_from_the_peak_trips_as_the_switch_does():
    wish = quotes((1, MID, 5_000, 0, 0), (2, 0, 0, MID + 500, 10))
    tape = TapeByHand().quote().trade(MID - 1, 10_000, -1).quote().quotes(3, bid=6_900, ask=6_902)
    result = run(session(wish, limits={"max_drawdown_bps": 1_500}), tape)
    assert result.kill["state"] == "HALTED"
    assert [row["side"] for row in order_rows(result, event=CANCEL)] == [-1]
    assert guard_rows(result)[-1]["kill_state"] == 3


@pytest.mark.twin
def test_a_break_in_the_books_leaves_only_reductions_standing():
    wish = quotes((1, MID, 50, 0, 0), (2, MID - 5, 10, MID + 5, 50))
    tape = TapeByHand().quote().trade(MID - 1, 100, -1).quotes(2).control(Control.BREAK).quote()
    result = run(session(wish), tape)
    assert [row["side"] for row in order_rows(result, event=CANCEL)] == [1]
    assert result.kill["state"] == "ARMED"
    assert result.violations == []


@pytest.mark.twin
def test_the_days_loss_leaves_only_reductions_standing():
    wish = quotes((1, MID, 5_000, 0, 0), (2, 8_000, 10, MID + 500, 5_000))
    tape = TapeByHand().quote().trade(MID - 1, 10_000, -1).quote().quotes(3, bid=8_900, ask=8_902)
    result = run(session(wish, limits={"day_drawdown_bps": 500, "band_limit_bps": 3_000}), tape)
    assert [row["side"] for row in order_rows(result, event=CANCEL)] == [1]
    assert result.counts["denials"] == {"DRAWDOWN": 1}


@pytest.mark.twin
def test_pegged_orders_are_not_amended_after_a_halt():
    document = session(targets((1, 0.001), topology="pegged"), exchange={"response_latency_ns": 2 * STEP_NS})
    tape = TapeByHand()
    for k in range(12):
        tape.quote(bid=MID - 1 + k, ask=MID + 1 + k)
        if k == 6:
            tape.control(Control.HALT)
    result = run(document, tape)
    seq = trip_seq(result)
    amends = [row["seq"] for row in order_rows(result, event=AMEND, code=0)]
    assert amends
    assert max(amends) <= seq
    assert result.kill["state"] == "HALTED"


KILL_MUTANTS = [
    Mutant(
        "cancels_nothing",
        "risk.kill",
        "    if account.kill_state != ARMED and account.kill_mode != REDUCE:\n        return True\n",
        "    return False\n",
        ("test_every_working_order_is_asked_to_cancel",),
    ),
    Mutant(
        "reduce_cancels_nothing",
        "risk.kill",
        "return working > -side * exposure.position",
        "return False",
        ("test_reduce_cancels_what_could_flip_the_position",),
    ),
    Mutant(
        "reduce_cancels_all",
        "risk.kill",
        "return working > -side * exposure.position",
        "return True",
        ("test_reduce_keeps_what_only_reduces_and_lets_reductions_leave",),
    ),
    Mutant(
        "a_break_cancels_nothing",
        "risk.kill",
        "if account.kill_state == ARMED and account.reduce_only == 0:",
        "if account.kill_state == ARMED:",
        ("test_a_break_in_the_books_leaves_only_reductions_standing",),
    ),
    Mutant(
        "lower_modes_take_over",
        "risk.kill",
        "if mode <= account.kill_mode:",
        "if mode == account.kill_mode:",
        ("test_a_higher_mode_wins_and_nothing_goes_back",),
    ),
    Mutant(
        "flatten_needs_no_quote",
        "loop.step",
        "not (fresh or blind)",
        "False",
        ("test_flatten_waits_for_a_fresh_quote_and_then_closes",),
    ),
    Mutant(
        "flatten_is_done_at_once",
        "loop.step",
        "and c.plans[i].flatten_tries < MAX_FLATTEN_TRIES",
        "and False",
        ("test_flatten_never_fills_beyond_its_slippage",),
    ),
    Mutant(
        "flatten_never_gives_up",
        "loop.step",
        "and c.plans[i].flatten_tries < MAX_FLATTEN_TRIES",
        "",
        ("test_a_flatten_that_cannot_finish_is_halted_with_its_position",),
    ),
    Mutant(
        "kill_is_not_enforced",
        "loop.step",
        "    if account.kill_state != ARMED or account.reduce_only != 0 or account.halt != 0:\n"
        "        enforce_kill(c, now)\n",
        "",
        ("test_drawdown_from_the_peak_trips_as_the_switch_does",),
    ),
]


def _arguments(test):
    """The parameters under which a test is tried against its mutant: the first that can show it."""
    return {
        "test_every_working_order_is_asked_to_cancel": (Control.HALT, 0),
        "test_a_higher_mode_wins_and_nothing_goes_back": RANKS[3],
    }.get(test, ())


@pytest.mark.twin
@pytest.mark.parametrize("mutant", KILL_MUTANTS, ids=lambda mutant: mutant.name)
def test_every_removal_from_the_kill_switch_is_caught(mutant):
    for test in mutant.caught_by:
        with damaged(mutant), pytest.raises(AssertionError):
            globals()[test](*_arguments(test))
