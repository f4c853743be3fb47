"""What the built-in role edit can still do in a trading namespace, and what it no longer can: docs/security.md's list.

What works is done, by a person who has edit and nothing else; what is refused is refused in the words of the law.
"""

import base64
import json
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from alphatrade.names import MANAGED_BY
from alphatrade_operator.namespace.flows import COMPONENT, PART_OF
from alphatrade_operator.namespace.render import render_runtime_role
from api.privileges.caller import MERGE, Caller, Request
from api.privileges.deeds import WORKLOADS, autoscaler, scalers
from api.privileges.identities import server_of
from api.privileges.rows import DRY, core_path, our_path
from api.privileges.world import CHILD, OURS, PLURALS, POD, VOLUME, ours, plain
from kube_fixtures import AS_OPERATOR

WHO_AM_I = Request(
    "POST",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
)


@pytest.fixture
def edit(callers):
    return callers["edit"]


@pytest.fixture
def path(world):
    def path_of(plural, *rest, group=""):
        return "/".join((core_path(world, plural, group), *rest))

    return path_of


@pytest.fixture
def trading_pod(world):
    """Return the user that a trading pod is."""
    return f"system:serviceaccount:{world.desk}:{OURS}"


def _done(caller, request):
    answer = caller.ask(request)
    assert answer.status < 300, answer.message
    return answer.body


def _user(body):
    return body["status"]["userInfo"]["username"]


def _tried(plural, path, body):
    return Request("POST", f"{path(plural)}?{DRY}", body)


# What it can.


def test_it_reads_the_private_key_of_a_trading_pod(edit, path):
    secret = _done(edit, Request("GET", path("secrets", OURS)))
    assert base64.b64decode(secret["data"]["tls.key"]).decode() == f"the key of {OURS}"


def test_it_mounts_a_copy_of_a_secret_that_it_may_not_mount(edit, path):
    secret = _done(edit, Request("GET", path("secrets", OURS)))
    _done(edit, Request("POST", path("secrets"), {**secret, "metadata": {"name": "copy"}}))
    volumes = [{"name": "copy", "secret": {"secretName": "copy"}}]
    _done(edit, _tried("pods", path, plain("Pod", "new", pod={"volumes": volumes})))


def test_it_takes_a_token_of_a_trading_pod(edit, path, trading_pod, roles):
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    token = _done(edit, Request("POST", path("serviceaccounts", OURS, "token"), asked))["status"]["token"]
    server = server_of(roles)
    with closing(Caller("", server.url, server.tls(), token)) as caller:
        assert _user(_done(caller, WHO_AM_I)) == trading_pod


def test_it_acts_as_a_trading_pods_service_account(edit, trading_pod):
    assert _user(_done(edit, replace(WHO_AM_I, impersonate=trading_pod))) == trading_pod


def test_that_service_account_may_read_kill_switches_and_nothing_else(roles, world, callers, edit, path, trading_pod):
    rules = render_runtime_role(world.desk)["rules"]
    name = "what-a-trading-pod-may"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}
    roles.apply(json.dumps(role), namespace=world.desk)
    whom = f"--serviceaccount={trading_pod.removeprefix('system:serviceaccount:')}"
    roles.kubectl("create", "rolebinding", name, f"--role={name}", whom, "-n", world.desk)
    switches = our_path(world, "KillSwitch")
    roles.until("bound", lambda: edit.ask(Request("GET", switches, impersonate=trading_pod)).status == 200)
    new = ours("KillSwitch", trading_pod, "new")
    assert edit.ask(Request("POST", switches, new, impersonate=trading_pod)).status == 403
    assert edit.ask(Request("GET", path("secrets"), impersonate=trading_pod)).status == 403


def test_it_runs_a_pod_with_an_image_of_its_own(edit, path):
    _done(edit, _tried("pods", path, plain("Pod", "new")))


def test_its_pod_may_wear_what_network_policies_know_a_trading_pod_by(edit, path):
    worn = {**PART_OF, COMPONENT: "strategy"}
    _done(edit, _tried("pods", path, plain("Pod", "new", worn)))


def test_it_opens_the_network_by_a_policy_of_its_own(edit, world):
    opened = plain("NetworkPolicy", "new")
    opened["spec"] = {"podSelector": {}, "ingress": [{}], "egress": [{}], "policyTypes": ["Ingress", "Egress"]}
    _done(edit, Request("POST", f"{core_path(world, 'networkpolicies', 'networking.k8s.io')}?{DRY}", opened))


def test_it_evicts_a_trading_pod(edit, path):
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": POD}}
    _done(edit, Request("POST", f"{path('pods', POD, 'eviction')}?{DRY}", eviction))


def test_it_reads_the_log_of_a_trading_pod(edit, path):
    _done(edit, Request("GET", path("pods", POD, "log")))


def test_it_reaches_a_trading_pods_metrics_through_the_api_server(edit, path):
    """The pod has no address here, and who is let through is told that."""
    assert "address not allowed" in edit.ask(Request("GET", path("pods", f"{POD}:8080", "proxy", "metrics"))).message


def test_it_annotates_a_journals_volume(edit, path):
    change = {"metadata": {"annotations": {"grown": "by hand"}}}
    _done(edit, Request("PATCH", f"{path('persistentvolumeclaims', VOLUME)}?{DRY}", change, MERGE))


def test_it_deletes_a_volume_that_is_not_the_operators_such_as_the_artifact_store(edit, path, roles, world):
    claim = plain("PersistentVolumeClaim", "artifacts", {"app.kubernetes.io/managed-by": "Helm"})
    roles.apply(json.dumps(claim), namespace=world.desk)
    _done(edit, Request("DELETE", path("persistentvolumeclaims", "artifacts")))


def test_it_writes_an_event_in_the_operators_name(edit, path, world):
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "forged"},
        "involvedObject": {"apiVersion": "alphatrade.io/v1alpha1", "kind": "Strategy", "name": "strategy",
                           "namespace": world.desk},
        "reason": "Ready",
        "source": {"component": MANAGED_BY},
    }  # fmt: skip
    _done(edit, _tried("events", path, event))


# What it cannot.


@pytest.mark.parametrize("plural", PLURALS.values())
def test_it_neither_sees_nor_writes_any_kind_of_ours(edit, world, plural):
    (kind,) = [kind for kind, one in PLURALS.items() if one == plural]
    for method, body in (("GET", None), ("POST", ours(kind, edit.user))):
        answer = edit.ask(Request(method, our_path(world, kind), body))
        assert (answer.status, "cannot" in answer.message) == (403, True)


@pytest.mark.parametrize("way", ["exec?command=true&stdout=true", "attach?stdout=true", "portforward?ports=7443"])
def test_it_gets_into_no_pod(edit, path, way):
    answer = edit.ask(Request("POST", path("pods", POD, way)))
    assert answer.status == 403
    assert "need verb debug on strategies there" in answer.message


TAKEN: dict[str, tuple[dict[str, Any], str]] = {
    "secret": ({"volumes": [{"name": "v", "secret": {"secretName": OURS}}]}, "take it out of volumes, env and envFrom"),
    "volume": (
        {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": VOLUME}}]},
        "a volume of the operator's pods is for those pods alone",
    ),
    "account": ({"serviceAccountName": OURS}, f"serviceAccountName: {OURS} is for the operator's pods alone"),
}
RUN = [("Pod", "", "pods"), *((kind, *place) for kind, place in WORKLOADS.items())]


@pytest.mark.parametrize("what", TAKEN)
@pytest.mark.parametrize(("kind", "group", "plural"), RUN, ids=[kind for kind, _, _ in RUN])
def test_it_runs_nothing_that_takes_what_is_a_trading_pods(edit, world, kind, group, plural, what):
    pod, said = TAKEN[what]
    answer = edit.ask(Request("POST", f"{core_path(world, plural, group)}?{DRY}", plain(kind, "new", pod=pod)))
    assert answer.status == 403
    assert said in answer.message


HELD: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "StatefulSet": ("statefulsets", "apps", {"spec": {"replicas": 0}}, "is the operator's alone"),
    "ConfigMap": ("configmaps", "", {"data": {"config.json": "{}"}}, "is the operator's alone"),
    "Secret": ("secrets", "", {"data": None}, "is the operator's alone"),
    "Service": ("services", "", {"spec": {"selector": {"app": "mine"}}}, "is the operator's alone"),
    "NetworkPolicy": (
        "networkpolicies",
        "networking.k8s.io",
        {"spec": {"ingress": [{}]}},
        "is the operator's alone",
    ),
    "Pod": ("pods", "", {"metadata": {"labels": None}}, "is the operator's"),
}


@pytest.mark.parametrize("kind", HELD)
def test_it_changes_nothing_that_the_operator_made(edit, world, kind):
    plural, group, change, said = HELD[kind]
    one = f"{core_path(world, plural, group)}/{POD if kind == 'Pod' else OURS}?{DRY}"
    for request in (Request("PATCH", one, change, MERGE), Request("DELETE", one)):
        answer = edit.ask(request)
        assert answer.status == 403
        assert said in answer.message


def test_it_deletes_no_journal(edit, path):
    answer = edit.ask(Request("DELETE", f"{path('persistentvolumeclaims', VOLUME)}?{DRY}"))
    assert "deleting it, or its label, needs verb release on strategies" in answer.message
    unlabelled = Request(
        "PATCH", f"{path('persistentvolumeclaims', VOLUME)}?{DRY}", {"metadata": {"labels": None}}, MERGE
    )
    assert "deleting it, or its label, needs verb release on strategies" in edit.ask(unlabelled).message


def test_it_scales_no_trading_pod(edit, path):
    scale = Request("PATCH", path("statefulsets", OURS, f"scale?{DRY}", group="apps"), {"spec": {"replicas": 2}}, MERGE)
    assert "the operator alone scales its StatefulSets" in edit.ask(scale).message


def test_its_autoscaler_scales_no_trading_pod(edit, world, roles):
    """A second pod of a Strategy would be a second trader; the autoscaler's controller is one of the cluster's own."""
    here, name = ("-n", world.desk), "st-scaled-0a1b2c3d"
    trading = plain("StatefulSet", name, CHILD)
    trading["spec"]["replicas"] = 1
    trading["spec"]["selector"]["matchLabels"] |= CHILD
    trading["spec"]["template"]["metadata"]["labels"] |= CHILD
    roles.kubectl("create", "-f", "-", *here, *AS_OPERATOR, stdin=json.dumps(trading))
    scaler = _done(edit, Request("POST", scalers(world), autoscaler(name)))["metadata"]["name"]
    said = ("hpa", scaler, *here, "-o", "jsonpath={.status.conditions[?(@.type=='AbleToScale')].message}")
    refused = "the operator alone scales its StatefulSets"
    roles.until("the autoscaler is refused", lambda: refused in roles.kubectl("get", *said), timeout_s=60)
    assert roles.get("statefulset", name, *here)["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("kind", "labels", "name", "said"),
    [
        ("ConfigMap", CHILD, "new", "is the operator's alone"),
        ("Pod", CHILD, "new", "is the operator's"),
        ("Secret", None, "st-new-0a1b2c3d", "has the form of the operator's own names"),
        ("Pod", None, "st-new-0a1b2c3d-0", "has the form of the operator's own names"),
    ],
)
def test_it_makes_nothing_that_passes_for_the_operators(edit, path, kind, labels, name, said):
    assert said in edit.ask(_tried(f"{kind.lower()}s", path, plain(kind, name, labels))).message


@pytest.mark.parametrize("role", ["edit", "alphatrade-risk-officer", "alphatrade-approver", "alphatrade-platform"])
def test_it_gives_nobody_a_role(edit, world, role):
    binding = plain("RoleBinding", "new")
    binding["roleRef"] = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    answer = edit.ask(Request("POST", core_path(world, "rolebindings", "rbac.authorization.k8s.io"), binding))
    assert (answer.status, "cannot create" in answer.message) == (403, True)


def test_it_neither_deletes_the_namespace_nor_takes_its_labels(edit, world):
    here = f"/api/v1/namespaces/{world.desk}?{DRY}"
    for request in (Request("DELETE", here), Request("PATCH", here, {"metadata": {"labels": None}}, MERGE)):
        answer = edit.ask(request)
        assert (answer.status, "cannot" in answer.message) == (403, True)
