"""Render what a trading namespace gets once: pure."""

from collections.abc import Iterator
from typing import Any

from alphatrade.names import GROUP, KIND_LABEL, MANAGED_BY, OWNER_LABEL
from alphatrade_operator.core.plan import Manifest
from alphatrade_operator.namespace.flows import PART_OF, Flow, flows, peer_of
from alphatrade_operator.strategy.children import RUNTIME_ROLE

_MODE_LABEL = "alphatrade.io/mode"
_NAME = "alphatrade"


def render_network_policies(namespace: str, operator_namespace: str) -> tuple[Manifest, ...]:
    """Return the policies: nothing in or out but the flows, each opened at the ends that are in the namespace."""
    deny = _policy(namespace, "default-deny", {}, {"policyTypes": ["Ingress", "Egress"]})
    opened = [policy for flow in flows(operator_namespace) for policy in _opened(namespace, flow)]
    return (deny, *opened)


def render_runtime_role(namespace: str) -> Manifest:
    """Return the one right of a strategy runtime: to read kill switches."""
    rule = {"apiGroups": [GROUP], "resources": ["killswitches"], "verbs": ["get", "list", "watch"]}
    metadata = _metadata(namespace, RUNTIME_ROLE)
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": [rule]}


def render_budget(namespace: str) -> Manifest:
    """Return the PodDisruptionBudget: a drain of a node waits for people where a strategy trades live."""
    labels = {**PART_OF, _MODE_LABEL: "Live"}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(namespace, f"{_NAME}-live"),
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": labels}},
    }


def render_pod_monitor(namespace: str) -> Manifest:
    """Return the PodMonitor that has every pod of the namespace scraped."""
    endpoint = {"port": "http", "path": "/metrics", "interval": "15s"}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": _metadata(namespace, _NAME),
        "spec": {"selector": {"matchLabels": PART_OF}, "podMetricsEndpoints": [endpoint]},
    }


def _opened(namespace: str, flow: Flow) -> Iterator[Manifest]:
    ports = [{"protocol": protocol, "port": port} for protocol, port in flow.ports]
    if flow.target.ours:
        rule: dict[str, Any] = {"from": peer_of(flow.source), "ports": ports}
        spec = {"policyTypes": ["Ingress"], "ingress": [rule]}
        yield _policy(namespace, f"{flow.name}-in", flow.target.labels or {}, spec)
    if flow.source.ours:
        rule = {"to": to, "ports": ports} if (to := peer_of(flow.target)) else {"ports": ports}
        yield _policy(
            namespace, f"{flow.name}-out", flow.source.labels or {}, {"policyTypes": ["Egress"], "egress": [rule]}
        )


def _policy(namespace: str, name: str, labels: dict[str, str], spec: dict[str, Any]) -> Manifest:
    selector: dict[str, Any] = {"matchLabels": labels} if labels else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(namespace, f"{_NAME}-{name}"),
        "spec": {"podSelector": selector, **spec},
    }


def _metadata(namespace: str, name: str) -> dict[str, Any]:
    labels = {
        "app.kubernetes.io/name": "alphatrade",
        "app.kubernetes.io/part-of": "alphatrade",
        "app.kubernetes.io/managed-by": MANAGED_BY,
        KIND_LABEL: "namespace",
        OWNER_LABEL: namespace,
    }
    return {"name": name, "namespace": namespace, "labels": labels}
