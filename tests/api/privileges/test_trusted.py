"""Who is trusted, because nothing at the API server keeps them out: docs/security.md says so, and this shows it."""

import base64
import json

import pytest

from api.privileges.caller import MERGE, Request
from api.privileges.rows import DRY, core_path, our_path
from api.privileges.world import OPERATOR, OURS, ours, plain
from cluster.settings import ClusterError
from kube_fixtures import SYSTEM_NAMESPACE

LAW = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/alphatrade-sign-off"


def test_an_administrator_takes_the_law_away(callers):
    assert callers["wildcard"].ask(Request("DELETE", f"{LAW}?{DRY}")).status == 200


@pytest.mark.parametrize("role", ["viewer", "quant", "risk-officer", "approver", "platform", "edit", "operator"])
def test_nobody_else_does(callers, role):
    assert callers[role].ask(Request("DELETE", f"{LAW}?{DRY}")).status == 403


def test_who_may_impersonate_signs_as_whom_they_like(callers, world):
    asked = Request("POST", f"{our_path(world, 'SignOff')}?{DRY}", ours("SignOff", "approver", "new"))
    refused, signed = (
        callers["wildcard"].ask(one)
        for one in (asked, Request(asked.method, asked.path, asked.body, impersonate="approver"))
    )
    assert (refused.status, signed.status) == (403, 201)


def test_who_has_the_operators_token_writes_what_the_operator_writes(callers, world):
    path = our_path(world, "KillSwitch")
    said = {"status": {"matched": 0}}
    asked = Request("PATCH", f"{path}/killswitch/status?{DRY}", said, MERGE)
    assert callers["operator"].ask(asked).status == 200
    assert callers["operator"].ask(Request("GET", core_path(world, "secrets"))).status == 200


def test_the_operators_token_does_not_sign_release_go_live_or_change_what_a_strategy_refers_to(callers, world):
    operator = callers["operator"]
    strategy = f"{our_path(world, 'Strategy')}/strategy?{DRY}"
    engaged = f"{our_path(world, 'KillSwitch')}/engaged?{DRY}"
    for request in (
        Request("POST", f"{our_path(world, 'SignOff')}?{DRY}", ours("SignOff", OPERATOR, "new")),
        Request("DELETE", engaged),
        Request("PATCH", strategy, {"spec": {"mode": "Live", "runtimeImage": f"r@sha256:{'a' * 64}"}}, MERGE),
        Request("PATCH", strategy, {"spec": {"riskTemplateRef": {"name": "other"}}}, MERGE),
    ):
        assert operator.ask(request).status == 403


def test_who_makes_pods_in_the_operators_namespace_is_the_operator(roles):
    pod = json.dumps(plain("Pod", "new", pod={"serviceAccountName": "alphatrade-operator"}))
    said = roles.kubectl("create", "--dry-run=server", "-n", SYSTEM_NAMESPACE, "-f", "-", stdin=pod)
    assert "pod/new created" in said


def test_who_reaches_etcd_reads_every_secret_and_is_asked_nothing(backend, world):
    key = base64.b64encode(f"/registry/secrets/{world.desk}/{OURS}".encode()).decode()
    words = ("curl", "-sS", "-d", json.dumps({"key": key}), "http://127.0.0.1:2379/v3/kv/range")
    try:
        found = json.loads(backend.on_node(*words))
    except ClusterError as error:
        pytest.skip(f"this cluster's etcd is not the tests' to reach: {error}")
    assert f"the key of {OURS}".encode() in base64.b64decode(found["kvs"][0]["value"])
