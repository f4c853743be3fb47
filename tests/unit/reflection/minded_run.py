"""Runs with an understanding loop, written by hand: every row is one that the test can count."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.loop.mind.state import STREAM_DTYPES as MIND_DTYPES
from alphatrade_runtime.market.orders import Command, OrderState
from alphatrade_runtime.reflection.diary.attach import time_field
from alphatrade_runtime.reflection.diary.chain import run_digests
from alphatrade_runtime.reflection.diary.compact import compact
from alphatrade_runtime.reflection.diary.dictionary import Dictionary
from alphatrade_runtime.reflection.diary.record_log import RecordLog
from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.reflection.routes import CANDIDATES, NOBODY
from unit.loop.mind_sessions import BELIEF, DRIFT, RULES
from unit.report import run_folder

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
PARTS = ("base", "attention", "bias", "multiplier", "score", "position", "cost_bps", "value_bps")


def session(attention: bool = True) -> dict[str, Any]:
    """Trend may always trade, revert in NeutralCalm only; instruments AAA, BBB, CCC of 10,000, 2,000,000 and 100."""
    document = run_folder.session()
    genes = document["policy"]["genotype"]["policies"]
    genes[0]["instruments"] = []
    genes[1]["name"], genes[1]["regimes"] = "revert", ["NeutralCalm"]
    document["policy"]["genotype"].update(belief=BELIEF, regime=RULES, probes={}, drift=DRIFT)
    document["policy"]["envelope"]["flags"].update(linear_attention=attention, fast_weights=attention)
    return document


def route(decision: int, *weighed: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """One row of routes. weighed: `candidate`s, the chosen one first."""
    row: dict[str, Any] = {
        "seq": 10 * decision, "decision_id": decision, "belief_id": decision, "event_ts_ns": T0 + decision * SECOND,
        "since": decision, "size_factor": 1.0, "regime": 3, "regime_confidence": 0.8, "instrument": 0, "blocked": 0,
        "chosen": weighed[0]["policy"] if weighed else NOBODY, "before": NOBODY, "exploring": 0, "drift_level": 0,
        "surprise": 0.5, "rho_norm": 0.0, "switch_cost_bps": 1.0, "sigma_bps": 10.0, "faults": 0, "exploding": 0,
        "constant": 0, "masked": 0, **fields,
    }  # fmt: skip
    row.setdefault("incumbent", row["chosen"])
    empty = [NOBODY] * (CANDIDATES - len(weighed))
    row["candidates"] = [one["policy"] for one in weighed] + empty
    row["barred"] = [one["barred"] for one in weighed] + [0] * len(empty)
    for part in PARTS:
        row[f"candidate_{part}"] = [one[part] for one in weighed] + [0.0] * len(empty)
    return row


def candidate(policy: int, score: float = 0.0, barred: int = 0, **parts: float) -> dict[str, Any]:
    return {**dict.fromkeys(PARTS, 0.0), "base": score, "multiplier": 1.0, "score": score, **parts, "policy": policy,
            "barred": barred}  # fmt: skip


def belief(decision: int, instrument: int = 0, **fields: Any) -> dict[str, Any]:
    return {"seq": 10 * decision, "belief_id": decision, "event_ts_ns": T0 + decision * SECOND,
            "instrument": instrument, "surprise": 0.5, **fields}  # fmt: skip


def probe(decision: int, known: int, instrument: int = 0, fired: int = 0) -> dict[str, Any]:
    """The first `known` probes are available with a score of 0.5, the first `fired` of those fired."""
    return {
        "seq": 10 * decision, "decision_id": decision, "belief_id": decision,
        "event_ts_ns": T0 + decision * SECOND, "instrument": instrument,
        "score": [0.5] * known + [np.nan] * (6 - known), "available": [1] * known + [0] * (6 - known),
        "fired": [1] * fired + [0] * (6 - fired),
    }  # fmt: skip


def order(order_id: int, decision: int, qty: int, price: int, instrument: int = 0, **fields: Any) -> dict[str, Any]:
    return {"seq": 10 * decision, "ts_ns": T0 + decision * SECOND, "order_id": order_id, "decision_id": decision,
            "qty": qty, "leaves": qty, "price": price, "instrument": instrument, "side": 1, "ref2": 2 * price,
            "event": int(Command.NEW), "state": int(OrderState.IN_FLIGHT_NEW), **fields}  # fmt: skip


def action(made: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The diary's row of an order."""
    return {"seq": made["seq"], "decision_id": made["decision_id"], "event_ts_ns": made["ts_ns"],
            "order_id": made["order_id"], "qty": made["qty"], "limit": made["price"], "instrument": made["instrument"],
            "kind": int(DiaryKind.ACTION), "action": int(Command.NEW), "side": 1, **fields}  # fmt: skip


def records(rows: list[dict[str, Any]], dtype: np.dtype[Any]) -> np.ndarray:
    out = np.zeros(len(rows), dtype)
    for k, row in enumerate(rows):
        for name, value in row.items():
            out[name][k] = value
    return out


def write(folder: Path, rows: dict[str, list[dict[str, Any]]], document: dict[str, Any] | None = None) -> Path:
    """Write a compacted run: the six streams of every run, and those of `rows`."""
    dtypes = {**run_folder.DTYPES, **{stream: MIND_DTYPES[stream] for stream in rows if stream in MIND_DTYPES}}
    document = document or session()
    folder.mkdir(parents=True, exist_ok=True)
    heads = {}
    for stream, dtype in dtypes.items():
        log = RecordLog(folder, stream, dtype, {"tape": "t"}, time_field(stream))
        log.append(records(rows.get(stream, []), dtype))
        heads[stream] = log.close().head
    run = {
        "run_id": "run-1", "mode": "Sim", "speed": "Max", "strategy_id": "golden", "session": document,
        "instruments": document["policy"]["envelope"]["instruments"], "policy_hash": "aa" * 32,
        "envelope_hash": "bb" * 32, "code_hash": "cc" * 32, "digests": run_digests(heads), "violations": [],
        "tape": {"path": "tapes/t", "digest": "sha256:" + "dd" * 32, "source": "by hand", "simulated": True},
        "kill": {"state": "ARMED"}, "notes": [],
        "counts": {"events": 1, "steps": 1, "decisions": 1, "fills": 0, "near_misses": 0, "denials": {},
                   "plugin_faults": 0, "breaks": 0},
        "money": {"currency": "USD", "net_pnl": "0", "fees": "0"},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(run))
    compact(folder, Dictionary.from_run(run))
    return folder
