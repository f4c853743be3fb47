"""What is tried of every kind: each verb as the request that needs it. Writes are dry runs: RBAC and admission."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from alphatrade_operator.core.model import GROUP, VERSION
from api.privileges.caller import MERGE, Request
from api.privileges.world import CHILD, OURS, PLURALS, POD, THEIRS, World, namespace, our_name, ours, plain

Document = dict[str, Any]
VERBS = ("get", "list", "create", "update", "patch", "delete", "deletecollection")
DRY = "dryRun=All"
_TRIED = {"metadata": {"annotations": {"tried": "yes"}}}
_CONDITION = {
    "type": "Ready",
    "status": "True",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-01T00:00:00Z",
    "reason": "Tampered",
    "message": "by whoever writes a status",
}
_STATUS = {"status": {"conditions": [_CONDITION]}}


@dataclass(frozen=True)
class Row:
    """A kind, or a subresource, as the matrix names it.

    collection: its path.  name: of the object that is there.  fresh: an object that can be made, by who asks.
    change: what a patch sends.  query: of a request that is no dry run.  fine: words of a refusal that only those get
    who are let through.
    """

    title: str
    collection: str
    name: str
    verbs: tuple[str, ...] = VERBS
    subresource: str = ""
    fresh: Callable[[str], Document] = field(default=lambda user: {}, repr=False)
    change: Document = field(default_factory=lambda: _TRIED)
    query: str = DRY
    fine: str = ""

    @property
    def object_path(self) -> str:
        """The object that is there, or its subresource."""
        return "/".join(filter(None, (self.collection, self.name, self.subresource)))

    def request(self, verb: str, user: str, seen: Document) -> Request:
        """Return the request of a verb. seen: the object that is there, as an administrator reads it."""
        path, dry = self.object_path, f"{self.object_path}?{self.query}"
        where = path if self.subresource else self.collection
        changed = {**seen, **self.change, "metadata": {**seen.get("metadata", {}), **self.change.get("metadata", {})}}
        requests = {
            "get": lambda: Request("GET", path),
            "list": lambda: Request("GET", f"{self.collection}?limit=1"),
            "create": lambda: Request("POST", f"{where}?{self.query}", self.fresh(user)),
            "update": lambda: Request("PUT", dry, changed),
            "patch": lambda: Request("PATCH", dry, self.change, MERGE),
            "delete": lambda: Request("DELETE", dry),
            "deletecollection": lambda: Request(
                "DELETE", f"{self.collection}?{DRY}&fieldSelector=metadata.name%3D{self.name}"
            ),
        }
        return requests[verb]()


def rows(world: World) -> list[Row]:
    """Return every row, in the order of the file."""
    return [*_ours(world), *_statuses(world), *_children(world), *_pods(world), *_elsewhere(world), *_cluster(world)]


def our_path(world: World, kind: str) -> str:
    """Return the path of a kind of ours in the trading namespace."""
    return f"/apis/{GROUP}/{VERSION}/namespaces/{world.desk}/{PLURALS[kind]}"


def core_path(world: World, plural: str, group: str = "") -> str:
    """Return the path of a kind of Kubernetes' own in the trading namespace."""
    prefix = f"/apis/{group}/v1" if group else "/api/v1"
    return f"{prefix}/namespaces/{world.desk}/{plural}"


def _ours(world: World) -> Iterator[Row]:
    for kind, plural in PLURALS.items():
        yield Row(plural, our_path(world, kind), _seeded(kind), fresh=partial(_new, kind))


def _new(kind: str, user: str) -> Document:
    if kind == "PolicyLedgerEntry":
        return ours(kind, user, "ple-8", {"spec.sequence": 8})
    return ours(kind, user, "new")


def _seeded(kind: str) -> str:
    return str(ours(kind, "")["metadata"]["name"])


def _statuses(world: World) -> Iterator[Row]:
    for kind, plural in PLURALS.items():
        if kind != "PolicyLedgerEntry":  # has none
            verbs = ("get", "update", "patch")
            yield Row(f"{plural}/status", our_path(world, kind), _seeded(kind), verbs, "status", change=_STATUS)


_GROUPS = {
    "Secret": ("", "secrets"),
    "ConfigMap": ("", "configmaps"),
    "Service": ("", "services"),
    "ServiceAccount": ("", "serviceaccounts"),
    "PersistentVolumeClaim": ("", "persistentvolumeclaims"),
    "Pod": ("", "pods"),
    "StatefulSet": ("apps", "statefulsets"),
    "Job": ("batch", "jobs"),
    "NetworkPolicy": ("networking.k8s.io", "networkpolicies"),
    "PodDisruptionBudget": ("policy", "poddisruptionbudgets"),
    "Role": ("rbac.authorization.k8s.io", "roles"),
    "RoleBinding": ("rbac.authorization.k8s.io", "rolebindings"),
}


def _children(world: World) -> Iterator[Row]:
    """Yield what the operator makes: one object that it made, then one that somebody else did."""
    for name in (OURS, THEIRS):
        for kind, (group, plural) in _GROUPS.items():
            path = core_path(world, plural, group)
            verbs = tuple(verb for verb in VERBS if name == OURS or verb != "list")  # which lists both
            called = our_name(kind) if name == OURS else THEIRS
            yield Row(f"{plural}, {_whose(name)}", path, called, verbs, fresh=_fresh(kind, name))
            if kind == "StatefulSet":
                scaled = {"spec": {"replicas": 2}}
                yield Row(f"{plural}/scale, {_whose(name)}", path, called, ("get", "patch"), "scale", change=scaled)


def _whose(name: str) -> str:
    return "ours" if name == OURS else "theirs"


def _fresh(kind: str, name: str) -> Callable[[str], Document]:
    labels = CHILD if name == OURS else None
    return lambda user: plain(kind, "new", labels)


def _pods(world: World) -> Iterator[Row]:
    """Yield the ways into a pod. It has no node, so that whoever is let through is told that instead."""
    path = core_path(world, "pods")
    for name, whose in ((POD, "ours"), (THEIRS, "theirs")):
        for way, query, fine in _WAYS:
            yield Row(f"pods/{way}, {whose}", path, name, ("create",), way, query=query, fine=fine)
        change, post = _DEBUGGER, ("create",)
        yield Row(f"pods/ephemeralcontainers, {whose}", path, name, ("patch",), "ephemeralcontainers", change=change)
        yield Row(f"pods/log, {whose}", path, name, ("get",), "log")
        yield Row(f"pods/eviction, {whose}", path, name, post, "eviction", fresh=_eviction(name))
    accounts = core_path(world, "serviceaccounts")
    for name in (OURS, THEIRS):
        yield Row(f"serviceaccounts/token, {_whose(name)}", accounts, name, post, "token", fresh=lambda user: _TOKEN)


_NO_NODE = "does not have a host assigned"
_WAYS = (
    ("exec", "command=true&stdout=true", _NO_NODE),
    ("attach", "stdout=true", _NO_NODE),
    ("portforward", "ports=8080", _NO_NODE),
    ("proxy", "", "address not allowed"),
)
_SAFE = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_DEBUGGER = {"spec": {"ephemeralContainers": [{"name": "d", "image": "none.invalid/none", "securityContext": _SAFE}]}}
_TOKEN = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}


def _eviction(name: str) -> Callable[[str], Document]:
    return lambda user: {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}


def _elsewhere(world: World) -> Iterator[Row]:
    """Yield what is in the operator's namespace."""
    system = World(world.system, world.admin)
    account = ("get", "update", "patch", "delete")
    yield Row("secrets, operator's namespace", core_path(system, "secrets"), "none", ("list",))
    yield Row(
        "serviceaccounts, operator's namespace", core_path(system, "serviceaccounts"), "alphatrade-operator", account
    )
    token = core_path(system, "serviceaccounts")
    name = "alphatrade-operator"
    yield Row(
        "serviceaccounts/token, operator's namespace", token, name, ("create",), "token", fresh=lambda user: _TOKEN
    )
    leases = core_path(system, "leases", "coordination.k8s.io")
    yield Row("leases, operator's namespace", leases, "none", ("list", "create"), fresh=lambda user: _LEASE)


_LEASE = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "new"}}


def _cluster(world: World) -> Iterator[Row]:
    """Yield what is of no namespace."""
    single = tuple(verb for verb in VERBS if verb != "deletecollection")
    yield Row("namespaces", "/api/v1/namespaces", world.desk, single, fresh=lambda user: namespace("privileges-new"))
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    yield Row("customresourcedefinitions", definitions, f"strategies.{GROUP}", tuple(v for v in VERBS if v != "create"))
    for plural, kind in _ADMISSION.items():
        path = f"/apis/admissionregistration.k8s.io/v1/{plural}"
        yield Row(plural, path, "privileges", fresh=partial(_new_admission, kind))
    for plural in ("clusterroles", "clusterrolebindings"):
        verbs = ("get", "patch", "delete")
        yield Row(plural, f"/apis/rbac.authorization.k8s.io/v1/{plural}", "alphatrade-operator", verbs)


_ADMISSION = {
    "validatingadmissionpolicies": "ValidatingAdmissionPolicy",
    "validatingadmissionpolicybindings": "ValidatingAdmissionPolicyBinding",
}


def _new_admission(kind: str, user: str) -> Document:
    return admission(kind, "privileges-new")


def admission(kind: str, name: str) -> Document:
    """Return a policy that is about nothing, or a binding of none."""
    rule = {"apiGroups": [GROUP], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["decoys"]}
    policy = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "true"}]}
    binding = {"policyName": "privileges-none", "validationActions": ["Audit"]}
    spec = policy if kind == "ValidatingAdmissionPolicy" else binding
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
