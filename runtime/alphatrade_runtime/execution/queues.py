"""Where our resting order stands in its price level: two published queue models.

risk_averse: only trades at our price, and a level smaller than our place, move us forward.
probabilistic: a shrinking level also moves us, in proportion to how much of it stands ahead,
after what was already counted by trades. Sources: R. Rigtorp, "Estimating order queue position";
hftbacktest documentation, "Order Fill" (log-probability model).
"""

from alphatrade_runtime.execution.venue_state import PROBABILISTIC
from alphatrade_runtime.numerics.jit import hot, kernel
from alphatrade_runtime.numerics.math import log_det


@hot
def join(order, displayed, known):
    """Stand at the end of a level of `displayed` lots; unknown levels wait until they are displayed."""
    order.front = float(displayed)
    order.traded = 0.0
    order.front_known = known


@hot
def on_trade_at(order, size):
    """Move forward by a trade at our price; return the lots that reach us (>= 0)."""
    if order.front_known == 0:
        return 0
    order.front -= size
    order.traded += size
    if order.front >= 0.0:
        return 0
    reach = int(-order.front)
    return reach


@kernel
def shrink_probability(front, back):
    """Return the probability that a lot leaving the level stood behind us: log1p(back) against both."""
    ahead = log_det(1.0 + max(front, 0.0))
    behind = log_det(1.0 + max(back, 0.0))
    total = ahead + behind
    return 1.0 if total <= 0.0 else behind / total


@kernel
def _estimate(order, previous, displayed):
    change = previous - displayed - order.traded
    order.traded = 0.0
    if change < 0.0:
        order.front = min(order.front, displayed)
        return
    front = order.front
    back = previous - front
    behind = shrink_probability(front, back)
    moved = front - (1.0 - behind) * change + min(back - behind * change, 0.0)
    order.front = min(moved, displayed)


@hot
def on_level_size(order, previous, displayed, model):
    """Take the level's newly displayed size. previous: what it displayed before, lots."""
    if order.front_known == 0:
        order.front = float(displayed)
        order.front_known = 1
    elif model == PROBABILISTIC:
        _estimate(order, float(previous), float(displayed))
    else:
        order.front = min(order.front, float(displayed))
