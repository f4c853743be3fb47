"""Every admission policy on the real API server: what passes, and what is refused with which words."""

import json

import pytest

from alphatrade_operator.admission.policies import POLICIES
from api.admission.cases import CASES, DECOMMISSIONED, SHA
from cluster.settings import ClusterError
from kube_fixtures import AS_OPERATOR
from resource_documents import document


def _filled(court, value):
    """Write the names of the namespaces where a case has OWN, PLAIN or CLOSED."""
    text = json.dumps(value)
    for word in ("own", "plain", "closed"):
        text = text.replace(word.upper(), getattr(court, word))
    return json.loads(text)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_request_passes_or_is_refused_in_these_words(court, case):
    words, said = tuple(_filled(court, case.words)), _filled(court, case.said)
    body, into = _filled(court, case.body), getattr(court, case.into)
    if said:
        court.refused(f"ValidatingAdmissionPolicy '{case.policy}'", case.who, *words, body=body, into=into)
        court.refused(said, case.who, *words, body=body, into=into)
        return
    told = court.ask(case.who, *words, body=body, into=into)
    # A pod that does not run cannot be entered, by whomever.
    assert not told or (words[0] == "exec" and "ValidatingAdmissionPolicy" not in told), told


def test_every_policy_lets_something_pass_and_refuses_something():
    for policy in POLICIES:
        mine = [case for case in CASES if case.policy == policy.name]
        assert {bool(case.said) for case in mine} == {True, False}, policy.name
        assert all(any(_says(must.message, case.said) for case in mine) for must in policy.musts), policy.name


def _says(message, said):
    """Whether a case's words are of a message, as far as they are not spliced in."""
    parts = [part.partition("}")[2] if "}" in part else part for part in message.split("{")]
    return bool(said) and any(part in said or said in part for part in parts if len(part) > 12)


def test_the_server_finds_no_fault_with_any_expression(court):
    for policy in court.kube.get("validatingadmissionpolicies", "-l", "app.kubernetes.io/part-of=alphatrade")["items"]:
        checked = policy["status"].get("typeChecking", {})
        assert checked.get("expressionWarnings", []) == [], policy["metadata"]["name"]


def test_a_namespace_with_records_goes_once_it_is_decommissioned(court):
    kube, name = court.kube, f"{court.own}-gone"
    kube.kubectl("create", "namespace", name)
    kube.kubectl("label", "namespace", name, "alphatrade.io/trading=true")
    entry, switch = document("PolicyLedgerEntry"), document("KillSwitch", name="engaged")
    kube.kubectl("create", *AS_OPERATOR, "-n", name, "-f", "-", stdin=json.dumps(entry))
    kube.kubectl("create", "-n", name, "-f", "-", stdin=json.dumps(switch))
    said = kube.refused("delete", "namespace", name)
    assert f"run kubectl alphatrade decommission {name}" in said or f"decommission {name}" in said
    kube.kubectl("annotate", "namespace", name, f"{DECOMMISSIONED}={SHA}")
    kube.kubectl("delete", "namespace", name, "--timeout=60s")
    with pytest.raises(ClusterError, match="NotFound"):
        kube.get("namespace", name)


def test_a_definition_goes_once_it_is_decommissioned(court):
    name = "evolutions.alphatrade.io"
    court.kube.kubectl("annotate", "crd", name, f"{DECOMMISSIONED}={SHA}")
    try:
        assert court.ask("alice", "delete", "crd", name) == ""
    finally:
        court.kube.kubectl("annotate", "crd", name, f"{DECOMMISSIONED}-")
    court.refused("kubectl alphatrade uninstall", "alice", "delete", "crd", name)
