"""Runs that explore, whose bytes compiled code and plain Python must agree on; as a program, prints their digests."""

import json

from alphatrade_runtime.loop.engine import Engine
from unit.loop.mind_sessions import ALL, exploring, rows

ROWS = 1_000
CASES = {
    "alone": lambda: exploring(budget={"cadence": 10}),
    "with all of it": lambda: exploring(
        ("exploration", "fast_weights", "linear_attention"), budget={"cadence": 10}, **ALL
    ),
}


def digests():
    found = {}
    for case, document in CASES.items():
        result = Engine(document()).replay(rows(ROWS))
        found[case] = {"digests": result.digests, "counts": result.counts}
    return found


if __name__ == "__main__":
    print(json.dumps(digests()))
