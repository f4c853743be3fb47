"""Hold the books of a session on a stream's clock against the venue's. Pure."""

from alphatrade_runtime.execution.broker.contract import VenueState
from alphatrade_runtime.loop.stream_session import StreamSession
from alphatrade_runtime.market.orders import Report

_FILL = int(Report.FILL)


def breaks_of(live: StreamSession, venue: VenueState) -> list[str]:
    """Return what does not agree, in words; call it when all of the venue's reports were given."""
    found: list[str] = []
    under_way = live.pending_reports()
    ours = {int(order["order_id"]) for order in live.open_orders()}
    found += [f"the venue works order {order_id}, which is not ours" for order_id in sorted(set(venue.working) - ours)]
    if venue.reports != live.reports:
        found.append(f"the venue made {venue.reports} reports, we were given {live.reports}")
    for i, (here, there) in enumerate(zip(live.positions(), venue.positions, strict=True)):
        fills = under_way[(under_way["type"] == _FILL) & (under_way["instrument"] == i)]
        coming = int((fills["qty"] * fills["side"].astype("i8")).sum())
        if here + coming != there:
            found.append(f"instrument {i}: our position is {here} lots and {coming} on their way, the venue's {there}")
    return found
