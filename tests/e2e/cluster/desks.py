"""Desks that quote all the time, so that orders work whenever a fault strikes: by the wall clock, on the stream's."""

from collections.abc import Callable
from dataclasses import dataclass

from cluster.backend import Backend
from e2e.cluster.books import Journal, journals
from e2e.cluster.faults import BACK_S
from e2e.cluster.market import QUOTES, Manifest, account, feed, law, strategy
from e2e.cluster.place import Place
from e2e.cluster.runtime_journal import account_for

WALL, STREAM, SPARE = "wall", "stream", "spare"
KINDS = ("Strategy", "BrokerConnection", "MarketDataFeed")
SPEED, DURATION = "30x", "1h"  # 2 min, and as long as pods are away: the stream waits for them
Fault = Callable[[Backend, Place, str], None]


def manifests(name: str) -> list[Manifest]:
    """Return a feed, an account, a law and a Strategy, all of one name.

    The account leaves orders working when a link is lost: what is cancelled was cancelled by somebody.
    """
    market = feed(name, SPEED, DURATION) if name == STREAM else feed(name, "Realtime")
    return [market, *beside(name, name)]


def beside(name: str, market: str) -> list[Manifest]:
    """Return the same but the feed, for a Strategy that reads another's."""
    kept = account(name, name)
    kept["spec"]["paper"]["cancelOnDisconnect"] = False
    return [law(name), kept, strategy(name, QUOTES, on=market, under=name, brokerConnectionRef={"name": name})]


@dataclass(frozen=True)
class Desk:
    """One desk in its namespace."""

    place: Place
    backend: Backend
    name: str

    def open(self, *given: Manifest) -> None:
        """Apply all of it, or what is given, and wait until it quotes."""
        self.place.apply(*(given or manifests(self.name)))
        self.place.until_phase(self.name, "Trading", timeout_s=BACK_S)
        self.quote()

    def strike(self, fault: Fault, kind: str) -> None:
        """Let a fault strike one of the pods while orders work; return when the desk has gone on."""
        self.until("has working orders", lambda: self.metric("alphatrade_working_orders") > 0)
        assert not self.is_over(), f"the session was over before the fault: {kind}"
        fault(self.backend, self.place, self.place.pod(kind, self.name))
        self.quote()

    def metric(self, metric: str) -> float:
        """Return a metric of the runtime; 0 while it has none."""
        return self.place.metrics(self.place.pod("Strategy", self.name)).get(metric, 0.0)

    def quote(self, orders: int = 4) -> None:
        """Wait until so many orders more were placed, by the broker's log, or the stream has come to its end."""
        before = self.placed()
        self.until("quotes", lambda: self.placed() >= before + orders or self.is_over())

    def is_over(self) -> bool:
        """Whether the session has ended with its feed."""
        return bool(self.place.status("Strategy", self.name).get("phase") == "Ended")

    def placed(self) -> int:
        """Return how many orders were placed; 0 before the first session."""
        return sum(len(one.placed) for one in self.logs())

    def logs(self) -> list[Journal]:
        """Return what the broker has on record, a session each."""
        pod, uid = self.place.pod("BrokerConnection", self.name), self.place.uid("Strategy", self.name)
        there = self.place.run(pod, "sh", "-c", f"ls -d /data/sessions/{uid} 2>/dev/null || true").strip()
        return journals(self.place, self.name, self.name) if there else []

    def sound(self) -> None:
        """Hold the broker's log against the runtime's journal: nothing doubled, nothing orphaned, no book broken."""
        assert account_for(self.place, self.name, self.name) > 0
        for count in ("alphatrade_breaks_total", "alphatrade_violations_total"):
            assert self.metric(count) == 0.0, count

    def flat(self) -> bool:
        """Whether nothing works and nothing is held, by the runtime's word; the broker's log is to be asked then."""
        metrics = self.place.metrics(self.place.pod("Strategy", self.name))
        held = [value for name, value in metrics.items() if name.startswith("alphatrade_position_lots")]
        return bool(held) and not any(held) and metrics["alphatrade_working_orders"] == 0

    def until(self, what: str, check: Callable[[], bool]) -> None:
        """Wait for something to hold."""
        self.place.until(f"{self.name} {what}", check, BACK_S)
