"""The loosest limits that resources may ask for, by mode: what the operator's settings say, resources may only tighten.

A limit that no ceiling names may be anything that a RiskTemplate takes.
"""

from typing import Annotated, Literal

from pydantic import Field

from alphatrade_operator.core.model import Model
from alphatrade_operator.core.quantities import Age, Count, Lots, MultipleBps, ShareBps, Staleness, Switch

Mode = Literal["Sim", "Paper", "LiveShadow", "Live"]


class LimitCeilings(Model):
    """Highest values of a RiskTemplate's limits in one mode, under the names that they have there.

    Of stop_bps and min_order_lots, where higher is tighter, these are the lowest values. In drawdown, dayBps and maxBps
    are dayDrawdownBps and maxDrawdownBps here; killSwitch.maxStaleness is killMaxStaleness.
    """

    stream_stale_ns: Age | None = None
    max_notional_bps: ShareBps | None = None
    band_limit_bps: ShareBps | None = None
    band_marketable_bps: ShareBps | None = None
    max_net_exposure_bps: MultipleBps | None = None
    max_leverage_bps: MultipleBps | None = None
    max_orders_per_second: Count | None = None
    max_orders_per_minute: Count | None = None
    max_open_orders: Count | None = None
    max_turnover_minute_bps: MultipleBps | None = None
    max_turnover_hour_bps: MultipleBps | None = None
    risk_per_trade_bps: ShareBps | None = None
    stop_bps: ShareBps | None = None
    near_miss_bps: ShareBps | None = None
    mark_jump_bps: ShareBps | None = None
    day_drawdown_bps: ShareBps | None = None
    max_drawdown_bps: ShareBps | None = None
    max_flatten_slippage_bps: ShareBps | None = None
    flatten_blind: Switch | None = None
    kill_max_staleness_ns: Staleness | None = None
    max_position_lots: Lots | None = None
    max_order_lots: Lots | None = None
    min_order_lots: Lots | None = None
    max_quote_age_ns: Age | None = None


Ceilings = Annotated[dict[Mode, LimitCeilings], Field(max_length=4)]

# Without these a live mode has no ceiling worth the name.
REQUIRED_IN_LIVE = (
    "max_notional_bps",
    "max_net_exposure_bps",
    "max_leverage_bps",
    "day_drawdown_bps",
    "max_drawdown_bps",
)
