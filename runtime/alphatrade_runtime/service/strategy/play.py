"""One session in a pod: which loop plays it, on which feed, against which venue."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alphatrade.v1.broker_pb2 import Stopped
from alphatrade.v1.control_pb2 import ExplorationState, InstrumentMind, StrategyStatus
from alphatrade_runtime.execution.broker.contract import BrokerLost
from alphatrade_runtime.execution.broker.exchange_log import ExchangeLog
from alphatrade_runtime.execution.broker.in_process import InProcessSteppedBroker
from alphatrade_runtime.execution.broker.stepped_exchange import SteppedExchange
from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.loop.identity import Identity
from alphatrade_runtime.loop.live import Wall, run_wall
from alphatrade_runtime.loop.live_options import LiveOptions, LiveResult
from alphatrade_runtime.loop.stream import Stream, run_stream
from alphatrade_runtime.loop.stream_contract import SteppedBroker
from alphatrade_runtime.loop.stream_session import StreamSession
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.broker.client import GrpcBroker, GrpcSteppedBroker
from alphatrade_runtime.service.broker.market import StreamMarket
from alphatrade_runtime.service.feed.client import RemoteFeed, View
from alphatrade_runtime.service.feed.facts import Facts
from alphatrade_runtime.service.kill.kill_switch import Engagement
from alphatrade_runtime.service.strategy.config import Terms
from alphatrade_runtime.service.strategy.exports import export
from alphatrade_runtime.service.strategy.folders import SessionFolder
from alphatrade_runtime.service.strategy.mind import exploration_told, mind_told
from alphatrade_runtime.service.strategy.status import Loop, is_drained, status_of

if TYPE_CHECKING:
    from alphatrade_runtime.service.strategy.runtime import Parts

STATUS_S = 0.2
METRICS_S = 1.0
DRAINED = "drained"


@dataclass(frozen=True)
class Played:
    """How a session ended, the row of the feed that comes next, positions in lots by symbol, what its mind showed.

    exploration: what it explored; None where it did not.
    """

    result: LiveResult
    next_seq: int
    positions: dict[str, int]
    mind: list[InstrumentMind]
    exploration: ExplorationState | None = None


class Play:
    """One session. publish: is given the status several times a second, by the thread that runs it."""

    def __init__(
        self,
        parts: "Parts",
        terms: Terms,
        folder: SessionFolder,
        facts: Facts,
        identity: Identity,
        plugin_digests: Mapping[str, str],
        publish: Callable[[StrategyStatus], None],
    ) -> None:
        self._parts, self._terms, self._folder, self._facts = parts, terms, folder, facts
        self._identity, self._plugin_digests, self._publish = identity, plugin_digests, publish
        session = terms.session
        self._instruments = [instrument_of(one) for one in session.policy.envelope.instruments]
        self._symbols = [one.symbol for one in session.policy.envelope.instruments]
        self._feed: RemoteFeed | None = None
        self._loop: Loop | None = None
        self._was_linked = False
        self._account: GrpcBroker | GrpcSteppedBroker | None = None
        self._next = {"status": 0.0, "metrics": 0.0}

    def run(self, start_seq: int) -> Played | None:
        """Play to the end; return None when the pod is to end first. Raises as the loops do.

        start_seq: of the first row, for a session that has no journal yet on a stream's clock.
        """
        self._parts.steering.turned = self._look
        self._parts.steering.stopped = self._tell_account
        try:
            result = self._by_stream(start_seq) if self._facts.pace == "Stream" else self._by_wall()
            next_seq, positions, mind = self._next_seq(), self._positions(), self._mind()
            exploration = self._exploration()
            self._export_last()
        finally:
            self._parts.steering.turned = _nothing
            self._parts.steering.stopped = _nobody
            if self._feed is not None:
                self._feed.close()
        return None if result is None else Played(result, next_seq, positions, mind, exploration)

    def _options(self) -> LiveOptions:
        return LiveOptions(
            signals=False,
            stop=self._parts.stop.is_set,
            steering=self._parts.steering,
            finished=self._finished,
            wake=self._parts.wake,
            plugin_digests=self._plugin_digests,
        )

    def _by_stream(self, start_seq: int) -> LiveResult | None:
        facts = self._facts
        stream = Stream(
            facts.digest, facts.first_ts_ns, facts.last_ts_ns, facts.speed,
            lambda seq: self._open("LOCAL", max(seq, start_seq)), self._folder.ordinal,
        )  # fmt: skip
        broker: SteppedBroker
        if self._terms.config.broker is not None:
            broker = self._account = GrpcSteppedBroker(
                self._terms.config.broker, self._parts.certificates, self._identity.policy_hash, facts.digest,
                facts.speed,
            )  # fmt: skip
            self._tell_account(self._parts.steering.latch.strongest)
        else:
            broker = InProcessSteppedBroker(self._own_exchange)
        return run_stream(
            self._terms.document, self._folder.path, stream, broker, self._options(), self._watch,
            self._folder.opening(),
        )  # fmt: skip

    def _by_wall(self) -> LiveResult | None:
        if self._terms.config.broker is None:
            raise InputError(
                "session.policy.mode Sim: a feed in real time needs mode Paper; set the feed's speed to Max"
            )
        facts = self._facts
        wall = Wall(facts.digest, facts.clock(), self._folder.ordinal)
        broker = GrpcBroker(self._terms.config.broker, self._parts.certificates, self._identity.policy_hash)
        self._account = broker
        broker.arrived = self._parts.wake.set
        self._tell_account(self._parts.steering.latch.strongest)
        feed = self._open("LOCAL", 0)
        return run_wall(
            self._terms.document, self._folder.path, wall, feed, broker, self._options(), self._watch,
            self._folder.opening(),
        )  # fmt: skip

    def _open(self, view: View, from_seq: int) -> RemoteFeed:
        self._feed = RemoteFeed(
            self._terms.config.feed, self._parts.certificates, view, self._instruments, from_seq, self._parts.wake.set
        )  # fmt: skip
        return self._feed

    def _own_exchange(self, session_id: str) -> SteppedExchange:
        """Open an exchange in the pod, for the mode that has no order session. Its fills are simulated."""
        feed = RemoteFeed(self._terms.config.feed, self._parts.certificates, "VENUE", self._instruments)
        log = ExchangeLog(self._folder.first().path / "exchange")
        try:
            return SteppedExchange(
                self._terms.session.exchange, len(self._instruments), StreamMarket(feed), log, depth=self._facts.depth
            )
        except BaseException:
            feed.close()
            log.close()
            raise

    def _tell_account(self, engagement: Engagement | None) -> None:
        """Let the account keep what stopped us, so that no other name escapes it; again at every logon."""
        if self._account is None or engagement is None:
            return
        with suppress(BrokerLost):
            self._account.tell_stopped(Stopped(mode=engagement.mode, by=self._parts.steering.latch.latched_by))

    def _watch(self, loop: Loop) -> None:
        self._loop = loop
        self._look()

    def _finished(self) -> str:
        return DRAINED if self._loop is not None and is_drained(self._loop, self._parts.steering) else ""

    def _next_seq(self) -> int:
        live = self._loop.live if self._loop is not None else None
        return live.next_seq if isinstance(live, StreamSession) else 0

    def _positions(self) -> dict[str, int]:
        return dict(zip(self._symbols, self._loop.live.positions(), strict=True)) if self._loop is not None else {}

    def _mind(self) -> list[InstrumentMind]:
        return mind_told(self._loop.live.core) if self._loop is not None else []

    def _exploration(self) -> ExplorationState | None:
        permits = self._parts.steering.permits
        return exploration_told(self._loop.live.core, permits) if self._loop is not None else None

    def _export_last(self) -> None:
        """Export what the session came to: it has no link any more, and what came after the last look counts, too."""
        loop = self._loop
        if loop is not None:
            loop.linked = False
            said = status_of(loop, self._parts.steering, False, self._was_linked, self._symbols)
            export(self._parts.registry, loop, said, None)

    def _look(self) -> None:
        """Tell status and metrics when they are due; called at every turn of the loop."""
        loop, now = self._loop, time.monotonic()
        if loop is None or now < self._next["status"]:
            return
        self._next["status"] = now + STATUS_S
        if self._account is not None and self._account.told is not None:
            self._parts.steering.heed_account(self._account.told.mode, self._account.told.by)
        connected = self._feed is not None and (self._feed.connected or self._feed.ended)
        self._was_linked = self._was_linked or loop.linked
        said = status_of(loop, self._parts.steering, connected, self._was_linked, self._symbols)
        self._publish(said)
        if now >= self._next["metrics"]:
            self._next["metrics"] = now + METRICS_S
            export(self._parts.registry, loop, said, self._feed)


def _nobody(engagement: Engagement) -> None:
    """Tell nobody."""


def _nothing() -> None:
    """Look at nothing."""
