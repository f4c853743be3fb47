"""What each topology wants to send: tables of situations."""

import numpy as np
import pytest

from alphatrade_runtime.execution.orders import MAX_ACTIVE, SLOT_DTYPE
from alphatrade_runtime.execution.topology import (
    INTENT_DTYPE,
    MAX_INTENTS,
    PARAMS,
    PLAN_DTYPE,
    Topology,
    intend,
    resolve_params,
)
from alphatrade_runtime.market.orders import Command, OrderFlag, OrderState, TimeInForce
from alphatrade_runtime.market.view import VIEW_DTYPE
from alphatrade_runtime.risk.state import EXPOSURE_DTYPE

pytestmark = pytest.mark.twin
MS = 1_000_000
T0 = 10**15
IOC, GTC, AT_OPEN, POST = TimeInForce.IOC, TimeInForce.GTC, TimeInForce.AT_OPEN, OrderFlag.POST_ONLY
NEW, AMEND, CANCEL = Command.NEW, Command.AMEND, Command.CANCEL


class Desk:
    """One instrument at 9,999 / 10,001 with a target and orders of ours."""

    def __init__(self, topology, target=None, position=0, quoting=None, bars=False, **params):
        self.plan = np.zeros(1, PLAN_DTYPE).view(np.recarray)[0]
        self.view = np.zeros(1, VIEW_DTYPE).view(np.recarray)[0]
        self.exposure = np.zeros(1, EXPOSURE_DTYPE).view(np.recarray)[0]
        self.slots = np.zeros(MAX_ACTIVE, SLOT_DTYPE).view(np.recarray)
        self.active = np.arange(MAX_ACTIVE).reshape(1, -1)
        self.intents = np.zeros(MAX_INTENTS, INTENT_DTYPE).view(np.recarray)
        self.plan.topology, self.plan.bar_mode = int(topology), bars
        self.plan.params[:] = resolve_params(topology, params)
        self.exposure.position = position
        if target is not None:
            self.plan.target, self.plan.has_target = target, 1
        if quoting is not None:
            self.plan.quoting = 1
            self.plan.want[:] = quoting
        self.quote()

    def quote(self, bid=9_999, ask=10_001):
        self.view.bid, self.view.ask, self.view.mark2 = bid, ask, bid + ask
        return self

    def order(self, side, price, leaves, state=OrderState.ACCEPTED, qty=None):
        slot = self.slots[int(self.exposure.open_orders)]
        slot.side, slot.price, slot.leaves, slot.qty, slot.state = side, price, leaves, qty or leaves, int(state)
        self.exposure.open_orders += 1
        return self

    def at(self, ms=0):
        n = intend(self.plan, self.view, self.exposure, self.slots, self.active, 0, T0 + ms * MS, self.intents)
        return [
            (Command(int(i.command)).name, int(i.side), int(i.price), int(i.qty), int(i.tif), int(i.order_flags))
            for i in self.intents[:n]
        ]


TAKE = 10_001 + 10_001 * 10 // 10_000  # the far touch and 10 bps
GIVE = 9_999 - 9_999 * 10 // 10_000
MARKET, PASSIVE, PEGGED, TWAP = Topology.MARKET, Topology.PASSIVE_QUOTE, Topology.PEGGED, Topology.TWAP

TABLE = {
    "no target yet": (Desk(MARKET), []),
    "at its target": (Desk(MARKET, 5, 5), []),
    "buys the difference": (Desk(MARKET, 8, 3), [("NEW", 1, TAKE, 5, IOC, 0)]),
    "sells through zero": (Desk(MARKET, -8, 3), [("NEW", -1, GIVE, 11, IOC, 0)]),
    "waits for what is under way": (Desk(MARKET, 8).order(1, TAKE, 8, OrderState.IN_FLIGHT_NEW), []),
    "own protection": (Desk(MARKET, 8, protection_bps=0), [("NEW", 1, 10_001, 8, IOC, 0)]),
    "no market": (Desk(MARKET, 8).quote(0, 0), []),
    "crossed market": (Desk(MARKET, 8).quote(10_001, 9_999), []),
    "at the open on bars": (Desk(MARKET, 8, bars=True), [("NEW", 1, 10_000, 8, AT_OPEN, 0)]),
    "passive joins its best": (Desk(PASSIVE, 8), [("NEW", 1, 9_999, 8, GTC, POST)]),
    "passive sells at the ask": (Desk(PASSIVE, -8), [("NEW", -1, 10_001, 8, GTC, POST)]),
    "passive stays": (Desk(PASSIVE, 8).order(1, 9_999, 8), []),
    "passive follows by cancel": (Desk(PASSIVE, 8).order(1, 9_998, 8), [("CANCEL", 1, 9_998, 8, GTC, 0)]),
    "passive cancels the wrong side": (Desk(PASSIVE, -8).order(1, 9_999, 8), [("CANCEL", 1, 9_999, 8, GTC, 0)]),
    "passive cancels too much": (Desk(PASSIVE, 8, 3).order(1, 9_999, 8), [("CANCEL", 1, 9_999, 8, GTC, 0)]),
    "passive cancels at its target": (Desk(PASSIVE, 8, 8).order(1, 9_999, 8), [("CANCEL", 1, 9_999, 8, GTC, 0)]),
    "passive keeps less": (Desk(PASSIVE, 8).order(1, 9_999, 3), []),
    "one request an order at a time": (Desk(PASSIVE, 8).order(1, 9_998, 8, OrderState.PENDING_CANCEL), []),
    "pegged stands behind": (Desk(PEGGED, 8, offset_ticks=3), [("NEW", 1, 9_996, 8, GTC, POST)]),
    "pegged sells above": (Desk(PEGGED, -8, offset_ticks=3), [("NEW", -1, 10_004, 8, GTC, POST)]),
    "pegged follows by amend": (Desk(PEGGED, 8).order(1, 9_990, 8), [("AMEND", 1, 9_999, 8, GTC, POST * 0)]),
    "pegged amends to the whole": (
        Desk(PEGGED, 8, 2).order(1, 9_990, 6, OrderState.PARTIALLY_FILLED, 8),
        [("AMEND", 1, 9_999, 8, GTC, 0)],
    ),
    "pegged waits for its amend": (Desk(PEGGED, 8).order(1, 9_990, 8, OrderState.PENDING_AMEND), []),
    "quotes both sides": (
        Desk(PASSIVE, quoting=(9_998, 3, 10_002, 4)),
        [("NEW", 1, 9_998, 3, GTC, POST), ("NEW", -1, 10_002, 4, GTC, POST)],
    ),
    "quotes one side": (Desk(PASSIVE, quoting=(9_998, 3, 0, 0)), [("NEW", 1, 9_998, 3, GTC, POST)]),
    "quotes stay": (Desk(PASSIVE, quoting=(9_998, 3, 0, 0)).order(1, 9_998, 1), []),
    "quotes move": (Desk(PASSIVE, quoting=(9_998, 3, 0, 0)).order(1, 9_997, 3), [("CANCEL", 1, 9_997, 3, GTC, 0)]),
    "quotes go": (Desk(PASSIVE, quoting=(0, 0, 0, 0)).order(-1, 10_002, 3), [("CANCEL", -1, 10_002, 3, GTC, 0)]),
    "quotes wait for the first answer": (
        Desk(PASSIVE, quoting=(9_998, 3, 0, 0)).order(1, 9_997, 3, OrderState.IN_FLIGHT_NEW),
        [],
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_intents(case):
    desk, wanted = TABLE[case]
    assert desk.at() == wanted


def test_passive_crosses_after_its_timeout():
    desk = Desk(PASSIVE, 8, timeout_ns=500 * MS)
    assert desk.at(0)[0][4] == GTC
    desk.order(1, 9_999, 8)
    assert desk.at(499) == []
    assert desk.at(500) == [("CANCEL", 1, 9_999, 8, GTC, 0)]
    desk.exposure.open_orders = 0
    assert desk.at(501) == [("NEW", 1, TAKE, 8, IOC, 0)]


def test_pegged_amends_no_more_often_than_told():
    desk = Desk(PEGGED, 8, repeg_ns=300 * MS).order(1, 9_990, 8)
    assert [bool(desk.at(ms)) for ms in (0, 100, 299, 300, 301)] == [True, False, False, True, False]


def test_a_denied_side_is_left_alone_for_its_time():
    desk = Desk(MARKET, 8)
    desk.plan.hold_buy_until = T0 + 1_000 * MS
    assert [bool(desk.at(ms)) for ms in (0, 999, 1_000)] == [False, False, True]
    desk.plan.target = -8
    assert desk.at(0)


SLICES = [
    (10, 5, 0, [2, 4, 6, 8, 10]),
    (-10, 5, 0, [-2, -4, -6, -8, -10]),
    (7, 3, 0, [2, 4, 7]),
    (-7, 3, 3, [0, -3, -7]),
    (3, 5, 0, [0, 1, 1, 2, 3]),
]


@pytest.mark.parametrize(("target", "slices", "start", "path"), SLICES)
def test_twap_sends_equal_slices_and_the_last_takes_the_rest(target, slices, start, path):
    desk = Desk(TWAP, target, start, duration_ns=slices * 100 * MS, slices=slices)
    went = []
    for k in range(slices + 2):
        for _, side, price, qty, tif, _ in desk.at(k * 100):
            assert (price, tif) == (TAKE if side > 0 else GIVE, IOC)
            desk.exposure.position += side * qty
        went.append(int(desk.exposure.position))
    assert went[:slices] == path
    assert went[-1] == target


def test_twap_asks_for_its_next_slice_without_a_decision():
    desk = Desk(TWAP, 10, duration_ns=500 * MS, slices=5)
    desk.at(0)
    assert desk.plan.next_ts == T0 + 100 * MS
    desk.at(450)
    assert desk.plan.next_ts == 0


def test_twap_starts_anew_when_its_target_changes():
    desk = Desk(TWAP, 10, duration_ns=500 * MS, slices=5)
    desk.at(0)
    desk.exposure.position, desk.plan.target = 2, -8
    assert desk.at(100) == [("NEW", -1, GIVE, 2, IOC, 0)]


@pytest.mark.parametrize("topology", list(PARAMS))
def test_parameters_are_bounded_and_named(topology):
    for param in PARAMS[topology]:
        assert resolve_params(topology, {param.name: param.low})
        assert resolve_params(topology, {param.name: param.high})
        for beyond in (param.low - 1, param.high + 1):
            with pytest.raises(ValueError, match=param.name):
                resolve_params(topology, {param.name: beyond})
    with pytest.raises(ValueError, match="unknown parameter 'speed'"):
        resolve_params(topology, {"speed": 1})
