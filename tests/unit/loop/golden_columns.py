"""Digests of what the loop decided, ordered and filled before it could understand anything; as a program, prints them.

`golden_columns.json` was written by the commit before the understanding loop: with all of it off, nothing may change.
"""

import hashlib
import json
import sys

from alphatrade_runtime.loop.engine import Engine
from unit.loop.made_tapes import made_rows, with_events
from unit.loop.mixed_sessions import mixed
from unit.loop.twin_runs import CASES

STREAMS = ("decisions", "orders", "fills")
ROWS = 20_000
LATER = (  # what only a run with an understanding loop may be made of
    "alphatrade_runtime.loop.mind",
    "alphatrade_runtime.perception.belief",
    "alphatrade_runtime.perception.regime",
    "alphatrade_runtime.adaptation.fast_weights",
    "alphatrade_runtime.adaptation.router",
    "alphatrade_runtime.adaptation.exploration",
    "alphatrade_runtime.reflection.drift",
    "alphatrade_runtime.reflection.probes",
    "alphatrade_runtime.reflection.graph",
)


def digests():
    """Return by case and stream the digest of each column that a run's rows have."""
    found = {}
    for case, options in CASES.items():
        rows = with_events(made_rows(ROWS, 7, seed=len(case), depth=case == "probabilistic"))
        tables = Engine(mixed(**options)).replay(rows).tables
        found[case] = {stream: columns(tables[stream]) for stream in STREAMS}
    return found


def columns(table):
    return {
        name: hashlib.sha256(str(table.column(name).to_pylist()).encode()).hexdigest() for name in table.schema.names
    }


if __name__ == "__main__":
    if "--without" in sys.argv:
        for name in LATER:
            sys.modules[name] = None  # type: ignore[assignment]  # importing it fails
    print(json.dumps(digests(), indent=1, sort_keys=True))
