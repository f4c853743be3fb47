"""Render a RiskTemplate into the limits of a session: pure, spec in, plain values out."""

from typing import Any

from alphatrade_operator.risk_template.model import RiskTemplateSpec


def render_limits(spec: RiskTemplateSpec, symbols: list[str], feed_silence_ns: int | None) -> dict[str, Any]:
    """Return `envelope.limits`; of `symbols`, those that may be traded become the allow-list."""
    limits = spec.limits
    return {
        "stream_stale_ns": min(limits.stream_stale_ns, feed_silence_ns or limits.stream_stale_ns),
        "max_notional_bps": limits.max_notional_bps,
        "band_limit_bps": limits.band_limit_bps,
        "band_marketable_bps": limits.band_marketable_bps,
        "max_net_exposure_bps": limits.max_net_exposure_bps,
        "max_leverage_bps": limits.max_leverage_bps,
        "day_drawdown_bps": spec.drawdown.effective_day_bps,
        "max_drawdown_bps": spec.drawdown.effective_max_bps,
        "max_orders_per_s": limits.max_orders_per_second,
        "max_orders_per_min": limits.max_orders_per_minute,
        "max_open_orders": limits.max_open_orders,
        "max_turnover_min_bps": limits.max_turnover_minute_bps,
        "max_turnover_hour_bps": limits.max_turnover_hour_bps,
        "risk_per_trade_bps": limits.risk_per_trade_bps,
        "stop_bps": limits.stop_bps,
        "max_flatten_slippage_bps": spec.max_flatten_slippage_bps,
        "flatten_blind": spec.flatten_blind,
        "near_miss_bps": limits.near_miss_bps,
        "mark_jump_bps": limits.mark_jump_bps,
        "kill_max_staleness_ns": spec.kill_switch.max_staleness_ns,
        "symbols": [symbol for symbol in symbols if (entry := spec.entry(symbol)) and entry.allowed],
    }


def render_instrument_limits(spec: RiskTemplateSpec, symbol: str, feed_quote_age_ns: int) -> dict[str, Any]:
    """Return an instrument's limits in lots and ns; of two quote ages the tighter holds.

    Raises KeyError when the template has no entry for the symbol.
    """
    entry = spec.entry(symbol)
    if entry is None:
        raise KeyError(symbol)
    return {
        "max_quote_age_ns": min(entry.max_quote_age_ns or feed_quote_age_ns, feed_quote_age_ns),
        "max_position_lots": entry.max_position_lots,
        "max_order_lots": entry.max_order_lots,
        "min_order_lots": entry.min_order_lots,
    }
