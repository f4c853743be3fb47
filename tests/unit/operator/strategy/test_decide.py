"""What becomes of a Strategy: every reason, and every way from one configuration to the next."""

import json

import pytest

from alphatrade.config import StrategyConfig
from alphatrade.names import NAME_LABEL
from alphatrade_operator.strategy.abandon import positions_hash
from alphatrade_operator.strategy.decide import ORDERLY_EXIT
from alphatrade_operator.strategy.status import StrategyStatus
from unit.operator.world import World, message, of_kind, ready, types

DIGEST = "sha256:" + "0" * 64
HASH = "ab" * 32


@pytest.fixture
def world():
    return World()


@pytest.fixture
def trading():
    return World().trading(policy_hash=HASH)


def config(plan):
    (config_map,) = of_kind(plan, "ConfigMap")
    return StrategyConfig.model_validate_json(config_map["data"]["config.json"])


def replicas(plan):
    (stateful_set,) = of_kind(plan, "StatefulSet")
    return stateful_set["spec"]["replicas"]


def pushed(plan):
    (push,) = plan.pushes
    return StrategyConfig.model_validate_json(push.document)


def set_spec(world, where, value):
    world.change("Strategy", "alpha", where, value)


# Reasons before there is a pod


def test_a_new_strategy_gets_its_children_and_starts(world):
    plan = world.look()
    kinds = [manifest["kind"] for manifest in plan.children]
    assert kinds == ["ServiceAccount", "RoleBinding", "RoleBinding", "ConfigMap", "Service", "StatefulSet"]
    assert (ready(plan), types(plan)) == ((False, "Starting"), {"Reconciling"})
    assert (plan.finalizers, plan.status) == ((ORDERLY_EXIT,), {"phase": "Pending"})
    assert [certificate.name for certificate in plan.certificates] == [world.child().name]
    assert config(plan).run == "Trade"


def test_paper_trades_the_account_and_sim_has_no_order_session(world):
    assert config(world.plan()).broker == world.child("BrokerConnection", "account").endpoint
    set_spec(world, "mode", "Sim")
    assert config(world.plan()).broker is None


def test_kill_switches_select_by_labels_and_name(world):
    scope = config(world.plan()).kill
    assert (scope.own_namespace, scope.operator_namespace) == ("desk", "alphatrade-system")
    assert scope.labels == {"desk": "one", NAME_LABEL: "alpha"}


REFUSED = [
    ("InvalidSpec", "mode", "paper", "spec.mode"),
    ("InvalidSpec", "instruments", ["CCC"], "spec.instruments[0]: 'CCC' is not in MarketDataFeed/feed"),
    ("InvalidSpec", "plugins", [{"file": "a.py", "digest": DIGEST}], "on a cluster use configMapRef or image"),
    ("InvalidSpec", "genotype.policies.0.instruments", ["AAA", "BBB"], "is not in spec.instruments"),
    ("ReferenceNotFound", "marketDataFeedRef.name", "fed", "no MarketDataFeed 'fed' in namespace desk; did you mean"),
    ("ReferenceNotFound", "brokerConnectionRef.name", "x", "spec.brokerConnectionRef.name: no BrokerConnection 'x'"),
    ("ReferenceNotFound", "riskTemplateRef.name", "x", "spec.riskTemplateRef.name: no RiskTemplate 'x'"),
    ("LiveAdapterMissing", "mode", "LiveShadow", "there is no adapter to a venue; use Sim or Paper"),
    (
        "ConfigMapNotFound",
        "plugins",
        [{"configMapRef": {"name": "mine", "key": "a.py"}, "digest": DIGEST}],
        "spec.plugins[0].configMapRef.name: no ConfigMap 'mine' in namespace desk; add it",
    ),
]


@pytest.mark.parametrize(("reason", "where", "value", "text"), REFUSED, ids=[f"{r}-{w}" for r, w, *_ in REFUSED])
def test_what_cannot_trade_has_no_pod_and_says_why(world, reason, where, value, text):
    world.change("MarketDataFeed", "feed", "simulator.speed", "Realtime")
    set_spec(world, where, value)
    plan = world.plan()
    assert (ready(plan), types(plan)) == ((False, reason), {"Stalled"})
    assert text in message(plan)
    assert (plan.children, plan.certificates, plan.pushes, plan.finalizers) == ((), (), (), (ORDERLY_EXIT,))
    assert plan.status == {"phase": "Pending"}


def test_reference_invalid_names_the_object_and_its_fault(world):
    world.change("MarketDataFeed", "feed", "calendar", 7)
    plan = world.plan()
    assert ready(plan) == (False, "ReferenceInvalid")
    assert message(plan).startswith("spec.marketDataFeedRef: MarketDataFeed/feed: spec.calendar: 7 is not accepted")


def test_limits_missing_is_invalid_spec(world):
    world.change("RiskTemplate", "law", "instruments", [{"symbol": "BBB", "maxPositionLots": 1, "maxOrderLots": 1}])
    plan = world.plan()
    assert ready(plan) == (False, "InvalidSpec")
    assert "RiskTemplate/law has no entry for AAA" in message(plan)


def test_pace_not_allowed(world):
    set_spec(world, "mode", "LiveShadow")
    plan = world.plan()
    assert ready(plan) == (False, "PaceNotAllowed")
    assert "LiveShadow runs in real time, MarketDataFeed/feed at 200x; set its speed to Realtime" in message(plan)


def test_stage_too_low_in_the_paper_profile():
    plan = World(profile="paper", experiment_may_paper=False).plan()
    assert (ready(plan), types(plan), plan.children) == ((False, "StageTooLow"), {"Stalled"}, ())


def test_sim_needs_no_stage():
    world = World(experiment_may_paper=False)
    set_spec(world, "mode", "Sim")
    assert ready(world.plan()) == (False, "Starting")


def test_config_map_without_the_key(world):
    world.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}, "data": {"b.py": ""}})
    set_spec(world, "plugins", [{"configMapRef": {"name": "mine", "key": "a.py"}, "digest": DIGEST}])
    plan = world.plan()
    assert ready(plan) == (False, "ConfigMapNotFound")
    assert "spec.plugins[0].configMapRef.key: ConfigMap 'mine' has no 'a.py'; its keys: b.py" in message(plan)
    assert plan.look_again_s is not None  # a ConfigMap that comes concerns nobody by its labels


def test_flag_not_allowed_trades_with_the_flag_off(world):
    set_spec(world, "featureFlags", {"exploration": True})
    plan = world.plan()
    assert types(plan) == {"Reconciling", "FlagNotAllowed"}
    assert config(plan).session["policy"]["envelope"]["flags"] == dict.fromkeys(
        ("fast_weights", "linear_attention", "exploration", "auto_governed_feedback"), False
    )


def test_the_law_in_force_is_rendered_not_the_one_asked_for(world):
    effective = {"instruments": [{"symbol": "AAA", "maxPositionLots": 7, "maxOrderLots": 7}]}
    world.change("RiskTemplate", "law", "status.effective", effective)
    (terms,) = config(world.plan()).session["policy"]["envelope"]["instruments"]
    assert terms["max_position_lots"] == 7


# What keeps the pod from running

POD_FAULTS = [
    ("ImageCannotBePulled", {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}),
    ("ImageCannotBePulled", {"state": {"waiting": {"reason": "ErrImageNeverPull"}}}),
    ("ContainerCannotBeMade", {"state": {"waiting": {"reason": "CreateContainerConfigError", "message": "no secret"}}}),
    (
        "PluginDigestMismatch",
        {"state": {"terminated": {"exitCode": 1, "message": "PluginDigestMismatch: /plugins/0/a.py: is x\n"}}},
    ),
    (
        "CrashLoop",
        {
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 3, "message": "line\nlast line"}},
        },
    ),
    (
        "DiskFull",
        {
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1, "message": "DiskFull: /data has no room; enlarge the volume"}},
        },
    ),
    ("OutOfMemory", {"state": {"waiting": {}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}),
]


@pytest.mark.parametrize(("reason", "container"), POD_FAULTS, ids=[f"{r}-{i}" for i, (r, _) in enumerate(POD_FAULTS)])
def test_what_keeps_the_pod_from_running_is_told(world, reason, container):
    world.look()
    world.run(ready=False, **container)
    plan = world.look()
    assert (ready(plan), types(plan)) == ((False, reason), {"Stalled"})
    assert plan.status["phase"] == "Starting"


def test_unschedulable(world):
    world.look()
    pod = world.run(ready=False)
    pod["status"] = {
        "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes: too little cpu"}]
    }
    plan = world.plan()
    assert ready(plan) == (False, "Unschedulable")
    assert "0/1 nodes: too little cpu; make room" in message(plan)


def test_claim_not_found(world):
    world.look()
    pod = world.run(ready=False)
    said = '0/1 nodes are available: persistentvolumeclaim "tapes" not found. not found'
    pod["status"] = {"conditions": [{"type": "PodScheduled", "status": "False", "message": said}]}
    plan = world.plan()
    assert ready(plan) == (False, "ClaimNotFound")
    assert message(plan) == "no PersistentVolumeClaim tapes in this namespace; make it"


def test_pod_silent_is_unknown_and_changes_nothing(trading):
    before = trading.document()
    del trading.said[("desk", trading.child().name)]
    set_spec(trading, "seed", 2)
    plan = trading.look()
    assert (ready(plan), trading.document(), plan.pushes) == ((None, "PodSilent"), before, ())
    assert plan.status["activePolicyHash"] == HASH


def test_what_a_pod_that_is_going_said_says_nothing_about_the_next(trading):
    pod = trading.objects[("Pod", "desk", trading.child().pod)]
    pod["metadata"]["deletionTimestamp"] = "2026-01-05T11:59:00Z"
    plan = trading.plan()
    assert (ready(plan), plan.pushes, plan.nudges) == ((False, "Starting"), (), ())


# What the runtime says

PHASES = [
    ("Trading", {}, (True, "Trading"), set()),
    ("Ended", {}, (True, "Ended"), set()),
    ("Starting", {}, (False, "Starting"), {"Reconciling"}),
    ("Starting", {"reason": "WaitsForFeed"}, (False, "WaitsForFeed"), {"Reconciling"}),
    ("Halted", {"reason": "KillListStale", "message": "no list for 10 s"}, (False, "KillListStale"), set()),
    ("Reducing", {}, (False, "Reducing"), set()),
    ("Flattening", {}, (False, "Flattening"), set()),
    ("Latched", {"latched_by": "KillSwitch/stop: flood"}, (False, "Latched"), {"Stalled"}),
    ("Failed", {"reason": "DiskFull", "message": "full"}, (False, "DiskFull"), {"Stalled"}),
    ("Failed", {}, (False, "Failed"), {"Stalled"}),
]


@pytest.mark.parametrize(("phase", "said", "verdict", "kstatus"), PHASES, ids=[f"{p}-{v[1]}" for p, _, v, _ in PHASES])
def test_what_the_runtime_says_is_shown(trading, phase, said, verdict, kstatus):
    trading.say(phase=phase, **said)
    plan = trading.plan()
    assert (ready(plan), types(plan) - {"Ready"}, plan.status["phase"]) == (verdict, kstatus, phase)


def test_a_phase_of_a_newer_runtime_is_not_written_into_the_status(trading):
    trading.say(phase="Dreaming")
    assert trading.plan().status["phase"] == "Starting"


def test_steady_trading_asks_for_nothing(trading):
    plan = trading.look()
    assert (plan.pushes, plan.deletions, plan.look_again_s) == ((), (), None)
    assert trading.look() == plan


# From one configuration to the next


def test_a_change_is_pushed_and_the_config_map_follows_what_is_in_force(trading):
    before = trading.document()
    trading.change("RiskTemplate", "law", "limits", {"maxNotionalBps": 100})
    plan = trading.look()
    assert pushed(plan).session["policy"]["envelope"]["limits"]["max_notional_bps"] == 100
    assert (ready(plan), trading.document()) == ((True, "Trading"), before)
    trading.answer(plan.pushes[0], "Applied")
    plan = trading.look()
    assert (plan.pushes, trading.document() != before) == ((), True)


def test_applied_but_not_said_yet_is_not_pushed_again(trading):
    trading.change("RiskTemplate", "law", "limits", {"maxNotionalBps": 100})
    plan = trading.look()
    old = trading.document()
    trading.answer(plan.pushes[0], "Applied")
    trading.say(phase="Trading", document=old)
    assert trading.plan().pushes == ()


def test_configuration_refused_goes_on_with_the_one_before(trading):
    before = trading.document()
    set_spec(trading, "seed", 2)
    trading.answer(trading.look().pushes[0], "Refused", "session.seed: no")
    plan = trading.look()
    assert (ready(plan), types(plan)) == ((False, "ConfigurationRefused"), {"Stalled"})
    assert "session.seed: no" in message(plan)
    assert (trading.document(), plan.pushes) == (before, ())


def test_restart_required_drains_then_a_new_pod_takes_it(trading):
    set_spec(trading, "seed", 2)
    plan = trading.look()
    wanted = plan.pushes[0].document
    trading.answer(plan.pushes[0], "RestartRequired", "seed")
    plan = trading.look()
    assert (ready(plan), types(plan), pushed(plan).run) == ((False, "Draining"), {"Reconciling"}, "Drain")
    assert pushed(plan).session["policy"]["envelope"]["seed"] == 1  # what it is told to drain is what it runs
    assert json.loads(trading.document())["run"] == "Drain"  # killed now, it comes back draining
    trading.answer(plan.pushes[0], "Applied")
    trading.say(phase="Draining", positions={"AAA": 3})
    plan = trading.look()
    assert (ready(plan), plan.pushes, plan.deletions) == ((False, "Draining"), (), ())
    trading.say(phase="Drained")
    plan = trading.look()
    assert (ready(plan), plan.deletions) == ((False, "Restarting"), ())
    assert trading.document() == wanted
    plan = trading.look()
    assert [ref.name for ref in plan.deletions] == [trading.child().pod]
    trading.gone()
    plan = trading.look()
    assert (ready(plan), trading.document()) == ((False, "Starting"), wanted)


@pytest.mark.parametrize("phase", ["Ended", "Failed"])
def test_a_session_that_is_over_is_restarted_at_once(trading, phase):
    set_spec(trading, "seed", 2)
    trading.say(phase=phase)
    trading.answer(trading.look().pushes[0], "RestartRequired")
    trading.look()
    assert len(trading.look().deletions) == 1


def test_another_pod_template_needs_a_new_pod_too(trading):
    set_spec(trading, "resources", {"limits": {"memory": "4Gi"}})
    plan = trading.look()
    assert (ready(plan), pushed(plan).run) == ((False, "Draining"), "Drain")


def test_another_image_of_the_operator_restarts_nobody(trading):
    trading.settings = trading.settings.model_copy(update={"runtime_image": "alphatrade:next"})
    plan = trading.look()
    assert (ready(plan), plan.pushes, plan.deletions) == ((True, "Trading"), (), ())
    (stateful_set,) = of_kind(plan, "StatefulSet")
    assert stateful_set["spec"]["template"]["spec"]["containers"][0]["image"] == "alphatrade:next"


def test_drain_refused_says_how_to_let_it_go(trading):
    set_spec(trading, "seed", 2)
    trading.answer(trading.look().pushes[0], "RestartRequired")
    trading.answer(trading.look().pushes[0], "Refused", "it will not")
    plan = trading.look()
    assert ready(plan) == (False, "DrainRefused")
    assert "it will not; to let it go as it is (no known position), annotate it with alphatrade.io/abandon=" in message(
        plan
    )


def test_waits_for_gateway_before_the_new_pod(trading):
    trading.change("MarketDataFeed", "feed", "simulator.seed", 8)
    trading.answer(trading.look().pushes[0], "RestartRequired")
    trading.answer(trading.look().pushes[0], "Applied")
    trading.say(phase="Drained")
    plan = trading.look()
    assert (ready(plan), plan.deletions) == ((False, "WaitsForGateway"), ())
    trading.look("MarketDataFeed", "feed")
    trading.say(
        "MarketDataFeed", "feed", phase="Serving", document=trading.plan("MarketDataFeed", "feed").pushes[0].document
    )
    assert len(trading.look().deletions) == 1


def test_waits_for_gateway_of_the_account_too(trading):
    trading.change("BrokerConnection", "account", "paper.orderEntryLatency", "20ms")
    trading.answer(trading.look().pushes[0], "RestartRequired")
    trading.answer(trading.look().pushes[0], "Applied")
    trading.say(phase="Drained")
    plan = trading.look()
    assert (ready(plan), plan.deletions) == ((False, "WaitsForGateway"), ())
    assert "BrokerConnection/account" in message(plan)


@pytest.mark.parametrize(
    ("where", "value", "reason"), [("instruments", ["CCC"], "InvalidSpec"), ("mode", 1, "InvalidSpec")]
)
def test_a_spec_that_cannot_be_leaves_the_pod_trading(trading, where, value, reason):
    set_spec(trading, where, value)
    plan = trading.look()
    assert (ready(plan), plan.children, plan.pushes, plan.status["phase"]) == ((False, reason), (), (), "Trading")
    assert "the pod goes on under its last configuration" in message(plan)
    assert plan.certificates  # else it would end with its certificate


# Stopping


def test_suspended_from_the_start_has_children_and_no_pod(world):
    set_spec(world, "suspend", True)
    plan = world.look()
    assert (ready(plan), types(plan), replicas(plan)) == ((False, "Suspended"), set(), 0)
    assert plan.status["phase"] == "Suspended"


def test_suspend_gets_flat_then_scales_to_none_and_comes_back(trading):
    set_spec(trading, "suspend", True)
    plan = trading.look()
    assert (ready(plan), pushed(plan).run, replicas(plan)) == ((False, "Draining"), "Drain", 1)
    trading.answer(plan.pushes[0], "Applied")
    trading.say(phase="Drained")
    plan = trading.look()
    assert (ready(plan), replicas(plan)) == ((False, "Suspended"), 0)
    trading.gone()
    plan = trading.look()
    assert (ready(plan), replicas(plan), plan.status["phase"]) == ((False, "Suspended"), 0, "Suspended")
    set_spec(trading, "suspend", False)
    plan = trading.look()
    assert (replicas(plan), config(plan).run) == (1, "Trade")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda world: set_spec(world, "mode", "Live"), "PaceNotAllowed"),
        (
            lambda world: setattr(world, "settings", world.settings.model_copy(update={"experiment_may_paper": False})),
            "StageTooLow",
        ),
    ],
)
def test_what_may_not_trade_any_more_gets_flat_first(trading, change, reason):
    change(trading)
    plan = trading.look()
    assert (ready(plan), pushed(plan).run) == ((False, "Draining"), "Drain")
    assert message(plan).startswith(reason)
    trading.answer(plan.pushes[0], "Applied")
    trading.say(phase="Drained")
    trading.look()
    trading.gone()
    assert ready(trading.look()) == (False, reason)


# Deleting


def test_deleting_drains_then_lets_go_and_takes_the_binding_elsewhere_along(trading):
    trading.delete("Strategy", "alpha")
    plan = trading.look()
    assert (ready(plan), pushed(plan).run, plan.finalizers) == ((False, "Draining"), "Drain", (ORDERLY_EXIT,))
    trading.answer(plan.pushes[0], "Applied")
    trading.say(phase="Draining", positions={"AAA": 3}, working=1)
    assert trading.look().finalizers == (ORDERLY_EXIT,)
    trading.say(phase="Drained")
    plan = trading.look()
    assert [(ref.kind, ref.namespace) for ref in plan.deletions] == [("RoleBinding", "alphatrade-system")]
    assert plan.finalizers == (ORDERLY_EXIT,)
    assert trading.look().finalizers == ()
    assert ("Strategy", "desk", "alpha") not in trading.objects


def test_deleting_what_never_ran_goes_at_once(world):
    world.look()
    world.run(ready=False, state={"waiting": {"reason": "ImagePullBackOff"}})
    world.delete("Strategy", "alpha")
    world.look()
    assert world.look().finalizers == ()


def test_deleting_what_was_refused_goes_at_once(world):
    set_spec(world, "mode", "Live")
    world.look()
    world.delete("Strategy", "alpha")
    assert world.look().finalizers == ()


def test_deleting_while_the_pod_cannot_run_waits_and_says_how_to_abandon(trading):
    trading.say(session_id="s", phase="Trading", policy_hash=HASH, positions={"AAA": -3})
    trading.look()
    trading.gone()
    trading.run(ready=False, state={"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=4)
    trading.delete("Strategy", "alpha")
    plan = trading.look()
    assert (ready(plan)[0], plan.finalizers) == (False, (ORDERLY_EXIT,))
    trading.run(ready=False, state={"waiting": {"reason": "ImagePullBackOff", "message": "gone"}}, restartCount=4)
    plan = trading.look()
    code = positions_hash(StrategyStatus(positions=[{"symbol": "AAA", "lots": -3}]))
    assert ready(plan) == (False, "ImageCannotBePulled")
    assert (
        f"until then it cannot get flat; to let it go as it is (-3 AAA), annotate it with alphatrade.io/abandon={code}"
        in message(plan)
    )
    trading.change("Strategy", "alpha", "metadata.annotations", {"alphatrade.io/abandon": "true"})
    assert trading.look().finalizers == (ORDERLY_EXIT,)
    trading.change("Strategy", "alpha", "metadata.annotations", {"alphatrade.io/abandon": code})
    trading.look()
    assert trading.look().finalizers == ()


def without_stateful_set(world):
    """Let somebody take the pod away, and what made it."""
    world.gone()
    del world.objects[("StatefulSet", "desk", world.child().name)]


@pytest.mark.parametrize("left", [{"positions": {"AAA": 3}}, {"working": 1}], ids=["position", "order"])
def test_deleting_what_lost_its_pod_with_something_left_brings_one_back_to_get_flat(trading, left):
    trading.say(session_id="s", phase="Trading", policy_hash=HASH, **left)
    trading.look()
    without_stateful_set(trading)
    trading.delete("Strategy", "alpha")
    plan = trading.look()
    assert (ready(plan), replicas(plan), config(plan).run) == ((False, "Draining"), 1, "Drain")
    assert plan.finalizers == (ORDERLY_EXIT,)
    trading.run()
    trading.say(phase="Drained")
    trading.look()
    assert trading.look().finalizers == ()


def delete_namespace(world):
    goes = {"name": "desk", "namespace": "", "deletionTimestamp": "2026-01-05T11:59:00Z"}
    world.add({"apiVersion": "v1", "kind": "Namespace", "metadata": goes})


def test_what_lost_its_pod_goes_with_a_namespace_in_which_none_can_be_made(trading):
    trading.say(session_id="s", phase="Trading", policy_hash=HASH, positions={"AAA": 3})
    trading.look()
    without_stateful_set(trading)
    trading.delete("Strategy", "alpha")
    delete_namespace(trading)
    trading.look()
    assert trading.look().finalizers == ()


def test_with_its_pod_still_there_it_gets_flat_in_a_namespace_that_goes_too(trading):
    trading.say(session_id="s", phase="Trading", policy_hash=HASH, positions={"AAA": 3})
    trading.look()
    trading.delete("Strategy", "alpha")
    delete_namespace(trading)
    assert trading.plan().finalizers == (ORDERLY_EXIT,)


def test_deleting_what_lost_its_pod_and_its_configuration_waits_for_a_person(trading):
    trading.say(session_id="s", phase="Trading", policy_hash=HASH, positions={"AAA": 3})
    trading.look()
    without_stateful_set(trading)
    del trading.objects[("ConfigMap", "desk", trading.child().name)]
    set_spec(trading, "mode", 7)
    trading.delete("Strategy", "alpha")
    plan = trading.look()
    assert (ready(plan), plan.finalizers) == ((False, "DrainRefused"), (ORDERLY_EXIT,))
    assert "to let it go as it is (3 AAA)" in message(plan)


@pytest.mark.parametrize(
    ("phase", "mode"), [("Drained", "Paper"), ("Trading", "Sim")], ids=["flat", "without an account"]
)
def test_deleting_what_lost_its_pod_with_nothing_left_goes_at_once(world, phase, mode):
    set_spec(world, "mode", mode)
    world.trading(policy_hash=HASH)
    world.say(session_id="s" if phase == "Trading" else "", phase=phase, policy_hash=HASH, positions={"AAA": 3})
    world.look()
    without_stateful_set(world)
    world.delete("Strategy", "alpha")
    world.look()
    assert world.look().finalizers == ()


def test_deleting_what_is_suspended_goes_at_once(trading):
    trading.say(session_id="s", phase="Ended", policy_hash=HASH, positions={"AAA": 3})
    trading.look()
    set_spec(trading, "suspend", True)
    trading.look()
    trading.gone()
    trading.look()
    trading.delete("Strategy", "alpha")
    trading.look()
    assert trading.look().finalizers == ()


def test_deleting_in_sim_does_not_wait_for_a_broken_pod(world):
    set_spec(world, "mode", "Sim")
    world.trading(policy_hash=HASH)
    world.gone()
    world.run(ready=False, state={"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=4)
    world.delete("Strategy", "alpha")
    world.look()
    assert world.look().finalizers == ()


def test_deleting_while_latched_with_a_position_waits(trading):
    trading.say(session_id="s", phase="Latched", latched_by="KillSwitch/stop: flood", positions={"AAA": 3})
    trading.look()
    trading.delete("Strategy", "alpha")
    plan = trading.look()
    assert (ready(plan), types(plan), plan.finalizers) == ((False, "Latched"), {"Stalled"}, (ORDERLY_EXIT,))
    assert "it cannot get flat; to let it go as it is (3 AAA)" in message(plan)
    trading.say(phase="Latched", latched_by="KillSwitch/stop: flood")
    trading.look()
    assert trading.look().finalizers == ()


def test_deleting_what_failed_waits_since_it_does_not_say_what_it_holds(trading):
    trading.say(phase="Failed", reason="DiskFull", message="full")
    trading.delete("Strategy", "alpha")
    plan = trading.look()
    assert (ready(plan), plan.finalizers) == ((False, "DiskFull"), (ORDERLY_EXIT,))
    assert "it cannot get flat; to let it go as it is" in message(plan)


def test_deleting_what_failed_before_it_knew_its_policy_goes_at_once():
    world = World().trading()
    world.say(phase="Failed", reason="PluginDigestMismatch", message="the file is another")
    assert ready(world.look()) == (False, "PluginDigestMismatch")
    world.delete("Strategy", "alpha")
    world.look()
    assert world.look().finalizers == ()


def test_cannot_flatten_is_told_with_the_way_out(trading):
    trading.delete("Strategy", "alpha")
    trading.answer(trading.look().pushes[0], "Applied")
    trading.say(phase="Draining", reason="CannotFlatten", message="the position could not be closed")
    plan = trading.look()
    assert (ready(plan), types(plan)) == ((False, "CannotFlatten"), {"Stalled"})
    assert "alphatrade.io/abandon=" in message(plan)


def test_deleting_what_can_no_longer_be_read_still_drains(trading):
    set_spec(trading, "mode", 7)
    trading.delete("Strategy", "alpha")
    plan = trading.look()
    assert (ready(plan), pushed(plan).run) == ((False, "Draining"), "Drain")
