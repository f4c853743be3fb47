"""State of the simulated exchange: its book, our resting orders in it, its outgoing reports."""

import numpy as np

RISK_AVERSE = 0
PROBABILISTIC = 1

# Settings and counters of the venue. Latencies are ns; ex_* run only forward.
VENUE_DTYPE = np.dtype(
    [
        ("queue_model", "i8"), ("partial_fills", "i8"), ("entry_latency_ns", "i8"), ("response_latency_ns", "i8"),
        ("next_exec_id", "i8"), ("max_order_id", "i8"), ("ts_exch", "i8"), ("bar_mode", "i8"),
        ("head", "i8"), ("tail", "i8"),
    ]
)  # fmt: skip

# What the venue displays; taken_* is what we took since the last quote.
BOOK_DTYPE = np.dtype(
    [
        ("bid", "i8"), ("ask", "i8"), ("bid_size", "i8"), ("ask_size", "i8"), ("taken_bid", "i8"),
        ("taken_ask", "i8"), ("last", "i8"), ("halted", "i8"), ("position", "i8"), ("resting", "i8"),
        ("depth_base", "i8"),
    ]
)  # fmt: skip

# A resting order. front: lots ahead of us; front_known is 0 while the level behind the best was never displayed.
RESTING_DTYPE = np.dtype(
    [
        ("order_id", "i8"), ("price", "i8"), ("qty", "i8"), ("leaves", "i8"), ("front", "f8"), ("traded", "f8"),
        ("front_known", "i8"), ("side", "i8"), ("tif", "i8"), ("order_flags", "i8"), ("instrument", "i8"),
    ]
)  # fmt: skip

DEPTH_TICKS = 1 << 17  # ticks of price kept around the first one seen, when the tape has depth rows
RING = 4096  # commands and reports under way at once; a power of two
