"""Execution topologies: from a desired position or quote to order intents. No law, no sending, no clock.

| type          | entry price            | requote                 | slices              | time-out                  |
| market        | far touch + protection | -                       | one                 | IOC remainder retried     |
| passive_quote | join own best          | best moved: cancel, new | one                 | cross after timeout_ns    |
| pegged        | best - offset_ticks    | amend, >= repeg_ns      | one                 | cross after timeout_ns    |
| twap          | far touch + protection | -                       | `slices` equal ones | last slice takes the rest |
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from alphatrade_runtime.market.orders import Command, OrderFlag, OrderState, TimeInForce
from alphatrade_runtime.numerics.jit import hot, kernel


class Topology(IntEnum):
    MARKET = 1
    PASSIVE_QUOTE = 2
    PEGGED = 3
    TWAP = 4


@dataclass(frozen=True, slots=True)
class TopologyParam:
    """A setting of a topology: its place in the parameter vector, default, bounds, meaning."""

    name: str
    default: int
    low: int
    high: int
    doc: str


_PROTECTION = TopologyParam("protection_bps", 10, 0, 1_000, "how far beyond the far touch a taking order may fill")
_TIMEOUT = TopologyParam("timeout_ns", 0, 0, 86_400_000_000_000, "cross the spread after resting this long; 0 never")
PARAMS: dict[Topology, tuple[TopologyParam, ...]] = {
    Topology.MARKET: (_PROTECTION,),
    Topology.PASSIVE_QUOTE: (_PROTECTION, _TIMEOUT),
    Topology.PEGGED: (
        _PROTECTION,
        _TIMEOUT,
        TopologyParam("offset_ticks", 0, 0, 10_000, "ticks behind the own best"),
        TopologyParam("repeg_ns", 100_000_000, 100_000_000, 60_000_000_000, "least time between two amends"),
    ),
    Topology.TWAP: (
        _PROTECTION,
        TopologyParam("duration_ns", 10_000_000_000, 1_000_000, 86_400_000_000_000, "time over which slices go out"),
        TopologyParam("slices", 5, 1, 1_000, "number of equal slices"),
    ),
}
NAMES = {t.name.lower(): t for t in Topology}
PARAM_SLOTS = 8

# Where an instrument's topology stands. want_* is the desired quote of a quoting policy.
PLAN_DTYPE = np.dtype(
    [
        ("topology", "i8"), ("params", "i8", (PARAM_SLOTS,)), ("target", "i8"), ("share", "f8"), ("has_target", "i8"),
        ("quoting", "i8"), ("want", "i8", (4,)), ("resting_since", "i8"), ("last_amend", "i8"),
        ("slice_start", "i8"), ("slice_total", "i8"), ("slice_from", "i8"), ("slice_target", "i8"),
        ("next_ts", "i8"), ("hold_buy_until", "i8"), ("hold_sell_until", "i8"), ("bar_mode", "i8"),
        ("flatten_tries", "i8"), ("flatten_ts", "i8"), ("switched", "i8"), ("decisions", "i8"), ("decided_ts", "i8"),
    ]
)  # fmt: skip
INTENT_DTYPE = np.dtype(
    [
        ("command", "i8"), ("slot", "i8"), ("side", "i8"), ("price", "i8"), ("qty", "i8"), ("tif", "i8"),
        ("order_flags", "i8"),
    ]
)  # fmt: skip
MAX_INTENTS = 16
HOLD_AFTER_DENIAL_NS = 1_000_000_000

_MARKET = int(Topology.MARKET)
_PASSIVE = int(Topology.PASSIVE_QUOTE)
_PEGGED = int(Topology.PEGGED)
_TWAP = int(Topology.TWAP)
_NEW = int(Command.NEW)
_AMEND = int(Command.AMEND)
_CANCEL = int(Command.CANCEL)
_GTC = int(TimeInForce.GTC)
_IOC = int(TimeInForce.IOC)
_AT_OPEN = int(TimeInForce.AT_OPEN)
_POST_ONLY = int(OrderFlag.POST_ONLY)
_IN_FLIGHT = int(OrderState.IN_FLIGHT_NEW)
_ACCEPTED = int(OrderState.ACCEPTED)
_PARTIAL = int(OrderState.PARTIALLY_FILLED)
_P_PROTECTION = 0
_P_TIMEOUT = 1
_P_OFFSET = 2
_P_REPEG = 3
_P_DURATION = 1
_P_SLICES = 2


@hot
def _intend(intents, n, command, slot, side, price, qty, tif, flags):
    if n >= MAX_INTENTS:
        return n
    intent = intents[n]
    intent.command = command
    intent.slot = slot
    intent.side = side
    intent.price = price
    intent.qty = qty
    intent.tif = tif
    intent.order_flags = flags
    return n + 1


@hot
def _intend_cancel(intents, n, slot, order):
    return _intend(intents, n, _CANCEL, slot, order.side, order.price, order.leaves, order.tif, order.order_flags)


@hot
def take_price(plan, view, side):
    """Return the limit of a taking order: the far touch and the protection beyond it, in ticks."""
    bps = plan.params[_P_PROTECTION]
    if side > 0:
        return view.ask + view.ask * bps // 10_000
    return view.bid - view.bid * bps // 10_000


@hot
def _take_intent(intents, n, plan, view, side, qty):
    if plan.bar_mode != 0:
        return _intend(intents, n, _NEW, -1, side, view.mark2 // 2, qty, _AT_OPEN, 0)
    return _intend(intents, n, _NEW, -1, side, take_price(plan, view, side), qty, _IOC, 0)


@hot
def _held(plan, side, now):
    return now < (plan.hold_buy_until if side > 0 else plan.hold_sell_until)


@hot
def _has_market(plan, view):
    return view.mark2 > 0 and (plan.bar_mode != 0 or 0 < view.bid < view.ask)


@kernel
def _plan_market(plan, view, delta, working, now, intents):
    """One taking order for the whole difference, when nothing is under way."""
    side = 1 if delta > 0 else -1
    if delta == 0 or working > 0 or _held(plan, side, now):
        return 0
    return _take_intent(intents, 0, plan, view, side, abs(delta))


@kernel
def _plan_twap(plan, view, position, delta, working, now, intents):
    """Equal slices over the duration; a changed target starts a new schedule from where we are."""
    if plan.slice_target != plan.target or plan.slice_start == 0:
        plan.slice_target = plan.target
        plan.slice_start = now
        plan.slice_from = position
        plan.slice_total = plan.target - position
    side = 1 if delta > 0 else -1
    slices = plan.params[_P_SLICES]
    interval = max(plan.params[_P_DURATION] // slices, 1)
    due = min((now - plan.slice_start) // interval + 1, slices)
    plan.next_ts = plan.slice_start + due * interval if due < slices else 0
    goal = plan.slice_from + plan.slice_total * due // slices
    if plan.slice_total < 0:
        goal = plan.slice_from - (-plan.slice_total) * due // slices
    qty = (goal - position) * side
    if delta == 0 or qty <= 0 or working > 0 or _held(plan, side, now):
        return 0
    return _take_intent(intents, 0, plan, view, side, qty)


@hot
def _own_best(plan, view, side, offset):
    if plan.bar_mode != 0:
        return view.mark2 // 2 - side * offset
    return view.bid - offset if side > 0 else view.ask + offset


@kernel
def _plan_resting(plan, view, slots, active, i, count, delta, now, intents):
    """Rest one order at the own best (passive_quote) or an offset from it (pegged)."""
    side = 1 if delta > 0 else -1
    pegged = plan.topology == _PEGGED
    price = _own_best(plan, view, side, plan.params[_P_OFFSET] if pegged else 0)
    if count == 0:
        if delta == 0 or _held(plan, side, now):
            return 0
        if plan.resting_since == 0:
            plan.resting_since = now
        timeout = plan.params[_P_TIMEOUT]
        if timeout > 0 and now - plan.resting_since >= timeout:
            return _take_intent(intents, 0, plan, view, side, abs(delta))
        return _intend(intents, 0, _NEW, -1, side, price, abs(delta), _GTC, _POST_ONLY)
    return _tend_resting(plan, slots, active, i, count, delta, side, price, pegged, now, intents)


@kernel
def _tend_resting(plan, slots, active, i, count, delta, side, price, pegged, now, intents):
    """Keep, amend or cancel what rests; one request an order at a time."""
    n = 0
    timeout = plan.params[_P_TIMEOUT]
    expired = timeout > 0 and now - plan.resting_since >= timeout
    for k in range(count):
        slot = active[i, k]
        order = slots[slot]
        if order.state != _ACCEPTED and order.state != _PARTIAL:
            continue
        wanted = delta * order.side
        if wanted <= 0 or wanted < order.leaves or expired:
            n = _intend_cancel(intents, n, slot, order)
        elif order.price != price:
            if not pegged:
                n = _intend_cancel(intents, n, slot, order)
            elif now - plan.last_amend >= plan.params[_P_REPEG] and not _held(plan, side, now):
                plan.last_amend = now
                n = _intend(intents, n, _AMEND, slot, order.side, price, order.qty, order.tif, order.order_flags)
    return n


@kernel
def _plan_quotes(plan, view, slots, active, i, count, now, intents):
    """Keep a desired bid and ask: cancel what stands elsewhere, send what is missing."""
    n = 0
    for leg in range(2):
        side = 1 if leg == 0 else -1
        price = plan.want[2 * leg]
        lots = plan.want[2 * leg + 1]
        standing = 0
        for k in range(count):
            slot = active[i, k]
            order = slots[slot]
            if order.side != side:
                continue
            standing += 1
            free = order.state == _ACCEPTED or order.state == _PARTIAL
            if free and (lots <= 0 or order.price != price):
                n = _intend(intents, n, _CANCEL, slot, side, order.price, order.leaves, order.tif, order.order_flags)
        if standing == 0 and lots > 0 and price > 0 and not _held(plan, side, now):
            n = _intend(intents, n, _NEW, -1, side, price, lots, _GTC, _POST_ONLY)
    return n


@kernel
def intend(plan, view, exposure, slots, active, i, now, intents):
    """Write the intents of an instrument's topology now; return how many.

    plan, view, exposure: records of instrument i.  slots, active: working orders.  intents: (16,) records, written.
    """
    if not _has_market(plan, view):
        return 0
    count = exposure.open_orders
    if plan.quoting != 0:
        return _plan_quotes(plan, view, slots, active, i, count, now, intents)
    if plan.has_target == 0:
        return 0
    delta = plan.target - exposure.position
    if delta == 0 and count == 0:
        plan.resting_since = 0
        return 0
    if plan.topology == _MARKET:
        return _plan_market(plan, view, delta, count, now, intents)
    if plan.topology == _TWAP:
        return _plan_twap(plan, view, exposure.position, delta, count, now, intents)
    return _plan_resting(plan, view, slots, active, i, count, delta, now, intents)


def resolve_params(topology: Topology, given: dict[str, int]) -> list[int]:
    """Return the parameter vector of a topology. Raises ValueError naming the parameter and its bounds."""
    params = PARAMS[topology]
    unknown = sorted(set(given) - {p.name for p in params})
    if unknown:
        known = ", ".join(p.name for p in params)
        raise ValueError(f"topology {topology.name.lower()}: unknown parameter {unknown[0]!r}; it takes {known}")
    vector = [0] * PARAM_SLOTS
    for at, param in enumerate(params):
        value = given.get(param.name, param.default)
        if not param.low <= value <= param.high:
            raise ValueError(
                f"topology {topology.name.lower()}: {param.name}={value} lies outside [{param.low}, {param.high}]"
            )
        vector[at] = value
    return vector
