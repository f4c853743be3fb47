"""Simulate a short market, trade it, print what must be the same in every process: as a program, one JSON line.

A second run has all of the understanding loop on, over 100,000 events: `understood`.
"""

import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

import alphatrade_runtime  # noqa: F401 (first of all: pins what makes hosts differ)
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.market.simulator import prepare
from unit.loop.mind_sessions import ALL, exploring
from unit.loop.mind_sessions import rows as made
from unit.loop.mixed_sessions import mixed

EVENTS = 100_000
WHOLE = ("exploration", "fast_weights", "linear_attention")

MARKET = {
    "seed": 7, "start": "2026-01-05T00:00:00Z", "duration_ns": "90s", "halts_per_day": 0.0, "depth_levels": 3,
    "instruments": [{"symbol": f"SIM-{k}", "lot_size": "1", "price": "100", "quotes_per_s": 8.0} for k in range(7)],
    "events": [{"type": "storm", "at_ns": "30s", "duration_ns": "20s"}],
}  # fmt: skip


def understood():
    result = Engine(exploring(WHOLE, **ALL)).replay(made(EVENTS))
    return {
        **result.digests,
        "counts": result.counts,
        "money": result.money,
        "recorded": {stream: table.num_rows for stream, table in result.tables.items()},
        "violations": [violation.text for violation in result.violations],
    }


def digests():
    chunks = list(prepare(MARKET).chunks())
    rows = Rows(*(np.concatenate(columns) for columns in zip(*chunks, strict=True)))
    for column in rows:
        column.setflags(write=False)
    tape = hashlib.sha256(b"".join(column.tobytes() for column in rows)).hexdigest()
    result = Engine(mixed()).replay(rows)
    return {
        "code": result.identity.code_hash,
        "tape": tape,
        **result.digests,
        "rows": len(rows.seq),
        "counts": result.counts,
        "money": result.money,
        "understood": understood(),
    }


if __name__ == "__main__":
    print(json.dumps(digests(), sort_keys=True))
