"""Who may talk to whom: one table, which network policies and their tests are made from."""

from dataclasses import dataclass
from typing import Any

from alphatrade.names import GRPC_PORT, HTTP_PORT

COMPONENT = "app.kubernetes.io/component"
PART_OF = {"app.kubernetes.io/part-of": "alphatrade"}
CLIENT_LABEL = "alphatrade.io/client"  # on pods of a user's own that call Decide
MONITORING_LABEL = "alphatrade.io/monitoring"  # on namespaces whose pods scrape
_NAMESPACE = "kubernetes.io/metadata.name"
_DNS_PORT = 53
_API_PORTS = (443, 6443)


@dataclass(frozen=True, slots=True)
class Peer:
    """Pods at one end. namespace: labels of theirs; None is the trading namespace itself.  anywhere: any address."""

    labels: dict[str, str] | None = None
    namespace: dict[str, str] | None = None
    anywhere: bool = False

    @property
    def ours(self) -> bool:
        """Whether they are pods in the trading namespace, so that a policy there can select them."""
        return self.namespace is None and not self.anywhere


@dataclass(frozen=True, slots=True)
class Flow:
    """One thing that is allowed. ports: (protocol, number)."""

    name: str
    source: Peer
    target: Peer
    ports: tuple[tuple[str, int], ...]


def component(name: str) -> Peer:
    """Return the pods of one component in the trading namespace."""
    return Peer({**PART_OF, COMPONENT: name})


def flows(operator_namespace: str) -> tuple[Flow, ...]:
    """Return everything that is allowed in a trading namespace."""
    operator = Peer({**PART_OF, COMPONENT: "operator"}, {_NAMESPACE: operator_namespace})
    monitoring = Peer(namespace={MONITORING_LABEL: "true"})
    every, strategy, feed, broker = Peer(PART_OF), component("strategy"), component("feed"), component("broker")
    grpc, http = (("TCP", GRPC_PORT),), (("TCP", HTTP_PORT),)
    dns = (("UDP", _DNS_PORT), ("TCP", _DNS_PORT))
    return (
        Flow("operator-control", operator, every, (*grpc, *http)),
        Flow("scrape", monitoring, every, http),
        Flow("strategy-feed", strategy, feed, grpc),
        Flow("strategy-broker", strategy, broker, grpc),
        Flow("broker-feed", broker, feed, grpc),
        Flow("strategy-permits", strategy, operator, grpc),
        Flow("client-strategy", Peer({CLIENT_LABEL: "true"}), strategy, grpc),
        Flow("strategy-api", strategy, Peer(anywhere=True), tuple(("TCP", port) for port in _API_PORTS)),
        Flow("dns", every, Peer(namespace={_NAMESPACE: "kube-system"}), dns),
    )


def peer_of(peer: Peer) -> list[dict[str, Any]]:
    """Return a peer as NetworkPolicies write it; an empty list is any address."""
    if peer.anywhere:
        return []
    selectors: dict[str, Any] = {}
    if peer.namespace is not None:
        selectors["namespaceSelector"] = {"matchLabels": peer.namespace}
    if peer.labels is not None:
        selectors["podSelector"] = {"matchLabels": peer.labels}
    return [selectors]
