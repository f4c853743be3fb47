"""The objects that the matrix is tried on: one of everything, in a trading namespace that nothing else looks at.

Where the law lets nobody but the operator make an object, the operator makes it, with rights that it has for that long.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alphatrade.names import KIND_LABEL, MANAGED_BY, OWNER_LABEL, TRADING_LABEL
from alphatrade_operator.api_group import KINDS
from cluster.kubectl import Kube
from kube_fixtures import SYSTEM_NAMESPACE
from resource_documents import document

Document = dict[str, Any]
OPERATOR = f"system:serviceaccount:{SYSTEM_NAMESPACE}:alphatrade-operator"
PLURALS = {kind.__name__: kind.definition.plural for kind in KINDS}
OURS = "st-alpha-0a1b2c3d"  # of the form that the operator gives: what it made is known by label or by name
THEIRS = "theirs"
CHILD = {"app.kubernetes.io/managed-by": MANAGED_BY, KIND_LABEL: "strategy", OWNER_LABEL: "strategy"}
POD, VOLUME = f"{OURS}-0", f"data-{OURS}-0"
BY_THE_OPERATOR = ("PolicyLedgerEntry",)
_SEEDING = "privileges-seeding"


@dataclass(frozen=True)
class World:
    """Where requests go. desk: the trading namespace.  system: the operator's.  admin: who made it."""

    desk: str
    admin: str
    system: str = SYSTEM_NAMESPACE


def ours(kind: str, author: str, name: str | None = None, changes: dict[str, Any] | None = None) -> Document:
    """Return a document of one of our kinds, written by a user where it names its writer."""
    named = {"GovernanceProposal": {"spec.author": author, "spec.source": "Human"}, "SignOff": {"spec.user": author}}
    at_rest = {"KillSwitch": {"spec.mode": "Armed", "spec.reason": "drill"}}
    return document(kind, {**named.get(kind, {}), **at_rest.get(kind, {}), **(changes or {})}, name)


def seed(kube: Kube, world: World) -> None:
    """Make one of everything."""
    mine = [ours(kind, world.admin) for kind in PLURALS if kind not in BY_THE_OPERATOR]
    engaged = ours("KillSwitch", world.admin, "engaged", {"spec.mode": "Reduce"})
    _apply(kube, world, [*mine, engaged, *(plain(kind, THEIRS) for kind in PLAIN)])
    with _as_operator(kube, world):
        children = [plain(kind, our_name(kind), CHILD) for kind in PLAIN]
        _apply(kube, world, [*(ours(kind, OPERATOR) for kind in BY_THE_OPERATOR), *children], "--as", OPERATOR)


def _apply(kube: Kube, world: World, documents: list[Document], *words: str) -> None:
    made = {"apiVersion": "v1", "kind": "List", "items": documents}
    kube.kubectl("create", "-n", world.desk, "-f", "-", *words, stdin=json.dumps(made))


@contextmanager
def _as_operator(kube: Kube, world: World) -> Iterator[None]:
    """Let the operator make what it has no right to make, in this namespace and for now."""
    here = ("-n", world.desk)
    words = ("--clusterrole=cluster-admin", f"--serviceaccount={OPERATOR.removeprefix('system:serviceaccount:')}")
    kube.kubectl("create", "rolebinding", _SEEDING, *words, *here)
    kube.until("the operator may seed", lambda: _may_seed(kube, world))
    yield
    kube.kubectl("delete", "rolebinding", _SEEDING, *here)
    kube.until("the operator may seed no more", lambda: not _may_seed(kube, world))


def _may_seed(kube: Kube, world: World) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": OPERATOR,
            "groups": ["system:serviceaccounts", "system:authenticated"],
            "resourceAttributes": {"namespace": world.desk, "verb": "create", "resource": "pods"},
        },
    }
    said = kube.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(review))
    return bool(json.loads(said)["status"]["allowed"])


# What Kubernetes brings; each is seeded once as a child of the operator's and once as anybody's.
PLAIN = ("Pod", "Secret", "ConfigMap", "Service", "ServiceAccount", "PersistentVolumeClaim", "StatefulSet", "Job",
         "NetworkPolicy", "PodDisruptionBudget", "Role", "RoleBinding")  # fmt: skip
_VERSIONS = {
    "StatefulSet": "apps/v1",
    "Deployment": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
}


def our_name(kind: str) -> str:
    """Return the name of the operator's child of a kind."""
    return {"Pod": POD, "PersistentVolumeClaim": VOLUME}.get(kind, OURS)


def plain(kind: str, name: str, labels: dict[str, str] | None = None, pod: Document | None = None) -> Document:
    """Return an object of Kubernetes' own. pod: what its pod's spec has besides."""
    metadata = {"name": name, "labels": labels or {}}
    return {
        "apiVersion": _VERSIONS.get(kind, "v1"),
        "kind": kind,
        "metadata": metadata,
        **_content(kind, name, pod or {}),
    }


def _content(kind: str, name: str, pod: Document) -> Document:
    labels = {"app": "tried", **({KIND_LABEL: "strategy"} if name == OURS else {})}
    selector = {"matchLabels": labels}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(pod)}
    job = {"suspend": True, "template": {**template, "spec": {**template["spec"], "restartPolicy": "Never"}}}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": THEIRS}
    contents: dict[str, Document] = {
        "Pod": {"spec": pod_spec(pod)},
        "Service": {"spec": {"selector": {"app": "tried"}, "ports": [{"port": 80}]}},
        "Secret": {"stringData": {"tls.key": f"the key of {name}"}},
        "PersistentVolumeClaim": {"spec": claim},
        "StatefulSet": {"spec": {"replicas": 0, "serviceName": "tried", "selector": selector, "template": template}},
        "Deployment": {"spec": {"replicas": 0, "selector": selector, "template": template}},
        "ReplicaSet": {"spec": {"replicas": 0, "selector": selector, "template": template}},
        "ReplicationController": {"spec": {"replicas": 0, "selector": labels, "template": template}},
        "DaemonSet": {"spec": {"selector": selector, "template": template}},
        "Job": {"spec": job},
        "CronJob": {"spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": job}}},
        "NetworkPolicy": {"spec": {"podSelector": selector}},
        "PodDisruptionBudget": {"spec": {"maxUnavailable": 1, "selector": selector}},
        "Role": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
        "RoleBinding": {"roleRef": role, "subjects": []},
    }
    return contents.get(kind, {})


def pod_spec(changes: Document) -> Document:
    """Return the spec of a pod that Pod Security lets in and no node ever gets."""
    container = {
        "name": "tried",
        "image": "none.invalid/none",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "automountServiceAccountToken": False,
        "schedulingGates": [{"name": "alphatrade.io/never"}],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        **changes,
    }


def namespace(name: str) -> Document:
    """Return a trading namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {TRADING_LABEL: "true"}}}
