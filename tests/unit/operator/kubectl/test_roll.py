"""`kubectl alphatrade roll`: whom it asks, what it shows meanwhile, and when it is done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from alphatrade_operator.kubectl.kubectl import Kubectl, KubectlError
from alphatrade_operator.kubectl.roll import roll
from unit.operator.kubectl.cluster_objects import condition, other, strategy

PENDING = {**condition("True", "NoSessionBreak", "its market never closes"), "type": "RollPending"}


@dataclass(frozen=True)
class Cluster(Kubectl):
    """Objects and their pods, by UID of their owner, in memory; `steps` change them at each pause."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    pods: dict[str, Any] = field(default_factory=dict)
    steps: list[Callable[["Cluster"], object]] = field(default_factory=list)
    ran: list[tuple[str, ...]] = field(default_factory=list)

    def all(self, plural, where, *selection):
        if plural == "pods":
            owner = selection[1].partition("=")[2]
            return [self.pods[owner]] if owner in self.pods else []
        return [one for one in self.objects if f"{one['kind'].lower()}s".replace("strategys", "strategies") in plural]

    def find(self, plural, name, where):
        return next((one for one in self.all(plural, where) if one["metadata"]["name"] == name), None)

    def run(self, *words, stdin=None):
        self.ran.append(words)
        return ""

    def namespace(self, where):
        return "dev"

    def pause(self, seconds):
        self.steps.pop(0)(self)


def made(uid, ready=True, deleting=False):
    meta = {"name": "p-0", "namespace": "dev", "uid": uid}
    if deleting:
        meta["deletionTimestamp"] = "2026-01-05T10:00:00Z"
    return {
        "kind": "Pod", "metadata": meta,
        "status": {"phase": "Running", "containerStatuses": [{"name": "c", "ready": ready}]},
    }  # fmt: skip


def behind(name="a", kind=None):
    if kind is None:
        return strategy(name, conditions=[PENDING])
    return {**other(kind, name), "status": {"conditions": [PENDING]}}


def put(uid, found):
    def step(cluster):
        cluster.pods[uid] = found
        if found["metadata"]["uid"].startswith("new"):
            for one in cluster.objects:
                if one["metadata"]["uid"] == uid:
                    one["status"]["conditions"] = []

    return step


def test_it_asks_for_that_very_pod_and_waits_until_the_next_one_serves(capsys):
    steps = [
        put("uid-a", made("old", deleting=True)),
        lambda cluster: cluster.pods.clear(),
        put("uid-a", made("new", ready=False)),
        put("uid-a", made("new")),
    ]
    cluster = Cluster((), [behind()], {"uid-a": made("old")}, steps)
    assert roll(cluster, "a", (), 60, lambda: 0.0, cluster.pause) == 0
    assert cluster.ran == [
        ("annotate", "strategies.alphatrade.io", "a", "alphatrade.io/roll=old", "--overwrite", "-n", "dev")
    ]
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "Strategy/a: NoSessionBreak: its market never closes",
        "Strategy/a: the old pod ends in order",
        "Strategy/a: the old pod has ended in order",
        "Strategy/a: the new pod starts",
        "Strategy/a: the new pod is ready",
    ]
    assert said.out.splitlines() == ["Strategy/a: asked", "1 rolled, all of them serve"]


def test_all_are_asked_gateways_too(capsys):
    objects = [behind("a"), behind("paper", "BrokerConnection"), behind("tape", "MarketDataFeed"), strategy("new")]
    pods = {f"uid-{name}": made(f"old-{name}") for name in ("a", "paper", "tape", "new")}
    steps: list[Callable[[Cluster], object]] = [
        lambda cluster: [put(uid, made(f"new-{uid}"))(cluster) for uid in list(pods)]
    ]
    cluster = Cluster((), objects, pods, steps)
    assert roll(cluster, None, (), 60, lambda: 0.0, cluster.pause) == 0
    assert [words[1:4] for words in cluster.ran] == [
        ("strategies.alphatrade.io", "a", "alphatrade.io/roll=old-a"),
        ("brokerconnections.alphatrade.io", "paper", "alphatrade.io/roll=old-paper"),
        ("marketdatafeeds.alphatrade.io", "tape", "alphatrade.io/roll=old-tape"),
    ]


def test_a_condition_that_was_old_news_ends_the_waiting(capsys):
    steps: list[Callable[[Cluster], object]] = [lambda cluster: cluster.objects[0]["status"].update(conditions=[])]
    cluster = Cluster((), [behind()], {"uid-a": made("new")}, steps)
    assert roll(cluster, "a", (), 60, lambda: 0.0, cluster.pause) == 0
    assert "its pod is of the revision that its StatefulSet asks for" in capsys.readouterr().err


def test_nothing_outdated_asks_nobody(capsys):
    cluster = Cluster((), [strategy("a")], {"uid-a": made("u")})
    assert roll(cluster, "a", (), 60) == 0
    assert cluster.ran == []
    assert "nothing to roll" in capsys.readouterr().out


def test_a_roll_that_takes_too_long_says_who_waits(capsys):
    cluster = Cluster((), [behind()], {"uid-a": made("old")})
    assert roll(cluster, "a", (), 0.0, lambda: 1.0, cluster.pause) == 1
    assert "still waiting for Strategy/a" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "text"), [("rt/law", "it has no pod"), ("b", "no 'b' among strategies here")])
def test_what_cannot_roll_is_refused(name, text):
    with pytest.raises(KubectlError, match=text):
        roll(Cluster((), [behind()], {}), name, (), 60)
