"""A trading namespace and an operator's beside it, and operators that look at these two only."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from alphatrade.names import child_name
from api.operator.operator_process import OperatorProcess
from cluster.kubectl import Kube
from cluster.settings import ClusterError
from kube_fixtures import (  # noqa: F401
    TRADING,
    alone,
    backend,
    cluster,
    definitions,
    lend_lease,
    operator_kubeconfig,
    remove_namespaces,
)


@dataclass
class Desk:
    """own: the trading namespace.  system: the operator's."""

    kube: Kube
    own: str
    system: str
    folder: Path
    started: list[OperatorProcess] = field(default_factory=list)

    def operator(self, **settings: Any) -> OperatorProcess:
        """Make an operator, not started yet."""
        given = {"operator_namespace": self.system, "namespaces": [self.own], "experiment_may_paper": True}
        made = OperatorProcess(self.folder / str(len(self.started)), **{**given, **settings})
        self.started.append(made)
        return made

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply manifests as a user does."""
        items = [{"apiVersion": "alphatrade.io/v1alpha1", **manifest} for manifest in manifests]
        self.kube.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), namespace=self.own)

    def get(self, *words: str) -> Any:
        """Return an object, or a list; None when it is not there."""
        try:
            return self.kube.get(*words, namespace=self.own)
        except ClusterError as error:
            if "NotFound" in str(error):
                return None
            raise

    def condition(self, what: str, kind: str) -> tuple[str, str] | None:
        """Return status and reason of a condition of an object."""
        found = (self.get(what) or {}).get("status", {}).get("conditions", [])
        return next(((one["status"], one["reason"]) for one in found if one["type"] == kind), None)

    def child(self, kind: str = "strategy", name: str = "alpha") -> str:
        """Return the name of the children of a resource."""
        prefix = {"strategy": "st", "marketdatafeed": "mdf", "brokerconnection": "bc"}[kind]
        return child_name(prefix, name, self.get(kind, name)["metadata"]["uid"])

    def versions(self) -> dict[str, str]:
        """Return the resource versions of everything in both namespaces that an operator may write."""
        kinds = (
            "risktemplates,strategies,killswitches,marketdatafeeds,brokerconnections,statefulsets,services,configmaps,"
            "secrets,serviceaccounts,networkpolicies,poddisruptionbudgets,roles,rolebindings,events"
        )
        found = {}
        for namespace in (self.own, self.system):
            for item in self.kube.get(kinds, namespace=namespace)["items"]:
                metadata = item["metadata"]
                found[f"{namespace}/{item['kind']}/{metadata['name']}"] = metadata["resourceVersion"]
        return found

    def settled(self, operator: OperatorProcess, quiet_s: float = 2.0, timeout_s: float = 60.0) -> dict[str, str]:
        """Wait until nothing has been written for a while; return the resource versions of everything."""
        end_s = time.monotonic() + timeout_s
        before, since_s = self.versions(), time.monotonic()
        while time.monotonic() - since_s < quiet_s:
            assert time.monotonic() < end_s, operator.log.read_text()[-3_000:]
            time.sleep(0.5)
            now = self.versions()
            if now != before:
                before, since_s = now, time.monotonic()
        return before


@pytest.fixture
def desk(alone: Kube, operator_kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:  # noqa: F811
    """Make the namespaces; end every operator and remove them afterwards. Operators are whom the chart makes them."""
    monkeypatch.setenv("KUBECONFIG", str(operator_kubeconfig))
    name = uuid.uuid4().hex[:6]
    made = Desk(alone, f"opcore-desk-{name}", f"opcore-sys-{name}", tmp_path)
    for namespace in (made.own, made.system):
        alone.kubectl("create", "namespace", namespace)
    alone.kubectl("label", "namespace", made.own, *(f"{key}={value}" for key, value in TRADING.items()))
    lend_lease(alone, made.system)
    yield made
    for started in made.started:
        started.kill()
    _let_go(made)
    remove_namespaces(alone, made.own, made.system, "--wait=false")


def _let_go(desk: Desk) -> None:
    """Take our finalizers off, since no operator is there any more to do it."""
    for kind in ("strategies", "brokerconnections", "marketdatafeeds", "risktemplates"):
        for item in desk.get(kind)["items"]:
            patch = json.dumps({"metadata": {"finalizers": None}})
            name = item["metadata"]["name"]
            desk.kube.kubectl("patch", kind, name, "-n", desk.own, "--type=merge", "-p", patch)
