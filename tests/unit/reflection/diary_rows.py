"""Fixed rows and runs for the diary's tests: seeded, so that golden values stay."""

import json
from pathlib import Path

import numpy as np

from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.orders import EQUITY_DTYPE, FILL_DTYPE, MARK_DTYPE, ORDER_DTYPE
from alphatrade_runtime.reflection.diary.attach import time_field
from alphatrade_runtime.reflection.diary.chain import run_digests
from alphatrade_runtime.reflection.diary.record_log import RecordLog
from alphatrade_runtime.reflection.records import DECISION_DTYPE, EXPOST_DTYPE

DTYPES = {
    "decisions": DECISION_DTYPE,
    "expost": EXPOST_DTYPE,
    "orders": ORDER_DTYPE,
    "fills": FILL_DTYPE,
    "equity": EQUITY_DTYPE,
    "marks": MARK_DTYPE,
}
FACTS = {"policy_hash": "aa" * 32, "envelope_hash": "bb" * 32, "code_hash": "cc" * 32, "tape": "sha256:" + "dd" * 32}
INSTRUMENTS = [
    {"symbol": "SIM-A", "tick_size": "0.1", "lot_size": "0.001", "multiplier": "1"},
    {"symbol": "SIM-B", "tick_size": "0.0005", "lot_size": "10", "multiplier": "1"},
]
SYMBOLS = [Instrument.from_mapping(facts).symbol for facts in INSTRUMENTS]
_SMALL = {"instrument": 2, "policy": 2, "topology": 5, "kind": 6, "action": 4, "code": 19, "tif": 5, "purpose": 3}
_CODED = {"kill_state": 4, "guard": 11, "event": 4, "state": 12, "order_flags": 4}
_BITS = {"maker": 2, "complete": 2, "reduce_only": 2}


def mixed(seed: int, n: int) -> np.ndarray:
    """Return n fixed pseudo-random 64-bit words (splitmix64)."""
    with np.errstate(over="ignore"):
        z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def make_rows(stream: str, n: int, seed: int = 1, step_ns: int = 700_000_000) -> np.ndarray:
    """Return n plausible rows of a stream, `step_ns` of event time apart."""
    dtype = DTYPES[stream]
    rows = np.zeros(n, dtype)
    for k, name in enumerate(dtype.names or ()):
        words = mixed(seed * 1000 + k, n * max(1, int(np.prod(dtype[name].shape))))
        rows[name] = _values(name, words, dtype[name]).reshape(rows[name].shape)
    rows["seq"] = np.arange(n) * 3 + 1
    rows[time_field(stream)] = 1_700_000_000_000_000_000 + np.arange(n) * step_ns
    return rows


def write_run(folder: Path, n: int = 500, close: bool = True, **options: int) -> dict:
    """Write all six streams and run.json into a folder; return the run."""
    heads = {}
    for stream, dtype in DTYPES.items():
        log = RecordLog(folder, stream, dtype, FACTS, time_field(stream), **options)
        rows = make_rows(stream, n)
        for start in range(0, n, 24):
            log.append(rows[start : start + 24])
            log.flush()
        if close:
            heads[stream] = log.close().head
        else:
            log.abandon()
    run = make_run(run_digests(heads) if close else {})
    (folder / "run.json").write_text(json.dumps(run))
    return run


def make_run(digests: dict) -> dict:
    genotype = {"policies": [{"name": "trend"}, {"name": "quotes"}]}
    flags = {"fast_weights": False}
    policy = {"strategy_id": "quickstart", "stage": "Experiment", "risk_template": "default", "genotype": genotype}
    session = {"policy": {**policy, "envelope": {"flags": flags}}}
    hashes = {name: FACTS[name] for name in ("policy_hash", "envelope_hash", "code_hash")}
    return {"run_id": "r1", "session": session, **hashes, "instruments": INSTRUMENTS, "digests": digests}


def _values(name: str, words: np.ndarray, dtype: np.dtype) -> np.ndarray:
    sizes = {**_SMALL, **_CODED, **_BITS}
    if name == "side":
        return np.where(words % 2 == 0, 1, -1)
    if name in sizes:
        return words % np.uint64(sizes[name])
    if name == "util":
        return np.where(words % 3 == 0, words % 20_000, 0)
    if name == "score":
        return (words % 2_000_001).astype(np.float64) / 1e6 - 1
    return words if dtype.base.kind == "u" else (words % 1_000_000).astype(np.int64) + 1
