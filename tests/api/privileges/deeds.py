"""What takes more than a verb of RBAC: each deed as the one request that does it, tried dry."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from alphatrade.names import DECOMMISSIONED
from alphatrade_operator.core.model import GROUP
from alphatrade_operator.strategy.abandon import ABANDON
from api.privileges.caller import MERGE, Request
from api.privileges.rows import DRY, core_path, our_path
from api.privileges.world import CHILD, OURS, VOLUME, World, ours, plain

Document = dict[str, Any]
HASH = "a" * 64
WORKLOADS = {
    "StatefulSet": ("apps", "statefulsets"),
    "Deployment": ("apps", "deployments"),
    "DaemonSet": ("apps", "daemonsets"),
    "ReplicaSet": ("apps", "replicasets"),
    "ReplicationController": ("", "replicationcontrollers"),
    "Job": ("batch", "jobs"),
    "CronJob": ("batch", "cronjobs"),
}


@dataclass(frozen=True)
class Deed:
    """Something that somebody wants to do. request: given the name of the user who asks."""

    title: str
    request: Callable[[str], Request]


def deeds(world: World) -> list[Deed]:
    """Return every deed, in the order of the file."""
    parts = (_kill_switches, _strategies, _voices, _namespaces, _pods, _borrowed)
    return [deed for part in parts for deed in part(world)]


def _post(path: str, body: Document) -> Request:
    return Request("POST", f"{path}?{DRY}", body)


def _patch(path: str, body: Document) -> Request:
    return Request("PATCH", f"{path}?{DRY}", body, MERGE)


def _changed(title: str, path: str, **spec: Any) -> Deed:
    return Deed(title, lambda user: _patch(path, {"spec": spec}))


def _annotated(title: str, path: str, key: str, value: str | None) -> Deed:
    return Deed(title, lambda user: _patch(path, {"metadata": {"annotations": {key: value}}}))


def _kill_switches(world: World) -> Iterator[Deed]:
    path = our_path(world, "KillSwitch")
    armed, engaged = f"{path}/killswitch", f"{path}/engaged"
    halt = {"spec.mode": "Halt"}
    yield Deed("engage a kill switch by making it", lambda user: _post(path, ours("KillSwitch", user, "new", halt)))
    yield _changed("engage an armed kill switch", armed, mode="Halt")
    yield _changed("raise a kill switch from Reduce to Halt", engaged, mode="Halt")
    yield _changed("widen an engaged kill switch to the whole namespace", engaged, selector=None)
    yield _changed("weaken a kill switch from Reduce to Armed", engaged, mode="Armed")
    yield _changed("narrow an engaged kill switch", engaged, selector={"matchLabels": {"desk": "other"}})
    yield Deed("delete an armed kill switch", lambda user: Request("DELETE", f"{armed}?{DRY}"))
    yield Deed("delete an engaged kill switch", lambda user: Request("DELETE", f"{engaged}?{DRY}"))


def _strategies(world: World) -> Iterator[Deed]:
    path = our_path(world, "Strategy")
    one = f"{path}/strategy"
    image = f"registry.example/alphatrade@sha256:{HASH}"
    yield _changed("take a Strategy to Live", one, mode="Live", runtimeImage=image)
    yield _changed("refer a Strategy to another RiskTemplate", one, riskTemplateRef={"name": "other"})
    yield _changed("refer a Strategy to another account", one, brokerConnectionRef={"name": "other"})
    yield _changed("change a Strategy's genotype", one, seed=8)
    yield _annotated("abandon a Strategy's position", one, ABANDON, HASH)
    account = f"{our_path(world, 'BrokerConnection')}/brokerconnection"
    yield _changed("refer an account to another RiskTemplate", account, riskTemplateRef={"name": "other"})


def _voices(world: World) -> Iterator[Deed]:
    """Yield who speaks for whom."""
    signs, proposes = our_path(world, "SignOff"), our_path(world, "GovernanceProposal")
    yield Deed("sign off as oneself", lambda user: _post(signs, ours("SignOff", user, "new")))
    yield Deed("sign off as somebody else", lambda user: _post(signs, ours("SignOff", "bob", "new")))
    yield Deed("propose as oneself", lambda user: _post(proposes, ours("GovernanceProposal", user, "new")))
    yield Deed("propose as somebody else", lambda user: _post(proposes, ours("GovernanceProposal", "bob", "new")))
    machine = {"spec.source": "Reflection"}
    yield Deed(
        "propose as if it were the Reflection",
        lambda user: _post(proposes, ours("GovernanceProposal", user, "new", machine)),
    )


def _namespaces(world: World) -> Iterator[Deed]:
    here = f"/api/v1/namespaces/{world.desk}"
    yield _annotated("declare the namespace decommissioned", here, DECOMMISSIONED, HASH)
    yield Deed(
        "take the trading label off the namespace",
        lambda user: _patch(here, {"metadata": {"labels": {f"{GROUP}/trading": None}}}),
    )
    definition = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/strategies.{GROUP}"
    yield _annotated("declare a resource definition decommissioned", definition, DECOMMISSIONED, HASH)


def _pods(world: World) -> Iterator[Deed]:
    """Yield pods that take what is the trading pods'."""
    mounts: dict[str, Document] = {
        "a Secret of ours": _mounting({"secret": {"secretName": OURS}}),
        "a volume of ours": _mounting({"persistentVolumeClaim": {"claimName": VOLUME}}),
        "a service account of ours": {"serviceAccountName": OURS},
        "nothing of ours": {},
    }
    for what, pod in mounts.items():
        yield _made(world, f"run a Pod with {what}", "Pod", pod)
    for kind in WORKLOADS:
        yield _made(world, f"run a {kind} with a volume of ours", kind, mounts["a volume of ours"])
    yield _made(world, "make a ConfigMap with the operator's label", "ConfigMap", {}, CHILD)
    yield Deed(
        "make a Secret with a name of the operator's form",
        lambda user: _post(core_path(world, "secrets"), plain("Secret", "st-new-0a1b2c3d")),
    )


def scalers(world: World) -> str:
    """Return the path of the autoscalers in the trading namespace."""
    return f"/apis/autoscaling/v2/namespaces/{world.desk}/horizontalpodautoscalers"


def autoscaler(name: str) -> Document:
    """Return an autoscaler that wants two of the pod of which there is to be one. name: of the StatefulSet."""
    target = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 3}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "new"},
        "spec": spec,
    }


def _mounting(volume: Document) -> Document:
    return {"volumes": [{"name": "taken", **volume}]}


def _made(world: World, title: str, kind: str, pod: Document, labels: dict[str, str] | None = None) -> Deed:
    group, plural = WORKLOADS.get(kind, ("", f"{kind.lower()}s"))
    path = core_path(world, plural, group)
    return Deed(title, lambda user: _post(path, plain(kind, "new", labels, pod)))


def _borrowed(world: World) -> Iterator[Deed]:
    """Yield other people's identities and rights."""
    pod, operator = (f"system:serviceaccount:{where}" for where in (f"{world.desk}:{OURS}", _operator(world)))
    for who, name in (("a trading pod", pod), ("the operator", operator), ("a person", "bob")):
        yield Deed(f"impersonate {who}", partial(_as, name))
    bindings = core_path(world, "rolebindings", "rbac.authorization.k8s.io")
    for role in ("risk-officer", "approver", "platform"):
        yield Deed(f"give oneself the role {role}", partial(_bind_oneself, bindings, role))


def _as(name: str, user: str) -> Request:
    """Ask who one is, which everybody may: what is refused is the impersonation."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    return Request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body, impersonate=name)


def _bind_oneself(path: str, role: str, user: str) -> Request:
    return _post(path, _bound(user, role))


def _operator(world: World) -> str:
    return f"{world.system}:alphatrade-operator"


def _bound(user: str, role: str) -> Document:
    api = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{api}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "new"},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": f"alphatrade-{role}"},
        "subjects": [{"kind": "User", "apiGroup": api, "name": user}],
    }
