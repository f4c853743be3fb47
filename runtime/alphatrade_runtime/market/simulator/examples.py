"""Configurations to start from."""

from typing import Any

FOUR_HOURS: dict[str, Any] = {
    "seed": 7,
    "duration": "4h",
    "instruments": [
        {"symbol": "SIM-A", "price": "100", "annual_volatility": 0.6},
        {"symbol": "SIM-B", "price": "250", "annual_volatility": 0.8, "spread_ticks": 2.0, "quotes_per_s": 6.0},
        {"symbol": "SIM-C", "price": "40", "annual_volatility": 1.0, "quotes_per_s": 4.0, "trade_share": 0.2},
    ],
    "edge": {"type": "imbalance", "strength": 0.2, "horizon_steps": 10},
    "events": [
        {"type": "storm", "at": "40m", "duration": "5m"},
        {"type": "halt", "at": "80m", "duration": "3m", "instrument": "SIM-B", "size": 0.015},
        {"type": "gap", "at": "100m", "duration": "20s", "instrument": "SIM-C"},
        {"type": "crash", "at": "120m", "duration": "60s", "instrument": "SIM-A", "size": -0.03, "refill": 0.6},
        {"type": "bad_print", "at": "140m", "instrument": "SIM-A", "size": 1.2},
        {"type": "crossed_quote", "at": "150m", "duration": "2s", "instrument": "SIM-C", "size": 1},
        {"type": "storm", "at": "170m", "duration": "5m"},
        {"type": "stale", "at": "200m", "duration": "15s", "instrument": "SIM-A"},
    ],
}

DAILY_BARS: dict[str, Any] = {
    "seed": 7,
    "start": "2016-01-04T00:00:00Z",
    "instruments": [
        {"symbol": "SIM-X", "price": "100", "annual_volatility": 0.18, "depth_lots": 1_000_000},
        {"symbol": "SIM-Y", "price": "60", "annual_volatility": 0.3, "depth_lots": 500_000},
    ],
    "bars": {"duration": "1d", "calendar": "XNYS", "count": 2520},
}
