"""The kill-switch watch of a runtime against a real API server: its RBAC, its watches, its selectors."""

import json
import time
from contextlib import contextmanager

import pytest

from alphatrade_runtime.service.kill import KillWatch
from alphatrade_runtime.service.kill.selector import read_selector

LONG_NS = 3600 * 10**9
SHORT_NS = 1_500_000_000


@contextmanager
def watching(desk, staleness_ns=LONG_NS):
    watch = KillWatch(desk.scope, desk.api, staleness_ns)
    watch.start()
    try:
        yield watch
    finally:
        watch.close()


def eventually(condition, patience_s=20.0):
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.01)
    pytest.fail("did not come true in time")


def names(watch):
    return sorted(engagement.name for engagement in eventually(watch.poll))


@pytest.fixture
def allowed(desk):
    for namespace in (desk.own, desk.operator):
        desk.allow(namespace)
    return desk


def test_what_is_engaged_already_and_what_comes_later_both_arrive(allowed):
    allowed.engage("before", "Reduce")
    with watching(allowed) as watch:
        assert names(watch) == ["before"]
        eventually(lambda: not watch.stale)
        allowed.engage("later", "Flatten", maxFlattenSlippageBps=25)
        (engagement,) = eventually(watch.poll)
        assert (engagement.namespace, engagement.mode, engagement.slippage_bps) == (allowed.own, "Flatten", 25)
        assert engagement.generation == 1
        assert engagement.uid == allowed.kube.get("killswitch", "later", namespace=allowed.own)["metadata"]["uid"]


def test_an_armed_one_engages_when_it_is_changed(allowed):
    allowed.engage("button", "Armed")
    with watching(allowed) as watch:
        eventually(lambda: not watch.stale)
        assert watch.poll() == []
        allowed.engage("button", "Halt")
        (engagement,) = eventually(watch.poll)
        assert (engagement.mode, engagement.generation) == ("Halt", 2)


def test_selectors_and_scopes(allowed):
    others = {"matchLabels": {"team": "b"}}
    with watching(allowed) as watch:
        eventually(lambda: not watch.stale)
        allowed.engage("others", selector=others)
        allowed.engage("theirs", namespace=allowed.operator)
        allowed.engage("everyone-b", namespace=allowed.operator, scope="Cluster", selector=others)
        allowed.engage("everyone", namespace=allowed.operator, scope="Cluster")
        assert names(watch) == ["everyone"]


def test_deleting_takes_nothing_back(allowed):
    allowed.engage("stop")
    with watching(allowed, SHORT_NS) as watch:
        assert names(watch) == ["stop"]
        allowed.kube.kubectl("delete", "killswitch", "stop", "-n", allowed.own)
        time.sleep(SHORT_NS / 1e9)
        assert watch.poll() == []
        assert not watch.stale


def test_without_its_role_a_runtime_may_not_trade_and_with_it_may(desk):
    desk.allow(desk.own)
    with watching(desk, SHORT_NS) as watch:
        eventually(lambda: "403 Forbidden" in watch.fault)
        assert watch.stale
        assert desk.operator in watch.fault
        assert desk.own not in watch.fault
        desk.allow(desk.operator)
        eventually(lambda: not watch.stale and watch.fault == "")


def test_a_token_that_is_none_is_refused(allowed):
    allowed.api.token.write_text("nonsense")
    with watching(allowed, SHORT_NS) as watch:
        eventually(lambda: "401 Unauthorized" in watch.fault)
        assert watch.stale


def test_many_kill_switches_are_listed_page_by_page(allowed):
    documents = [
        {
            "apiVersion": "alphatrade.io/v1alpha1",
            "kind": "KillSwitch",
            "metadata": {"name": f"k{n:03}", "namespace": allowed.own},
            "spec": {"mode": "Halt", "reason": "drill", "selector": {"matchLabels": {"team": "b"}}},
        }
        for n in range(520)
    ]
    documents[519]["spec"] = {"mode": "Halt", "reason": "drill"}
    kinds = {"apiVersion": "v1", "kind": "List", "items": documents}
    allowed.kube.kubectl("create", "-f", "-", stdin=json.dumps(kinds))
    with watching(allowed) as watch:
        assert names(watch) == ["k519"]
        eventually(lambda: not watch.stale)


LABELS = [{}, {"team": "a"}, {"team": "b"}, {"team": ""}, {"team": "a", "env": "prod"}, {"env": "prod"}, {"env": "x"}]
EXPRESSIONS = [
    ({}, ""),
    ({"matchLabels": {"team": "a"}}, "team=a"),
    ({"matchLabels": {"team": ""}}, "team="),
    ({"matchLabels": {"team": "a", "env": "prod"}}, "team=a,env=prod"),
    ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "b"]}]}, "team in (a,b)"),
    ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}, "team notin (a)"),
    ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, "team"),
    ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, "!team"),
    (
        {
            "matchLabels": {"env": "prod"},
            "matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["b"]}],
        },
        "env=prod,team notin (b)",
    ),
]


def test_selectors_match_what_the_api_server_matches(allowed):
    for k, labels in enumerate(LABELS):
        metadata = {"name": f"labels-{k}", "namespace": allowed.own, "labels": {**labels, "mine": "yes"}}
        allowed.kube.apply(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}))
    for selector, asked in EXPRESSIONS:
        words = ("-l", f"mine=yes,{asked}".rstrip(","))
        found = {
            item["metadata"]["name"] for item in allowed.kube.get("configmaps", *words, namespace=allowed.own)["items"]
        }
        ours = read_selector(selector)
        assert found == {f"labels-{k}" for k, labels in enumerate(LABELS) if ours.matches(labels)}, asked
