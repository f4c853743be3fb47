"""Order-flow imbalance: follow the side on which the book is being built."""

import math

from alphatrade_runtime.plugin import Float, Int, signal


@signal(
    name="order_flow_imbalance",
    api=1,
    features=("order_flow_10s", "book_imbalance"),
    state=2,
    params={"scale_window": Int(500, 10, 50_000), "enter": Float(1.5, 0.1, 10.0), "exit": Float(0.3, 0.0, 5.0)},
    warmup=lambda p: int(p["scale_window"]),
)
def order_flow_imbalance(x, s, p):
    """Return +1 or -1 when flow beyond `enter` of its typical size agrees with the book, 0 within `exit`.

    s: mean absolute flow, started.
    """
    flow = x[0]
    if math.isnan(flow) or math.isnan(x[1]):
        return math.nan
    z = flow / s[0] if s[0] > 0.0 else 0.0
    s[0] += 2.0 / (p[0] + 1.0) * (abs(flow) - s[0])
    if abs(z) <= p[2]:
        return 0.0
    if z > p[1] and x[1] > 0.0:
        return 1.0
    if z < -p[1] and x[1] < 0.0:
        return -1.0
    return math.nan
