"""P1's strategy as a nautilus_trader Strategy."""

from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.trading.strategy import Strategy

FAST, SLOW, WARMUP = 20, 50, 50
_LOTS = (Quantity.from_int(0), Quantity.from_int(1), Quantity.from_int(2))


class EmaAlwaysIn(Strategy):  # type: ignore[misc, unused-ignore]
    """Hold +1 while the fast average of the mid is above the slow one, -1 below."""

    def __init__(self, instrument_id: InstrumentId, tick_raw: int) -> None:
        super().__init__()
        self.instrument_id, self.tick_raw = instrument_id, tick_raw
        self.fast = self.slow = 0.0
        self.seen = self.position = self.orders = 0

    def on_start(self) -> None:
        """Ask for the quotes."""
        self.subscribe_quote_ticks(self.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Move the averages; send one market order when the side changes."""
        mid = (tick.bid_price.raw + tick.ask_price.raw) // self.tick_raw * 0.5
        self.fast = mid if self.seen == 0 else self.fast + 2.0 / (FAST + 1) * (mid - self.fast)
        self.slow = mid if self.seen == 0 else self.slow + 2.0 / (SLOW + 1) * (mid - self.slow)
        self.seen += 1
        if self.seen <= WARMUP or self.fast == self.slow:
            return
        target = 1 if self.fast > self.slow else -1
        if target != self.position:
            self._send(target)

    def _send(self, target: int) -> None:
        side = OrderSide.BUY if target > self.position else OrderSide.SELL
        lots = _LOTS[abs(target - self.position)]
        self.position, self.orders = target, self.orders + 1
        self.submit_order(self.order_factory.market(self.instrument_id, side, lots))
