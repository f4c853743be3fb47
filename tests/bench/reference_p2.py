"""P2's answer in plain Python: the exchange rules and both strategies, event by event.

Rules (risk-averse queue, no partial fills; a buy, a sell is its mirror). Four sources merge by time, ties in the
order local data, reports, exchange data, commands. Accepted at the bid: front = displayed size; inside
the spread 0; behind the bid unknown until its price is the bid. QUOTE: at the bid front = min(front,
size), above the bid 0, below unchanged; then ask <= price fills whole. Sell-aggressor TRADE below our
price fills whole; at our price front -= size, and front < 0 fills whole. Fills are at our own price.
"""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

Fill = list[int]  # exchange ts, local ts, side, price ticks, lots, maker
LATENCY_NS = 10_000_000
PROTECTION_BPS = 10
QUOTE = 1
_LOCAL_DATA, _REPORT, _EXCHANGE_DATA, _COMMAND = range(4)


@dataclass
class Order:
    id: int
    side: int
    price: int
    lots: int
    post_only: bool
    front: float = math.inf
    acked: bool = False
    canceling: bool = False


@dataclass(frozen=True)
class Quote:
    bid: int
    ask: int
    bid_size: int
    ask_size: int


class Exchange:
    """The venue's side: the touch, our resting orders, and what we are told."""

    def __init__(self) -> None:
        self.touch = Quote(0, 1 << 60, 0, 0)
        self.resting: dict[int, Order] = {}
        self.fills: list[tuple[int, Order, int, int]] = []  # ts, order, price, maker

    def quote(self, ts: int, touch: Quote) -> list[Order]:
        """Move the queue places, then fill what the other side reached; return the filled."""
        self.touch = touch
        for order in self.resting.values():
            best, size = (touch.bid, touch.bid_size) if order.side > 0 else (touch.ask, touch.ask_size)
            ahead = (best - order.price) * order.side
            order.front = min(order.front, size) if ahead == 0 else 0 if ahead < 0 else order.front
        crossed = [o for o in self.resting.values() if (touch.ask <= o.price if o.side > 0 else touch.bid >= o.price)]
        return [self._fill(ts, order, order.price, 1) for order in crossed]

    def trade(self, ts: int, aggressor: int, price: int, size: int) -> list[Order]:
        """Fill what was traded through, move the queue at the price; return the filled."""
        hit = []
        for order in self.resting.values():
            behind = (order.price - price) * order.side
            if order.side == aggressor or behind < 0:
                continue
            order.front -= size if behind == 0 else 0
            if behind > 0 or order.front < 0:
                hit.append(order)
        return [self._fill(ts, order, order.price, 1) for order in hit]

    def new(self, ts: int, order: Order) -> str:
        """Take, rest or expire a new order; return what became of it."""
        far = self.touch.ask if order.side > 0 else self.touch.bid
        if (order.price - far) * order.side >= 0:
            if order.post_only:
                return "expired"
            self._fill(ts, order, far, 0)
            return "filled"
        if not order.post_only:
            return "expired"  # immediate-or-cancel
        best, size = (self.touch.bid, self.touch.bid_size) if order.side > 0 else (self.touch.ask, self.touch.ask_size)
        ahead = (best - order.price) * order.side
        order.front = size if ahead == 0 else 0 if ahead < 0 else math.inf
        self.resting[order.id] = order
        return "accepted"

    def _fill(self, ts: int, order: Order, price: int, maker: int) -> Order:
        self.resting.pop(order.id, None)
        self.fills.append((ts, order, price, maker))
        return order


class Trader:
    """Our side: at most one working order a side, as known from reports."""

    def __init__(self, every: int) -> None:
        self.every = every  # 0: passive
        self.mine: dict[int, Order] = {}
        self.position = self.decisions = 0
        self.ids = count(1)

    def hear(self, what: str, order: Order) -> None:
        """Take a report."""
        if what == "accepted":
            order.acked = True
        elif what != "cancel_rejected":
            self.mine.pop(order.side, None)
            self.position += order.side * order.lots if what == "filled" else 0

    def decide(self, touch: Quote) -> Iterator[tuple[str, Order]]:
        """Yield the commands of one decision."""
        if self.every:
            yield from self._flip(touch)
            return
        for side, price in ((1, touch.bid), (-1, touch.ask)):
            order = self.mine.get(side)
            if order is None:
                yield "new", self._order(side, price, 1, post_only=True)
            elif order.price != price and order.acked and not order.canceling:
                order.canceling = True
                yield "cancel", order

    def _flip(self, touch: Quote) -> Iterator[tuple[str, Order]]:
        target = 1 if self.decisions // self.every % 2 == 0 else -1
        self.decisions += 1
        delta = target - self.position
        if delta and not self.mine:
            far = touch.ask if delta > 0 else touch.bid
            side = 1 if delta > 0 else -1
            yield "new", self._order(side, far + side * (far * PROTECTION_BPS // 10_000), abs(delta), post_only=False)

    def _order(self, side: int, price: int, lots: int, post_only: bool) -> Order:
        self.mine[side] = Order(next(self.ids), side, price, lots, post_only)
        return self.mine[side]


def fills_of(tape: dict[str, list[int]], every: int) -> list[Fill]:
    """Return the canonical fills of the passive (every = 0) or aggressive strategy on peer columns as lists."""
    exchange, trader = Exchange(), Trader(every)
    order_of = count()
    last = tape["ts_init_ns"][-1]
    queue: list[tuple[int, int, int, str, Order | int]] = []
    for i in range(len(tape["kind"])):
        queue.append((tape["ts_exch_ns"][i], _EXCHANGE_DATA, next(order_of), "row", i))
        queue.append((tape["ts_init_ns"][i], _LOCAL_DATA, next(order_of), "row", i))
    heapq.heapify(queue)
    pending: Quote | None = None  # a step decides after everything at its time
    pending_ts = -1
    while queue:
        if pending is not None and queue[0][0] > pending_ts:
            for what, order in trader.decide(pending):
                heapq.heappush(queue, (pending_ts + LATENCY_NS, _COMMAND, next(order_of), what, order))
            pending = None
            continue
        ts, source, _, what, thing = heapq.heappop(queue)
        if source == _LOCAL_DATA and isinstance(thing, int) and tape["kind"][thing] == QUOTE:
            pending, pending_ts = _touch(tape, thing), ts
        elif source == _REPORT and isinstance(thing, Order):
            trader.hear(what, thing)
        elif source in (_EXCHANGE_DATA, _COMMAND):
            for report, order in _at_exchange(exchange, tape, ts, what, thing):
                heapq.heappush(queue, (ts + LATENCY_NS, _REPORT, next(order_of), report, order))
    known = sorted((f for f in exchange.fills if f[0] + LATENCY_NS <= last), key=lambda f: (f[0], f[1].id))
    return [[ts, ts + LATENCY_NS, o.side, price, o.lots, maker] for ts, o, price, maker in known]


def _touch(tape: dict[str, list[int]], i: int) -> Quote:
    return Quote(tape["bid"][i], tape["ask"][i], tape["bid_size"][i], tape["ask_size"][i])


def _at_exchange(
    exchange: Exchange, tape: dict[str, list[int]], ts: int, what: str, thing: Order | int
) -> Iterator[tuple[str, Order]]:
    """Handle a row or a command at the venue; yield its reports."""
    if isinstance(thing, Order):
        if what == "new":
            yield exchange.new(ts, thing), thing
        else:
            yield ("canceled" if exchange.resting.pop(thing.id, None) else "cancel_rejected"), thing
    elif tape["kind"][thing] == QUOTE:
        yield from (("filled", order) for order in exchange.quote(ts, _touch(tape, thing)))
    else:
        filled = exchange.trade(ts, tape["side"][thing], tape["price"][thing], tape["size"][thing])
        yield from (("filled", order) for order in filled)
