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
from kube_fixtures import CHARTS, SYSTEM_NAMESPACE, TRADING

ACCOUNT = "alphatrade-operator"
OURS = "strategies,brokerconnections,marketdatafeeds,risktemplates,killswitches"
CHILDREN = "statefulsets,services,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets,roles"
DECOMMISSIONED = f"alphatrade.io/decommissioned={'0' * 64}"


@dataclass
class Places:
    """given: the operator may work there.  other: a trading namespace of somebody else.  system: the operator's."""

    kube: Kube
    given: str
    other: str
    system: str
    operator: OperatorProcess

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{self.system}:{ACCOUNT}"

    def apply(self, namespace: str, *manifests: dict[str, Any]) -> None:
        items = [{"apiVersion": "alphatrade.io/v1alpha1", **manifest} for manifest in manifests]
        self.kube.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=namespace)

    def reason(self, namespace: str, what: str, kind: str = "Ready") -> str | None:
        conditions = self.kube.get(what, namespace=namespace).get("status", {}).get("conditions", [])
        return next((one["reason"] for one in conditions if one["type"] == kind), None)

    def may(self, verb: str, resource: str, namespace: str) -> bool:
        words = ("auth", "can-i", verb, resource, "-n", namespace, "--as", self.user)
        said = self.kube.runner(self.kube.command("sh", "-c", f"kubectl {' '.join(words)} 2>/dev/null || true"))
        return said.strip() == "yes"


@pytest.fixture
def places(alone: Kube, tmp_path: Path) -> Iterator[Places]:
    """Make the namespaces and the Roles of the chart, and an operator that has them and nothing else."""
    key = uuid.uuid4().hex[:6]
    given, other, system = f"roles-given-{key}", f"roles-other-{key}", f"roles-sys-{key}"
    for namespace in (given, other, system):
        alone.kubectl("create", "namespace", namespace)
    alone.kubectl("label", "namespace", other, *(f"{name}={value}" for name, value in TRADING.items()))
    _install(alone, system, given)
    kubeconfig = _as_account(alone, system, tmp_path / "kubeconfig")
    settings = {"operator_namespace": system, "namespaces": [given], "scope": "Namespaces"}
    operator = OperatorProcess(tmp_path / "operator", kubeconfig, experiment_may_paper=True, **settings)
    made = Places(alone, given, other, system, operator)
    with _named_by_the_law(alone, made.user):
        try:
            yield made
        finally:
            _remove(made)


def _install(kube: Kube, system: str, given: str) -> None:
    """Apply what the chart gives the operator's account in a namespaced install."""
    only = ("--show-only", "templates/rbac.yaml", "--show-only", "templates/serviceaccount.yaml")
    scope = ("--set", f"rbac.scope=Namespaces,operator.namespaces={{{given}}}")
    version = ("--kube-version", "1.32.0")
    kube.apply(kube.helm("template", "alphatrade", CHARTS / "alphatrade", "-n", system, *only, *scope, *version))


def _as_account(kube: Kube, namespace: str, file: Path) -> Path:
    """Write a kubeconfig whose only credential is a token of the operator's account."""
    given = json.loads(kube.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    token = kube.kubectl("create", "token", ACCOUNT, "-n", namespace, "--duration=1h").strip()
    user = given["contexts"][0]["context"]["user"]
    file.write_text(json.dumps({**given, "users": [{"name": user, "user": {"token": token}}]}))
    return file


@contextmanager
def _named_by_the_law(kube: Kube, user: str) -> Iterator[None]:
    """Let the admission policies, where they are installed, take this account for the operator's."""
    law = ("configmap", "alphatrade-law", "-n", SYSTEM_NAMESPACE)
    try:
        before = kube.get(*law)["data"]
    except ClusterError:
        yield
        return
    kube.kubectl("patch", *law, "--type=merge", "-p", json.dumps({"data": {"user": user}}))
    try:
        yield
    finally:
        kube.kubectl("patch", *law, "--type=merge", "-p", json.dumps({"data": before}))


def _remove(places: Places) -> None:
    """Let the operator let go of what it holds, then remove the namespaces."""
    if places.operator.process is None:
        places.operator.start()
    for kind in ("strategies", "brokerconnections", "marketdatafeeds", "risktemplates"):
        places.kube.kubectl("delete", kind, "--all", "-n", places.given, "--timeout=60s")
    places.operator.stop()
    for namespace in (places.given, places.other, places.system):
        places.kube.kubectl("annotate", "namespace", namespace, DECOMMISSIONED)
        places.kube.kubectl("delete", "namespace", namespace, "--wait=false")


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
    places.apply(places.system, switch("all", mode="Halt", scope="Cluster"))
    operator.start()

    # Named in its settings and given to it by a Role, but not labelled: still no namespace for trading.
    kube.until("the label is missed", lambda: places.reason(places.given, "strategy/alpha") == "NamespaceNotTrading")
    kube.kubectl("label", "namespace", places.given, *(f"{name}={value}" for name, value in TRADING.items()))
    kube.until("all have their pods", lambda: len(kube.get("statefulsets", namespace=places.given)["items"]) == 3)
    kube.until("it has its policies", lambda: kube.get("networkpolicies", namespace=places.given)["items"])
    assert kube.get("strategy/alpha", namespace=places.given)["metadata"]["finalizers"]
    assert places.reason(places.given, "risktemplate/law") == "InForce"

    # A kill switch for the whole cluster acts from the operator's namespace, which runtimes may read.
    (binding,) = kube.get("rolebindings", "-l", "alphatrade.io/kind=strategy", namespace=places.system)["items"]
    assert binding["subjects"][0]["namespace"] == places.given
    kube.until(
        "it is counted", lambda: kube.get("killswitch/all", namespace=places.system)["status"].get("matched") == 1
    )

    assert _untouched(places, places.other)
    log = operator.log.read_text()
    assert "403" not in log
    assert "Forbidden" not in log


def test_it_has_no_right_elsewhere(places):
    assert places.may("list", "strategies.alphatrade.io", places.given)
    for verb, resource in (("list", "strategies.alphatrade.io"), ("get", "secrets"), ("create", "roles")):
        assert not places.may(verb, resource, places.other)
    for verb, resource in (("list", "namespaces"), ("watch", "namespaces"), ("list", "customresourcedefinitions")):
        assert not places.may(verb, resource, places.given)
