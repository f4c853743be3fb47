"""Whether the law is whole: anything missing, weaker, stricter or more is named, first things first."""

import copy

import pytest

from alphatrade_operator.admission.check import faults, finding
from alphatrade_operator.admission.policies import POLICIES, expected

NAMESPACE = "alphatrade-system"
ME = f"system:serviceaccount:{NAMESPACE}:alphatrade-operator"
LAW = {"data": {"user": ME}}
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"


def live():
    """Return what the server has, as it should be: with metadata and a status of its own."""
    return [
        copy.deepcopy({**one, "metadata": {**one["metadata"], "uid": "u", "resourceVersion": "7"}, "status": {"a": 1}})
        for one in expected(NAMESPACE)
    ]


def one_of(objects, kind, name):
    return next(one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))


def told(objects, law=LAW, me=ME, namespace=NAMESPACE):
    return faults(objects, law, me, namespace)


def test_the_law_as_it_was_rendered_has_no_fault():
    assert told(live()) == ()
    assert finding(()) is None


@pytest.mark.parametrize("kind", [POLICY, BINDING])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.name)
def test_what_is_missing_is_named(kind, policy):
    objects = [one for one in live() if (one["kind"], one["metadata"]["name"]) != (kind, policy.name)]
    assert told(objects) == (f"{kind} {policy.name} is missing",)


def weaker(field, value):
    def change(spec):
        spec[field] = value

    return field, change


def narrower(spec):
    spec["matchConstraints"]["namespaceSelector"] = {"matchLabels": {"a": "b"}}


def excepted(spec):
    spec["matchConstraints"]["excludeResourceRules"] = [{"resources": ["*"]}]


def other_expression(spec):
    spec["validations"][0]["expression"] = "true"


def other_message(spec):
    spec["validations"][0]["message"] = "no"


def fewer(spec):
    spec["validations"] = spec["validations"][:-1]


CHANGES = [
    (POLICY, *weaker("failurePolicy", "Ignore")),
    (POLICY, *weaker("matchConditions", [{"name": "never", "expression": "false"}])),
    (POLICY, *weaker("paramKind", None)),
    (POLICY, "matchConstraints", narrower),
    (POLICY, "matchConstraints", excepted),
    (POLICY, "validations", other_expression),
    (POLICY, "validations", other_message),
    (POLICY, "validations", fewer),
    (BINDING, *weaker("validationActions", ["Audit"])),
    (BINDING, *weaker("validationActions", ["Deny", "Warn"])),
    (BINDING, *weaker("matchResources", {"namespaceSelector": {"matchLabels": {"a": "b"}}})),
    (BINDING, *weaker("policyName", "another")),
    (BINDING, *weaker("paramRef", {"name": "alphatrade-law", "namespace": "mine", "parameterNotFoundAction": "Deny"})),
    (BINDING, *weaker("paramRef", {"name": "alphatrade-law", "namespace": NAMESPACE})),
]


@pytest.mark.parametrize(("kind", "field", "change"), CHANGES)
def test_what_is_changed_is_named(kind, field, change):
    objects = live()
    change(one_of(objects, kind, "alphatrade-sign-off")["spec"])
    assert told(objects) == (f"{kind} alphatrade-sign-off is not as installed: spec.{field} differs",)


@pytest.mark.parametrize(
    ("law", "me", "said"),
    [
        (None, ME, "ConfigMap alphatrade-system/alphatrade-law is missing, and with it who the operator is"),
        ({"data": {"user": "mallory"}}, ME, f"names 'mallory' as the operator, and this one is '{ME}'"),
        ({}, ME, f"names None as the operator, and this one is '{ME}'"),
        (LAW, "admin", f"names '{ME}' as the operator, and this one is 'admin'"),
    ],
)
def test_the_law_names_this_operator(law, me, said):
    (fault,) = told(live(), law, me)
    assert said in fault


def test_the_law_of_another_operator_s_namespace_is_not_this_one_s():
    found = told(live(), namespace="other")
    assert "ConfigMap" not in found[0]
    assert all("Binding" in one and "spec.paramRef differs" in one for one in found)


def test_the_first_fault_is_told_with_how_many_there_are():
    one, more = finding(("a is missing",)), finding(("a is missing", "b", "c"))
    assert one
    assert more
    assert (one.reason, one.message) == (
        "LawNotInstalled",
        "a is missing; run: helm upgrade --install alphatrade-crds",
    )
    assert more.message.startswith("a is missing (and 2 more); ")
