"""P9: a thousand suspended Strategies at once, beside a minimal controller-runtime controller with as much to write.

Ours is the operator as Helm installs it; the peer is `peers/controller`. Each is alone on the cluster while it is
measured, with the same requests a second and as many workers.
"""

import asyncio
import math
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade.names import KIND_LABEL
from alphatrade_operator.kube.api import connect
from alphatrade_operator.kube.resources import BY_KIND
from bench.bulk import Span, made
from bench.growth import MAX_SLOPE, slope
from bench.load import InPod, Load, OnHost, Process, busy
from bench.on_cluster import Desk, Trading, desk, document, strategy_document, surroundings
from bench.peers import go_controller
from bench.same_children import PEER, SYSTEM, templates
from cluster.fake_nodes import fake_nodes, scheduling
from cluster.kubectl import Kube
from cluster.settings import State, default_state
from flood import switches
from kube_fixtures import Installed, scale_operator

QPS, BURST, WORKERS = 1_000, 1_000, 8
VALUES = (
    "--set", f"operator.clientQps={QPS},operator.clientBurst={BURST},operator.workers={WORKERS}",
    "--set", "resources.requests.cpu=1",
)  # fmt: skip
MAY_TAKE, MAY_HOLD_MIB, MAY_IDLE_PCT = 2.0, 400.0, 2.0
OURS, THEIRS = "alphatrade", "controller-runtime"
QUIET = Trading(quotes_per_s=0.01, fast=20, slow=50)
_CHILDREN = {"StatefulSet": 1, "Service": 1, "ConfigMap": 1, "Secret": 1, "ServiceAccount": 1, "RoleBinding": 1}
_ELSEWHERE = "RoleBinding"  # one more of it, in the operator's namespace
_GONE_S = 1_800
PODS_A_NODE, SWITCHES = 100, 40


def scale(product: Installed, count: int, runs: int, scratch: Path) -> dict[str, Any]:
    """Return the figures of both in turn; ours at rest, too, over all objects of the last run."""
    mine, peers, at_rest = [], [], {}
    for k in range(runs):
        with desk(product.kube, "bench-scale", QUIET) as here:
            mine.append(run_ours(product, here, count))
            if k == runs - 1:
                at_rest = rest(product)
            end(here)
        peers.append(run_peer(product, count, scratch))
    rows = [row(OURS, version("alphatrade"), mine), row(THEIRS, go_controller.version(), peers)]
    return {"rows": rows, "at_rest": at_rest, **verdict(rows, at_rest)}


def growth(product: Installed, sizes: Sequence[int]) -> dict[str, Any]:
    """Return how long ours takes for each of some numbers of objects, once each, and the log-log slope of it."""
    rows = []
    with desk(product.kube, "bench-growth", QUIET) as here:
        for count in sizes:
            rows.append(row(f"{OURS} {count:,}", version("alphatrade"), [run_ours(product, here, count)]))
            end(here)
    steepness = slope([math.log(n) for n in sizes], [math.log(one["median_s"]) for one in rows])
    return {"rows": rows, "log_log_slope": round(steepness, 4), "met": steepness <= MAX_SLOPE}


def silent(product: Installed, count: int, scratch: Path) -> dict[str, Any]:
    """Return what Strategies cost whose pods run on nodes that are none, and never answer."""
    kube, operator = product.kube, InPod(product)
    spec = {"scheduling": scheduling()}
    with (
        fake_nodes(kube, State(default_state()), 1 + count // PODS_A_NODE, scratch),
        desk(kube, "bench-silent", QUIET) as here,
    ):
        with busy(operator) as load:
            here.apply(*(strategy_document(name, QUIET, **spec) for name in _names(count)))
            kube.until("pods on fake nodes", lambda: _ready(here) == count, timeout_s=_GONE_S, every_s=1.0)
        with busy(operator) as idle:
            time.sleep(60.0)
        reports = asyncio.run(_reports(here.namespace))
        end(here)
    p50, p99 = np.percentile(reports, (50, 99))
    report = {"report_p50_ms": round(float(p50), 1), "report_p99_ms": round(float(p99), 1)}
    cost = {"cpu_s": round(load.cpu_s, 2), "rss_mib": idle.rss_mib, "idle_cpu_pct": idle.cpu_s / idle.took_s * 100}
    figures = {"events": count, "seconds": round(load.took_s, 2), "warm_up_s": 0.0, **cost, **report}
    return {"rows": [row(OURS, version("alphatrade"), [figures])], "met": idle.rss_mib <= MAY_HOLD_MIB}


async def _reports(namespace: str) -> list[float]:
    async with await connect(1_000.0, 1_000) as api:
        found = await switches(api, namespace, "silent", lambda number: number < SWITCHES, 0.5)
    return list(found["reported_ms"])


def _ready(here: Desk) -> int:
    labels = f"{KIND_LABEL}=strategy"
    lines = here.kubectl("get", "pods", "-l", labels, "--no-headers").splitlines()
    return sum("Running" in line for line in lines)


def verdict(rows: Sequence[dict[str, Any]], at_rest: dict[str, float]) -> dict[str, Any]:
    """Return our time over the peer's, what limited each, and whether all of the target is met."""
    slower = round(rows[0]["median_s"] / rows[1]["median_s"], 2)
    small = at_rest["rss_mib"] <= MAY_HOLD_MIB and at_rest["idle_cpu_pct"] <= MAY_IDLE_PCT
    limits = {one["engine"]: "QPS" if one["writes_per_s"] > 0.9 * QPS else "CPU" for one in rows}
    rate = {"client_qps": QPS, "client_burst": BURST, "workers": WORKERS}
    met = slower <= MAY_TAKE and small and at_rest["writes_after_restart"] == 0
    return {"time_over_peer": slower, "limited_by": limits, **rate, "met": met}


def run_ours(product: Installed, here: Desk, count: int) -> dict[str, Any]:
    """Create Strategies; return how long it took and what it cost."""
    documents = [strategy_document(name, QUIET, suspend=True) for name in _names(count)]
    with busy(InPod(product)) as load:
        span = made(BY_KIND["Strategy"], here.namespace, documents, _suspended)
    _counted(product.kube, here.namespace, count)
    return _figures(count, span, load)


def run_peer(product: Installed, count: int, scratch: Path) -> dict[str, Any]:
    """Create Parcels of the same size with the peer alone; return the same."""
    scale_operator(product.kube, 0)
    with _peers_namespaces(product.kube) as namespace:
        (name, *_), spec = _names(count), strategy_document("any", QUIET, suspend=True)
        children = templates(
            namespace, [*surroundings(QUIET), {**spec, "metadata": {"name": name}}], name, product.image
        )
        rate = {"qps": QPS, "burst": BURST, "workers": WORKERS}
        with go_controller.running(product.kube, children, scratch, **rate) as pid:
            parcels = [document("Parcel", one, spec["spec"], go_controller.PARCEL.api_version) for one in _names(count)]
            with busy(OnHost(pid, writes=count * (len(children) + 1))) as load:
                span = made(go_controller.PARCEL, namespace, parcels, _observed)
            _counted(product.kube, namespace, count)
    scale_operator(product.kube, 1)
    return _figures(count, span, load)


def rest(product: Installed) -> dict[str, float]:
    """Return memory and idle CPU once nothing is written any more, and what an operator started anew writes."""
    operator = InPod(product)
    _settled(operator)
    with busy(operator) as load:
        time.sleep(60.0)
    found = {"rss_mib": load.rss_mib, "idle_cpu_pct": round(100.0 * load.cpu_s / load.took_s, 2)}
    scale_operator(product.kube, 0)
    scale_operator(product.kube, 1)
    anew = InPod(product)
    _settled(anew)
    return {**found, "writes_after_restart": anew.writes(), "rss_after_restart_mib": anew.rss_mib()}


def row(engine: str, release: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return medians of the runs of one engine."""
    seconds = [run["seconds"] for run in runs]
    medians = {name: round(statistics.median(run[name] for run in runs), 2) for name in runs[0]}
    rate = round(medians["events"] / medians["seconds"], 1)
    return {
        "engine": engine, "version": release, **medians, "events": runs[0]["events"], "median_s": medians["seconds"],
        "min_s": min(seconds), "max_s": max(seconds), "runs_s": seconds, "events_per_s": rate,
    }  # fmt: skip


def end(here: Desk) -> None:
    """Delete all Strategies; return when nothing of them is left."""
    here.kubectl("delete", "strategies", "--all", f"--timeout={_GONE_S}s")
    _childless(here.kube, here.namespace)


def _figures(count: int, span: Span, load: Load) -> dict[str, Any]:
    rates = {"writes": load.writes, "writes_per_s": load.writes / span.reported_s, "cpu_s": load.cpu_s}
    held = {"rss_mib": load.rss_mib, "machine_busy_pct": load.machine_pct}
    return {
        "events": count,
        "seconds": round(span.reported_s, 2),
        "warm_up_s": round(span.created_s, 2),
        **rates,
        **held,
    }


def _names(count: int) -> list[str]:
    return [f"bench-{k:05d}" for k in range(count)]


def _suspended(live: dict[str, Any]) -> bool:
    conditions = live.get("status", {}).get("conditions", ())
    return any((one["type"], one["reason"]) == ("Ready", "Suspended") for one in conditions)


def _observed(live: dict[str, Any]) -> bool:
    return bool(live.get("status", {}).get("observedGeneration") == live["metadata"]["generation"])


def _counted(kube: Kube, namespace: str, count: int) -> None:
    """Make sure that all children were there when the last status was. Raises AssertionError."""
    for kind, each in _CHILDREN.items():
        found = sum("st-bench-" in line for line in _listed(kube, BY_KIND[kind].plural, namespace))
        assert found == each * count, f"{found} of {each * count}: {kind}"


def _listed(kube: Kube, plural: str, namespace: str) -> list[str]:
    return kube.kubectl("get", plural, "-n", namespace, "-o", "name").splitlines()


def _childless(kube: Kube, namespace: str) -> None:
    def left() -> bool:
        return any("st-bench-" in line for kind in _CHILDREN for line in _listed(kube, BY_KIND[kind].plural, namespace))

    kube.until(f"no children in {namespace}", lambda: not left(), timeout_s=_GONE_S, every_s=2.0)


def _settled(operator: Process, quiet_s: float = 10.0) -> None:
    """Wait until an operator has written nothing for a while."""
    before, since_s = operator.writes(), time.monotonic()
    while time.monotonic() - since_s < quiet_s:
        time.sleep(1.0)
        if operator.writes() != before:
            before, since_s = operator.writes(), time.monotonic()


@contextmanager
def _peers_namespaces(kube: Kube) -> Iterator[str]:
    own, system = f"{PEER}-scale-000000", SYSTEM  # as long as ours
    for name in (own, system):
        kube.kubectl("create", "namespace", name)
    try:
        yield own
    finally:
        kube.kubectl("delete", "namespace", own, system, f"--timeout={_GONE_S}s")
