"""What is done about a plan, and above all what is not done."""

import asyncio
import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from alphatrade_operator.core.plan import Certificate, Condition, Event, Key, Nudge, ObjectRef, Plan, Push
from alphatrade_operator.kube.apply import CORE_MANAGER, FINALIZER_MANAGER, NUDGED, Applier
from alphatrade_operator.kube.compare import with_digest
from alphatrade_operator.kube.errors import Ending, Refused, Unavailable
from alphatrade_operator.kube.status import compose
from alphatrade_operator.kube.writer import MANAGER
from alphatrade_operator.settings import Settings

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
KEY = Key("Strategy", "desk", "alpha")
READY = Condition("Ready", True, "Trading", "")
CHILD = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "desk"}, "data": {"a": "1"}}


def applier(scene: Any, chance: float) -> Applier:
    return Applier(scene, scene, scene, scene, lambda: NOW, lambda: scene.now_s, lambda: chance)


class Scene:
    """An object, what is around it, and a record of everything that an Applier does. It is its own View."""

    def __init__(self):
        self.settings = Settings(status_min_interval_s=60.0, status_poll_s=2.0)
        self.epoch, self.now_s, self.did, self.refuses, self.reachable = 1, 1_000.0, [], set(), True
        self.objects = {}
        self.put(
            {
                "apiVersion": "alphatrade.io/v1alpha1",
                "kind": "Strategy",
                "metadata": {"name": "alpha", "uid": "u", "resourceVersion": "5"},
            }
        )
        self.applier = applier(self, 0.0)

    def put(self, manifest, **metadata):
        manifest = copy.deepcopy(manifest)
        manifest["metadata"] = {"namespace": "desk", "generation": 1, **manifest["metadata"], **metadata}
        self.objects[(manifest["kind"], manifest["metadata"]["name"])] = manifest

    @property
    def own(self):
        return self.objects[("Strategy", "alpha")]

    def own_status(self, manager, *conditions, fields=None, snapshot=None):
        """Let a manager have written a status."""
        given = None if manager == CORE_MANAGER else fields or {}
        status = compose(self.own, manager, given, snapshot or {}, conditions, NOW).status
        owned: dict[str, Any] = {f"f:{name}": {} for name in status if name != "conditions"}
        owned["f:conditions"] = {f'k:{{"type":"{one.type}"}}': {} for one in conditions}
        entry = {"manager": manager, "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": owned}}
        self.own["metadata"].setdefault("managedFields", []).append(entry)
        there = self.own.setdefault("status", {"conditions": []})
        self.own["status"] = {**there, **status, "conditions": there["conditions"] + status["conditions"]}

    def own_finalizers(self, *names):
        owned: dict[str, Any] = {f'v:"{name}"': {} for name in names}
        fields = {"f:metadata": {"f:finalizers": owned}}
        entry = {"manager": FINALIZER_MANAGER, "operation": "Apply", "fieldsV1": fields}
        self.own["metadata"].setdefault("managedFields", []).append(entry)
        self.own["metadata"]["finalizers"] = [*names, "theirs/keep"]

    # as a View

    def get(self, kind, namespace, name):
        return self.objects.get((kind, name))

    # as a Writer

    async def apply(self, manifest, manager=MANAGER, subresource=""):
        name = manifest["metadata"]["name"]
        if name in self.refuses:
            raise Refused(f"PATCH {name}", 422, "Invalid", "no")
        self.did.append(("apply", manifest["kind"], name, subresource, manager))
        self.last = manifest
        return manifest

    async def clear(self, manifest):
        self.did.append(("clear", manifest["metadata"]["name"], manifest["status"]))

    async def delete(self, ref):
        self.did.append(("delete", ref.kind, ref.name))

    async def annotate(self, pod, name, value):
        self.did.append(("annotate", pod["metadata"]["name"], name, value))

    async def tell(self, about, event, now):
        self.did.append(("tell", event.reason))

    # as Certificates and Pushes

    async def ensure(self, certificate):
        self.did.append(("ensure", certificate.name))
        return 30.0

    async def push(self, push):
        self.did.append(("push", push.identity))
        return self.reachable

    def run(self, plan):
        self.did.clear()
        return asyncio.run(self.applier.apply(KEY, plan))


@pytest.fixture
def scene():
    return Scene()


def test_an_object_that_has_gone_gets_nothing(scene):
    scene.objects.clear()
    assert scene.run(Plan(children=(CHILD,), conditions=(READY,))) is None
    assert scene.did == []


def test_everything_is_done_in_order(scene):
    scene.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}})
    plan = Plan(
        children=(CHILD,),
        certificates=(Certificate("desk", "c", "id", {}),),
        deletions=(ObjectRef("v1", "Pod", "desk", "old", "u1"),),
        status={"phase": "x"},
        conditions=(READY,),
        finalizers=("alphatrade.io/exit",),
        pushes=(Push("c:7443", "id", b"{}"),),
        nudges=(Nudge("desk", "p", "d"),),
        look_again_s=45.0,
    )
    assert scene.run(plan) == 30.0  # the certificate wants to be looked at first
    assert scene.did == [
        ("apply", "Strategy", "alpha", "", FINALIZER_MANAGER),
        ("ensure", "c"),
        ("apply", "ConfigMap", "c", "", MANAGER),
        ("delete", "Pod", "old"),
        ("annotate", "p", NUDGED, "d"),
        ("push", "id"),
        ("apply", "Strategy", "alpha", "status", MANAGER),
        ("tell", "Trading"),
    ]


def test_what_is_as_wanted_is_not_written(scene):
    scene.put(with_digest(CHILD))
    scene.own_status(MANAGER, READY, fields={"phase": "x"})
    scene.own_finalizers("alphatrade.io/exit")
    plan = Plan(children=(CHILD,), status={"phase": "x"}, conditions=(READY,), finalizers=("alphatrade.io/exit",))
    assert scene.run(plan) is None
    assert scene.did == []


def test_a_child_that_someone_changed_is_put_right(scene):
    scene.put({**with_digest(CHILD), "data": {"a": "2"}})
    scene.run(Plan(children=(CHILD,)))
    assert scene.did == [("apply", "ConfigMap", "c", "", MANAGER)]


def test_a_field_that_is_no_longer_wanted_is_taken_away(scene):
    scene.put(with_digest({**CHILD, "data": {"a": "1", "b": "2"}}))
    scene.run(Plan(children=(CHILD,)))
    assert scene.did == [("apply", "ConfigMap", "c", "", MANAGER)]


def test_writes_to_the_object_mean_that_very_object(scene):
    scene.run(Plan(conditions=(READY,)))
    assert scene.last["metadata"] == {"name": "alpha", "namespace": "desk", "uid": "u", "resourceVersion": "5"}


def test_a_refused_child_keeps_neither_the_others_nor_the_status_from_being_written(scene):
    scene.refuses.add("bad")
    bad = {**CHILD, "metadata": {"name": "bad", "namespace": "desk"}}
    with pytest.raises(Refused):
        scene.run(Plan(children=(bad, CHILD), conditions=(READY,), finalizers=()))
    assert [done[:3] for done in scene.did] == [
        ("apply", "ConfigMap", "c"),
        ("apply", "Strategy", "alpha"),
        ("tell", "Trading"),
    ]


def test_in_a_namespace_that_is_going_nothing_has_to_be_made_and_the_object_is_let_go(scene):
    async def ending(certificate):
        raise Ending("PATCH", 403, "Forbidden", "because it is being terminated")

    scene.ensure = ending
    scene.own_finalizers("alphatrade.io/exit")
    scene.run(Plan(certificates=(Certificate("desk", "c", "id", {}),), finalizers=()))
    assert scene.did == [("apply", "Strategy", "alpha", "", FINALIZER_MANAGER)]


def test_a_server_that_is_away_ends_the_attempt(scene):
    async def away(manifest, **_):
        raise Unavailable("PATCH", 0, "Unreachable", "down")

    scene.apply = away
    with pytest.raises(Unavailable):
        scene.run(Plan(children=(CHILD,), conditions=(READY,)))
    assert scene.did == []


def test_no_status_leaves_the_fields_and_writes_the_conditions(scene):
    scene.own_status(MANAGER, READY, fields={"effective": {"a": 1}})
    scene.run(Plan(conditions=(Condition("Ready", False, "LawUnreadable", "x"),)))
    assert scene.last["status"]["effective"] == {"a": 1}
    assert scene.last["status"]["conditions"][0]["reason"] == "LawUnreadable"


def test_a_field_that_nobody_of_ours_wrote_goes_after_the_status_is_written(scene):
    scene.own_status(MANAGER, READY, fields={"phase": "x"})
    scene.own["status"]["acknowledged"] = 7
    scene.run(Plan(status={"phase": "x"}, conditions=(READY,)))
    status = ("apply", "Strategy", "alpha", "status", MANAGER)
    assert scene.did == [status, ("clear", "alpha", {"acknowledged": None})]


def test_a_plan_without_status_and_conditions_writes_none(scene):
    scene.own_status(MANAGER, READY)
    scene.run(Plan())
    assert scene.did == []


def test_a_snapshot_waits_for_its_time(scene):
    scene.run(Plan(status={"phase": "x"}, snapshot={"rows": 1}, conditions=(READY,)))
    scene.own_status(MANAGER, READY, fields={"phase": "x"}, snapshot={"rows": 1})
    scene.now_s += 20.0
    assert scene.run(Plan(status={"phase": "x"}, snapshot={"rows": 2}, conditions=(READY,))) == 40.0
    assert scene.did == []
    scene.now_s += 40.0
    scene.run(Plan(status={"phase": "x"}, snapshot={"rows": 3}, conditions=(READY,)))
    assert scene.last["status"]["rows"] == 3


def test_a_snapshot_goes_along_with_what_cannot_wait(scene):
    scene.run(Plan(status={"phase": "x"}, snapshot={"rows": 1}, conditions=(READY,)))
    scene.own_status(MANAGER, READY, fields={"phase": "x"}, snapshot={"rows": 1})
    scene.run(Plan(status={"phase": "y"}, snapshot={"rows": 2}, conditions=(READY,)))
    assert scene.last["status"] | {"phase": "y", "rows": 2} == scene.last["status"]


def test_a_restarted_operator_does_not_write_all_snapshots_at_once():
    scene = Scene()
    scene.own_status(MANAGER, READY, fields={"phase": "x"}, snapshot={"rows": 1})
    scene.applier = applier(scene, 0.5)
    assert scene.run(Plan(status={"phase": "x"}, snapshot={"rows": 2}, conditions=(READY,))) == pytest.approx(31.5)
    assert scene.did == []


def test_an_event_of_the_plan_is_told_without_writing_the_status(scene):
    scene.own_status(MANAGER, READY)
    scene.run(Plan(conditions=(READY,), events=(Event("Normal", "Drained", ""),)))
    assert scene.did == [("tell", "Drained")]


def test_a_pod_that_cannot_be_asked_is_asked_again_soon(scene):
    scene.reachable = False
    assert scene.run(Plan(pushes=(Push("c:7443", "id", b"{}"),))) == 2.0


@pytest.mark.parametrize(
    ("owned", "wanted", "deleting", "written"),
    [
        ((), ("alphatrade.io/exit",), False, ["alphatrade.io/exit"]),
        (("alphatrade.io/exit",), (), True, []),
        (("alphatrade.io/exit",), (), False, []),
        (("alphatrade.io/exit",), None, True, None),
        ((), ("alphatrade.io/exit",), True, None),
        (("alphatrade.io/exit",), ("alphatrade.io/exit",), True, None),
    ],
)
def test_finalizers(scene, owned, wanted, deleting, written):
    if owned:
        scene.own_finalizers(*owned)
    if deleting:
        scene.own["metadata"]["deletionTimestamp"] = "now"
    scene.run(Plan(finalizers=wanted))
    if written is None:
        assert scene.did == []
    else:
        assert scene.did == [("apply", "Strategy", "alpha", "", FINALIZER_MANAGER)]
        assert scene.last["metadata"]["finalizers"] == written


def test_a_finalizer_that_was_torn_off_is_put_back(scene):
    scene.own_finalizers("alphatrade.io/exit")
    scene.own["metadata"]["finalizers"] = []
    scene.run(Plan(finalizers=("alphatrade.io/exit",)))
    assert scene.last["metadata"]["finalizers"] == ["alphatrade.io/exit"]


def test_a_fault_is_shown_beside_what_the_kind_says_and_taken_back(scene):
    scene.own_status(MANAGER, READY)
    asyncio.run(scene.applier.stall(KEY, "InternalError", "a fault"))
    assert scene.did[-2:] == [("apply", "Strategy", "alpha", "status", CORE_MANAGER), ("tell", "InternalError")]
    assert [one["type"] for one in scene.last["status"]["conditions"]] == ["ReconcileFailed"]
    scene.own_status(CORE_MANAGER, Condition("ReconcileFailed", True, "InternalError", "a fault"))
    scene.did.clear()
    asyncio.run(scene.applier.stall(KEY, "InternalError", "a fault"))
    assert scene.did == []
    scene.run(Plan(conditions=(READY,)))
    assert scene.did == [("apply", "Strategy", "alpha", "status", CORE_MANAGER)]
    assert scene.last["status"] == {}


def test_a_namespace_has_no_status_to_show_a_fault_in(scene):
    scene.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "desk"}})
    asyncio.run(scene.applier.stall(Key("Namespace", "", "desk"), "InternalError", "x"))
    assert scene.did == []
