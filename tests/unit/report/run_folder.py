"""Run folders for the report's tests, written by the diary's own writer from a plain-Python bookkeeper's rows."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.market.orders import EQUITY_DTYPE, FILL_DTYPE, MARK_DTYPE, ORDER_DTYPE
from alphatrade_runtime.reflection.diary.attach import time_field
from alphatrade_runtime.reflection.diary.chain import run_digests
from alphatrade_runtime.reflection.diary.record_log import RecordLog
from alphatrade_runtime.reflection.records import DECISION_DTYPE, EXPOST_DTYPE, DiaryKind
from unit.policy.conftest import SESSION
from unit.risk.record_streams import INITIAL_CASH, INSTRUMENTS, Streams, clean_run

DTYPES = {
    "decisions": DECISION_DTYPE, "expost": EXPOST_DTYPE, "orders": ORDER_DTYPE, "fills": FILL_DTYPE,
    "equity": EQUITY_DTYPE, "marks": MARK_DTYPE,
}  # fmt: skip
_SIZES = {"AAA": ("0.1", "0.001"), "BBB": ("0.02", "1"), "CCC": ("0.001", "0.001")}


def session(**policy: Any) -> dict[str, Any]:
    """A session document of the bookkeeper's instruments."""
    document: dict[str, Any] = copy.deepcopy(SESSION)
    terms = document["policy"]["envelope"]["instruments"][0]
    document["policy"]["envelope"]["instruments"] = [
        {**terms, "symbol": i.symbol, "tick_size": _SIZES[i.symbol][0], "lot_size": _SIZES[i.symbol][1],
         "multiplier": "1", "max_position_lots": i.max_position_lots, "max_order_lots": i.max_order_lots}
        for i in INSTRUMENTS
    ]  # fmt: skip
    document["policy"]["envelope"]["limits"]["symbols"] = [i.symbol for i in INSTRUMENTS]
    document["policy"].update(initial_cash=str(INITIAL_CASH // 10**8), **policy)
    return document


def diary_rows(streams: Streams) -> np.ndarray:
    """The GUARD rows of the streams, and an action and a denial at every EQUITY row, all with its NAV."""
    rows = [dict(row) for row in streams.rows["decisions"]]
    for n, money in enumerate(streams.rows["equity"]):
        at = {"seq": money["seq"], "event_ts_ns": money["ts_ns"]}
        rows.append({**at, "decision_id": n, "kind": DiaryKind.ACTION})
        rows.append({**at, "decision_id": n, "kind": DiaryKind.DENIAL, "code": 6 + n % 3})
    rows.sort(key=lambda row: row["seq"])
    out = np.zeros(len(rows), DECISION_DTYPE)
    levels = {row["seq"]: row["nav"] for row in streams.rows["equity"]}
    nav = INITIAL_CASH
    for k, row in enumerate(rows):
        nav = levels.get(row["seq"], nav)
        for name, value in row.items():
            out[k][name] = value
        out[k]["nav"] = nav
        out[k]["util"][8] = 9_000 if row["kind"] == DiaryKind.ACTION else 0
    return out


def write_run(folder: Path, streams: Streams | None = None, **facts: Any) -> Path:
    """Write a run's streams and run.json; facts replace or (None) remove entries of run.json."""
    streams = clean_run(60) if streams is None else streams
    folder.mkdir(parents=True, exist_ok=True)
    rows = {**streams.arrays(), "decisions": diary_rows(streams), "expost": np.zeros(0, EXPOST_DTYPE)}
    heads = {}
    for stream, dtype in DTYPES.items():
        log = RecordLog(folder, stream, dtype, {"tape": "t"}, time_field(stream))
        log.append(rows[stream])
        heads[stream] = log.close().head
    document = facts.pop("session", None) or session()
    run = {
        "run_id": "run-1", "mode": "Sim", "speed": "Simulated Max", "session": document,
        "instruments": document["policy"]["envelope"]["instruments"], "policy_hash": "aa" * 32,
        "envelope_hash": "bb" * 32, "code_hash": "cc" * 32,
        "tape": {"path": "tapes/t", "digest": "sha256:" + "dd" * 32},
        "digests": run_digests(heads), "counts": {"orders": 1}, "violations": [], "kill": {"state": "ARMED"},
        "notes": [],
    }  # fmt: skip
    run.update(facts)
    (folder / "run.json").write_text(json.dumps({k: v for k, v in run.items() if v is not None}))
    return folder
