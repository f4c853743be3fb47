"""An operator that has Roles only: it works in the namespaces that it was given, and knows nothing of the others."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.operator.operator_process import OperatorProcess
from api.operator.resources import everything, switch
from cluster.kubectl import Kube
from cluster.settings import ClusterError
from kube_fixtures import CHARTS, SYSTEM_NAMESPACE, TRADING, remove_namespaces

ACCOUNT = "alphatrade-operator"
OURS = "strategies,brokerconnections,marketdatafeeds,risktemplates,killswitches"
CHILDREN = "statefulsets,services,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets,roles"
SWITCH = "roles-only-drill"


@dataclass
class Places:
    """given: the operator may work there.  other: a trading namespace of somebody else.  system: the operator's."""

    kube: Kube
    given: str
    other: str
    system: str
    operator: OperatorProcess

    def apply(self, namespace: str, *manifests: dict[str, Any]) -> None:
        items = [{"apiVersion": "alphatrade.io/v1alpha1", **manifest} for manifest in manifests]
        self.kube.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)

    def reason(self, namespace: str, what: str, kind: str = "Ready") -> str | None:
        conditions = self.kube.get(what, namespace=namespace).get("status", {}).get("conditions", [])
        return next((one["reason"] for one in conditions if one["type"] == kind), None)

    def may(self, verb: str, resource: str, namespace: str) -> bool:
        words = (
            "auth",
            "can-i",
            verb,
            resource,
            "-n",
            namespace,
            "--as",
            f"system:serviceaccount:{self.system}:{ACCOUNT}",
        )
        said = self.kube.runner(self.kube.command("sh", "-c", f"kubectl {' '.join(words)} 2>/dev/null || true"))
        return said.strip() == "yes"


@pytest.fixture
def places(alone: Kube, tmp_path: Path) -> Iterator[Places]:
    """Make the namespaces, and let the operator's account have the chart's Roles and nothing else."""
    key = uuid.uuid4().hex[:6]
    given, other = f"roles-given-{key}", f"roles-other-{key}"
    for namespace in (given, other):
        alone.kubectl("create", "namespace", namespace)
    alone.kubectl("label", "namespace", other, *(f"{name}={value}" for name, value in TRADING.items()))
    with _roles_only(alone, given):
        kubeconfig = _as_account(alone, tmp_path / "kubeconfig")
        settings = {"operator_namespace": SYSTEM_NAMESPACE, "namespaces": [given], "scope": "Namespaces"}
        operator = OperatorProcess(tmp_path / "operator", kubeconfig, experiment_may_paper=True, **settings)
        made = Places(alone, given, other, SYSTEM_NAMESPACE, operator)
        try:
            yield made
        finally:
            _remove(made)


@contextmanager
def _roles_only(kube: Kube, given: str) -> Iterator[None]:
    """Apply what the chart gives the account in a namespaced install; what it had before it has again afterwards."""
    only = ("--show-only", "templates/rbac.yaml", "--show-only", "templates/serviceaccount.yaml")
    scope = ("--set", f"rbac.scope=Namespaces,operator.namespaces={{{given}}}")
    chart = ("template", "alphatrade", CHARTS / "alphatrade", "-n", SYSTEM_NAMESPACE, "--kube-version", "1.32.0")
    here = ("-n", SYSTEM_NAMESPACE)
    rights = [("clusterrolebinding", ACCOUNT), *((kind, ACCOUNT, *here) for kind in ("role", "rolebinding"))]
    before = [_seen(kube, *right) for right in rights]
    for right in rights:
        kube.kubectl("delete", *right, "--ignore-not-found")
    try:
        kube.apply(kube.helm(*chart, *only, *scope), "--server-side", "--force-conflicts")
        yield
    finally:
        for right, was in zip(rights, before, strict=True):
            kube.kubectl("delete", *right, "--ignore-not-found")
            if was:
                kube.kubectl("create", "-f", "-", stdin=json.dumps(was))


def _seen(kube: Kube, *words: str) -> dict[str, Any] | None:
    """Return an object as it can be created again; None where there is none."""
    try:
        found: dict[str, Any] = kube.get(*words)
    except ClusterError:
        return None
    for name in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
        found["metadata"].pop(name, None)
    return found


def _as_account(kube: Kube, file: Path) -> Path:
    """Write a kubeconfig whose only credential is a token of the operator's account."""
    given = json.loads(kube.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    token = kube.kubectl("create", "token", ACCOUNT, "-n", SYSTEM_NAMESPACE, "--duration=1h").strip()
    user = given["contexts"][0]["context"]["user"]
    file.write_text(json.dumps({**given, "users": [{"name": user, "user": {"token": token}}]}))
    file.chmod(0o600)
    return file


def _remove(places: Places) -> None:
    """Let the operator let go of what it holds, then remove the namespaces."""
    if places.operator.process is None:
        places.operator.start()
    places.kube.kubectl("delete", "killswitch", SWITCH, "-n", places.system, "--ignore-not-found")
    for kind in ("strategies", "brokerconnections", "marketdatafeeds", "risktemplates"):
        places.kube.kubectl("delete", kind, "--all", "-n", places.given, "--timeout=60s")
    places.operator.stop()
    remove_namespaces(places.kube, places.given, places.other, "--wait=false")


def _untouched(places: Places, namespace: str) -> bool:
    """Whether no operator has written anything in a namespace."""
    ours = places.kube.get(OURS, namespace=namespace)["items"]
    children = places.kube.get(CHILDREN, "-l", f"app.kubernetes.io/managed-by={ACCOUNT}", namespace=namespace)["items"]
    written = [one for one in ours if "status" in one or one["metadata"].get("finalizers")]
    return bool(ours) and not written and not children


def test_it_reconciles_where_it_has_roles_and_nowhere_else(places):
    kube, operator = places.kube, places.operator
    for namespace in (places.given, places.other):
        places.apply(namespace, *everything())
    places.apply(places.system, switch(SWITCH, mode="Halt", scope="Cluster"))
    operator.start()

    # Named in its settings and given to it by a Role, but not labelled: still no namespace for trading.
    kube.until("the label is missed", lambda: places.reason(places.given, "strategy/alpha") == "NamespaceNotTrading")
    kube.kubectl("label", "namespace", places.given, *(f"{name}={value}" for name, value in TRADING.items()))
    kube.until("all have their pods", lambda: len(kube.get("statefulsets", namespace=places.given)["items"]) == 3)
    kube.until("it has its policies", lambda: kube.get("networkpolicies", namespace=places.given)["items"])
    assert kube.get("strategy/alpha", namespace=places.given)["metadata"]["finalizers"]
    assert places.reason(places.given, "risktemplate/law") == "InForce"

    # A kill switch for the whole cluster acts from the operator's namespace, which runtimes may read.
    bindings = kube.get("rolebindings", "-l", "alphatrade.io/kind=strategy", namespace=places.system)["items"]
    assert places.given in {one["subjects"][0]["namespace"] for one in bindings}
    stop = (f"killswitch/{SWITCH}", "-n", places.system, "-o", "jsonpath={.status.matched}")
    kube.until("it is counted", lambda: kube.kubectl("get", *stop) == "1")

    assert _untouched(places, places.other)

    # Nothing that it asked for was beyond its Roles but the law, and what it cannot see it takes for absent.
    refused = [line for line in operator.log.read_text().splitlines() if "403" in line]
    assert refused
    assert all("validatingadmissionpolicies" in line for line in refused)
    assert "alphatrade_operator_law_faults 1.0" in operator.page("metrics")[1]


def test_it_has_no_right_elsewhere(places):
    assert places.may("list", "strategies.alphatrade.io", places.given)
    for verb, resource in (("list", "strategies.alphatrade.io"), ("get", "secrets"), ("create", "roles")):
        assert not places.may(verb, resource, places.other)
    for verb, resource in (("list", "namespaces"), ("watch", "namespaces"), ("list", "customresourcedefinitions")):
        assert not places.may(verb, resource, places.given)
