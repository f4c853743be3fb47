"""Ask the law of a run about an order that nobody sends; apart, since an edit of a compiled file compiles all anew."""

from typing import Any

from alphatrade_runtime.market.orders import Purpose, TimeInForce
from alphatrade_runtime.market.view import reference2
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.risk.law import check

_IOC = int(TimeInForce.IOC)
_TRADE = int(Purpose.TRADE)


@entry
def ask_law(core: Any, codes: Any) -> None:
    """Write the law's codes for the smallest order of each instrument, buying and selling.

    core: CORE_DTYPE record array (1,).  codes: (instruments, 2) int64, written; 0 accepts.
    """
    c = core[0]
    n = c.loop[0].instruments
    for i in range(n):
        for k in range(2):
            request = c.request[0]
            view = c.views[i]
            price = view.ask if k == 0 else view.bid
            request.instrument = i
            request.side = 1 - 2 * k
            request.price = price if price > 0 else reference2(view) // 2
            request.qty = c.instruments[i].min_order
            request.extra = c.instruments[i].min_order
            request.tif = _IOC
            request.order_flags = 0
            request.purpose = _TRADE
            request.order_id = c.account[0].next_order_id
            request.is_amend = 0
            request.ref2 = reference2(view)
            codes[i, k] = check(
                request, c.exposures, c.views, c.instruments, n, c.limits[0], c.account[0], c.rate_ring, c.util
            )  # fmt: skip
