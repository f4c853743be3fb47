"""The engine-owned state that the law reads: limits, the account, exposures by instrument."""

import numpy as np

from alphatrade_runtime.risk.codes import CODE_COUNT

TURN_BUCKETS = 61  # a window of 60 whole buckets and the one under way never forgets early
RATE_RING = 8192  # orders remembered for the RATE windows; limits above it are refused

# Limits as numbers. *_bps of NAV unless said; 0 in *_drawdown_bps means the check is off.
LIMITS_DTYPE = np.dtype(
    [
        ("stream_stale_ns", "i8"), ("max_notional_bps", "i8"), ("band_limit_bps", "i8"),
        ("band_marketable_bps", "i8"), ("max_net_exposure_bps", "i8"), ("max_leverage_bps", "i8"),
        ("day_drawdown_bps", "i8"), ("max_drawdown_bps", "i8"), ("max_orders_per_s", "i8"),
        ("max_orders_per_min", "i8"), ("max_open_orders", "i8"), ("max_turnover_min_bps", "i8"),
        ("max_turnover_hour_bps", "i8"), ("risk_per_trade_bps", "i8"), ("stop_bps", "i8"),
        ("max_flatten_slippage_bps", "i8"), ("flatten_blind", "i8"), ("near_miss_bps", "i8"),
        ("mark_jump_bps", "i8"), ("bar_mode", "i8"),
    ]
)  # fmt: skip

# Money in quanta. `marked` = sum of q * mark2 * mult / 2, so nav = cash + marked, exact.
ACCOUNT_DTYPE = np.dtype(
    [
        ("now", "i8"), ("seq", "i8"), ("cash", "i8"), ("initial_cash", "i8"), ("marked", "i8"), ("nav", "i8"),
        ("fees", "i8"), ("funding", "i8"), ("turnover", "i8"), ("high_water", "i8"), ("day_start_nav", "i8"),
        ("kill_level", "i8"), ("day_level", "i8"), ("next_day_ts", "i8"), ("day_cursor", "i8"),
        ("session_cursor", "i8"), ("session_open", "i8"), ("stream_ts", "i8"), ("bar_ordinal", "i8"),
        ("kill_state", "i8"), ("kill_mode", "i8"), ("kill_guard", "i8"), ("kill_seq", "i8"), ("reduce_only", "i8"),
        ("halt", "i8"), ("good_quotes", "i8"), ("flatten_slippage_bps", "i8"), ("max_order_id", "i8"),
        ("next_order_id", "i8"), ("foreign_order_id", "i8"), ("rate_head", "i8"), ("rate_tail_s", "i8"),
        ("rate_tail_min", "i8"), ("turn_s_at", "i8"), ("turn_min_at", "i8"), ("turn_minute", "i8"),
        ("turn_hour", "i8"), ("turn_s", "i8", (TURN_BUCKETS,)), ("turn_min", "i8", (TURN_BUCKETS,)),
    ]
)  # fmt: skip

# One instrument's position (lots, signed) and its reservations: leaves of every non-terminal order.
EXPOSURE_DTYPE = np.dtype(
    [("position", "i8"), ("working_buy", "i8"), ("working_sell", "i8"), ("open_orders", "i8"), ("in_flight", "i8")]
)

# What is asked of the law. `extra` = lots beyond those already reserved (amend: max(old, new) - old leaves).
# spend: quanta that an exploring order takes from the exploration budget, 0 of one that does not explore.
# room: the most that the budget covers now.
REQUEST_DTYPE = np.dtype(
    [
        ("instrument", "i8"), ("side", "i8"), ("price", "i8"), ("qty", "i8"), ("extra", "i8"), ("tif", "i8"),
        ("order_flags", "i8"), ("purpose", "i8"), ("order_id", "i8"), ("is_amend", "i8"), ("ref2", "i8"),
        ("spend", "i8"), ("room", "i8"),
    ]
)  # fmt: skip

HALT_CLOCK_STEP = 1
HALT_LINK_LOST = 2
HALT_RECONCILED = 4
HALT_KILL_STALE = 8
HALT_RESUMING = 16
REDUCE_DAY_DRAWDOWN = 1
REDUCE_BREAK = 2
REDUCE_DRIFT = 8  # 4 is what the account says of its latch

UTIL_SHAPE = (CODE_COUNT,)
