"""One tenant's garbage does not stand before another tenant's kill switch: by the order of writes, not by a clock."""

import json

from api.operator.resources import switch
from flood import garbage
from kube_fixtures import trading_namespace

GARBAGE = 200
WORKERS = 4
WRITES_AT_MOST = 3  # of an object that is no good: its finalizer, its status, and one more look


def reported(desk, kinds, namespace):
    """Return the resource versions of the objects that have a status, by name."""
    items = desk.kube.get(kinds, namespace=namespace)["items"]
    return {
        one["metadata"]["name"]: int(one["metadata"]["resourceVersion"])
        for one in items
        if one.get("status", {}).get("conditions")
    }


def test_a_kill_switch_does_not_wait_behind_another_tenants_garbage(desk):
    with trading_namespace(desk.kube, "flooded") as flooded:
        items = list(garbage(0, GARBAGE))
        desk.kube.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=flooded)
        desk.apply(switch())
        slow = {"namespaces": [desk.own, flooded], "workers": WORKERS, "client_qps": 30.0, "client_burst": 1}
        operator = desk.operator(**slow).start()
        operator.until("reported", lambda: reported(desk, "killswitches", desk.own), 60.0)
        (mine,) = reported(desk, "killswitches", desk.own).values()
        before = [at for at in reported(desk, "strategies,replays,risktemplates", flooded).values() if at < mine]
        desk.kube.kubectl("delete", "strategies,replays,risktemplates", "--all", "-n", flooded, "--timeout=100s")
        assert len(before) <= WORKERS * WRITES_AT_MOST
