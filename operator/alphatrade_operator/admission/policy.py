"""A ValidatingAdmissionPolicy and its binding: described as data, rendered in one way only.

Every field that the API server would fill in is written out, so that what is in force can be compared with what is
meant by plain equality: a field more is a difference, too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from alphatrade.names import GROUP
from alphatrade_operator.core.plan import Manifest

API_VERSION = "admissionregistration.k8s.io/v1"
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
LAW = "alphatrade-law"  # the ConfigMap that names the operator
_LABELS = {"app.kubernetes.io/name": "alphatrade", "app.kubernetes.io/part-of": "alphatrade"}
_SPLICE = re.compile(r"\{([^{}]+)\}")
Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests that a policy looks at. resources: plurals of one API group; `*` is all, `*/status` all statuses."""

    resources: tuple[str, ...]
    operations: tuple[Operation, ...]
    group: str = GROUP


@dataclass(frozen=True, slots=True)
class Must:
    """What must hold. rule: CEL.  message: names the verb or the fix; `{CEL}` in it is spliced in."""

    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy.

    when: CEL by name, all of which must be true for the policy to be asked at all.  variables: CEL by name, evaluated
    only where used, in order.  by_operator: whether a rule asks who the operator is, which a ConfigMap says; policies
    that do not ask go on working without it.  namespace_labels, object_labels: those that the namespace or the object
    (before or after) must have.
    """

    name: str
    about: str
    requests: tuple[Requests, ...]
    musts: tuple[Must, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    when: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    object_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_operator(self) -> bool:
        """Whether it reads the ConfigMap that names the operator."""
        expressions = (*self.variables.values(), *self.when.values(), *(must.rule for must in self.musts))
        return any("params." in expression for expression in expressions)


def render_policy(policy: Policy) -> dict[str, Any]:
    """Return the ValidatingAdmissionPolicy."""
    optional = {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"} if policy.by_operator else None,
        "matchConditions": _named(policy.when),
        "variables": _named(policy.variables),
    }
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": _selector(policy.namespace_labels),
            "objectSelector": _selector(policy.object_labels),
            "resourceRules": [_resource_rule(requests) for requests in policy.requests],
        },
        **{name: value for name, value in optional.items() if value},
        "validations": [_validation(must) for must in policy.musts],
    }
    return _object(POLICY, policy.name, spec)


def render_binding(policy: Policy, operator_namespace: str) -> dict[str, Any]:
    """Return the binding that puts a policy into force everywhere."""
    spec: dict[str, Any] = {"policyName": policy.name, "validationActions": ["Deny"]}
    if policy.by_operator:
        spec["paramRef"] = {"name": LAW, "namespace": operator_namespace, "parameterNotFoundAction": "Deny"}
    return _object(BINDING, policy.name, spec)


def _object(kind: str, name: str, spec: Manifest) -> dict[str, Any]:
    metadata = {"name": name, "labels": dict(_LABELS)}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": dict(spec)}


def _named(expressions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "expression": expression} for name, expression in expressions.items()]


def _selector(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"matchLabels": dict(labels)} if labels else {}


def _resource_rule(requests: Requests) -> dict[str, Any]:
    return {
        "apiGroups": [requests.group],
        "apiVersions": ["*"],
        "operations": list(requests.operations),
        "resources": list(requests.resources),
        "scope": "*",
    }


def _validation(must: Must) -> dict[str, str]:
    said = {"messageExpression": spliced(must.message)} if _SPLICE.search(must.message) else {"message": must.message}
    return {"expression": must.rule, **said, "reason": "Forbidden"}


def spliced(message: str) -> str:
    """Return the CEL expression of a text with `{CEL}` in it."""
    parts = _SPLICE.split(message)  # text, expression, text, ...
    words = [part if place % 2 else f"'{_quoted(part)}'" for place, part in enumerate(parts) if part]
    return " + ".join(words)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
