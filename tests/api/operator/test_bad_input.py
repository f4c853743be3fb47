"""What a tenant may write by mistake or in bad faith: told on the object itself, and everybody else goes on."""

import json

import pytest

from api.operator.resources import account, everything, feed, strategy, switch, template
from kube_fixtures import AS_OPERATOR

MANY = 500
KIB = 1 << 10
MIB = 1 << 20
IN_FORCE = ("True", "InForce")


def test_a_kill_switch_that_means_nobody_says_so_and_one_that_means_everybody_counts_them(desk):
    desk.apply(template(), strategy("alpha"), strategy("beta"))
    nobody = switch("nobody", selector={"matchLabels": {"team": "none"}})
    desk.apply(nobody, switch("everybody"))
    operator = desk.operator().start()
    operator.until("nobody", lambda: desk.condition("killswitch/nobody", "Ready") == ("True", "NobodyMatches"))
    operator.until("all", lambda: desk.condition("killswitch/everybody", "Ready") == ("False", "NotAcknowledged"))
    none, every = (desk.get("killswitch", name)["status"] for name in ("nobody", "everybody"))
    assert (none["matched"], none["acknowledged"], none.get("silent", [])) == (0, 0, [])
    assert (every["matched"], every["acknowledged"]) == (2, 0)
    assert every["silent"] == [f"{desk.own}/alpha", f"{desk.own}/beta"]


def test_five_hundred_kill_switches_are_all_reported_and_one_more_at_once(desk):
    desk.apply(template(), strategy())
    desk.apply(*(switch(f"k{n:03}") for n in range(MANY)))
    operator = desk.operator().start()

    def reported():
        items = desk.get("killswitches")["items"]
        return sum(item.get("status", {}).get("matched") == 1 for item in items) == MANY

    operator.until("all of them", reported, 120.0)
    desk.apply(switch("one-more"))
    operator.until(
        "one more", lambda: desk.condition("killswitch/one-more", "Ready") == ("False", "NotAcknowledged"), 5.0
    )


LARGE = [
    (switch(reason="x" * MIB), "spec.reason: Too long: may not be more than 1024 bytes"),
    (
        {**template(), "metadata": {"name": "law", "annotations": {"example.com/large": "x" * MIB}}},
        "metadata.annotations: Too long: may not be more than 262144 bytes",
    ),
    (
        {
            **template(),
            "spec": {
                "instruments": [{"symbol": f"S{n}", "maxPositionLots": 1, "maxOrderLots": 1} for n in range(16 * KIB)]
            },
        },
        "spec.instruments: Too many: 16384: must have at most",
    ),
]


@pytest.mark.parametrize(("manifest", "words"), LARGE, ids=["text", "annotation", "list"])
def test_a_mebibyte_is_refused_with_the_field_that_is_too_large(desk, manifest, words):
    document = json.dumps({"apiVersion": "alphatrade.io/v1alpha1", **manifest})
    assert words in desk.kube.refused("create", "-n", desk.own, "-f", "-", stdin=document)


def test_what_is_as_large_as_the_server_takes_harms_nobody(desk):
    large = feed("large")
    large["spec"]["simulator"]["config"] = {"unknown": "x" * (MIB - 64 * KIB)}
    dressed = template("dressed")
    dressed["metadata"]["annotations"] = {"example.com/large": "x" * (255 * KIB)}
    for manifest in (large, dressed):
        document = json.dumps({"apiVersion": "alphatrade.io/v1alpha1", **manifest})
        desk.kube.kubectl("create", "-n", desk.own, "-f", "-", stdin=document)
    desk.apply(template(), feed())
    operator = desk.operator().start()
    for name in ("law", "dressed"):
        operator.until(
            f"{name} in force", lambda name=name: desk.condition(f"risktemplate/{name}", "Ready") == IN_FORCE
        )
    operator.until("the other feed", lambda: desk.get("statefulset", desk.child("marketdatafeed", "feed")))
    operator.until("told", lambda: desk.condition("marketdatafeed/large", "Ready"))


def test_a_status_that_somebody_else_wrote_is_found_at_the_start_and_rewritten(desk):
    desk.apply(template(maxNotionalBps=300), account(), strategy(), switch(), switch("armed", "Armed"))
    first = desk.operator().start()
    first.until("in force", lambda: desk.condition("risktemplate/law", "Ready") == IN_FORCE)
    first.until("silent", lambda: desk.condition("killswitch/stop", "Ready") == ("False", "NotAcknowledged"))
    first.until("armed", lambda: desk.condition("killswitch/armed", "Ready") == ("True", "Armed"))
    assert first.stop() == 0
    before = [told(desk, *what) for what in STATUSES]
    tamper(desk, *LAW, {"effective": {"limits": {"maxNotionalBps": 9_000}}, "userCount": 0})
    ready = desk.get(*STOP)["status"]["conditions"][0] | {"status": "True", "reason": "Acknowledged"}
    tamper(desk, *STOP, {"acknowledged": 1, "silent": [], "conditions": [ready]})
    tamper(desk, *ARMED, {"matched": 7, "acknowledged": 7})
    second = desk.operator().start()
    for what, was in zip(STATUSES, before, strict=True):
        second.until(f"{what} as it was", lambda what=what, was=was: told(desk, *what) == was)
    tamper(desk, *STOP, {"acknowledged": 1, "silent": []})
    second.until("at once, too", lambda: told(desk, *STOP) == before[1], 5.0)


LAW, STOP, ARMED = STATUSES = (("risktemplate", "law"), ("killswitch", "stop"), ("killswitch", "armed"))


def told(desk, kind, name):
    """Return what a status says, but since when."""
    status = desk.get(kind, name)["status"]
    conditions = [{**one, "lastTransitionTime": ""} for one in status.pop("conditions")]
    return status | {"conditions": sorted(conditions, key=lambda one: one["type"])}


def tamper(desk, kind, name, status):
    """Write a status as anybody could before the API server kept it for the operator."""
    patch = json.dumps({"status": status})
    words = ("--subresource=status", "--type=merge", "-p", patch, *AS_OPERATOR)
    desk.kube.kubectl("patch", kind, name, "-n", desk.own, *words)


def test_a_name_that_differs_in_case_is_refused(desk):
    desk.apply(strategy("alpha"))
    document = json.dumps({"apiVersion": "alphatrade.io/v1alpha1", **strategy("Alpha")})
    said = desk.kube.refused("apply", "-n", desk.own, "-f", "-", stdin=document)
    assert "a lowercase RFC 1123" in said


def test_a_name_used_again_has_children_and_a_volume_of_its_own(desk):
    desk.apply(*everything())
    operator = desk.operator().start()
    operator.until("seen", lambda: desk.condition("strategy/alpha", "Ready"))
    before = desk.child()
    operator.until("made", lambda: desk.get("statefulset", before))
    desk.kube.kubectl("delete", "strategy", "alpha", "-n", desk.own, "--timeout=60s")
    desk.apply(strategy())
    after = desk.child()
    made = operator.until("made anew", lambda: desk.get("statefulset", after))
    assert after != before
    assert made["metadata"]["ownerReferences"][0]["uid"] == desk.get("strategy", "alpha")["metadata"]["uid"]
    for kind in ("statefulset", "configmap", "secret", "serviceaccount"):
        operator.until(f"old {kind} gone", lambda kind=kind: desk.get(kind, before) is None)
    desk.kube.kubectl("delete", "strategies,brokerconnections,marketdatafeeds", "--all", "-n", desk.own, "--wait=false")
