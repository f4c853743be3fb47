"""Server-side apply, status, finalizers, deletes and the Lease against the real API server."""

import asyncio
import time
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alphatrade_operator.core.clock import monotonic_s, now
from alphatrade_operator.core.live import key_of, ref_of
from alphatrade_operator.core.plan import Condition, Key, Plan
from alphatrade_operator.kube.api import Api, connect
from alphatrade_operator.kube.apply import Applier
from alphatrade_operator.kube.errors import Conflict, NotFound, NotLeading, Refused
from alphatrade_operator.kube.lease import Lease
from alphatrade_operator.kube.resources import BY_KIND, OURS, Resource
from alphatrade_operator.kube.store import Store
from alphatrade_operator.kube.watch import list_all
from alphatrade_operator.kube.writer import Writer
from api.operator.resources import switch, template
from kube_fixtures import AS_CONTROLLER
from unit.operator.cache import Cache

READY = Condition("Ready", True, "InForce", "")
KEY = Key("RiskTemplate", "", "law")


class Bench:
    """The machinery that writes, without anything that decides."""

    def __init__(self, api: Api, namespace: str, system: str) -> None:
        self.api, self.namespace, self.store = api, namespace, Store()
        self.wrote: list[tuple[str, str]] = []
        self.lease = Lease(api, system, "bench", 60.0, now, monotonic_s)
        self.writer = Writer(api, self.lease, self.take, "bench", lambda verb, kind: self.wrote.append((verb, kind)))
        view: Any = Cache(status_min_interval_s=1.0)
        view.get, view.list = self.store.get, self.store.list
        unused: Any = None
        self.applier = Applier(view, self.writer, unused, unused, now, monotonic_s)

    def take(self, kind: str, manifest: Any) -> None:
        self.store.put(kind, manifest)

    async def read(self, kind: str, name: str) -> dict[str, Any]:
        return await self.api.request("GET", BY_KIND[kind].path(self.namespace, name))

    async def refresh(self, resource: Resource) -> None:
        items, version = await list_all(self.api, resource, self.namespace)
        self.store.replace(resource.kind, items, version)

    async def apply(self, plan: Plan, name: str = "law", kind: str = "RiskTemplate") -> list[tuple[str, str]]:
        """Act on a plan of an object; return what was written."""
        for resource in OURS:
            await self.refresh(resource)
        self.wrote.clear()
        await self.applier.apply(Key(kind, self.namespace, name), plan)
        return list(self.wrote)


@asynccontextmanager
async def bench_of(desk):
    async with await connect(100.0, 100) as api:
        bench = Bench(api, desk.own, desk.system)
        await bench.lease.step()
        yield bench


def run(desk, scene):
    async def whole():
        async with bench_of(desk) as bench:
            return await scene(bench)

    return asyncio.run(whole())


def config_map(name="c", **data):
    metadata = {"name": name, "labels": {"app.kubernetes.io/managed-by": "alphatrade-operator"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_a_status_is_written_once_and_its_transition_told_once(desk):
    desk.apply(template())

    async def scene(bench):
        plan = Plan(status={"userCount": 1, "users": ["Strategy/a"]}, conditions=(READY,))
        assert await bench.apply(plan) == [("apply", "RiskTemplate"), ("create", "Event")]
        assert await bench.apply(plan) == []
        status = (await bench.read("RiskTemplate", "law"))["status"]
        assert (status["userCount"], status["observedGeneration"]) == (1, 1)

    run(desk, scene)
    events = [one for one in desk.get("events")["items"] if one["reason"] == "InForce"]
    assert [(one["involvedObject"]["name"], one["type"]) for one in events] == [("law", "Normal")]


def test_what_is_left_out_of_a_status_goes_and_what_others_wrote_stays(desk):
    desk.apply(template())

    async def scene(bench):
        await bench.apply(Plan(status={"userCount": 1, "users": ["Strategy/a"]}, conditions=(READY,)))
        theirs = {"type": "Audited", "status": "True", "reason": "ByHand", "message": "", "observedGeneration": 1}
        body = {"status": {"conditions": [{**theirs, "lastTransitionTime": "2026-01-05T12:00:00Z"}]}}
        live = await bench.read("RiskTemplate", "law")
        head = {
            "apiVersion": live["apiVersion"],
            "kind": live["kind"],
            "metadata": {"name": "law", "namespace": desk.own},
        }
        await bench.writer.apply({**head, **body}, "somebody", "status")
        other = Condition("AwaitsProposal", False, "NothingWaits", "")
        await bench.apply(Plan(status={"userCount": 2}, conditions=(other,)))
        status = (await bench.read("RiskTemplate", "law"))["status"]
        assert "users" not in status
        assert sorted(one["type"] for one in status["conditions"]) == ["Audited", "AwaitsProposal"]
        assert await bench.apply(Plan(status={"userCount": 2}, conditions=(other,))) == []

    run(desk, scene)


def test_a_fault_is_shown_once_and_goes_with_the_next_success(desk):
    desk.apply(template())

    async def scene(bench):
        await bench.apply(Plan(conditions=(READY,)))
        key = Key("RiskTemplate", desk.own, "law")
        await bench.applier.stall(key, "InternalError", "a fault")
        bench.wrote.clear()
        await bench.applier.stall(key, "InternalError", "a fault")
        assert bench.wrote == []
        shown = (await bench.read("RiskTemplate", "law"))["status"]["conditions"]
        assert sorted(one["type"] for one in shown) == ["Ready", "ReconcileFailed"]
        await bench.apply(Plan(conditions=(READY,)))
        left = (await bench.read("RiskTemplate", "law"))["status"]["conditions"]
        assert [one["type"] for one in left] == ["Ready"]
        assert await bench.apply(Plan(conditions=(READY,))) == []

    run(desk, scene)


def test_a_child_is_written_once_put_right_and_rid_of_what_is_no_longer_wanted(desk):
    desk.apply(template())

    async def scene(bench):
        def wanted(**data):
            manifest = config_map(**data)
            return Plan(children=({**manifest, "metadata": {**manifest["metadata"], "namespace": desk.own}},))

        async def written(plan):
            await bench.refresh(BY_KIND["ConfigMap"])
            return await bench.apply(plan)

        assert await written(wanted(a="1", b="2")) == [("apply", "ConfigMap")]
        assert await written(wanted(a="1", b="2")) == []
        patch = ("--type=merge", "-p", '{"data":{"a":"9"}}')
        desk.kube.kubectl("patch", "configmap", "c", "-n", desk.own, *patch, *AS_CONTROLLER)
        assert await written(wanted(a="1", b="2")) == [("apply", "ConfigMap")]
        assert (await bench.read("ConfigMap", "c"))["data"] == {"a": "1", "b": "2"}
        assert await written(wanted(a="1")) == [("apply", "ConfigMap")]
        assert (await bench.read("ConfigMap", "c"))["data"] == {"a": "1"}

    run(desk, scene)


def test_finalizers_come_go_and_let_the_object_go(desk):
    desk.apply(template())

    async def scene(bench):
        plan = Plan(finalizers=("alphatrade.io/in-use",))
        assert await bench.apply(plan) == [("apply", "RiskTemplate")]
        assert await bench.apply(plan) == []
        desk.kube.kubectl("delete", "risktemplate", "law", "-n", desk.own, "--wait=false")
        assert await bench.apply(plan) == []
        await bench.apply(Plan(finalizers=()))
        with pytest.raises(NotFound):
            await bench.read("RiskTemplate", "law")

    run(desk, scene)


def test_the_users_own_finalizers_are_left_alone(desk):
    desk.apply({**template(), "metadata": {"name": "law", "finalizers": ["example.com/keep"]}})

    async def scene(bench):
        await bench.apply(Plan(finalizers=("alphatrade.io/in-use",)))
        await bench.apply(Plan(finalizers=()))
        assert (await bench.read("RiskTemplate", "law"))["metadata"]["finalizers"] == ["example.com/keep"]

    run(desk, scene)
    desk.kube.kubectl(
        "patch", "risktemplate", "law", "-n", desk.own, "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
    )


def test_an_object_that_has_gone_is_not_made_by_a_late_write(desk):
    desk.apply(template())

    async def scene(bench):
        await bench.refresh(BY_KIND["RiskTemplate"])
        desk.kube.kubectl("delete", "risktemplate", "law", "-n", desk.own)
        key = Key("RiskTemplate", desk.own, "law")
        with pytest.raises((Conflict, NotFound)):
            await bench.applier.apply(key, Plan(finalizers=("alphatrade.io/in-use",)))
        with pytest.raises(NotFound):
            await bench.read("RiskTemplate", "law")

    run(desk, scene)


def test_a_status_meant_for_an_object_is_not_written_to_its_successor(desk):
    desk.apply(template())

    async def scene(bench):
        await bench.refresh(BY_KIND["RiskTemplate"])
        desk.kube.kubectl("delete", "risktemplate", "law", "-n", desk.own)
        desk.apply(template())
        with pytest.raises(Conflict):
            await bench.applier.apply(Key("RiskTemplate", desk.own, "law"), Plan(conditions=(READY,)))
        assert "status" not in await bench.read("RiskTemplate", "law")

    run(desk, scene)


def test_a_delete_means_one_object_and_not_its_successor(desk):
    desk.apply(switch("one"))

    async def scene(bench):
        before = ref_of(await bench.read("KillSwitch", "one"))
        desk.kube.kubectl("delete", "killswitch", "one", "-n", desk.own)
        desk.apply(switch("one"))
        await bench.writer.delete(before)
        after = await bench.read("KillSwitch", "one")
        await bench.writer.delete(ref_of(after))
        with pytest.raises(NotFound):
            await bench.read("KillSwitch", "one")
        await bench.writer.delete(ref_of(after))
        assert key_of(after).name == "one"

    run(desk, scene)


def test_what_the_server_refuses_is_told_in_its_words(desk):
    desk.apply(template())

    async def scene(bench):
        with pytest.raises(Refused, match="userCount"):
            await bench.apply(Plan(status={"userCount": "many"}, conditions=(READY,)))

    run(desk, scene)


def test_without_the_lease_nothing_is_written(desk):
    desk.apply(template())

    async def scene(bench):
        await bench.lease.release()
        with pytest.raises(NotLeading):
            await bench.apply(Plan(conditions=(READY,)))
        assert "status" not in await bench.read("RiskTemplate", "law")

    run(desk, scene)


def test_the_lease_passes_on_with_a_higher_epoch(desk):
    async def scene():
        async with await connect(100.0, 100) as api:
            one, two = (Lease(api, desk.system, name, 3.0, now, monotonic_s) for name in ("one", "two"))
            await one.step()
            await two.step()
            assert (one.held, one.epoch, two.held, two.standing_by) == (True, 1, False, True)
            end_s = time.monotonic() + 10.0
            while not two.held and time.monotonic() < end_s:
                await asyncio.sleep(0.2)
                await two.step()
            assert (one.held, two.held, two.epoch) == (False, True, 2)
            await one.step()
            assert (one.held, one.standing_by) == (False, True)
            await two.release()
            await one.step()
            assert (one.held, one.epoch) == (True, 3)

    asyncio.run(scene())
