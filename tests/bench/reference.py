"""P1's answer in plain Python: what every engine must reach to the cent.

Strategy: mid = (bid + ask) * 0.5 ticks; fast and slow are EMA(20) and EMA(50), alpha = 2 / (n + 1),
e = e + alpha * (mid - e), both start at the first mid. After 50 values the target is +1 lot
when fast > slow, -1 when fast < slow, and stays when they are equal. When the target differs from the position, one
market order for the difference (a flip is one order of 2 lots) fills at the far touch of this very
quote and costs a flat 0.01. Bars decide at a close and fill at the next bar's open.

net = cash + position * last mid - fees, all from zero, in quanta of 1e-8; on bars the last close is the mark.
"""

from collections.abc import Iterable
from typing import NamedTuple

FAST, SLOW, WARMUP = 20, 50, 50


class Answer(NamedTuple):
    net_quanta: int
    orders: int
    position: int


def targets(mids: Iterable[float]) -> Iterable[int]:
    """Yield the target position (lots) after each mid; 0 while warming up."""
    fast = slow = 0.0
    target = 0
    for i, mid in enumerate(mids):
        fast = mid if i == 0 else fast + 2.0 / (FAST + 1) * (mid - fast)
        slow = mid if i == 0 else slow + 2.0 / (SLOW + 1) * (mid - slow)
        if i >= WARMUP and fast != slow:
            target = 1 if fast > slow else -1
        yield target


def quotes_answer(bid: list[int], ask: list[int], mult: int, fee_quanta: int) -> Answer:
    """Trade n quotes (ticks); mult quanta a tick and lot, even; fee_quanta an order."""
    cash = position = orders = 0
    for b, a, target in zip(bid, ask, targets((b + a) * 0.5 for b, a in zip(bid, ask, strict=True)), strict=True):
        delta = target - position
        if delta:
            cash -= delta * (a if delta > 0 else b) * mult + fee_quanta
            position, orders = target, orders + 1
    return Answer(cash + position * (bid[-1] + ask[-1]) * mult // 2, orders, position)


def bars_answer(opens: list[int], closes: list[int], mult: int, fee_quanta: int) -> Answer:
    """Trade n bars (ticks): decide at the close, fill at the next open."""
    cash = position = orders = wanted = 0
    for opened, target in zip(opens, targets(float(c) for c in closes), strict=True):
        delta = wanted - position
        if delta:
            cash -= delta * opened * mult + fee_quanta
            position, orders = wanted, orders + 1
        wanted = target
    return Answer(cash + position * closes[-1] * mult, orders, position)
