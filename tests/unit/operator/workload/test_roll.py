"""Which pod of an older revision goes when: in its break, when asked, one at a time, and never behind a flatten."""

from typing import Any

import pytest

from alphatrade.v1.control_pb2 import BrokerStatus, PodStatus, StrategyStatus
from alphatrade_operator.core.live import Meta
from alphatrade_operator.core.plan import Finding, ObjectRef
from alphatrade_operator.workload.course import Course
from alphatrade_operator.workload.live import Live
from alphatrade_operator.workload.pod import REVISION_LABEL, PodFacts
from alphatrade_operator.workload.roll import ROLL, Roll, Trader, of_gateway, of_strategy, rolled
from alphatrade_operator.workload.verdict import Verdict
from unit.operator.world import World, ready, types

NOW_NS = 1_800_000_000 * 10**9
MINUTE_NS = 60 * 10**9
BREAK = {"in_break": True, "session_ns": NOW_NS, "break_edge_ns": NOW_NS + 60 * MINUTE_NS}
OPEN = {"in_break": False, "session_ns": NOW_NS, "break_edge_ns": NOW_NS + 60 * MINUTE_NS}
NONE = {"in_break": False, "session_ns": NOW_NS}


def live(revision="st-a-old", *, wanted="st-a-new", pod=True, uid="u", part=None, **said):
    facts: dict[str, Any] = {"ready": True, "deleting": False, "started": True, "fault": None}
    facts |= {name: said.pop(name) for name in tuple(facts) if name in said}
    status = {"phase": "Trading", "kill_state": "ARMED", "pace": "Realtime", **NONE, **said}
    answers = said.get("phase") != "" and pod
    return Live(
        document=b"{}",
        replicas=1,
        pod=PodFacts(ObjectRef("v1", "Pod", "desk", "st-a-0", uid), template="t", revision=revision, **facts)
        if pod
        else None,
        status=PodStatus(strategy=StrategyStatus(**status)) if answers and part is None else part,
        pushed=None,
        files="",
        revision=wanted,
    )


def meta(name="m", asked=""):
    annotations = {ROLL: asked} if asked else {}
    return Meta("desk", name, "uid", 1, {}, annotations, (), False)


def other(name, asked="", **facts):
    return Trader(name, meta(name, asked), live(**facts))


BAD = Finding("ImageCannotBePulled", "no such image")
STRATEGY = [
    ("not changed", live("st-a-new", **BREAK), "u", None),
    ("its controller has not looked yet", live(wanted="", **BREAK), "u", None),
    ("trades all day", live(), "", "NoSessionBreak"),
    ("trades until the break", live(**OPEN), "", "WaitsForSessionBreak"),
    ("trades, and is asked", live(**OPEN), "u", "due"),
    ("another pod was asked", live(), "before", "NoSessionBreak"),
    ("in its break", live(**BREAK), "", "due"),
    ("the break is over soon", live(**BREAK | {"break_edge_ns": NOW_NS + MINUTE_NS}), "", "WaitsForSessionBreak"),
    ("a stream's clock waits", live(**BREAK | {"break_edge_ns": NOW_NS + 1, "pace": "Simulated 60x"}), "", "due"),
    ("behind the last session known", live(in_break=True, session_ns=NOW_NS), "", "due"),
    ("flattens in its break", live(phase="Flattening", **BREAK), "u", "KillSwitchFlattens"),
    ("flattens by its state", live(kill_state="FLATTENING", **BREAK), "u", "KillSwitchFlattens"),
    ("halted by a kill switch", live(phase="Latched", **BREAK), "", "due"),
    ("reduces", live(phase="Reducing"), "u", "due"),
    ("starts", live(phase="Starting", **BREAK), "u", "PodBusy"),
    ("gets flat", live(phase="Draining", **BREAK), "u", "PodBusy"),
    ("has lost its order session", live(phase="Halted", reason="BrokerNotLinked", **BREAK), "u", "PodBusy"),
    ("is silent", live(phase="", **BREAK), "u", "PodSilent"),
    ("has ended", live(phase="Ended"), "", "due"),
    ("has a journal of another code", live(phase="Failed", reason="JournalOfOtherCode", ready=False), "", "due"),
    ("has a full disk", live(phase="Failed", reason="DiskFull", ready=False), "", "NoSessionBreak"),
    ("has a full disk, and is asked", live(phase="Failed", reason="DiskFull", ready=False), "u", "due"),
    ("crashed, and may come back", live(phase="", ready=False, fault=BAD), "", "PodSilent"),
    ("crashes, and is asked", live(phase="", ready=False, fault=BAD), "u", "due"),
    ("never came up", live(phase="", ready=False, started=False), "", "due"),
    ("has no image", live(phase="", ready=False, started=False, fault=BAD), "", "due"),
    ("is on its way out", live(deleting=True, phase=""), "", "due"),
]


@pytest.mark.parametrize(
    ("there", "asked", "expected"), [row[1:] for row in STRATEGY], ids=[row[0] for row in STRATEGY]
)
def test_when_a_strategys_pod_goes(there, asked, expected):
    roll = of_strategy(meta(asked=asked), there, "XNYS", ())
    assert (None if roll is None else "due" if roll.due else roll.reason) == expected


OTHERS = [
    ("there is none", (), "due"),
    ("up to date", (other("a", revision="st-a-new"),), "due"),
    ("comes first by name", (other("a", **BREAK),), "WaitsForStrategy"),
    ("comes after by name", (other("z", **BREAK),), "due"),
    ("was not asked and trades", (other("a", **OPEN),), "due"),
    ("comes first and was asked", (other("a", "u"),), "WaitsForStrategy"),
    ("comes first, and cannot go", (other("a", phase="Flattening", **BREAK),), "due"),
    ("is being replaced", (other("z", deleting=True),), "WaitsForStrategy"),
    ("has no pod yet", (other("z", pod=False),), "WaitsForStrategy"),
    ("starts on the new one", (other("z", revision="st-a-new", phase="Starting"),), "WaitsForStrategy"),
    ("does not come up on the new one", (other("z", revision="st-a-new", phase="", fault=BAD),), "WaitsForStrategy"),
    ("is broken on the old one", (other("z", phase="", ready=False, fault=BAD),), "due"),
    ("starts on the old one", (other("z", phase="Starting"),), "due"),
]


@pytest.mark.parametrize(("others", "expected"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_one_strategy_of_an_account_at_a_time(others, expected):
    roll = of_strategy(meta(), live(**BREAK), "XNYS", others)
    assert roll is not None
    assert ("due" if roll.due else roll.reason) == expected


def test_two_that_see_each_other_do_not_both_go():
    alpha, beta = live(**BREAK), live(**BREAK)
    rolls = [
        of_strategy(meta("alpha"), alpha, "XNYS", [Trader("beta", meta("beta"), beta)]),
        of_strategy(meta("beta"), beta, "XNYS", [Trader("alpha", meta("alpha"), alpha)]),
    ]
    assert [roll.due for roll in rolls if roll] == [True, False]


SERVES = PodStatus(broker=BrokerStatus(phase="Serving"))
NEW = {"revision": "st-a-new"}
GATEWAY = [
    ("not changed", live("st-a-new", part=SERVES), "u", (), (), None),
    ("nobody uses it", live(part=SERVES), "", (), (), "due"),
    ("one trades", live(part=SERVES), "", (), (other("a", **NEW, **OPEN),), "WaitsForSessionBreak"),
    ("one trades, and it is asked", live(part=SERVES), "u", (), (other("a", **NEW, **OPEN),), "due"),
    ("all in their break", live(part=SERVES), "", (), (other("a", **NEW, **BREAK), other("b", **NEW, **BREAK)), "due"),
    ("one has ended", live(part=SERVES), "", (), (other("a", phase="Ended", **NEW),), "due"),
    ("one is old", live(part=SERVES), "u", (), (other("a", **BREAK),), "WaitsForItsUsers"),
    ("one is on its way", live(part=SERVES), "u", (), (other("a", pod=False),), "WaitsForItsUsers"),
    ("the account is old", live(part=SERVES), "u", (("BrokerConnection/b", live()),), (), "WaitsForItsUsers"),
    ("the account is new", live(part=SERVES), "u", (("BrokerConnection/b", live("st-a-new")),), (), "due"),
    ("one flattens", live(part=SERVES), "u", (), (other("a", phase="Flattening", **NEW),), "KillSwitchFlattens"),
    ("no image", live(phase="", ready=False, started=False, fault=BAD), "", (), (other("a", **OPEN),), "due"),
]


@pytest.mark.parametrize(
    ("there", "asked", "first", "users", "expected"), [row[1:] for row in GATEWAY], ids=[row[0] for row in GATEWAY]
)
def test_when_a_gateways_pod_goes(there, asked, first, users, expected):
    roll = of_gateway(meta("feed", asked), there, "feed", first, users)
    assert (None if roll is None else "due" if roll.due else roll.reason) == expected


def test_the_message_says_what_waits_and_the_command():
    said = of_strategy(meta("alpha"), live(**OPEN), "XNYS", ())
    assert said is not None
    assert said.message == (
        "its pod is of revision old, its StatefulSet of new; it rolls in its session break (XNYS), next at "
        "2027-01-15T09:00:00Z session time, or at once by `kubectl alphatrade roll alpha -n desk`"
    )
    said = of_strategy(meta("alpha"), live(), "24/7", ())
    assert said is not None
    assert said.message.endswith("calendar 24/7 has no break: roll it by `kubectl alphatrade roll alpha -n desk`")
    said = of_gateway(meta("tape"), live(part=SERVES), "feed", (), (other("a", **NEW),))
    assert said is not None
    assert said.message.endswith("or at once by `kubectl alphatrade roll mdf/tape -n desk`")


STAYS = Course(b"{}", 1, Verdict(True, "Trading", ""))
DUE = Roll(True, "Rolling", "goes")


@pytest.mark.parametrize(
    ("course", "roll", "restarts"),
    [
        (STAYS, DUE, True),
        (STAYS, None, False),
        (STAYS, Roll(False, "NoSessionBreak", ""), False),
        (Course(b"{}", 0, STAYS.verdict), DUE, False),
        (Course(b"{}", 1, STAYS.verdict, push=b"{}"), DUE, False),
    ],
)
def test_a_course_takes_the_roll_where_the_pod_is_to_stay(course, roll, restarts):
    assert rolled(course, roll).restart is restarts


def age(world, kind, name, revision="old"):
    """Let an object's StatefulSet be changed behind its pod."""
    child = world.child(kind, name)
    world.objects[("StatefulSet", "desk", child.name)]["status"] = {"observedGeneration": 1, "updateRevision": "new"}
    pod = world.objects.get(("Pod", "desk", child.pod))
    if pod is not None:
        pod["metadata"]["labels"][REVISION_LABEL] = revision


ALL = (("Strategy", "alpha"), ("BrokerConnection", "account"), ("MarketDataFeed", "feed"))


def test_an_upgrade_replaces_nothing_until_the_break_then_strategy_account_feed():
    world = World().trading(policy_hash="ab" * 32)
    for push in world.look("BrokerConnection", "account").pushes:
        world.answer(push, "Applied")
    for kind, name in ALL:
        world.look(kind, name)
        age(world, kind, name)
    plans = {kind: world.plan(kind, name) for kind, name in ALL}
    assert [plan.deletions for plan in plans.values()] == [(), (), ()]
    assert all("RollPending" in types(plan) and ready(plan)[0] for plan in plans.values())
    world.say(phase="Trading", in_break=True, session_ns=NOW_NS, pace="Realtime")
    for kind, name in ALL:
        waiting = [world.plan(*one).deletions for one in ALL[ALL.index((kind, name)) + 1 :]]
        assert not any(waiting)
        (gone,) = world.plan(kind, name).deletions
        assert (gone.kind, gone.name) == ("Pod", world.child(kind, name).pod)
        world.run(kind, name)
        age(world, kind, name, "new")
        assert "RollPending" not in types(world.plan(kind, name))


def test_a_strategy_that_is_asked_rolls_at_once_and_once():
    world = World().trading(policy_hash="ab" * 32)
    age(world, "Strategy", "alpha")
    uid = world.objects[("Pod", "desk", world.child().pod)]["metadata"]["uid"]
    world.change("Strategy", "alpha", "metadata.annotations", {ROLL: uid})
    plan = world.plan()
    assert (ready(plan), [ref.uid for ref in plan.deletions]) == ((False, "Rolling"), [uid])
    world.objects[("Pod", "desk", world.child().pod)]["metadata"]["uid"] = "the-next"
    assert world.plan().deletions == ()


def test_who_is_not_to_be_rolled_looks_at_nobody():
    world = World().trading(policy_hash="ab" * 32)
    second = {"metadata": {"name": "beta"}, "apiVersion": "alphatrade.io/v1alpha1", "kind": "Strategy"}
    world.add({**second, "spec": world.get("Strategy", "desk", "alpha")["spec"]})
    assert world.facts().others == ()
    age(world, "Strategy", "alpha")
    assert [one.name for one in world.facts().others] == ["beta"]
