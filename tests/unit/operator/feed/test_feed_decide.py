"""What becomes of a MarketDataFeed: every reason, pushes and restarts, and who keeps it from going."""

import json

import pytest

from alphatrade.config import FeedConfig
from alphatrade_operator.feed.decide import IN_USE
from unit.operator.world import World, message, of_kind, ready, types

FEED = ("MarketDataFeed", "feed")
TAPE = {"path": "btc/2026-01-05", "speed": "Max"}


@pytest.fixture
def world():
    return World()


@pytest.fixture
def serving():
    return World().trading()


def set_tape(world, **fields):
    spec = world.objects[("MarketDataFeed", "desk", "feed")]["spec"]
    del spec["simulator"]
    spec["tape"] = {**TAPE, **fields}


def test_a_new_feed_gets_its_children_and_starts(world):
    plan = world.look(*FEED)
    assert [manifest["kind"] for manifest in plan.children] == ["ConfigMap", "Service", "StatefulSet"]
    assert (ready(plan), types(plan)) == ((False, "Starting"), {"Reconciling"})
    assert (plan.finalizers, plan.status) == ((IN_USE,), {"phase": "Pending", "connected": False})
    config = FeedConfig.model_validate_json(world.document(*FEED))
    assert config.identity == world.child(*FEED).identity
    assert config.feed["config"] == {"seed": 7, "duration_ns": 3_600_000_000_000}
    assert config.instruments[0] == {"symbol": "AAA", "tick_size": "0.01", "lot_size": "1", "multiplier": "1"}


def test_a_relative_tape_stays_relative_it_starts_at_the_store():
    world = World(artifact_store={"claim_name": "tapes"})
    set_tape(world)
    world.look(*FEED)
    assert json.loads(world.document(*FEED))["feed"] == {
        "type": "tape",
        "path": "btc/2026-01-05",
        "speed": "Max",
        "record": False,
    }


def test_artifact_store_missing(world):
    set_tape(world)
    plan = world.plan(*FEED)
    assert (ready(plan), types(plan), plan.children) == ((False, "ArtifactStoreMissing"), {"Stalled"}, ())


@pytest.mark.parametrize("path", ["/etc/alphatrade/tls/tls.key", "../other", "a/../../b"])
def test_a_tape_outside_the_store_is_invalid_spec(path):
    world = World(artifact_store={"claim_name": "tapes"})
    set_tape(world, path=path)
    plan = world.plan(*FEED)
    assert ready(plan) == (False, "InvalidSpec")
    assert message(plan).startswith(f"spec.tape.path: {path!r} is outside the artifact store")


STORES = [
    ({"claim_name": "tapes"}, {"persistentVolumeClaim": {"claimName": "tapes", "readOnly": True}}),
    ({"host_path": "/srv", "single_node": True}, {"hostPath": {"path": "/srv", "type": "Directory"}}),
]


def pod_of(world):
    (stateful_set,) = of_kind(world.plan(*FEED), "StatefulSet")
    return stateful_set["spec"]["template"]


@pytest.mark.parametrize(("store", "volume"), STORES)
def test_a_feed_that_reads_a_tape_sees_the_artifact_store(store, volume):
    world = World(artifact_store=store)
    set_tape(world)
    spec = pod_of(world)["spec"]
    assert {"name": "artifacts", **volume} in spec["volumes"]
    mount = {"name": "artifacts", "mountPath": "/artifacts", "readOnly": True}
    assert mount in spec["containers"][0]["volumeMounts"]


def test_a_simulator_needs_no_artifact_store_and_reading_a_tape_takes_another_pod():
    world = World(artifact_store={"claim_name": "tapes"})
    simulator = pod_of(world)
    assert "artifacts" not in [volume["name"] for volume in simulator["spec"]["volumes"]]
    set_tape(world)
    assert pod_of(world)["metadata"]["annotations"] != simulator["metadata"]["annotations"]


def test_invalid_spec(world):
    world.change(*FEED, "calendar", 7)
    plan = world.plan(*FEED)
    assert (ready(plan), plan.children) == ((False, "InvalidSpec"), ())


def test_image_cannot_be_pulled(world):
    world.look(*FEED)
    world.run(*FEED, ready=False, state={"waiting": {"reason": "ErrImagePull"}})
    assert ready(world.plan(*FEED)) == (False, "ImageCannotBePulled")


PHASES = [
    ("Serving", {}, (True, "Serving"), True),
    ("Ended", {}, (True, "Ended"), False),
    ("Preparing", {}, (False, "Preparing"), False),
    ("", {}, (False, "Preparing"), False),
    (
        "Failed",
        {"reason": "TapeMissing", "message": "no tape at btc; correct spec.tape.path"},
        (False, "TapeMissing"),
        False,
    ),
    ("Failed", {}, (False, "Failed"), False),
]


@pytest.mark.parametrize(
    ("phase", "said", "verdict", "connected"), PHASES, ids=[f"{p}-{v[1]}" for p, _, v, _ in PHASES]
)
def test_what_the_gateway_says_is_shown(serving, phase, said, verdict, connected):
    serving.say(*FEED, phase=phase, rows=10, gaps=1, subscribers=2, active_source="simulator (simulated)", **said)
    plan = serving.plan(*FEED)
    assert (ready(plan), plan.status["connected"]) == (verdict, connected)
    assert plan.snapshot == {"rows": 10, "gaps": 1, "subscribers": 2}
    assert plan.status["activeSource"] == "simulator (simulated)"


def test_pod_silent_is_unknown(serving):
    del serving.said[("desk", serving.child(*FEED).name)]
    plan = serving.plan(*FEED)
    assert (ready(plan), plan.status["connected"]) == ((None, "PodSilent"), False)


def test_steady_serving_asks_for_nothing(serving):
    plan = serving.look(*FEED)
    assert (plan.pushes, plan.deletions, plan.look_again_s) == ((), (), None)
    assert serving.look(*FEED) == plan


def test_configuration_refused(serving):
    serving.change(*FEED, "record", True)
    serving.answer(serving.look(*FEED).pushes[0], "Refused", "feed.record: no")
    plan = serving.plan(*FEED)
    assert (ready(plan), types(plan)) == ((False, "ConfigurationRefused"), {"Stalled"})


def test_waits_for_strategies_that_trade_on_the_old_feed(serving):
    serving.change(*FEED, "simulator.seed", 8)
    serving.answer(serving.look(*FEED).pushes[0], "RestartRequired")
    plan = serving.look(*FEED)
    assert (ready(plan), plan.deletions) == ((False, "WaitsForStrategies"), ())
    assert "Strategies alpha get flat on the old feed" in message(plan)
    serving.say(phase="Drained")
    serving.look()
    assert ready(serving.look(*FEED)) == (False, "Restarting")
    assert [ref.name for ref in serving.look(*FEED).deletions] == [serving.child(*FEED).pod]


def test_what_no_strategy_trades_on_restarts_at_once(serving):
    serving.change(*FEED, "quality", {"maxSilence": "1s"})
    serving.change(*FEED, "instruments.1.tickSize", "0.02")
    serving.answer(serving.look(*FEED).pushes[0], "RestartRequired")
    serving.look(*FEED)
    assert len(serving.look(*FEED).deletions) == 1


def test_in_use_keeps_it_until_the_last_strategy_has_gone(serving):
    serving.delete(*FEED)
    plan = serving.look(*FEED)
    assert (ready(plan), plan.finalizers, bool(plan.children)) == ((False, "InUse"), (IN_USE,), True)
    assert "Strategies alpha refer to it" in message(plan)
    del serving.objects[("Strategy", "desk", "alpha")]
    assert serving.look(*FEED).finalizers == ()


def test_in_a_namespace_that_was_given_up_it_is_free_to_go_once_nobody_refers_to_it(serving):
    given_up = {"name": "desk", "namespace": "", "annotations": {"alphatrade.io/decommissioned": "ab" * 32}}
    serving.add({"apiVersion": "v1", "kind": "Namespace", "metadata": given_up})
    assert serving.plan(*FEED).finalizers == (IN_USE,)
    del serving.objects[("Strategy", "desk", "alpha")]
    plan = serving.plan(*FEED)
    assert (plan.finalizers, bool(plan.children)) == ((), True)
    given_up["annotations"] = {}
    serving.add({"apiVersion": "v1", "kind": "Namespace", "metadata": given_up})
    assert serving.plan(*FEED).finalizers == (IN_USE,)


def test_the_children_carry_its_labels(world):
    for manifest in world.plan(*FEED).children:
        assert manifest["metadata"]["labels"] == world.child(*FEED).labels()
    (stateful_set,) = of_kind(world.plan(*FEED), "StatefulSet")
    assert stateful_set["spec"]["template"]["spec"]["containers"][0]["args"] == ["serve", "feed"]
