"""Runs whose digests the compiled step and plain Python must agree on; as a program, prints them as JSON."""

import json
from typing import Any

from alphatrade_runtime.loop.engine import Engine
from unit.loop.made_tapes import made_rows, with_events
from unit.loop.mixed_sessions import LATENCY, mixed

ROWS = 1_000
CASES: dict[str, dict[str, Any]] = {
    "risk_averse": {"exchange": {**LATENCY, "queue_model": "risk_averse"}},
    "probabilistic": {"exchange": {**LATENCY, "queue_model": "probabilistic"}},
    "whole_fills_every_quote": {"exchange": {"partial_fills": False}, "limits": {"max_notional_bps": 20}},
    "tight_law": {
        "clock": "quote_change", "exchange": {"response_latency_ns": 400_000_000},
        "limits": {"max_orders_per_s": 3, "max_orders_per_min": 60, "max_net_exposure_bps": 60, "day_drawdown_bps": 1,
                   "max_drawdown_bps": 2, "stream_stale_ns": 300_000_000},
    },
}  # fmt: skip


def result_of(case):
    rows = made_rows(ROWS, 7, seed=len(case), depth=case == "probabilistic")
    document = mixed(**CASES[case])
    return Engine(document).replay(with_events(rows))


def digests():
    found = {}
    for case in CASES:
        result = result_of(case)
        found[case] = {
            **result.digests,
            "counts": result.counts,
            "money": result.money,
            "kill": result.kill,
            "violations": [v.text for v in result.violations],
        }
    return found


if __name__ == "__main__":
    print(json.dumps(digests()))
