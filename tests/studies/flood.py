"""Study: ten thousand objects that are no good, made by one tenant, beside another tenant's kill switches.

    python tests/studies/flood.py [--objects 10000]

Installs the product of this tree. In a namespace of its own a strategy trades; KillSwitches are engaged there one
after the other, first in calm, then while another tenant, by a token of its own, makes objects in its namespace as fast
as it is let and until the operator has looked at all of them. Killed, the same command goes on: the calm that was
measured is kept, objects that are there count. Writes docs/evidence/flood.json. Exit code 1 when a bound does not hold.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from alphatrade_operator.kube.api import Api, connect  # noqa: E402
from alphatrade_operator.kube.resources import BY_KIND  # noqa: E402
from bench.kill import refusals  # noqa: E402
from bench.load import InPod  # noqa: E402
from bench.measure import commit, machine  # noqa: E402
from bench.on_cluster import Desk, Trading, desk, product  # noqa: E402
from cluster.kubectl import Kube  # noqa: E402
from flood import AT_ONCE, KINDS, flood, garbage, switches  # noqa: E402
from kube_fixtures import TRADING, Installed, remove_namespaces, scale_operator  # noqa: E402

EVIDENCE = ROOT / "docs" / "evidence" / "flood.json"
STATE = ROOT / "artifacts" / "flood.json"
THEIRS, STRATEGY = "flood-theirs", "st-00"
BUSY = Trading(quotes_per_s=10, fast=20, slow=50)
CALM_SWITCHES, PAUSE_S = 60, 0.5
MAY_TAKE_MS = 1_000.0  # a report in the flood, p99
_LISTED_S = 60.0


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="Flood the operator by one tenant.")
    parser.add_argument("--objects", type=int, default=10_000, help="how many (default 10,000)")
    asked = parser.parse_args()
    start_s = time.monotonic()
    with product() as installed:
        with desk(installed.kube, "flood-mine", BUSY) as mine:  # each start's own: a kill stays latched at the account
            figures = study(installed, mine, asked.objects)
            figures |= {
                "command": f"python tests/studies/flood.py --objects {asked.objects}",
                "commit": commit(),
                "machine": machine(),
                "load_at_end": os.getloadavg(),
                "wall_s": round(time.monotonic() - start_s, 1),
            }
            EVIDENCE.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
        _close(installed.kube)
    print(EVIDENCE.read_text())
    return 0 if figures["met"] else 1


def study(installed: Installed, mine: Desk, objects: int) -> dict[str, Any]:
    """Return the figures; what is kept between starts goes once they are there."""
    mine.start([STRATEGY])
    kept = json.loads(STATE.read_text()) if STATE.exists() else {}
    if "calm" not in kept:
        kept["calm"] = asyncio.run(_calm(mine))
        STATE.parent.mkdir(parents=True, exist_ok=True)
        STATE.write_text(json.dumps(kept))
    operator = InPod(installed)
    before_mib = operator.rss_mib()
    flooded = asyncio.run(_flooded(mine, objects))
    restarts = operator.restarts()
    found = {
        "objects": objects,
        "kinds": KINDS,
        "flood_s": flooded["flood_s"],
        "drained_s": flooded["drained_s"],
        "operator_rss_mib": {"before": before_mib, "after": operator.rss_mib(), **_started_over(installed)},
        "operator_restarts": restarts,
        "report_ms": {
            name: _spread(each["reported_ms"]) for name, each in (("calm", kept["calm"]), ("flood", flooded))
        },
        "halt_ms": {name: _spread(each["halted_ms"]) for name, each in (("calm", kept["calm"]), ("flood", flooded))},
    }
    ratios = {
        f"{what}_p99_ratio": round(
            found[f"{what}_ms"]["flood"]["p99"] / max(found[f"{what}_ms"]["calm"]["p99"], 1.0), 2
        )
        for what in ("report", "halt")
    }
    STATE.unlink()
    met = (
        found["report_ms"]["flood"]["p99"] <= MAY_TAKE_MS and restarts == 0 and found["halt_ms"]["flood"]["events"] > 0
    )
    return {**found, **ratios, "met": met}


def _started_over(installed: Installed) -> dict[str, float]:
    """Start another operator over all that was made; return what it holds, once it has listed everything."""
    scale_operator(installed.kube, 0)
    scale_operator(installed.kube, 1)
    time.sleep(_LISTED_S)
    anew = InPod(installed)
    assert anew.restarts() == 0, "the operator does not survive its start over so many objects"
    return {"started_over": anew.rss_mib(), "started_over_peak": anew.peak_mib()}


async def _calm(mine: Desk) -> dict[str, Any]:
    async with await connect(1_000.0, 1_000) as api:
        found = await switches(api, mine.namespace, "calm", lambda count: count < CALM_SWITCHES, PAUSE_S)
    return {**found, "halted_ms": _halted(mine, found["engaged_ns"])}


async def _flooded(mine: Desk, objects: int) -> dict[str, Any]:
    """Engage KillSwitches from the first object on until the operator has looked at the last."""
    state: dict[str, float] = {}
    async with await connect(1_000.0, 1_000) as own, _tenant(mine.kube) as theirs:

        async def one_tenant() -> None:
            start_s = time.monotonic()
            await flood(theirs, THEIRS, garbage(0, objects))
            state["flood_s"] = round(time.monotonic() - start_s, 1)
            print(f"flood: {objects:,} objects made in {state['flood_s']} s; until the operator has looked at all ...")
            while not await _looked_at(theirs, objects):
                await asyncio.sleep(2.0)
            state["drained_s"] = round(time.monotonic() - start_s, 1)

        flooding = asyncio.create_task(one_tenant())
        found = await switches(own, mine.namespace, "flood", lambda count: not flooding.done(), PAUSE_S)
        await flooding
    return {**found, **state, "halted_ms": _halted(mine, found["engaged_ns"])}


async def _looked_at(api: Api, objects: int) -> bool:
    """Tell whether the operator has said something of the last objects, as many as are made at once."""
    for one in garbage(max(objects - AT_ONCE, 0), objects):
        live = await api.request("GET", BY_KIND[one["kind"]].path(THEIRS, one["metadata"]["name"]))
        if not live.get("status", {}).get("conditions"):
            return False
    return True


def _tenant(kube: Kube) -> Any:
    """Return a client with a token of the other tenant's, who may make what it likes in its namespace."""
    kube.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": _theirs()}))
    token = kube.kubectl("create", "token", "tenant", "--duration=4h", "-n", THEIRS).strip()
    config = json.loads(kube.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    return _Tenant(json.dumps(config))


def _theirs() -> list[dict[str, Any]]:
    """Return the other tenant's namespace, and an account in it that may make garbage."""
    rights, here = "rbac.authorization.k8s.io", {"name": "tenant", "namespace": THEIRS}
    may = (("create", "get", "list"), ("strategies", "replays", "risktemplates"))
    may_use = (("use",), ("risktemplates", "brokerconnections"))
    rules = [{"apiGroups": ["alphatrade.io"], "verbs": verbs, "resources": on} for verbs, on in (may, may_use)]
    role = {"apiGroup": rights, "kind": "Role", "name": "tenant"}
    subject = {"kind": "ServiceAccount", **here}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": THEIRS, "labels": TRADING}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": here},
        {"apiVersion": f"{rights}/v1", "kind": "Role", "metadata": here, "rules": rules},
        {
            "apiVersion": f"{rights}/v1", "kind": "RoleBinding", "metadata": here, "roleRef": role,
            "subjects": [subject],
        },
    ]  # fmt: skip


class _Tenant:
    """A client by a kubeconfig of its own."""

    def __init__(self, config: str) -> None:
        self._config = config

    async def __aenter__(self) -> Any:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(self._config)
            file.flush()
            mine, os.environ["KUBECONFIG"] = os.environ["KUBECONFIG"], file.name
            try:
                self._api = await connect(10_000.0, 10_000)
            finally:
                os.environ["KUBECONFIG"] = mine
        return await self._api.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self._api.__aexit__(*error)


def _close(kube: Kube) -> None:
    """Remove the other tenant, whose objects take their time to go."""
    kube.kubectl("delete", "strategies,replays,risktemplates", "--all", "-n", THEIRS, "--timeout=1800s")
    remove_namespaces(kube, THEIRS, "--timeout=1800s")


def _halted(mine: Desk, engaged_ns: dict[str, int]) -> list[float]:
    """Return milliseconds from each KillSwitch's create returned until the runtime had latched it."""
    halts = refusals(mine, [STRATEGY])
    return [(halts[name][0] - at_ns) / 1e6 for name, at_ns in engaged_ns.items() if halts.get(name)]


def _spread(milliseconds: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(milliseconds, (50, 99))
    shown = {"p50": p50, "p99": p99, "max": max(milliseconds)}
    return {"events": len(milliseconds), **{name: round(float(ms), 1) for name, ms in shown.items()}}


if __name__ == "__main__":
    sys.exit(main())
