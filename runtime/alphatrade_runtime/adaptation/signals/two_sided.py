"""A two-sided quote: stand at the best bid and ask, lean away from inventory."""

import math

from alphatrade_runtime.plugin import Float, Int, quote


@quote(
    name="two_sided_quote",
    api=1,
    features=("bid_ticks", "ask_ticks", "microprice_ticks", "position_lots", "max_position_lots"),
    state=0,
    params={"lots": Int(1, 1, 1_000_000), "skew_ticks": Float(2.0, 0.0, 1_000.0), "edge_ticks": Int(0, 0, 1_000)},
)
def two_sided_quote(x, s, p, out):
    """Quote `lots` a side, never beyond the best, shifted by inventory; the side at the limit goes away."""
    bid = x[0]
    ask = x[1]
    if math.isnan(bid) or math.isnan(ask):
        return math.nan
    share = x[3] / x[4] if x[4] > 0.0 else 0.0
    fair = x[2] - share * p[1]
    out[0] = int(min(bid, math.floor(fair - p[2])))
    out[2] = int(max(ask, math.ceil(fair + p[2])))
    room = x[4] - x[3]
    out[1] = int(min(p[0], max(room, 0.0)))
    out[3] = int(min(p[0], max(x[4] + x[3], 0.0)))
    return share
