"""Hold our books against the venue's and conclude what became of every order in doubt. Pure."""

from dataclasses import dataclass
from typing import Any

from alphatrade_runtime.execution.broker.contract import VenueState, Working
from alphatrade_runtime.loop.live_rows import conclusion, control_row
from alphatrade_runtime.loop.live_session import LiveSession
from alphatrade_runtime.market.orders import OrderState, Report
from alphatrade_runtime.market.schema import Control, Rows

_UNKNOWN = int(OrderState.UNKNOWN)
_IN_FLIGHT = int(OrderState.IN_FLIGHT_NEW)


@dataclass(frozen=True)
class Conclusion:
    """Rows that bring our books in line, a CONTROL row last; and what does not agree, in words."""

    rows: list[Rows]
    breaks: list[str]


def conclude(live: LiveSession, venue: VenueState, ts_ns: int) -> Conclusion:
    """Compare after all of the venue's reports were taken. Anything unexplained leaves only reductions."""
    rows: list[Rows] = []
    breaks: list[str] = []
    ours = set()
    for order in live.open_orders():
        order_id = int(order["order_id"])
        ours.add(order_id)
        at_venue = venue.working.get(order_id)
        if at_venue is not None:
            rows += _still_working(order, at_venue, ts_ns)
        elif order_id not in venue.known:
            rows.append(_about(order, Report.REJECTED, ts_ns))
        else:
            breaks.append(f"order {order_id} is neither working nor ended at the venue")
    breaks += [f"the venue works order {order_id}, which is not ours" for order_id in sorted(set(venue.working) - ours)]
    if venue.reports != live.reports:
        breaks.append(f"the venue made {venue.reports} reports, we took {live.reports}")
    for i, (here, there) in enumerate(zip(live.positions(), venue.positions, strict=True)):
        if here != there:
            breaks.append(f"instrument {i}: our position is {here} lots, the venue's {there}")
    rows.append(control_row(Control.BREAK if breaks else Control.RECONCILED))
    return Conclusion(rows, breaks)


def _still_working(order: Any, venue: Working, ts_ns: int) -> list[Rows]:
    """An order in doubt is what the venue says it is: its terms first, then that it works."""
    rows = []
    if (int(order["price"]), int(order["leaves"]), int(order["reserved"])) != (venue.price, venue.leaves, venue.leaves):
        rows.append(_about(order, Report.AMENDED, ts_ns, venue))
    if int(order["state"]) in (_UNKNOWN, _IN_FLIGHT):
        rows.append(_about(order, Report.ACCEPTED, ts_ns, venue))
    return rows


def _about(order: Any, kind: Report, ts_ns: int, venue: Working | None = None) -> Rows:
    price, leaves = (venue.price, venue.leaves) if venue is not None else (int(order["price"]), 0)
    return conclusion(int(order["instrument"]), int(order["order_id"]), kind, int(order["side"]), price, leaves, ts_ns)
