"""Four hours of a simulated market under a tight law: many decisions, orders, denials; the auditor agrees."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market.schema import Kind, Rows, Status
from alphatrade_runtime.market.simulator import prepare
from unit.risk.law_session import policy, session

HOUR_NS = 3_600_000_000_000
MARKET: dict[str, Any] = {
    "seed": 11, "start": "2026-01-05T21:00:00Z", "duration": "4h", "correlation": 0.4,  # midnight UTC falls into it
    "instruments": [
        {"symbol": f"SIM-{k}", "tick_size": "0.01", "lot_size": "1", "quotes_per_s": 8.0, "depth_lots": 40}
        for k in range(3)
    ],
    "events": [
        {"type": "halt", "at": "40m", "instrument": "SIM-0", "duration": "5m", "size": 0.01},
        {"type": "storm", "at": "1h", "duration": "4m"},
        {"type": "gap", "at": "90m", "instrument": "SIM-1", "duration": "30s"},
        {"type": "stale", "at": "100m", "duration": "20s"},
        {"type": "storm", "at": "2h", "duration": "4m"},
        {"type": "bad_print", "at": "150m", "instrument": "SIM-2", "size": 1.2},
        {"type": "crash", "at": "160m", "instrument": "SIM-1", "duration": "2m", "size": -0.08, "refill": 0.5},
        {"type": "crossed_quote", "at": "200m", "instrument": "SIM-0", "size": 2.0},
        {"type": "crash", "at": "225m", "duration": "2m", "size": -0.2},
    ],
}  # fmt: skip
LIMITS = {
    "band_limit_bps": 30, "band_marketable_bps": 12, "max_notional_bps": 90, "max_net_exposure_bps": 110,
    "max_leverage_bps": 180, "day_drawdown_bps": 9, "max_drawdown_bps": 25, "max_orders_per_s": 5,
    "max_orders_per_min": 120, "max_open_orders": 2, "max_turnover_min_bps": 1_500, "max_turnover_hour_bps": 40_000,
    "risk_per_trade_bps": 4, "stop_bps": 500, "mark_jump_bps": 500, "near_miss_bps": 8_000,
}  # fmt: skip
TERMS = {
    "max_position_lots": 60,
    "max_order_lots": 110,
    "maker_fee_e7": -200,
    "taker_fee_e7": 1_000,
    "max_quote_age_ns": 3_000_000_000,
}
POLICIES = [
    policy("ema_cross", {"fast": 30, "slow": 120}, "twap", {"duration_ns": 4_000_000_000, "slices": 4}, ["SIM-0"]),
    policy("order_flow_imbalance", {"scale_window": 200}, "market", {"protection_bps": 8}, ["SIM-1"], name="q"),
    policy("two_sided_quote", {"lots": 30, "skew_ticks": 6.0}, "passive_quote", {}, ["SIM-2"], name="r"),
]  # fmt: skip


@pytest.fixture(scope="module")
def four_hours():
    chunks = list(prepare(MARKET).chunks())
    rows = Rows(*(np.concatenate(columns) for columns in zip(*chunks, strict=True)))
    for column in rows:
        column.setflags(write=False)
    exchange = {"entry_latency_ns": 10_000_000, "response_latency_ns": 10_000_000}
    document = session(
        *POLICIES, n=3, limits=LIMITS, terms=TERMS, exchange=exchange, clock="quote_change", interval_ns=100_000_000
    )
    return rows, Engine(document).replay(rows)


def test_the_market_has_storms_and_a_halt(four_hours):
    rows, _ = four_hours
    assert rows.ts_init_ns[-1] - rows.ts_init_ns[0] > 3.9 * HOUR_NS
    assert sum(event["type"] == "storm" for event in MARKET["events"]) >= 2
    assert ((rows.kind == int(Kind.STATUS)) & (rows.price == int(Status.HALTED))).sum() >= 1
    assert datetime.fromtimestamp(int(rows.ts_init_ns[-1]) / 1e9, UTC).day == 6


def test_many_decisions_orders_and_codes(four_hours):
    _, result = four_hours
    assert result.counts["decisions"] >= 50_000
    assert result.counts["orders"] >= 5_000
    assert len(result.counts["denials"]) >= 8, result.counts["denials"]


def test_the_auditor_agrees_with_every_row(four_hours):
    _, result = four_hours
    assert [violation.text for violation in result.violations] == []
    assert (result.counts["breaks"], result.counts["plugin_faults"]) == (0, 0)
