"""A second, plain-Python bookkeeper that writes consistent record streams: Python ints, one order at a time.

Shares nothing with the auditor but the row dtypes, so that both must agree to say "0 violations".
"""

import random
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

from alphatrade_runtime.market.orders import (
    EQUITY_DTYPE,
    FILL_DTYPE,
    MARK_DTYPE,
    ORDER_DTYPE,
    OrderState,
    Purpose,
    Report,
    TimeInForce,
)
from alphatrade_runtime.reflection.records import DECISION_DTYPE, DiaryKind
from alphatrade_runtime.risk.auditor import AuditInstrument, AuditLimits, Auditor
from alphatrade_runtime.risk.codes import Guard, KillState

S = OrderState
REPORTED = 100
COMMANDS = {S.NEW: 1, S.IN_FLIGHT_NEW: 1, S.DENIED: 1, S.PENDING_AMEND: 2, S.PENDING_CANCEL: 3}
FILL = REPORTED + Report.FILL
INITIAL_CASH = 10**6 * 10**8
INSTRUMENTS = [
    AuditInstrument("AAA", 10_000, 200, 500, max_position_lots=400, max_order_lots=50),
    AuditInstrument("BBB", 2_000_000, -100, 300, max_position_lots=60, max_order_lots=20, lot_step=2, min_order_lots=2),
    AuditInstrument("CCC", 100, 0, 450, max_position_lots=5_000, max_order_lots=500, flat_fee=7),
]
STEP_NS = 250_000_000


@dataclass
class Order:
    order_id: int
    instrument: int
    side: int
    price: int
    qty: int
    tif: int = TimeInForce.GTC
    order_flags: int = 0
    purpose: int = Purpose.TRADE
    filled: int = 0
    state: int = S.NEW


@dataclass
class Streams:
    """Rows under construction; every verb appends what a correct runtime would."""

    seq: int = 100
    late_ns: int = 0  # time passed since the step's moment
    next_order: int = 1
    next_exec: int = 1
    cash: int = INITIAL_CASH
    fees: int = 0
    funding: int = 0
    turnover: int = 0
    high_water: int = INITIAL_CASH
    kill: int = KillState.ARMED
    instruments: list[AuditInstrument] = field(default_factory=lambda: list(INSTRUMENTS))
    position: list[int] = field(default_factory=lambda: [0, 0, 0])
    mid2: list[int] = field(default_factory=lambda: [1_200_001, 60_000, 4_002])
    rows: dict[str, list[dict[str, int]]] = field(
        default_factory=lambda: {name: [] for name in ("orders", "fills", "marks", "equity", "decisions")}
    )

    @property
    def ts(self) -> int:
        return 1_700_000_000 * 10**9 + self.seq * STEP_NS + self.late_ns

    def step(self, n: int = 1) -> "Streams":
        self.seq += n
        self.late_ns = 0
        return self

    def tell(self, order: Order, state: int, **changes: int) -> None:
        """Write an ORDER row and take the state over."""
        order.state = state
        ended = state in (S.CANCELED, S.EXPIRED, S.REJECTED, S.DENIED)
        row = {
            "ts_ns": self.ts, "seq": self.seq, "order_id": order.order_id, "price": order.price, "qty": order.qty,
            "leaves": 0 if ended else order.qty - order.filled, "ref2": self.mid2[order.instrument],
            "instrument": order.instrument, "state": state, "side": order.side, "tif": order.tif,
            "order_flags": order.order_flags, "purpose": order.purpose,
            "event": COMMANDS.get(S(state), REPORTED),
        }  # fmt: skip
        self.rows["orders"].append(row | changes)

    def send(self, instrument: int, side: int, qty: int, **facts: Any) -> Order:
        """A new order leaves at the mid or at a given price."""
        price = facts.pop("price", self.mid2[instrument] // 2)
        order = Order(self.next_order, instrument, side, price, qty, **facts)
        self.next_order += 1
        self.tell(order, S.NEW)
        self.tell(order, S.IN_FLIGHT_NEW)
        return order

    def rest(self, instrument: int, side: int, qty: int, **facts: Any) -> Order:
        """A new order leaves and is accepted one step later."""
        order = self.send(instrument, side, qty, **facts)
        self.step().tell(order, S.ACCEPTED)
        return order

    def fill(self, order: Order, qty: int, *, maker: int = 1, price: int | None = None, **changes: int) -> None:
        """Book a fill and tell what became of its order."""
        facts = self.instruments[order.instrument]
        at = order.price if price is None else price
        value = qty * at * facts.mult
        rate = facts.maker_fee_e7 if maker else facts.taker_fee_e7
        fee = ceil(Fraction(value * rate, 10**7)) + facts.flat_fee
        self.cash -= order.side * value + fee
        self.fees += fee
        self.turnover += value
        self.position[order.instrument] += order.side * qty
        order.filled += qty
        row = {
            "ts_ns": self.ts, "exch_ts_ns": self.ts - 1_000, "seq": self.seq, "order_id": order.order_id,
            "exec_id": self.next_exec, "price": at, "qty": qty, "fee": fee,
            "position_after": self.position[order.instrument], "cash_after": self.cash,
            "ref2": self.mid2[order.instrument], "instrument": order.instrument, "side": order.side, "maker": maker,
            "purpose": order.purpose,
        }  # fmt: skip
        self.next_exec += 1
        self.rows["fills"].append(row | changes)
        if order.filled == order.qty:
            self.tell(order, S.FILLED, event=FILL)
        elif order.state in (S.PENDING_CANCEL, S.PENDING_AMEND):
            self.tell(order, order.state, event=FILL)
        else:
            self.tell(order, S.PARTIALLY_FILLED, event=FILL)

    def trade(self, instrument: int, side: int, qty: int, **facts: Any) -> Order:
        """Send an order and have it filled whole one step later."""
        order = self.send(instrument, side, qty, **facts)
        self.step().fill(order, qty, maker=0)
        return order

    def guard(self, state: int, guard: int = Guard.KILL_SWITCH, **changes: int) -> None:
        """Write a GUARD row."""
        self.kill = state
        row = {"seq": self.seq, "event_ts_ns": self.ts, "kind": DiaryKind.GUARD, "kill_state": state, "guard": guard}
        self.rows["decisions"].append(row | changes)

    def show(self, **changes: int) -> None:
        """Write EQUITY and MARK rows."""
        values = [q * m * i.mult // 2 for q, m, i in zip(self.position, self.mid2, self.instruments, strict=True)]
        for i, (position, mid2) in enumerate(zip(self.position, self.mid2, strict=True)):
            mark = {"ts_ns": self.ts, "seq": self.seq, "position": position, "mark2": mid2, "instrument": i}
            self.rows["marks"].append(mark)
        worst = self.worst()
        exposure = [q * m * i.mult // 2 for q, m, i in zip(worst, self.mid2, self.instruments, strict=True)]
        nav = self.cash + sum(values)
        self.high_water = max(self.high_water, nav)
        row = {
            "ts_ns": self.ts, "seq": self.seq, "nav": nav, "cash": self.cash, "funding": self.funding,
            "fees": self.fees, "gross": sum(abs(v) for v in exposure), "net": sum(exposure),
            "high_water": self.high_water, "day_start_nav": INITIAL_CASH, "turnover": self.turnover,
            "kill_state": self.kill,
        }  # fmt: skip
        self.rows["equity"].append(row | changes)

    def worst(self) -> list[int]:
        """Signed worst-case position by instrument: what working orders of one side could leave behind."""
        last = {row["order_id"]: row for row in self.rows["orders"]}
        ends = (S.NEW, S.DENIED, S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED)
        up, down = list(self.position), list(self.position)
        for row in last.values():
            if row["state"] not in ends:
                side = up if row["side"] > 0 else down
                side[row["instrument"]] += row["side"] * row["leaves"]
        return [u if abs(u) >= abs(d) else d for u, d in zip(up, down, strict=True)]

    def pay_funding(self, quanta: int) -> None:
        """Move cash by funding; the next EQUITY row tells it."""
        self.funding += quanta
        self.cash -= quanta

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the streams as record arrays."""
        dtypes = {
            "orders": ORDER_DTYPE, "fills": FILL_DTYPE, "marks": MARK_DTYPE, "equity": EQUITY_DTYPE,
            "decisions": DECISION_DTYPE,
        }  # fmt: skip
        return {name: to_records(self.rows[name], dtype) for name, dtype in dtypes.items()}


def to_records(rows: list[dict[str, int]], dtype: np.dtype[Any]) -> np.ndarray:
    out = np.zeros(len(rows), dtype)
    for i, row in enumerate(rows):
        for name, value in row.items():
            out[i][name] = value
    return out


def new_auditor(**options: Any) -> Auditor:
    limits = AuditLimits(**{f.name: options.pop(f.name) for f in fields(AuditLimits) if f.name in options})
    return Auditor(options.pop("instruments", INSTRUMENTS), INITIAL_CASH, limits, **options)


def random_order(streams: Streams, rng: random.Random) -> Order | None:
    """Send an order that no limit objects to, or none."""
    i = rng.randrange(3)
    facts = streams.instruments[i]
    side = 1 if rng.random() * 2 < 1 - streams.position[i] / facts.max_position_lots else -1
    qty = rng.randrange(1, facts.max_order_lots // facts.lot_step // 2) * facts.lot_step
    if abs(streams.position[i] + side * qty) > facts.max_position_lots // 2:
        return None
    away = rng.randrange(0, streams.mid2[i] // 1_000)
    tif = rng.choice([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC])
    return streams.rest(i, side, qty, price=streams.mid2[i] // 2 - side * away, tif=tif)


def play(streams: Streams, order: Order, rng: random.Random) -> None:
    """Lead one accepted order to one of its ends."""
    first = rng.randrange(0, order.qty)
    if first:
        streams.step().fill(order, first)
    fate = rng.randrange(4)
    if fate == 0:
        streams.step().tell(order, S.PENDING_CANCEL)
        streams.step().tell(order, S.CANCELED)
    elif fate == 1:
        streams.step().tell(order, S.EXPIRED)
    elif fate == 2:
        wanted = replace(order, price=order.price + 1)
        streams.step().tell(wanted, S.PENDING_AMEND)
        order.price, order.state = wanted.price, S.ACCEPTED
        streams.step().tell(order, S.PARTIALLY_FILLED if order.filled else S.ACCEPTED)
        streams.fill(order, order.qty - order.filled)
    else:
        streams.step().fill(order, order.qty - order.filled, maker=rng.randrange(2))


def clean_run(orders: int, seed: int = 1) -> Streams:
    """A run that follows every rule: mixed fates, three instruments, money shown now and then."""
    rng = random.Random(seed)
    streams = Streams()
    for n in range(orders):
        order = random_order(streams.step(), rng)
        if order is not None:
            play(streams, order, rng)
        for i in range(3):
            streams.mid2[i] += rng.randrange(-3, 4)
        if n % 20 == 0:
            streams.step().show()
    streams.step().show()
    return streams
