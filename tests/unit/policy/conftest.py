"""One fixed session document; the golden hashes are of this one, so it is never edited.

A field that a later version asks for is added with the value that stands for its absence; the hashes stay.
"""

import copy

import pytest

SESSION = {
    "policy": {
        "policySchema": 1,
        "strategy_id": "golden",
        "mode": "Sim",
        "stage": "Experiment",
        "risk_template": "law",
        "genotype": {
            "policies": [
                {
                    "name": "trend",
                    "signal": {"ref": "ema_cross", "api": 1, "digest": None, "params": {"fast": 20}},
                    "execution_topology": {"type": "pegged", "params": {"timeout_ns": 5_000_000_000}},
                    "instruments": ["AAA"],
                    "regimes": [],
                    "weight_bps": 9_000,
                },
                {
                    "name": "mine",
                    "signal": {"ref": "my_signal", "api": 1, "digest": "sha256:" + "1" * 64, "params": {"gain": 0.1}},
                    "execution_topology": {"type": "market", "params": {}},
                    "instruments": [],
                    "regimes": [],
                    "weight_bps": 10_000,
                },
            ],
            "decision_clock": {"type": "quote_change", "interval_ns": 100_000_000},
            "belief": None,
            "regime": None,
            "probes": None,
            "drift": None,
            "fast_weights": {"rule": "hebb", "half_life": 700},
            "router": {"switching_cost_bps": "1", "horizon": 10, "half_life": 2_000},
        },
        "envelope": {
            "limits": {
                "stream_stale_ns": 2_000_000_000,
                "max_notional_bps": 400,
                "band_limit_bps": 50,
                "band_marketable_bps": 20,
                "max_net_exposure_bps": 5_000,
                "max_leverage_bps": 10_000,
                "day_drawdown_bps": None,
                "max_drawdown_bps": None,
                "max_orders_per_s": 50,
                "max_orders_per_min": 1_200,
                "max_open_orders": 64,
                "max_turnover_min_bps": 20_000,
                "max_turnover_hour_bps": 100_000,
                "risk_per_trade_bps": 200,
                "stop_bps": 100,
                "max_flatten_slippage_bps": 50,
                "flatten_blind": False,
                "near_miss_bps": 8_000,
                "mark_jump_bps": 500,
                "kill_max_staleness_ns": 10_000_000_000,
                "symbols": ["BBB", "AAA"],
            },
            "flags": {
                "fast_weights": False,
                "linear_attention": False,
                "exploration": False,
                "auto_governed_feedback": False,
            },
            "exploration": None,
            "instruments": [
                {
                    "symbol": "BBB",
                    "tick_size": "0.10",
                    "lot_size": "0.001",
                    "multiplier": "1",
                    "maker_fee_e7": -100,
                    "taker_fee_e7": 500,
                    "fee_per_fill": "0",
                    "initial_margin_bps": 1_000,
                    "max_quote_age_ns": 5_000_000_000,
                    "max_position_lots": 2**48 - 1,
                    "max_order_lots": 10,
                    "min_order_lots": 1,
                },
                {
                    "symbol": "AAA",
                    "tick_size": "0.01",
                    "lot_size": "1",
                    "multiplier": "10",
                    "maker_fee_e7": 0,
                    "taker_fee_e7": 0,
                    "fee_per_fill": "0.00",
                    "initial_margin_bps": 500,
                    "max_quote_age_ns": 1_000_000_000,
                    "max_position_lots": 100,
                    "max_order_lots": 10,
                    "min_order_lots": 2,
                },
            ],
            "calendar": "24/7",
            "seed": 7,
        },
        "plugins": [{"path": "mine.py", "digest": "sha256:" + "1" * 64}],
        "initial_cash": "1000000.50",
        "currency": "USDT",
    },
    "exchange": {
        "queue_model": "risk_averse",
        "partial_fills": True,
        "entry_latency_ns": 10_000_000,
        "response_latency_ns": 10_000_000,
        "cancel_on_disconnect": True,
    },
    "feed": {"type": "simulator", "config": {"seed": 1}, "speed": "Max", "record": False},
    "funding_model": "none",
    "durability": "group",
}


@pytest.fixture
def document():
    return copy.deepcopy(SESSION)
