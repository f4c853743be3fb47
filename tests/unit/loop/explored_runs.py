"""Runs that explore, whose bytes compiled code and plain Python must agree on; as a program, prints their digests."""

import json

from alphatrade_runtime.loop.engine import Engine
from unit.loop.mind_sessions import ALL, DRIFT, HMM, exploring, rows

ROWS = 1_000
WHOLE = ("exploration", "fast_weights", "linear_attention")
# so short that within the rows of a test regimes flip and sentries warn and alert, with every stream written
NERVOUS = {
    **DRIFT, "reference": 8, "min_observations": 4, "page_hinkley": {"delta": "0.1", "warn": "1", "alert": "2"},
    "cusum": {"slack": "0.25", "warn": "0.5", "alert": "1"}, "shock": "4",
}  # fmt: skip
FLIPPING = {**HMM, "fast_half_life": 5, "slow_half_life": 40, "dwell": 2, "persist": 1}
CASES = {
    "alone": lambda: exploring(budget={"cadence": 10}),
    "with all of it": lambda: exploring(WHOLE, budget={"cadence": 10}, **ALL),
    "alarmed": lambda: exploring(WHOLE, budget={"cadence": 10}, **{**ALL, "drift": NERVOUS, "regime": FLIPPING}),
}


def digests():
    found = {}
    for case, document in CASES.items():
        result = Engine(document()).replay(rows(ROWS))
        found[case] = {
            "digests": result.digests,
            "counts": result.counts,
            "recorded": {stream: table.num_rows for stream, table in result.tables.items()},
        }
    return found


if __name__ == "__main__":
    print(json.dumps(digests()))
