"""Events are checked before they count; those that break a rule are refused with the rule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade.v1.market_pb2 import MarketEvent
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.service.decide import events as events_module
from alphatrade_runtime.service.decide.events import MAX_PENDING, Events
from unit.loop.made_tapes import made_rows
from unit.service.decide import decided as helper

QUOTE = {"kind": 1, "bid": 99, "ask": 101, "bid_size": 1, "ask_size": 1}


def cursors():
    return np.zeros(1, np.int64), np.zeros(1, np.int64)


def event(seq=1, ts_init_ns=10, **fields):
    return MarketEvent(seq=seq, ts_init_ns=ts_init_ns, **{**QUOTE, **fields})


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (event(1, 11), "event 1: seq must be above 1"),
        (event(0, 11), "seq must be above 1"),
        (event(2, 9), "ts_init_ns 9 must not be below 10"),
        (event(2, 2**62), "nor past 2096"),
        (event(2, 10, flags=2), "has had its LAST event"),
        (event(2, 10), "has had its LAST event"),
        (event(2, 11, kind=0), "kind 0"),
        (event(2, 11, kind=4), "kind 4"),
        (event(2, 11, kind=9), "kind 9"),
        (event(2, 11, kind=10), "kind 10"),
        (event(2, 11, kind=3), "DEPTH was not announced"),
        (event(2, 11, instrument=2), "instrument 2: the session has 2"),
        (event(2, 11, instrument=65535), "instrument 65535"),
        (event(2, 11, kind=7, instrument=65535), "instrument 65535"),
        (event(2, 11, instrument=65536 + 1), "instrument 65537"),
        (event(2, 11, side=2), "side 2"),
        (event(2, 11, flags=16), "flags 16"),
        (event(2, 11, ts_event_ns=-1), "ts_event_ns -1"),
        (event(2, 11, ts_event_ns=2**62), "ts_event_ns"),
        (event(2, 11, price=2**48), "2**48 or more"),
        (event(2, 11, ask_size=-(2**48)), "2**48 or more"),
        (MarketEvent(), "seq must be above 1"),
    ],
)
def test_what_breaks_a_rule_is_refused(second, says):
    held = Events(2, False, cursors())
    assert held.add(event(1, 10, flags=2))
    with pytest.raises(InputError) as refused:
        held.add(second)
    assert says in str(refused.value)
    assert held.n == 1
    assert not held.add(event(5, 20)), "what was refused leaves no trace"


@pytest.mark.parametrize("kind", [1, 2, 5, 6, 7, 8])
def test_every_kind_of_the_contract_is_taken(kind):
    assert not Events(2, False, cursors()).add(event(kind=kind))


def test_a_gap_may_be_of_all_instruments():
    Events(2, False, cursors()).add(event(kind=8, instrument=65535))


def test_depth_that_was_announced_is_taken():
    Events(2, True, cursors()).add(event(kind=3, side=-1))


def test_columns_are_those_of_the_tape():
    rows = made_rows(50, 2)
    held = Events(2, False, cursors())
    for given_event in helper.events(rows):
        held.add(given_event)
    for name in set(Rows._fields) - {"flags"}:
        kept, given_column = getattr(held.rows, name)[: held.n], getattr(rows, name)
        assert kept.dtype == given_column.dtype
        assert kept.tolist() == given_column.tolist()


@settings(max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=300), st.integers(1, 40))
def test_rows_are_held_until_both_have_taken_them(steps, room):
    at = cursors()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events_module, "_START_ROWS", room)
        held = Events(1, False, at)
    for seq, step in enumerate(steps, 1):
        held.add(event(seq, seq))
        for cursor in at:
            cursor[0] = min(cursor[0] + step, held.n)
        waiting = held.rows.seq[int(min(at[0][0], at[1][0])) : held.n]
        assert waiting.tolist() == list(range(seq - len(waiting) + 1, seq + 1))


def test_events_that_nobody_takes_are_refused_at_a_bound():
    held = Events(1, False, cursors())

    def add_all():
        for seq in range(3 * MAX_PENDING):
            held.add(event(seq, seq))

    with pytest.raises(InputError, match="events are pending; flag arrival times' final events LAST"):
        add_all()
    assert MAX_PENDING <= held.n < 2 * MAX_PENDING
