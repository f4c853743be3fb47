"""The operator as a process against the real API server: what it makes, keeps, and leaves alone; how it ends."""

import base64
import random
import time

import pytest

from api.operator.resources import account, everything, feed, strategy, switch, template
from kube_fixtures import AS_CONTROLLER

OURS = "strategies,risktemplates,killswitches,marketdatafeeds,brokerconnections"


def test_everything_is_made_and_left_alone_from_then_on(desk):
    desk.apply(*everything())
    operator = desk.operator().start()
    operator.until("template in force", lambda: desk.condition("risktemplate/law", "Ready") == ("True", "InForce"))
    operator.until("strategy seen", lambda: desk.condition("strategy/alpha", "Ready"))
    operator.until("armed", lambda: desk.condition("killswitch/stop", "Ready") == ("True", "Armed"))
    made = operator.until("pod made", lambda: desk.get("statefulset", desk.child()))
    assert made["spec"]["replicas"] == 1
    for kind in ("service", "configmap", "secret", "serviceaccount"):
        assert desk.get(kind, desk.child()) is not None, kind
    assert len(desk.get("networkpolicies")["items"]) == 14
    for item in desk.get(OURS)["items"]:
        assert not [name for name in item["metadata"].get("annotations", {}) if "kopf" in name]
        assert not [name for name in item["metadata"].get("finalizers", []) if not name.startswith("alphatrade.io/")]
    # The pods' image is not there: their waiting reasons alternate. What has to stay is what is ours alone.
    desk.kube.kubectl("delete", "strategies,brokerconnections,marketdatafeeds", "--all", "-n", desk.own, "--wait=false")


def test_a_restarted_operator_writes_nothing_over_unchanged_objects(desk):
    desk.apply(template(), template("other"), switch(mode="Armed"), switch("halt"))
    operator = desk.operator(repair_s=1.0).start()
    operator.until("in force", lambda: desk.condition("risktemplate/law", "Ready"))
    before = desk.settled(operator)
    operator.kill()
    again = desk.operator(repair_s=1.0).start()
    again.until("leads", lambda: again.role() == "leads")
    time.sleep(6.0)  # several repair rounds
    assert again.writes() == 0.0
    assert desk.versions() == before


@pytest.mark.parametrize("seed", range(3))
def test_killed_in_the_middle_it_goes_on_where_it_was(desk, seed):
    chance = random.Random(seed)
    resources = [feed(), account(), *(template(f"t{n}") for n in range(6)), template()]
    desk.apply(*resources, *(switch(f"k{n}", "Armed") for n in range(6)))
    operator = desk.operator(client_qps=40.0, client_burst=1, workers=4)
    for _ in range(3):
        operator.start(ready=False)
        operator.until("leads", lambda: operator.page("readyz")[0] == 200 and operator.role() == "leads", 30.0)
        time.sleep(chance.random())
        operator.kill()
    last = desk.operator().start()
    for n in range(6):
        last.until("in force", lambda n=n: desk.condition(f"risktemplate/t{n}", "Ready") == ("True", "InForce"))
        last.until("armed", lambda n=n: desk.condition(f"killswitch/k{n}", "Ready") == ("True", "Armed"))
    pods = last.until("both", lambda: len((found := desk.get("statefulsets"))["items"]) == 2 and found)
    assert sorted(one["metadata"]["name"][:3] for one in pods["items"]) == ["bc-", "mdf"]
    desk.kube.kubectl("delete", "brokerconnections,marketdatafeeds", "--all", "-n", desk.own, "--wait=false")


def test_what_others_change_of_ours_is_put_right(desk):
    operator = desk.operator().start()
    name = "alphatrade-default-deny"
    operator.until("closed", lambda: desk.get("networkpolicy", name))
    desk.kube.kubectl("delete", "networkpolicy", name, "-n", desk.own, *AS_CONTROLLER)
    operator.until("closed again", lambda: desk.get("networkpolicy", name), 5.0)
    patch = '{"spec":{"policyTypes":["Ingress"]}}'
    desk.kube.kubectl("patch", "networkpolicy", name, "-n", desk.own, "--type=merge", "-p", patch, *AS_CONTROLLER)
    operator.until("both", lambda: len(desk.get("networkpolicy", name)["spec"]["policyTypes"]) == 2, 5.0)


def test_certificates_are_issued_and_issued_anew_when_spoilt(desk):
    desk.apply(feed())
    operator = desk.operator().start()
    operator.until("seen", lambda: desk.get("marketdatafeed", "feed"))
    name = desk.child("marketdatafeed", "feed")
    secret = operator.until("issued", lambda: desk.get("secret", name))
    junk = base64.b64encode(b"junk").decode()
    desk.kube.kubectl(
        *("patch", "secret", name, "-n", desk.own, "--type=merge", "-p", f'{{"data":{{"tls.key":"{junk}"}}}}'),
        *AS_CONTROLLER,
    )
    fresh = operator.until("anew", lambda: (found := desk.get("secret", name))["data"]["tls.key"] != junk and found)
    assert fresh["data"]["tls.crt"] != secret["data"]["tls.crt"]
    told = operator.until(
        "told", lambda: [e for e in desk.get("events")["items"] if e["reason"] == "CertificateDamaged"]
    )
    assert told[0]["type"] == "Warning"


def test_certificates_are_renewed_at_half_of_their_life(desk):
    desk.apply(feed())
    operator = desk.operator(certificate_lifetime_s=30.0).start()
    operator.until("seen", lambda: desk.get("marketdatafeed", "feed"))
    name = desk.child("marketdatafeed", "feed")
    seen = set()

    def renewed():
        seen.add((desk.get("secret", name) or {}).get("data", {}).get("tls.crt", ""))
        return len(seen - {""}) >= 3

    operator.until("two renewals", renewed, 60.0)


def test_a_template_is_tightened_at_once_and_loosened_never(desk):
    desk.apply(template(maxNotionalBps=300), account())
    operator = desk.operator().start()
    operator.until("in force", lambda: desk.condition("risktemplate/law", "Ready") == ("True", "InForce"))
    desk.apply(template(maxNotionalBps=400))
    operator.until("waits", lambda: desk.condition("risktemplate/law", "AwaitsProposal") == ("True", "Loosened"))
    status = desk.get("risktemplate", "law")["status"]
    assert status["pending"] == [{"field": "limits.maxNotionalBps", "effective": "300", "wanted": "400"}]
    operator.kill()
    again = desk.operator().start()
    desk.apply(template(maxNotionalBps=200))
    again.until("acts", lambda: desk.condition("risktemplate/law", "AwaitsProposal") == ("False", "NothingWaits"))
    assert desk.get("risktemplate", "law")["status"]["effective"]["limits"]["maxNotionalBps"] == 200
    desk.kube.kubectl("delete", "brokerconnection", "account", "-n", desk.own, "--wait=false")


def test_a_template_in_use_stays_until_its_last_user_has_gone(desk):
    desk.apply(template(), switch(mode="Armed"), strategy())
    operator = desk.operator().start()
    operator.until("used", lambda: desk.get("risktemplate", "law").get("status", {}).get("userCount") == 1)
    desk.kube.kubectl("delete", "risktemplate", "law", "-n", desk.own, "--wait=false")
    operator.until("held", lambda: desk.condition("risktemplate/law", "Ready") == ("False", "InUse"))
    desk.kube.kubectl("delete", "strategy", "alpha", "-n", desk.own, "--wait=false")
    operator.until("gone", lambda: desk.get("risktemplate", "law") is None)


def test_a_kill_switch_says_that_nobody_has_answered(desk):
    desk.apply(*everything())
    operator = desk.operator().start()
    operator.until("armed", lambda: desk.condition("killswitch/stop", "Ready") == ("True", "Armed"))
    desk.apply(switch())
    operator.until("silent", lambda: desk.condition("killswitch/stop", "Ready") == ("False", "NotAcknowledged"))
    assert desk.get("killswitch", "stop")["status"]["silent"] == [f"{desk.own}/alpha"]
    desk.kube.kubectl("label", "strategy", "alpha", "-n", desk.own, "team=a")
    desk.apply(switch(selector={"matchLabels": {"team": "b"}}))
    operator.until("nobody", lambda: desk.condition("killswitch/stop", "Ready") == ("True", "NobodyMatches"))
    desk.kube.kubectl("delete", "strategies,brokerconnections,marketdatafeeds", "--all", "-n", desk.own, "--wait=false")


def test_a_namespace_without_the_label_gets_a_reason_and_nothing_else(desk):
    desk.kube.kubectl("label", "namespace", desk.own, "alphatrade.io/trading-")
    desk.apply(template(), feed())
    operator = desk.operator().start()
    operator.until("told", lambda: desk.condition("marketdatafeed/feed", "Ready") == ("False", "NamespaceNotTrading"))
    assert desk.get("statefulsets,networkpolicies")["items"] == []
    desk.kube.kubectl("label", "namespace", desk.own, "alphatrade.io/trading=true")
    operator.until("goes on", lambda: desk.get("statefulsets")["items"])


def test_one_leads_and_the_other_takes_over(desk):
    desk.apply(template())
    one = desk.operator().start()
    one.until("leads", lambda: one.role() == "leads")
    two = desk.operator().start()
    assert two.role() == "stands by"
    assert two.writes() == 0.0
    one.kill()
    two.until("takes over", lambda: two.role() == "leads", 15.0)
    desk.apply(template("late"))
    two.until("works", lambda: desk.condition("risktemplate/late", "Ready") == ("True", "InForce"))


def test_told_to_end_it_ends_in_order_and_frees_the_lease(desk):
    one = desk.operator(lease_duration_s=60.0).start()
    one.until("leads", lambda: one.role() == "leads")
    assert one.stop() == 0
    two = desk.operator(lease_duration_s=60.0).start()
    two.until("leads", lambda: two.role() == "leads", 10.0)


def test_a_name_as_long_as_names_can_be(desk):
    long = "a" * 63
    desk.apply(template(long))
    operator = desk.operator().start()
    operator.until("in force", lambda: desk.condition(f"risktemplate/{long}", "Ready") == ("True", "InForce"))


def test_wrong_settings_end_it_with_one_line(desk):
    operator = desk.operator(workers=0).start(ready=False)
    assert operator.process is not None
    assert operator.process.wait(30) == 2
    line = operator.log.read_text().strip()
    assert "workers" in line
    assert "\n" not in line
