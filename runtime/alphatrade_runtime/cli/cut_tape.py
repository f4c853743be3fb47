"""Trade a small simulated tape with one strategy, whole, cut, and changed behind the cut: no decision may differ."""

from typing import Any

import numpy as np

from alphatrade_runtime.loop.engine import Engine, RunResult
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.market.simulator import iterate
from alphatrade_runtime.plugin.check import Check
from alphatrade_runtime.plugin.contract import SignalSpec
from alphatrade_runtime.policy.flags import FLAGS
from alphatrade_runtime.reflection.records import DiaryKind

_NS = 10**9
_SYMBOL = "SIM-A"
_CUTS = 10
_FOLD = "folds"
_ACTS = (int(DiaryKind.ACTION), int(DiaryKind.DENIAL), int(DiaryKind.GUARD))


def cut_tape(spec: SignalSpec, digest: str, rows_wanted: int = 3_000, cuts: int = _CUTS) -> Check:
    """Check through the whole loop: features, strategy, law, orders."""
    rows = _tape(rows_wanted)
    engine = Engine(_session(spec, digest), {spec.name: digest})
    whole = engine.replay(rows)
    if whole.breached:
        return Check("cut tape", False, _breach(whole))
    for k in np.linspace(len(rows.seq) // 10, len(rows.seq) - 2, cuts).astype(int).tolist():
        for part in (rows.slice(0, k + 1), _changed_after(rows, k)):
            if not _same_until(whole, engine.replay(part), rows, k):
                return Check("cut tape", False, f"what comes after row {k} of the tape changes a decision before it")
    sent = whole.counts["orders"]
    return Check(
        "cut tape", True, f"{whole.counts['decisions']:,} decisions, {sent:,} orders, {cuts} cuts: none differs"
    )


def _breach(result: RunResult) -> str:
    faults = result.counts["plugin_faults"]
    return f"it raised {faults} times in a run" if faults else f"violation: {result.violations[0].text}"


def _tape(rows_wanted: int) -> Rows:
    """Return the start of a seeded simulated market with a storm in it."""
    config = {
        "seed": 3,
        "duration": "1h",
        "instruments": [{"symbol": _SYMBOL, "price": "100"}],
        "events": [{"type": "storm", "at": "60s", "duration": "30s"}],
    }
    parts, count = [], 0
    for chunk in iterate(config, 4_096):
        parts.append(chunk)
        count += len(chunk.seq)
        if count >= rows_wanted:
            break
    return Rows._make(np.concatenate(columns) for columns in zip(*parts, strict=True)).slice(0, rows_wanted)


def _changed_after(rows: Rows, k: int) -> Rows:
    """Return the rows with other prices and sizes behind row k."""
    behind = np.arange(len(rows.seq)) > k

    def moved(column: Any, by: int) -> Any:
        return np.where(behind & (column > 0), column + by, column)

    return rows._replace(
        price=moved(rows.price, 40),
        bid=moved(rows.bid, 40),
        ask=moved(rows.ask, 41),
        bid_size=moved(rows.bid_size, 17),
        ask_size=moved(rows.ask_size, 5),
    )


def _same_until(whole: RunResult, part: RunResult, rows: Rows, k: int) -> bool:
    """Compare what was decided and sent up to row k. The last fold of a cut run ends early, so it may have one more."""
    a, b = (_until(result, rows, k) for result in (whole, part))
    folds = len(a[_FOLD])
    return all(a[name] == (b[name][:folds] if name == _FOLD else b[name]) for name in a)


def _until(result: RunResult, rows: Rows, k: int) -> dict[str, list[Any]]:
    ts, seq = int(rows.ts_init_ns[k]), int(rows.seq[k])
    orders = [row for row in result.tables["orders"].to_pylist() if row["ts_ns"] <= ts]
    decisions = [row for row in result.tables["decisions"].to_pylist() if row["seq"] <= seq]
    folds = [row for row in decisions if row["kind"] == int(DiaryKind.FOLD)]
    return {"orders": orders, _FOLD: folds, "acts": [row for row in decisions if row["kind"] in _ACTS]}


def _session(spec: SignalSpec, digest: str) -> dict[str, Any]:
    limits = {
        "stream_stale_ns": 2 * _NS, "max_notional_bps": 500, "band_limit_bps": 50, "band_marketable_bps": 20,
        "max_net_exposure_bps": 5_000, "max_leverage_bps": 10_000, "day_drawdown_bps": None, "max_drawdown_bps": None,
        "max_orders_per_s": 50, "max_orders_per_min": 1_200, "max_open_orders": 64, "max_turnover_min_bps": 10**6,
        "max_turnover_hour_bps": 10**6, "risk_per_trade_bps": 200, "stop_bps": 100, "max_flatten_slippage_bps": 50,
        "flatten_blind": False, "near_miss_bps": 8_000, "mark_jump_bps": 500, "kill_max_staleness_ns": 10 * _NS,
        "symbols": [_SYMBOL],
    }  # fmt: skip
    instrument = {
        "symbol": _SYMBOL, "tick_size": "0.01", "lot_size": "1", "multiplier": "1", "maker_fee_e7": 0,
        "taker_fee_e7": 1_000, "fee_per_fill": "0", "initial_margin_bps": 1_000, "max_quote_age_ns": 5 * _NS,
        "max_position_lots": 100, "max_order_lots": 200, "min_order_lots": 1,
    }  # fmt: skip
    topology = "passive_quote" if spec.form == "quote" else "market"
    policy = {
        "name": "checked",
        "signal": {"ref": spec.name, "api": spec.api, "digest": digest, "params": {}},
        "execution_topology": {"type": topology, "params": {}},
        "instruments": [],
        "regimes": [],
        "weight_bps": 10_000,
    }
    genotype = {
        "policies": [policy],
        "decision_clock": {"type": "every_quote", "interval_ns": 0},
        **dict.fromkeys(("belief", "regime", "probes", "drift")),
        "fast_weights": {"rule": "hebb", "half_life": 700},
        "router": {"switching_cost_bps": "1", "horizon": 10, "half_life": 2_000},
    }
    return {
        "policy": {
            "policySchema": 1,
            "strategy_id": "plugin-check",
            "mode": "Sim",
            "stage": "Experiment",
            "risk_template": "plugin-check",
            "genotype": genotype,
            "envelope": {
                "limits": limits,
                "flags": {flag.name: False for flag in FLAGS},
                "exploration": None,
                "instruments": [instrument],
                "calendar": "24/7",
                "seed": 1,
            },
            "plugins": [],
            "initial_cash": "1000000",
            "currency": "USD",
        },
        "exchange": {
            "queue_model": "risk_averse",
            "partial_fills": True,
            "entry_latency_ns": 0,
            "response_latency_ns": 0,
            "cancel_on_disconnect": False,
        },
        "feed": {"type": "tape", "path": "in-memory", "speed": "Max", "record": False},
        "funding_model": "none",
        "durability": "group",
    }
