"""The operator looks at the API server's share of the law: what is taken away or weakened it notices by itself.

These operators have the namespace and the identity of the chart's, which sleeps meanwhile.
"""

import json
from contextlib import contextmanager

import pytest

from alphatrade_operator.admission.policies import POLICIES
from api.operator.resources import account, feed, strategy, switch, template
from kube_fixtures import SYSTEM_NAMESPACE, law_in_force

REPAIR_S = 1.0
POLICY, BINDING = "validatingadmissionpolicy", "validatingadmissionpolicybinding"
NAME = "alphatrade-sign-off"


def taken_away(kube, kind, name, namespace=None):
    here = ("-n", namespace) if namespace else ()
    before = kube.get(kind, name, namespace=namespace)
    kube.kubectl("delete", kind, name, *here)
    return before


def changed(kind, path, value):
    def change(kube):
        before = kube.get(kind, NAME)
        patch = json.dumps([{"op": "add", "path": path, "value": value}])
        kube.kubectl("patch", kind, NAME, "--type=json", "-p", patch)
        return before

    return change


FAULTS = [
    pytest.param(lambda kube: taken_away(kube, POLICY, NAME), f"{NAME} is missing", id="policy-deleted"),
    pytest.param(lambda kube: taken_away(kube, BINDING, NAME), f"{NAME} is missing", id="binding-deleted"),
    pytest.param(
        changed(BINDING, "/spec/validationActions", ["Audit"]), "spec.validationActions differs", id="audit-only"
    ),
    pytest.param(
        changed(BINDING, "/spec/matchResources", {"namespaceSelector": {"matchLabels": {"a": "b"}}}),
        "spec.matchResources differs",
        id="bound-elsewhere",
    ),
    pytest.param(changed(POLICY, "/spec/validations/0/expression", "true"), "spec.validations differs", id="true"),
    pytest.param(changed(POLICY, "/spec/failurePolicy", "Ignore"), "spec.failurePolicy differs", id="ignore"),
    pytest.param(
        changed(POLICY, "/spec/matchConditions", [{"name": "never", "expression": "false"}]),
        "spec.matchConditions differs",
        id="never-asked",
    ),
]


@contextmanager
def broken(kube, fault):
    """Break the law; mend it afterwards, and wait until it is in force again."""
    before = fault(kube)
    try:
        yield
    finally:
        kept = ("name", "namespace", "labels", "annotations")
        metadata = {key: value for key, value in before["metadata"].items() if key in kept}
        whole = {key: value for key, value in before.items() if key != "status"} | {"metadata": metadata}
        kube.kubectl("replace", "--force", "-f", "-", stdin=json.dumps(whole))
        kube.until("in force again", lambda: law_in_force(kube))


@pytest.fixture
def watching(desk):
    """Start an operator with a Paper Strategy that trades and one that asks for Live."""
    alpha, beta = strategy(), strategy("beta")
    beta["spec"] |= {"mode": "Live", "runtimeImage": f"r.example/alphatrade@sha256:{'a' * 64}"}
    desk.apply(template(), feed(), account(), alpha, beta)
    operator = desk.operator(operator_namespace=SYSTEM_NAMESPACE, repair_s=REPAIR_S).start()
    operator.until("looked at", lambda: desk.condition("strategy/beta", "Ready") == ("False", "PaceNotAllowed"))
    return operator


def faults_measured(operator):
    (line,) = [one for one in operator.page("metrics")[1].splitlines() if one.startswith("alphatrade_operator_law_fa")]
    return float(line.rpartition(" ")[2])


@pytest.mark.parametrize(("fault", "said"), FAULTS)
def test_what_is_taken_away_or_weakened_stops_live_and_no_other(desk, watching, fault, said):
    assert desk.condition("strategy/alpha", "LawNotInstalled") is None
    assert faults_measured(watching) == 0.0
    with broken(desk.kube, fault):
        watching.until(
            "noticed", lambda: desk.condition("strategy/beta", "Ready") == ("False", "LawNotInstalled"), 15.0
        )
        watching.until(
            "told", lambda: desk.condition("strategy/alpha", "LawNotInstalled") == ("True", "LawNotInstalled")
        )
        told = {one["type"]: one["message"] for one in desk.get("strategy/alpha")["status"]["conditions"]}
        assert said in told["LawNotInstalled"]
        assert desk.condition("strategy/alpha", "Ready")[1] != "LawNotInstalled"
        assert len(desk.get("statefulsets")["items"]) == 3  # Paper goes on
        assert faults_measured(watching) >= 1.0
    watching.until("whole again", lambda: desk.condition("strategy/beta", "Ready") == ("False", "PaceNotAllowed"), 15.0)
    watching.until("taken back", lambda: desk.condition("strategy/alpha", "LawNotInstalled") is None)


def test_without_the_config_map_that_names_it_the_operator_may_write_nothing_and_measures_why(desk, watching):
    """No status can say so: what is written as the operator is refused, since nobody knows who that is."""
    with broken(desk.kube, lambda kube: taken_away(kube, "configmap", "alphatrade-law", SYSTEM_NAMESPACE)):
        watching.until("measured", lambda: faults_measured(watching) == 1.0, 15.0)
        assert "ConfigMap alphatrade-system/alphatrade-law is missing" in watching.log.read_text()
        stop = desk.kube.kubectl("create", "-n", desk.own, "-f", "-", stdin=json.dumps(engaged()))
        assert "created" in stop  # whoever wants trading to stop needs no law for it
        desk.kube.kubectl("patch", "ks/stop", "-n", desk.own, "--type=merge", "-p", '{"spec":{"mode":"Flatten"}}')
    watching.until("measured", lambda: faults_measured(watching) == 0.0, 15.0)


def engaged():
    return {"apiVersion": "alphatrade.io/v1alpha1", **switch(mode="Reduce")}


def test_an_operator_that_the_law_does_not_name_says_so(desk):
    """One in another namespace than the law's finds the bindings pointing elsewhere."""
    desk.apply(template(), feed(), account(), strategy())
    operator = desk.operator().start()
    operator.until("told", lambda: desk.condition("strategy/alpha", "LawNotInstalled") == ("True", "LawNotInstalled"))
    told = {one["type"]: one["message"] for one in desk.get("strategy/alpha")["status"]["conditions"]}
    assert f"ConfigMap {desk.system}/alphatrade-law is missing" in told["LawNotInstalled"]
    assert faults_measured(operator) == 1.0 + sum(policy.by_operator for policy in POLICIES)
