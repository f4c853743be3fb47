"""A trading namespace, people and programs with just the rights that RBAC can give, and objects to try things on.

Whom a policy lets pass is asked with real requests, for show (`--dry-run=server`): admission takes them as any other.
"""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from cluster.kubectl import Kube
from cluster.settings import ClusterError
from kube_fixtures import (  # noqa: F401
    AS_CONTROLLER,
    AS_OPERATOR,
    TRADING,
    alone,
    backend,
    cluster,
    definitions,
    remove_namespaces,
)
from resource_documents import document

OURS = {"app.kubernetes.io/managed-by": "alphatrade-operator"}
CHILD = "st-alpha-0a1b2c3d"
MACHINE = "rfl-night-0a1b2c3d"  # the account of a Reflection
_GROUPS = ["", "apps", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io"]
# All that a role can say without a custom verb; what these people are refused the policies refuse.
_WRITES = ["get", "list", "create", "update", "patch", "delete"]
_CUSTOM = ("approve", "release", "golive", "use", "debug", "decommission")


@dataclass(frozen=True)
class Court:
    """own: a trading namespace.  plain: one without the label.  closed: one that was decommissioned."""

    kube: Kube
    own: str
    plain: str
    closed: str

    def as_of(self, who: str) -> tuple[str, ...]:
        """Return the words that make a request somebody's."""
        accounts = "system:serviceaccounts"
        match who:
            case "admin":
                return ()
            case "operator":
                return AS_OPERATOR
            case "controller":
                return AS_CONTROLLER
            case "collector" | "remover":
                name = {"collector": "generic-garbage-collector", "remover": "namespace-controller"}[who]
                return (f"--as=system:serviceaccount:kube-system:{name}", AS_OPERATOR[1])
            case "bot" | "named-bot" | "rfl-night-0a1b2c3d":
                return (f"--as=system:serviceaccount:{self.own}:{who}", f"--as-group={accounts}")
        return (f"--as={who}",)

    def ask(self, who: str, *words: str, body: dict[str, Any] | None = None, into: str = "") -> str:
        """Make a request for show; return what the server says, empty when it accepts."""
        stdin = None if body is None else json.dumps(body)
        options = ("-f", "-") if body is not None else ()
        show = () if words[0] in ("exec", "debug") else ("--dry-run=server",)
        place = ("-n", into or self.own)
        try:
            self.kube.kubectl(*words[:1], *self.as_of(who), *place, *show, *options, *words[1:], stdin=stdin)
        except ClusterError as error:
            return str(error)
        return ""

    def refused(self, said: tuple[str, ...], *asked: Any, **more: Any) -> None:
        """Ask until it is refused with these words: policies and rights take a moment until they are in force."""
        end_s = time.monotonic() + 5.0
        while True:
            told = self.ask(*asked, **more)
            if all(words in told for words in said):
                return
            assert time.monotonic() < end_s, told or "accepted"
            time.sleep(0.5)


@pytest.fixture(scope="module")
def court(alone: Kube) -> Iterator[Court]:  # noqa: F811
    """Make namespaces, roles and objects; remove all of it."""
    tag = uuid.uuid4().hex[:6]
    made = Court(alone, f"adm-own-{tag}", f"adm-plain-{tag}", f"adm-closed-{tag}")
    names = (made.own, made.plain, made.closed)
    for name in names:
        alone.kubectl("create", "namespace", name)
    alone.kubectl("label", "namespace", made.own, made.closed, *(f"{key}={value}" for key, value in TRADING.items()))
    alone.kubectl("annotate", "namespace", made.closed, f"alphatrade.io/decommissioned={'a' * 64}")
    alone.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(_rights(made, tag))}))
    for who, body in _objects():
        words = ("create", *made.as_of(who), "-n", made.own, "-f", "-")
        alone.until(f"{who} makes {body['kind']}", partial(_made, alone, words, body), 20.0)
    yield made
    alone.kubectl("delete", "clusterrole,clusterrolebinding", "-l", f"adm={tag}")
    alone.kubectl(
        "patch", "strategy", "alpha", "-n", made.own, "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
    )
    remove_namespaces(alone, *names, "--wait=false")


def _made(kube: Kube, words: tuple[str, ...], body: dict[str, Any]) -> str:
    return kube.kubectl(*words, stdin=json.dumps(body))  # rights take a moment, too


def _rights(court: Court, tag: str) -> Iterator[dict[str, Any]]:
    """Yield alice's rights, those that bob has besides, and the accounts of a program with each and with a wildcard."""
    plain = [{"apiGroups": ["alphatrade.io"], "resources": ["*"], "verbs": _WRITES}]
    plain += [{"apiGroups": _GROUPS, "resources": ["*"], "verbs": _WRITES}]
    cluster_wide = [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": _WRITES},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": _WRITES},
    ]
    custom = [{"apiGroups": ["alphatrade.io"], "resources": ["*"], "verbs": list(_CUSTOM)}]
    named = [("risktemplates", "law"), ("brokerconnections", "paper")]
    some = [
        {"apiGroups": ["alphatrade.io"], "resources": [plural], "resourceNames": [name], "verbs": ["use"]}
        for plural, name in named
    ]
    people, program = ("alice", "bob"), "named-bot"
    for name in ("bot", program):
        yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": court.own}}
    all_of_it = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    yield from _granted(f"adm-plain-{tag}", tag, plain + cluster_wide, (*people, program, MACHINE), court)
    yield from _granted(f"adm-custom-{tag}", tag, custom, ("bob", program), court)
    yield from _granted(f"adm-some-{tag}", tag, some, ("alice",), court)
    yield from _granted(f"adm-all-{tag}", tag, all_of_it, ("bot",), court)


def _granted(
    name: str, tag: str, rules: list[dict[str, Any]], whom: tuple[str, ...], court: Court
) -> Iterator[dict[str, Any]]:
    api, metadata = "rbac.authorization.k8s.io", {"name": name, "labels": {"adm": tag}}
    subjects = [
        {"kind": "User", "name": one, "apiGroup": api}
        if one in ("alice", "bob")
        else {"kind": "ServiceAccount", "name": one, "namespace": court.own}
        for one in whom
    ]
    role = {"apiGroup": api, "kind": "ClusterRole", "name": name}
    yield {"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}
    yield {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": role,
        "subjects": subjects,
    }


def _objects() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what there is, with whom it is made by."""
    yield "admin", document("Strategy", {"metadata.finalizers": ["alphatrade.io/orderly-exit"]}, "alpha")
    yield "admin", document("Strategy", LIVE, "live")
    yield "admin", document("BrokerConnection", name="paper")
    yield "admin", document("KillSwitch", ENGAGED, "engaged")
    yield "admin", document("KillSwitch", {"spec.mode": "Armed"}, "armed")
    yield "bob", document("SignOff", {"spec.user": "bob"}, "signed")
    yield "operator", document("PolicyLedgerEntry")
    yield "operator", config_map("ours", OURS)
    yield "admin", config_map("theirs")
    yield "operator", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": MACHINE, "labels": OURS}}
    yield "operator", claim(f"data-{CHILD}-0", OURS)
    yield "operator", stateful_set(CHILD, OURS, {"alphatrade.io/kind": "strategy"})
    yield "controller", pod(f"{CHILD}-0", OURS)


LIVE = {
    "spec.mode": "Live",
    "spec.runtimeImage": f"r.example/alphatrade@sha256:{'a' * 64}",
}
MATCHED = {"desk": "one", "team": "a"}
ENGAGED = {"spec.mode": "Halt", "spec.selector": {"matchLabels": MATCHED}}
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod_spec(**more: Any) -> dict[str, Any]:
    """Return a pod's spec that no node takes."""
    container = {"name": "c", "image": "r.example/none:1", "securityContext": _RESTRICTED, **more.pop("container", {})}
    return {"containers": [container], "nodeSelector": {"example.com/none": "such"}, **more}


def pod(name: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """Return a pod."""
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(**spec)}


def config_map(name: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels or {}}, "data": {}}


def claim(name: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a claim that no volume is bound to."""
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": {"requests": {"storage": "1Mi"}}}
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def stateful_set(
    name: str, labels: dict[str, str] | None = None, chosen: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """Return a StatefulSet without a pod."""
    selector = chosen or {"app": name}
    template = {"metadata": {"labels": selector}, "spec": more.pop("pod", pod_spec())}
    spec = {"replicas": 0, "serviceName": name, "selector": {"matchLabels": selector}, "template": template, **more}
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec}
