"""Which limit in force is looser than the operator's ceiling for its mode. Pure.

Looked at is an envelope, as a session executes it: template, feed and account have all had their say by then.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from alphatrade_operator.core.plan import Finding
from alphatrade_operator.core.quantities import format_duration
from alphatrade_operator.limit_ceilings import Ceilings, LimitCeilings, Mode
from alphatrade_operator.risk_template.effective import looser
from alphatrade_operator.risk_template.model import RiskTemplateSpec
from alphatrade_operator.risk_template.render import render_limits

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


class _Limit(NamedTuple):
    """A limit in force. field: of the ceilings.  path: in a RiskTemplate."""

    field: str
    path: str
    value: Any


def above_ceiling(ceilings: Ceilings, mode: Mode, envelope: Mapping[str, Any], whose: str) -> Finding | None:
    """Return the first limit of an envelope that is above its mode's ceiling. whose: the template, for the message."""
    highest = ceilings.get(mode)
    if highest is None:
        return None
    return next((_finding(highest, mode, limit, whose) for limit in _limits(envelope) if _above(highest, limit)), None)


def envelope_of(template: RiskTemplateSpec) -> dict[str, Any]:
    """Return a template's limits as an envelope has them, where nobody trades under it yet."""
    instruments = [
        {"symbol": entry.symbol, **{name: getattr(entry, name) for name in INSTRUMENT_LIMITS}}
        for entry in template.instruments
    ]
    # An age that the template leaves to the feed is none of its own.
    return {
        "limits": render_limits(template, [], None),
        "instruments": [{name: value for name, value in one.items() if value is not None} for one in instruments],
    }


def _limits(envelope: Mapping[str, Any]) -> Iterator[_Limit]:
    for field, (path, name) in LIMITS.items():
        yield _Limit(field, path, envelope["limits"][name])
    for entry in envelope["instruments"]:
        for field, name in INSTRUMENT_LIMITS.items():
            if field in entry:
                yield _Limit(field, f"instruments[{entry['symbol']}].{name}", entry[field])


def _above(highest: LimitCeilings, limit: _Limit) -> bool:
    ceiling = getattr(highest, limit.field)
    return ceiling is not None and looser(limit.field, ceiling, limit.value)


def _finding(highest: LimitCeilings, mode: Mode, limit: _Limit, whose: str) -> Finding:
    field = type(highest).model_fields[limit.field].alias or limit.field
    value, ceiling = _text(limit.field, limit.value), _text(limit.field, getattr(highest, limit.field))
    text = f"{whose}: {limit.path} is {value}, looser than {ceiling}, the operator's ceiling for mode {mode}"
    where = f"operator.limitCeilings.{mode}.{field} of the chart's values"
    return Finding("LimitAboveCeiling", f"{text}; tighten it there; the ceiling is {where}")


def _text(field: str, value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, bool):
        return str(value).lower()
    return format_duration(value) if field.endswith("_ns") else str(value)
