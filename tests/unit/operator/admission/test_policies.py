"""What the policies cover: every kind, every reference, every name that the operator gives."""

import re

import pytest

from alphatrade.names import child_name
from alphatrade_operator.admission.children import CHILDREN, CLAIMS, PODS
from alphatrade_operator.admission.names import ANY, CHILD, CLAIM, CLAIM_WITHOUT_ORDINAL, SECRET
from alphatrade_operator.admission.policies import POLICIES
from alphatrade_operator.admission.policy import Must, Policy, Requests, render_binding, render_policy, spliced
from alphatrade_operator.admission.records import STATUS
from alphatrade_operator.admission.removal import FINALIZERS, NOTHING_NEW
from alphatrade_operator.admission.switches import REFERENCES, USED
from alphatrade_operator.api_group import KINDS
from alphatrade_operator.kube.resources import CHILDREN as WATCHED
from alphatrade_operator.kube.resources import POD_MONITOR

UID = "0a1b2c3d-0000-4000-8000-000000000000"
PLURALS = {kind.definition.plural: kind for kind in KINDS}


def covered(policy, group="alphatrade.io"):
    return {name for requests in policy.requests if requests.group == group for name in requests.resources}


def test_every_status_and_every_kind_is_covered_by_what_is_for_all():
    assert covered(STATUS) == {"*/status"}
    assert covered(NOTHING_NEW) == {"*"}


def test_every_policy_names_kinds_that_there_are():
    for policy in POLICIES:
        assert covered(policy) - {"*", "*/status"} <= PLURALS.keys(), policy.name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_reference_to_a_law_a_budget_or_an_account_needs_its_verb(kind):
    fields = kind.model_fields["spec"].annotation.model_fields
    refers = {name for field, found in fields.items() if (name := found.alias or field) in USED}
    mine = [policy for policy in REFERENCES if covered(policy) == {kind.definition.plural}]
    assert {name for policy in mine for name in policy.variables} - {"wildcard"} == refers
    for name in refers:
        (policy,) = mine
        assert any(f"variables.{name}" in must.rule for must in policy.musts)
        assert "check('use')" in policy.variables[name]
        assert f"resource('{USED[name]}')" in policy.variables[name]


def test_who_can_be_referred_to_is_a_kind_and_whoever_has_a_finalizer_too():
    assert set(USED.values()) <= PLURALS.keys()
    assert covered(FINALIZERS) <= PLURALS.keys()


def test_every_kind_of_child_is_covered():
    known = {(requests.group, plural) for policy in (CHILDREN, PODS, CLAIMS) for requests in policy.requests
             for plural in requests.resources}  # fmt: skip
    for resource in (*WATCHED, POD_MONITOR):
        group = resource.api_version.rpartition("/")[0]
        assert (group, resource.plural) in known, resource.kind


def is_like(pattern, name):
    """Whether CEL's `matches` finds it; the patterns are plain enough to be read by both."""
    return re.search(pattern.strip("'"), name) is not None


@pytest.mark.parametrize("kind", ["st", "mdf", "bc", "rfl", "evo", "rp"])
@pytest.mark.parametrize("name", ["a", "momentum-1", "x" * 63, "a--b"])
def test_every_name_of_the_operator_s_is_known_as_such(kind, name):
    child = child_name(kind, name, UID)
    assert is_like(CHILD, child)
    assert is_like(SECRET, child)
    assert is_like(CLAIM, f"data-{child}-0")
    assert is_like(CLAIM_WITHOUT_ORDINAL, f"data-{child}")
    assert all(is_like(ANY, one) for one in (child, f"{child}-0", f"data-{child}-0"))


@pytest.mark.parametrize(
    "name", ["web", "st-alpha", "st-alpha-0a1b2c3", "best-a-0a1b2c3d", "st--0a1b2c3d.x", "default"]
)
def test_a_name_of_anybody_s_own_is_not(name):
    assert not any(is_like(pattern, one) for pattern in (CHILD, SECRET, ANY) for one in (name, f"{name}-0"))


def test_the_authority_s_secret_is_ours():
    assert is_like(SECRET, "alphatrade-ca")
    assert not is_like(SECRET, "alphatrade-ca-2")


MUST = Must("object.spec.user == params.data.user", "you are {request.userInfo.username}: don't")
ONE = Policy("one", "It.", (Requests(("signoffs",), ("CREATE",)),), (MUST,), namespace_labels={"a": "b"})


def test_a_policy_is_rendered_with_every_field_that_the_server_would_fill_in():
    spec = render_policy(ONE)["spec"]
    assert spec["matchConstraints"]["matchPolicy"] == "Equivalent"
    assert spec["matchConstraints"]["objectSelector"] == {}
    assert spec["matchConstraints"]["namespaceSelector"] == {"matchLabels": {"a": "b"}}
    (rule,) = spec["matchConstraints"]["resourceRules"]
    assert (rule["scope"], rule["apiVersions"]) == ("*", ["*"])
    assert spec["failurePolicy"] == "Fail"
    assert spec["validations"] == [
        {
            "expression": MUST.rule,
            "messageExpression": "'you are ' + request.userInfo.username + ': don\\'t'",
            "reason": "Forbidden",
        }
    ]


def test_only_who_asks_for_the_operator_depends_on_the_config_map():
    asks, asks_not = ONE, Policy("two", "It.", ONE.requests, (Must("false", "no"),))
    assert render_policy(asks)["spec"]["paramKind"] == {"apiVersion": "v1", "kind": "ConfigMap"}
    assert render_binding(asks, "system")["spec"]["paramRef"]["namespace"] == "system"
    assert "paramKind" not in render_policy(asks_not)["spec"]
    assert "paramRef" not in render_binding(asks_not, "system")["spec"]
    assert render_policy(asks_not)["spec"]["validations"][0]["message"] == "no"


def test_kill_switches_can_be_engaged_whatever_else_is_missing():
    """Neither engaging nor making stricter depends on the ConfigMap, nor on any policy that names killswitches so."""
    (policy,) = [policy for policy in POLICIES if policy.name == "alphatrade-kill-switch"]
    assert not policy.by_operator
    others = [one for one in POLICIES if one is not policy and covered(one) & {"killswitches", "*"}]
    assert [one.name for one in others] == ["alphatrade-decommissioned"]
    assert not others[0].by_operator


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.name)
def test_every_message_is_one_line_and_says_more_than_no(policy):
    for must in policy.musts:
        assert "\n" not in must.message
        assert 20 < len(must.message) < 300
        assert spliced(must.message)
    assert policy.about.endswith(".")
    assert "\n" not in policy.about


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.name)
def test_a_policy_for_what_is_not_ours_is_narrow(policy):
    """Requests of other people's namespaces and objects never wait for these expressions."""
    if {requests.group for requests in policy.requests} != {"alphatrade.io"}:
        assert policy.namespace_labels or policy.object_labels or policy.name == "alphatrade-definitions"
