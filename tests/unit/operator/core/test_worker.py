"""A worker keeps every fault to the key that has it."""

import asyncio
import json
import logging
from datetime import UTC, datetime

import pytest

from alphatrade_operator.core.plan import Key
from alphatrade_operator.core.queue import KeyQueue
from alphatrade_operator.core.reconciler import Reconciler
from alphatrade_operator.core.worker import NOT_TRADING, Worker
from alphatrade_operator.kube.errors import NotLeading, Refused, Unavailable
from alphatrade_operator.logs import JsonLines
from alphatrade_operator.operator import _explain
from unit.operator.cache import Cache, namespace, resource

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
GOOD, BAD = Key("Strategy", "desk", "good"), Key("Strategy", "desk", "bad")


class Scene:
    """A cluster with two strategies, of which one fails as a test says."""

    def __init__(self, error=None, look_again_s=None):
        self.view = Cache(namespace("desk"), operator_namespace="sys")
        for name in ("good", "bad"):
            self.view.put(resource("Strategy", name))
        self.now_s, self.error, self.look_again_s = 0.0, error, look_again_s
        self.reconciled, self.applied, self.stalled, self.forgotten, self.measured = [], [], [], [], []
        self.queue: KeyQueue[Key] = KeyQueue(lambda: self.now_s, lambda: 0.0)
        reconcilers = {
            kind: Reconciler(kind, self.reconcile, lambda view, key: ()) for kind in ("Strategy", "KillSwitch")
        }
        self.worker = Worker(
            self.queue, self, reconcilers, NotLeading, _explain, lambda: NOW, lambda: self.now_s, self.measure
        )

    async def reconcile(self, key, cluster, now):
        self.reconciled.append(key)
        if key == BAD and self.error is not None:
            raise self.error
        return self.look_again_s

    async def apply(self, key, plan):
        self.applied.append((key, plan))

    async def stall(self, key, reason, message):
        self.stalled.append((key, reason, message))

    def forget(self, key):
        self.forgotten.append(key)

    def measure(self, kind, result, took_s):
        self.measured.append(result)

    def work(self, *keys):
        for key in keys:
            self.queue.add(key)

        async def steps():
            for _ in keys:
                await asyncio.wait_for(self.worker.step(), 5.0)

        asyncio.run(steps())
        return self


def test_a_fault_of_ours_is_shown_on_the_object_and_others_go_on(caplog):
    scene = Scene(ZeroDivisionError("division by zero")).work(BAD, GOOD)
    assert scene.reconciled == [BAD, GOOD]
    assert scene.stalled == [(BAD, "InternalError", "a fault of the operator: ZeroDivisionError: division by zero")]
    assert (scene.queue.failures(BAD), scene.queue.failures(GOOD)) == (1, 0)
    assert scene.measured == ["failed", "settled"]
    line = json.loads(JsonLines().format(caplog.records[0]))
    assert (line["level"], line["event"], line["object"]) == ("error", "reconcile raised", "bad")
    assert "ZeroDivisionError" in line["traceback"]


def test_it_comes_back_with_longer_and_longer_pauses():
    scene, pauses_s = Scene(ValueError("x")), []
    scene.work(BAD)
    for _ in range(4):
        failed_s = scene.now_s
        while scene.queue.overdue_s() <= 0.0:
            scene.now_s += 0.125
        scene.work(BAD)
        pauses_s.append(round(scene.now_s - failed_s, 1))
    assert pauses_s == [0.6, 1.1, 2.1, 4.1]


def test_what_the_server_refuses_is_shown_with_its_words():
    scene = Scene(Refused("PATCH /x", 422, "Invalid", "spec.replicas: must be at least 0")).work(BAD)
    ((_, reason, message),) = scene.stalled
    assert reason == "Refused"
    assert "must be at least 0" in message


def test_a_server_that_is_away_is_no_fault_of_the_object():
    scene = Scene(Unavailable("PATCH /x", 0, "Unreachable", "down")).work(BAD)
    assert scene.stalled == []
    assert scene.queue.failures(BAD) == 1


def test_a_lost_lease_is_no_failure():
    scene = Scene(NotLeading("gone")).work(BAD)
    assert (scene.stalled, scene.queue.failures(BAD), len(scene.queue)) == ([], 0, 1)


def test_a_fault_that_cannot_be_shown_is_a_line_in_the_log(caplog):
    scene = Scene(ValueError("x"))

    async def down(key, reason, message):
        raise Unavailable("PATCH /x", 0, "Unreachable", "down")

    scene.stall = down  # type: ignore[method-assign]
    with caplog.at_level(logging.WARNING):
        scene.work(BAD)
    assert "fault not shown" in [record.getMessage() for record in caplog.records]


def test_what_has_gone_is_forgotten():
    scene = Scene().work(Key("Strategy", "desk", "gone"))
    assert (scene.reconciled, scene.forgotten) == ([], [Key("Strategy", "desk", "gone")])


def test_it_looks_again_when_it_was_told_to():
    scene = Scene(look_again_s=5.0).work(GOOD)
    assert scene.queue.take() is None
    scene.now_s += 5.0
    assert scene.queue.take() == GOOD
    assert scene.measured == ["waiting"]


@pytest.mark.parametrize(
    ("key", "given", "done"),
    [
        (GOOD, {}, "told"),
        (GOOD, {"deletionTimestamp": "now"}, "reconciled"),
        (Key("KillSwitch", "sys", "stop"), {}, "reconciled"),
        (Key("KillSwitch", "desk", "stop"), {}, "told"),
    ],
)
def test_where_nobody_trades(key, given, done):
    scene = Scene()
    scene.view.put(namespace("desk", trading=False))
    scene.view.put(resource(key.kind, key.name, key.namespace, **given))
    scene.work(key)
    assert (scene.reconciled, scene.applied) == (([key], []) if done == "reconciled" else ([], [(key, NOT_TRADING)]))


def test_out_of_reach_nothing_is_done():
    scene = Scene()
    scene.view.settings = scene.view.settings.model_copy(update={"namespaces": ("other",)})
    scene.work(GOOD)
    assert (scene.reconciled, scene.applied) == ([], [])
