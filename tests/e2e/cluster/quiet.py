"""A namespace in which nothing changes, and every write of the operator there, by the API server's audit log."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.backend import Backend
from e2e.cluster.faults import BACK_S, killed
from e2e.cluster.market import ACCOUNT, TURNS, Manifest, account, feed, kill_switch, law, resource, strategy
from e2e.cluster.operators import moment, operator_of, writes_of_operators
from e2e.cluster.place import Place


def manifests() -> list[Manifest]:
    """Return what comes to rest: a session that ends, a Strategy that lacks its feed, a switch that is not engaged."""
    reference = {"name": "nobody"}
    budget = resource("ExplorationBudget", "budget", {"maxFlowShareBps": 100})
    return [
        law(), account(), feed(speed="Max", duration="10m"), strategy("done", TURNS), budget,
        strategy("astray", TURNS, marketDataFeedRef=reference), kill_switch("armed", "Armed"),
    ]  # fmt: skip


@dataclass
class Quiet:
    """The namespace. since: when the operator was started again over it."""

    place: Place
    system: Place
    backend: Backend
    since: datetime | None = None

    def at_rest(self) -> None:
        """Wait until all of it has come to rest."""
        self.place.until_phase("done", "Ended", timeout_s=BACK_S)
        self.place.until_condition("Strategy", "astray", "ReferenceNotFound")
        self.place.until_condition("KillSwitch", "armed", "Armed")
        self.place.until("the account tells what the session came to", self._account_told)

    def _account_told(self) -> bool:
        """Whether the account's status has caught up with its gateway: figures that move are written once a minute."""
        status = self.place.status("BrokerConnection", ACCOUNT)
        metrics = self.place.metrics(self.place.pod("BrokerConnection", ACCOUNT))
        nav = next(value for name, value in metrics.items() if name.startswith("alphatrade_nav_account_currency"))
        return bool(status.get("sessions") == 0 and abs(float(status.get("nav", 0.0)) - nav) < 1e-6)

    def restart(self) -> None:
        """Kill the operator's container; return when another leads in its place, over unchanged objects."""
        pod, _ = operator_of(self.system.kube)
        self.since = datetime.now(UTC)
        killed(self.backend, self.system, pod)

    def left_s(self, window_s: float) -> float:
        """Return how much of a time since the restart is not over yet, s."""
        assert self.since is not None, "the operator was not started again"
        return max(window_s - (datetime.now(UTC) - self.since).total_seconds(), 0.0)

    def writes_before(self) -> int:
        """Return how many writes of the operator in the namespace the log has of the time before the restart."""
        return sum(event["requestReceivedTimestamp"] < self._restart for event in self._events(self.place.namespace))

    def writes(self, window_s: float) -> list[str]:
        """List what the operator wrote within a time after the restart, here and of what belongs to no namespace.

        Leases are not on the log. In the operator's own namespace the objects are those of other stories; a later story
        gives certificates another life, which writes all of them.
        """
        assert self.since is not None, "the operator was not started again"
        end = moment(self.since + timedelta(seconds=window_s))
        found = self._events(self.place.namespace, "")
        return [_line(event) for event in found if self._restart <= event["requestReceivedTimestamp"] < end]

    @property
    def _restart(self) -> str:
        assert self.since is not None, "the operator was not started again"
        return moment(self.since)

    def _events(self, *namespaces: str) -> Iterator[dict[str, Any]]:
        for event in writes_of_operators(self.backend):
            if event.get("objectRef", {}).get("namespace", "") in namespaces:
                yield event


def _line(event: dict[str, Any]) -> str:
    reference = event.get("objectRef", {})
    return f"{event['verb']} {reference.get('resource')} {reference.get('name', '')} {reference.get('subresource', '')}"
