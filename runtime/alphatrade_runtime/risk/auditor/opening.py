"""An auditor that starts in the middle, from what a session before left: it takes that session's word for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from alphatrade_runtime.market.orders import OrderState

_PENDING_AMEND = int(OrderState.PENDING_AMEND)
_PENDING_CANCEL = int(OrderState.PENDING_CANCEL)


@dataclass(frozen=True)
class OpenOrder:
    """A working order. qty, leaves, reserved: lots, `reserved` beyond `leaves` where an amend is under way.

    price_low, price_high: ticks, between which it may fill.
    """

    order_id: int
    instrument: int
    side: int
    qty: int
    leaves: int
    reserved: int
    price_low: int
    price_high: int
    ref2: int
    state: int
    prior: int
    tif: int
    order_flags: int
    purpose: int

    @property
    def amending(self) -> bool:
        """Whether an amend of it is under way."""
        return self.state == _PENDING_AMEND or (self.state == _PENDING_CANCEL and self.prior == _PENDING_AMEND)

    @property
    def filled(self) -> int:
        """Lots filled so far."""
        return self.qty - self.leaves

    @property
    def most(self) -> int:
        """Lots that it may come to, the larger of old and new quantity."""
        return self.filled + max(self.leaves, self.reserved)


@dataclass(frozen=True)
class Opening:
    """Money in quanta, positions in lots by instrument, the latch."""

    cash: int
    fees: int
    funding: int
    turnover: int
    kill_state: int
    kill_mode: int
    flatten_bps: int
    positions: Sequence[int]
    orders: Sequence[OpenOrder]
