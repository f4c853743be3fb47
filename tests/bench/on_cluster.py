"""What the benchmarks on a cluster share: the product as Helm installs it, and a namespace with a desk that trades.

The cluster is the one that tests get; one that was down is taken down again.
"""

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alphatrade import names
from cluster.backend import choose
from cluster.kubectl import Kube
from kube_fixtures import Installed, settings, trading_namespace, upgrade, wait_for_the_last

FEED, BROKER, SYMBOL = "market", "paper", "SIM-A"
_READY_S = 600
_SMALL = {"requests": {"cpu": "10m", "memory": "128Mi"}}


@contextmanager
def product(*values: str) -> Iterator[Installed]:
    """Bring the cluster up and install the product of this tree; clients of this process find it by their environment.

    values: more words for Helm.
    """
    backend = choose()
    found_up = backend.is_up()
    backend.up()
    try:
        kube, image = backend.kube(), backend.build_image()
        os.environ.update(kube.env)
        backend.load_image(image)
        repository, _, tag = image.rpartition(":")
        kube.helm(*upgrade("alphatrade-crds"))
        kube.helm(*upgrade("alphatrade"), *settings(repository, tag), *values, "--wait", "--timeout", "180s")
        yield Installed(kube, image)
    finally:
        if not found_up:
            backend.down()


@dataclass(frozen=True)
class Trading:
    """How busy a desk is: its market's events a second, and the averages whose crossing makes an order."""

    quotes_per_s: float
    fast: int
    slow: int


class Desk:
    """A namespace with a simulated market in real time, a paper account and strategies on both."""

    def __init__(self, kube: Kube, namespace: str, trading: Trading) -> None:
        self.kube, self.namespace, self._trading = kube, namespace, trading

    def open(self) -> None:
        """Make market and account, and wait until they serve."""
        self.apply(*surroundings(self._trading))
        self._wait_for("marketdatafeed", FEED)

    def start(self, strategies: Sequence[str]) -> None:
        """Start strategies and wait until they trade."""
        self.apply(*(strategy_document(name, self._trading) for name in strategies))
        for name in strategies:
            self._wait_for("strategy", name)

    def end(self, strategies: Sequence[str]) -> None:
        """Let strategies get flat and go."""
        self.kubectl("delete", "strategy", *strategies, f"--timeout={_READY_S}s")

    def apply(self, *documents: dict[str, Any]) -> None:
        """Apply documents; returns when kubectl has."""
        listed = {"apiVersion": "v1", "kind": "List", "items": documents}
        self.kube.apply(json.dumps(listed), namespace=self.namespace)

    def kubectl(self, *words: object) -> str:
        """Run kubectl in the namespace."""
        return self.kube.kubectl("-n", self.namespace, *words)

    def pod_of(self, strategy: str) -> dict[str, Any]:
        """Return the pod of a strategy."""
        labels = f"{names.KIND_LABEL}=strategy,{names.OWNER_LABEL}={strategy}"
        (pod,) = self.kube.get("pods", "-l", labels, namespace=self.namespace)["items"]
        return dict(pod)

    def restarts(self) -> dict[str, str]:
        """Return the pods whose container was started again, and what the one before ended with."""
        found = {}
        for pod in self.kube.get("pods", namespace=self.namespace)["items"]:
            for container in pod["status"].get("containerStatuses", []):
                if container["restartCount"]:
                    found[pod["metadata"]["name"]] = json.dumps(container["lastState"])
        return found

    def in_pod(self, strategy: str, *words: str) -> str:
        """Run a command in the pod of a strategy; return what it printed."""
        return self.kubectl("exec", self.pod_of(strategy)["metadata"]["name"], "--", *words)

    def data_file(self, strategy: str, ends: str) -> str:
        """Return a file of a strategy's volume by how its path ends, as base64. Raises ValueError unless it is one."""
        found = f"find {shlex.quote(names.DATA_FOLDER)} -path {shlex.quote('*' + ends)}"
        (path,) = self.in_pod(strategy, "sh", "-c", found).split()
        return self.in_pod(strategy, "base64", path)

    def _wait_for(self, kind: str, name: str) -> None:
        self.kubectl("wait", "--for=condition=Ready", f"{kind}/{name}", f"--timeout={_READY_S}s")


@contextmanager
def desk(kube: Kube, name: str, trading: Trading) -> Iterator[Desk]:
    """Make a namespace and the desk in it; all of it goes."""
    with trading_namespace(kube, name) as namespace:
        made = Desk(kube, namespace, trading)
        made.open()
        yield made
    wait_for_the_last(kube)


def surroundings(trading: Trading) -> tuple[dict[str, Any], ...]:
    """Return what the strategies of a desk refer to."""
    return (*_law("strategy", 10), *_law("account", 10_000), _feed(trading), _broker())


def document(kind: str, name: str, spec: dict[str, Any], version: str = names.API_VERSION) -> dict[str, Any]:
    """Return a resource."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _law(name: str, lots: int) -> list[dict[str, Any]]:
    """Return a law that binds nothing which the benchmarks do."""
    limits = {"maxOrdersPerSecond": 500, "maxOrdersPerMinute": 5_000}
    instrument = {"symbol": SYMBOL, "maxPositionLots": lots, "maxOrderLots": 2 * lots}
    return [document("RiskTemplate", name, {"limits": limits, "instruments": [instrument]})]


def _feed(trading: Trading) -> dict[str, Any]:
    market = {"instruments": [{"symbol": SYMBOL, "quotes_per_s": trading.quotes_per_s}]}
    simulator = {"seed": 11, "duration": "1h", "speed": "Realtime", "config": market}
    instrument = {
        "symbol": SYMBOL, "tickSize": "0.01", "lotSize": "1", "makerFeeRate": "0", "takerFeeRate": "0.0001",
    }  # fmt: skip
    return document("MarketDataFeed", FEED, {"simulator": simulator, "instruments": [instrument]})


def _broker() -> dict[str, Any]:
    paper = {"initialCash": "10000000", "currency": "USDT", "orderEntryLatency": "1ms", "responseLatency": "1ms"}
    spec = {"environment": "Paper", "paper": paper, "riskTemplateRef": {"name": "account"}}
    return document("BrokerConnection", BROKER, spec)


def strategy_document(name: str, trading: Trading, **more: Any) -> dict[str, Any]:
    """Return a strategy of a desk. more: of its spec."""
    policy = {
        "name": "trend", "executionTopology": {"type": "Market"},
        "signal": {"ref": "ema_cross", "params": {"fast": trading.fast, "slow": trading.slow}},
    }  # fmt: skip
    spec = {
        "mode": "Paper", "marketDataFeedRef": {"name": FEED}, "brokerConnectionRef": {"name": BROKER},
        "riskTemplateRef": {"name": "strategy"}, "genotype": {"policies": [policy]},
        "decisionClock": {"type": "QuoteChange", "interval": "100ms"}, "resources": _SMALL, **more,
    }  # fmt: skip
    return document("Strategy", name, spec)
