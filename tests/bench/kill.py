"""P8: from `kubectl apply` of a KillSwitch until the last of 20 runtime pods refuses orders, beside bare watches of it.

Every engagement is a KillSwitch of its own: all runtimes latch it, on disk, and acknowledge it, whether or not they
were held already. All say when by the time of day of one host, as does this process when kubectl has returned; a
negative time means that it was over before that.
"""

import base64
import json
import platform
import time
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

from bench.on_cluster import Desk, Trading, desk, document
from bench.watchers import Moments, watching
from kube_fixtures import Installed

RUNTIMES, ENGAGEMENTS = 20, 10
MAY_TAKE_MS = 20.0
TRADING = Trading(quotes_per_s=10, fast=20, slow=50)
AT_ONCE = 5  # pods that start together: more only wait for one another
OURS, BARE = "alphatrade", "bare watch, Python"
CALM_S, BETWEEN_S = 20.0, 3.0

_VERSIONS = {OURS: version("alphatrade"), BARE: platform.python_version()}


def kill(product: Installed) -> dict[str, Any]:
    """Return the figures of both."""
    with desk(product.kube, "bench-kill", TRADING) as trading:
        strategies = [f"st-{k:02d}" for k in range(RUNTIMES)]
        for start in range(0, RUNTIMES, AT_ONCE):
            trading.start(strategies[start : start + AT_ONCE])
        with watching(trading, product.image, RUNTIMES) as seen:
            time.sleep(CALM_S)
            applied_ns = {name: engage(trading, name) for name in (f"bench-{k}" for k in range(ENGAGEMENTS))}
            bare = seen()
        refused = refusals(trading, strategies)
        restarts = trading.restarts()
        trading.end(strategies)
    return {**figures(applied_ns, refused, bare), "restarts": restarts}


def engage(trading: Desk, name: str) -> int:
    """Engage a KillSwitch; return when kubectl had returned."""
    trading.apply(document("KillSwitch", name, {"mode": "Reduce", "reason": "measured by a benchmark"}))
    applied_ns = time.time_ns()
    time.sleep(BETWEEN_S)
    return applied_ns


def refusals(trading: Desk, strategies: Sequence[str]) -> Moments:
    """Return when each runtime refused orders, by its own latch."""
    found: Moments = {}
    for name in strategies:
        read = partial(trading.data_file, name, "/latch.json")
        latch = json.loads(base64.b64decode(trading.kube.until(f"the latch of {name}", read)))
        for entry in latch["engagements"]:
            if entry["effect"] is not None:
                found.setdefault(entry["name"], []).append(entry["effect"]["at_ns"])
    return found


def figures(applied_ns: dict[str, int], refused: Moments, bare: Moments) -> dict[str, Any]:
    """Return the rows of a result."""
    rows = [_row(engine, applied_ns, seen) for engine, seen in ((OURS, refused), (BARE, bare))]
    over_ms = round(rows[0]["p99_ms"] - rows[1]["p99_ms"], 1)
    agree = all(row["events"] == RUNTIMES * len(applied_ns) for row in rows)
    return {"rows": rows, "answers_agree": agree, "p99_over_bare_ms": over_ms, "met": agree and over_ms <= MAY_TAKE_MS}


def _row(engine: str, applied_ns: dict[str, int], moments: Moments) -> dict[str, Any]:
    """Return percentiles over all engagements and clients, and of the last client of an engagement."""
    spans = [(np.array(moments[name], np.int64) - at_ns) / 1e6 for name, at_ns in applied_ns.items()]
    pooled, last = np.concatenate(spans), [span.max() for span in spans]
    p50, p99 = np.percentile(pooled, (50, 99))
    shown = {"p50_ms": p50, "p99_ms": p99, "last_p50_ms": np.median(last), "last_max_ms": max(last)}
    figures = {name: round(float(ms), 1) for name, ms in shown.items()}
    return {"engine": engine, "version": _VERSIONS[engine], "events": len(pooled), **figures}
