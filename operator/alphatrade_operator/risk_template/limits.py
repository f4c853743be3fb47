"""The limits of an envelope, as a session executes it, one by one. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from alphatrade_operator.core.quantities import format_duration

# A ceiling's field: where a RiskTemplate has the limit, and its name in `envelope.limits`.
LIMITS = {
    "stream_stale_ns": ("limits.streamStale", "stream_stale_ns"),
    "max_notional_bps": ("limits.maxNotionalBps", "max_notional_bps"),
    "band_limit_bps": ("limits.bandLimitBps", "band_limit_bps"),
    "band_marketable_bps": ("limits.bandMarketableBps", "band_marketable_bps"),
    "max_net_exposure_bps": ("limits.maxNetExposureBps", "max_net_exposure_bps"),
    "max_leverage_bps": ("limits.maxLeverageBps", "max_leverage_bps"),
    "max_orders_per_second": ("limits.maxOrdersPerSecond", "max_orders_per_s"),
    "max_orders_per_minute": ("limits.maxOrdersPerMinute", "max_orders_per_min"),
    "max_open_orders": ("limits.maxOpenOrders", "max_open_orders"),
    "max_turnover_minute_bps": ("limits.maxTurnoverMinuteBps", "max_turnover_min_bps"),
    "max_turnover_hour_bps": ("limits.maxTurnoverHourBps", "max_turnover_hour_bps"),
    "risk_per_trade_bps": ("limits.riskPerTradeBps", "risk_per_trade_bps"),
    "stop_bps": ("limits.stopBps", "stop_bps"),
    "near_miss_bps": ("limits.nearMissBps", "near_miss_bps"),
    "mark_jump_bps": ("limits.markJumpBps", "mark_jump_bps"),
    "day_drawdown_bps": ("drawdown.dayBps", "day_drawdown_bps"),
    "max_drawdown_bps": ("drawdown.maxBps", "max_drawdown_bps"),
    "max_flatten_slippage_bps": ("maxFlattenSlippageBps", "max_flatten_slippage_bps"),
    "flatten_blind": ("flattenBlind", "flatten_blind"),
    "kill_max_staleness_ns": ("killSwitch.maxStaleness", "kill_max_staleness_ns"),
}
# The same of an instrument's entry; in both under the ceiling's own name.
INSTRUMENT_LIMITS = {
    "max_position_lots": "maxPositionLots",
    "max_order_lots": "maxOrderLots",
    "min_order_lots": "minOrderLots",
    "max_quote_age_ns": "maxQuoteAge",
}


class Limit(NamedTuple):
    """A limit in force. field: of the ceilings.  path: in a RiskTemplate."""

    field: str
    path: str
    value: Any


def limits_of(envelope: Mapping[str, Any]) -> Iterator[Limit]:
    """Yield every limit of an envelope, those of its instruments last."""
    for field, (path, name) in LIMITS.items():
        yield Limit(field, path, envelope["limits"][name])
    for entry in envelope["instruments"]:
        for field, name in INSTRUMENT_LIMITS.items():
            if field in entry:
                yield Limit(field, f"instruments[{entry['symbol']}].{name}", entry[field])


def limit_text(field: str, value: Any) -> str:
    """Return a limit as a person writes it in a RiskTemplate."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return str(value).lower()
    return format_duration(value) if field.endswith("_ns") else str(value)
