"""Study: every connection of pods to the API server cut each 5 s for 5 min, while one desk trades and one is stopped.

    python tests/studies/watch_cut.py [--seconds 300]

Installs the product of this tree. Writes docs/evidence/watch_cut.json. Exit code 1 when
somebody halted, an order was doubled or orphaned, or the stop was not obeyed.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from alphatrade_runtime.market.schema import Control  # noqa: E402
from bench.measure import commit, machine  # noqa: E402
from bench.on_cluster import product  # noqa: E402
from cluster.backend import choose  # noqa: E402
from e2e.cluster.books import journal  # noqa: E402
from e2e.cluster.connections import cut_every  # noqa: E402
from e2e.cluster.desks import SPARE, WALL, Desk, beside  # noqa: E402
from e2e.cluster.market import kill_switch  # noqa: E402
from e2e.cluster.place import Place  # noqa: E402
from e2e.cluster.runtime_journal import account_for, kept, settled  # noqa: E402
from e2e.cluster.stops import obeyed  # noqa: E402
from kube_fixtures import trading_namespace, wait_for_the_last  # noqa: E402

EVIDENCE = ROOT / "docs" / "evidence" / "watch_cut.json"
PERIOD_S = 5.0


def main() -> int:
    """Measure and write; return the exit code."""
    parser = argparse.ArgumentParser(description="Cut all watches again and again.")
    parser.add_argument("--seconds", type=float, default=300.0, help="for how long")
    asked = parser.parse_args()
    backend = choose()
    with product() as installed:
        with trading_namespace(installed.kube, "watch-cut") as namespace:
            place = Place(installed.kube, namespace)
            trader, spare = Desk(place, backend, WALL), Desk(place, backend, SPARE)
            trader.open()
            spare.open(*beside(SPARE, WALL))
            figures = measured(trader, spare, asked.seconds)
        wait_for_the_last(installed.kube)  # while there is a cluster still, and an operator to flatten
    figures |= {"command": f"python tests/studies/watch_cut.py --seconds {asked.seconds:g}"}
    figures |= {"commit": commit(), "machine": machine()}
    EVIDENCE.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    print(EVIDENCE.read_text())
    return 0 if figures["holds"] else 1


def measured(trader: Desk, spare: Desk, seconds: float) -> dict[str, Any]:
    """Cut, stop the spare desk half way through, and return what came of it."""
    place, before = trader.place, trader.placed()
    with cut_every(trader.backend, PERIOD_S) as counts:
        time.sleep(seconds / 2)
        asked_s = time.monotonic()
        place.apply(kill_switch(SPARE, "Halt", {"alphatrade.io/metadata.name": SPARE}))
        last = obeyed(place, SPARE, SPARE, "Halt")
        obeyed_s = time.monotonic() - asked_s
        time.sleep(max(seconds / 2 - obeyed_s, 0.0))
    trader.quote()
    placed = trader.placed() - before
    after_stop = journal(place, SPARE, SPARE).placed_after(last)
    halts = sum(stale(desk) for desk in (trader, spare))
    orders = account_for(place, WALL, WALL) + account_for(place, SPARE, SPARE)  # raises when one is not accounted for
    place.apply(kill_switch("flat", "Flatten", {"alphatrade.io/metadata.name": WALL}))
    trader.until("is flat", trader.flat)
    position = settled(place, WALL, WALL)
    return {
        "seconds": seconds, "period_s": PERIOD_S, "cuts": len(counts), "connections_cut": sum(counts),
        "least_connections_a_cut": min(counts), "halts": halts, "orders_placed_meanwhile": placed,
        "orders_accounted_for": orders, "placed_after_the_stop": len(after_stop),
        "stop_seen_obeyed_s": round(obeyed_s, 2), "position_at_the_end": position,
        "holds": not halts and not after_stop and position == 0 and placed > 0 and min(counts) > 0,
    }  # fmt: skip


def stale(desk: Desk) -> int:
    """Return how often a desk was held because kill switches had not been listed."""
    return sum(what is Control.KILL_STALE for what, _ in kept(desk.place, desk.name)[-1].controls)


if __name__ == "__main__":
    sys.exit(main())
