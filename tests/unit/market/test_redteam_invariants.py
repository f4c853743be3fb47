"""Whatever is planted: the tape stays one, what is not touched stays as it was, and the seed decides everything."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.quality import check_writable
from alphatrade_runtime.market.redteam import SCENARIOS, Severity, with_timers
from alphatrade_runtime.market.schema import Flag, Kind, Rows
from unit.market.redteam_tapes import placed, quiet_market

MARKET = quiet_market()
CASES = st.tuples(st.sampled_from(sorted(SCENARIOS)), st.sampled_from(list(Severity)), st.integers(0, 2**40))
REFUSED = ("bad_print_zero", "bad_print_negative")
COLUMNS = [name for name in Rows._fields if name not in ("seq", "flags")]


def plant(case, rows=MARKET):
    name, severity, seed = case
    scenario = SCENARIOS[name]
    return scenario.plant(rows, placed(scenario, severity, rows, seed))


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def set_of(rows, where):
    """Rows as a multiset of what they say, but number and LAST flag."""
    return sorted(zip(*(getattr(rows, name)[where].tolist() for name in COLUMNS), strict=True))


@settings(max_examples=150)
@given(CASES)
def test_the_rows_stay_a_tape(case):
    rows = plant(case).rows
    assert (np.diff(rows.ts_init_ns) >= 0).all()
    assert rows.seq.tolist() == list(range(len(rows.seq)))
    last = np.append(rows.ts_init_ns[1:] != rows.ts_init_ns[:-1], True)
    assert np.array_equal((rows.flags & int(Flag.LAST)) != 0, last)
    assert all(not column.flags.writeable for column in rows)
    if case[0] not in REFUSED:
        check_writable(rows, 0, 0, 3)


@settings(max_examples=150)
@given(CASES)
def test_what_came_before_the_fault_is_untouched(case):
    planted = plant(case)
    n = int(np.searchsorted(MARKET.ts_init_ns, planted.start_ns))
    assert same(planted.rows.slice(0, n), MARKET.slice(0, n))
    assert int(planted.rows.ts_init_ns[n]) >= planted.start_ns


@settings(max_examples=150)
@given(CASES)
def test_an_instrument_that_is_not_traded_is_untouched(case):
    rows = plant(case).rows
    other, before = rows.instrument == 2, MARKET.instrument == 2
    if case[0] == "late_ticks":  # the whole stream is late
        rows = rows._replace(ts_init_ns=rows.ts_init_ns * 0)
        assert set_of(rows, other) == set_of(MARKET._replace(ts_init_ns=MARKET.ts_init_ns * 0), before)
    else:
        assert set_of(rows, other) == set_of(MARKET, before)


@settings(max_examples=60)
@given(CASES)
def test_the_same_seed_makes_the_same_bytes_and_leaves_its_input_alone(case):
    market = quiet_market()
    one, two = plant(case, market), plant(case)
    assert same(one.rows, two.rows)
    assert (one.start_ns, one.end_ns, one.due_ns, one.moments, one.count) == (
        two.start_ns, two.end_ns, two.due_ns, two.moments, two.count,
    )  # fmt: skip
    assert same(market, MARKET)


@settings(max_examples=60)
@given(CASES)
def test_times_lie_within_the_fault_and_the_tape(case):
    planted = plant(case)
    assert MARKET.ts_init_ns[0] < planted.start_ns < planted.end_ns <= MARKET.ts_init_ns[-1]
    if planted.due_ns is not None:
        assert planted.start_ns - 5_000_000_000 <= planted.due_ns <= planted.end_ns
    assert all(planted.start_ns <= moment <= planted.end_ns for moment in planted.moments)


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"fee_shock"}))
def test_another_seed_makes_another_tape(name):
    assert not same(plant((name, Severity.HIGH, 1)).rows, plant((name, Severity.HIGH, 2)).rows)


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"fee_shock"}))
def test_every_severity_changes_the_tape_and_no_two_alike(name):
    tapes = [MARKET] + [plant((name, severity, 1)).rows for severity in Severity]
    for k, a in enumerate(tapes):
        assert not any(same(a, b) for b in tapes[:k])


@pytest.mark.parametrize("name", REFUSED)
def test_no_tape_may_hold_a_price_that_is_none(name):
    with pytest.raises(InputError, match="a price is zero or negative"):
        check_writable(plant((name, Severity.LOW, 1)).rows, 0, 0, 3)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_tape_without_quotes_in_the_fault_is_refused_where_quotes_are_needed(name):
    scenario = SCENARIOS[name]
    place = placed(scenario, Severity.LOW, MARKET)
    rows = MARKET._replace(kind=np.where(MARKET.kind == Kind.QUOTE, np.uint8(Kind.TRADE), MARKET.kind))
    rows = rows._replace(price=np.maximum(rows.price, 1), size=np.maximum(rows.size, 1))
    if name in ("halt_reopen", "late_ticks", "volume_drought", "fee_shock", "duplicate_rows", "out_of_order"):
        scenario.plant(rows, place)
    else:
        with pytest.raises(InputError, match="no valid quote"):
            scenario.plant(rows, place)


def test_timers_come_in_between_and_last_at_their_time():
    moment = int(MARKET.ts_init_ns[100])
    rows = with_timers(MARKET, 250_000_000, (moment, moment + 7))
    timer = rows.kind == Kind.TIMER
    assert set_of(rows, ~timer) == set_of(MARKET, np.ones(len(MARKET.seq), bool))
    times = rows.ts_init_ns[timer]
    assert {moment, moment + 7} <= set(times.tolist())
    assert np.diff(times).max() <= 250_000_000
    at = int(np.flatnonzero(timer & (rows.ts_init_ns == moment))[0])
    assert rows.ts_init_ns[at - 1] == moment
    assert rows.flags[at] & int(Flag.LAST)
    assert not rows.flags[at - 1] & int(Flag.LAST)


def test_severity_is_asked_for_by_the_place():
    place = placed(SCENARIOS["vol_jump"], Severity.MEDIUM, MARKET)
    assert [replace(place, severity=severity).of(1, 2, 3) for severity in Severity] == [1, 2, 3]
