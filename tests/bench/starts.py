"""P11: how long after a pod was given to its node its strategy decides, and sends its first order.

The scheduler says when a pod was given to its node, the kernel when the process began, the journal when a batch was
decided: the first one with a quote in it behind the first reconciliation, before which nothing may leave.
"""

import base64
import tempfile
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from alphatrade_runtime.loop.journal import Record, RecordKind, read_records
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.market.schema import Control, Flag, Kind, Rows
from bench.on_cluster import Desk, Trading, desk
from kube_fixtures import Installed

TRADING = Trading(quotes_per_s=50, fast=2, slow=3)  # dense, so that nothing waits for the market
# Of process 1, in the clock that all of the host share; /proc/1/stat counts hundredths of a second since the boot.
_BEGAN = """
import os, time
after = open("/proc/1/stat").read().rpartition(")")[2].split()
up = time.clock_gettime(time.CLOCK_BOOTTIME)
print(time.time() - up + int(after[19]) / os.sysconf("SC_CLK_TCK"))
"""


class Start(NamedTuple):
    """Times of day of one start, s since the epoch."""

    scheduled: float
    began: float
    decided: float
    ordered: float


def starts(product: Installed, runs: int) -> dict[str, Any]:
    """Return the figures of so many strategies, one after the other, each new."""
    with desk(product.kube, "bench-start", TRADING) as trading:
        found = [start(trading, f"start-{k}") for k in range(runs)]
    whole = [one.decided - one.scheduled for one in found]
    decision_s = _median(whole)
    row = {
        "engine": "alphatrade",
        "version": version("alphatrade"),
        "events": runs,
        "to_decision_s": decision_s,
        "to_decision_max_s": round(max(whole), 2),
        "of_it_process_s": _median([one.decided - one.began for one in found]),
        "to_order_s": _median([one.ordered - one.scheduled for one in found]),
    }
    return {"rows": [row], "met": decision_s <= 3.0}


def start(trading: Desk, name: str) -> Start:
    """Start a strategy that was not there before, and let it go again."""
    trading.start([name])
    pod = trading.pod_of(name)["metadata"]["name"]
    trading.kube.until("its first order", lambda: len(_moments(trading, name)) == 2)
    decided, ordered = _moments(trading, name)
    began = float(trading.in_pod(name, "python", "-c", _BEGAN))
    scheduled = _scheduled(trading, pod)
    trading.end([name])
    return Start(scheduled, began, decided, ordered)


def _scheduled(trading: Desk, pod: str) -> float:
    """Return when the scheduler had given a pod to its node, by its event, which counts in microseconds."""
    events = trading.kube.get("events.v1.events.k8s.io", namespace=trading.namespace)["items"]
    (at,) = (one["eventTime"] for one in events if one["reason"] == "Scheduled" and one["regarding"]["name"] == pod)
    return datetime.fromisoformat(at).timestamp()


def _moments(trading: Desk, name: str) -> list[float]:
    content = base64.b64decode(trading.data_file(name, "/000001/journal/journal-000000.bin"))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "journal-000000.bin").write_bytes(content)
        return list(moments(read_records(Path(folder))))


def moments(records: Iterator[Record]) -> Iterator[float]:
    """Yield when the first decision that could trade was made, then when the first order left; s since the epoch."""
    clock, linked, decided = ClockFacts(0, 0, 1), False, False
    at_ns = 0
    for record in records:
        if isinstance(record.payload, dict) and "facts" in record.payload:
            clock = ClockFacts.from_mapping(record.payload["facts"]["clock"])
        elif isinstance(record.payload, Rows):
            rows = record.payload
            at_ns = clock.wall_start_ns + (int(rows.ts_init_ns[-1]) - clock.origin_ns) // clock.speed
            if linked and not decided and _decides(rows):
                decided = True
                yield at_ns / 1e9
            linked = linked or _reconciles(rows)
        elif record.kind is RecordKind.COMMANDS and decided:
            yield at_ns / 1e9
            return


def _decides(rows: Rows) -> bool:
    return bool((rows.kind == int(Kind.QUOTE)).any() and rows.flags[-1] & int(Flag.LAST))


def _reconciles(rows: Rows) -> bool:
    return bool(((rows.kind == int(Kind.CONTROL)) & (rows.price == int(Control.RECONCILED))).any())


def _median(seconds: list[float]) -> float:
    return round(float(np.median(seconds)), 2)
