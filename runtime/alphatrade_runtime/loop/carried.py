"""Take what a session hands on out of its state, and put it into the state of the one that goes on."""

from typing import Any

import numpy as np

from alphatrade_runtime.execution.orders import SLOT_DTYPE
from alphatrade_runtime.loop.carry import CarriedAccount, CarriedInstrument, CarriedOrder, CarriedPlace, Carry
from alphatrade_runtime.loop.core import Core
from alphatrade_runtime.loop.identity import Identity
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.risk.auditor.opening import Opening, OpenOrder
from alphatrade_runtime.risk.codes import Code
from alphatrade_runtime.risk.state import HALT_LINK_LOST, RATE_RING, TURN_BUCKETS

_COUNTERS = (
    "decision_id", "events", "steps", "decisions", "actions", "orders", "acks", "fills", "denied", "near_misses",
    "plugin_faults", "breaks", "config_epoch",
)  # fmt: skip
_WINDOWS = ("turn_s", "turn_min")
_NUMBERS = tuple(name for name in CarriedAccount.model_fields if name not in _WINDOWS)


def take_out(core: Core, session: Session, session_id: str, identity: Identity, place: CarriedPlace) -> Carry:
    """Return what a state hands on."""
    account, loop = core["account"][0][0], core["loop"][0][0]
    numbers: dict[str, Any] = {name: int(account[name]) for name in _NUMBERS}
    windows = {name: [int(value) for value in account[name]] for name in _WINDOWS}
    return Carry(
        session_id=session_id,
        policy_hash=identity.policy_hash,
        code_hash=identity.code_hash,
        account=CarriedAccount(**numbers | windows),
        day_start_ns=_day_start(core),
        rates=_rates(core),
        counters={name: int(loop[name]) for name in _COUNTERS},
        denials={code.name: int(loop["denials"][code]) for code in Code if loop["denials"][code]},
        instruments=[_instrument(core, i, terms.symbol) for i, terms in enumerate(session.policy.envelope.instruments)],
        orders=[_order(core, slot) for i in range(int(loop["instruments"])) for slot in _active(core, i)],
        place=place,
    )


def put_in(core: Core, carry: Carry, session: Session) -> None:
    """Bring a new state to where another one ended; orders are held until the account was reconciled.

    Raises InputError when they are not of the same instruments.
    """
    symbols = [terms.symbol for terms in session.policy.envelope.instruments]
    if [one.symbol for one in carry.instruments] != symbols:
        raise InputError("its carry record is of other instruments than its document; restore the journal")
    _put_account(core, carry)
    loop = core["loop"][0][0]
    for name, count in carry.counters.items():
        loop[name] = count
    for name, count in carry.denials.items():
        loop["denials"][Code[name]] = count
    for i, one in enumerate(carry.instruments):
        _put_instrument(core, i, one)
    for order in carry.orders:
        _put_order(core, order)
    _put_levels(core)


def opening_of(carry: Carry) -> Opening:
    """Return what an auditor starts from."""
    account = carry.account
    return Opening(
        cash=account.cash,
        fees=account.fees,
        funding=account.funding,
        turnover=account.turnover,
        kill_state=account.kill_state,
        kill_mode=account.kill_mode,
        flatten_bps=account.flatten_slippage_bps,
        positions=[one.position for one in carry.instruments],
        orders=[_audited(order) for order in carry.orders],
    )


def _audited(order: CarriedOrder) -> OpenOrder:
    given = {name: getattr(order, name) for name in OpenOrder.__dataclass_fields__ if name in CarriedOrder.model_fields}
    plain = OpenOrder(**given, price_low=order.price, price_high=order.price)
    if not plain.amending:
        return plain
    low, high = min(order.price, order.pending_price), max(order.price, order.pending_price)
    return OpenOrder(**given, price_low=low, price_high=high)


def _day_start(core: Core) -> int:
    """Return when the day under way began; 0 before the first one."""
    cursor = int(core["account"][0][0]["day_cursor"])
    return int(core["day_start"][0][cursor - 1]) if cursor else 0


def _rates(core: Core) -> list[int]:
    account, ring = core["account"][0][0], core["rate_ring"][0]
    at = np.arange(int(account["rate_tail_min"]), int(account["rate_head"])) & (RATE_RING - 1)
    return [int(ts_ns) for ts_ns in ring[at]]


def _instrument(core: Core, i: int, symbol: str) -> CarriedInstrument:
    view, plan = core["views"][0][i], core["plans"][0][i]
    return CarriedInstrument(
        symbol=symbol,
        position=int(core["exposures"][0][i]["position"]),
        mark2=int(view["mark2"]),
        status=int(view["status"]),
        target=int(plan["target"]),
        has_target=int(plan["has_target"]),
        flatten_tries=int(plan["flatten_tries"]),
    )


def _active(core: Core, i: int) -> list[int]:
    return [int(slot) for slot in core["active"][0][i, : int(core["exposures"][0][i]["open_orders"])]]


def _order(core: Core, slot: int) -> CarriedOrder:
    held = core["slots"][0][slot]
    return CarriedOrder(**{name: int(held[name]) for name in SLOT_DTYPE.names or ()})


def _put_account(core: Core, carry: Carry) -> None:
    account, given = core["account"][0][0], carry.account
    if len(given.turn_s) != TURN_BUCKETS or len(given.turn_min) != TURN_BUCKETS or len(carry.rates) >= RATE_RING:
        raise InputError("its carry record has windows of another length; go back to the image that wrote it")
    for name in (*_NUMBERS, *_WINDOWS):
        account[name] = getattr(given, name)
    core["rate_ring"][0][: len(carry.rates)] = carry.rates
    account["rate_head"] = len(carry.rates)
    days = core["day_start"][0][: int(core["loop"][0][0]["days"])]
    account["day_cursor"] = int(np.searchsorted(days, carry.day_start_ns, side="right"))
    account["halt"] = HALT_LINK_LOST  # until the account has told where we stand


def _put_instrument(core: Core, i: int, one: CarriedInstrument) -> None:
    view, plan = core["views"][0][i], core["plans"][0][i]
    core["exposures"][0][i]["position"] = one.position
    view["mark2"], view["status"] = one.mark2, one.status
    plan["target"], plan["has_target"], plan["flatten_tries"] = one.target, one.has_target, one.flatten_tries


def _put_order(core: Core, order: CarriedOrder) -> None:
    free, i = core["free"][0], order.instrument
    exposure = core["exposures"][0][i]
    slot = int(free[free[0]])
    free[0] -= 1
    held: Any = core["slots"][0][slot]
    for name in SLOT_DTYPE.names or ():
        held[name] = getattr(order, name)
    core["active"][0][i, int(exposure["open_orders"])] = slot
    exposure["open_orders"] += 1
    exposure["working_buy" if order.side > 0 else "working_sell"] += order.reserved


def _put_levels(core: Core) -> None:
    """Value the positions at the marks that came along, and set the levels at which the law holds or kills."""
    account, limits = core["account"][0][0], core["limits"][0][0]
    n = int(core["loop"][0][0]["instruments"])
    account["marked"] = sum(
        int(core["exposures"][0][i]["position"]) * int(core["views"][0][i]["mark2"])
        * int(core["instruments"][0][i]["half_mult"])
        for i in range(n)
    )  # fmt: skip
    account["nav"] = int(account["cash"]) + int(account["marked"])
    high, day = int(account["high_water"]), int(account["day_start_nav"])
    peak_bps, day_bps = int(limits["max_drawdown_bps"]), int(limits["day_drawdown_bps"])
    account["kill_level"] = high - high // 10_000 * peak_bps if peak_bps else 0  # as loop/build.py sets them
    account["day_level"] = day - day // 10_000 * day_bps if day_bps else 0
