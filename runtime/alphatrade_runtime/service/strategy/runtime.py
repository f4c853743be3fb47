"""The trading thread of a strategy pod: one session after another, and what it tells meanwhile."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from alphatrade.mtls import Certificates
from alphatrade.telemetry import Registry
from alphatrade.v1 import control_pb2
from alphatrade.v1.control_pb2 import ApplyResponse, PodStatus, StrategyStatus
from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.loop.identity import Identity, identify
from alphatrade_runtime.loop.journal import JournalStalled
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.plugin.contract import PluginError
from alphatrade_runtime.plugin.load import load
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.reflection.diary.record_log import DiaryStalled
from alphatrade_runtime.service.feed.client import RemoteFeed
from alphatrade_runtime.service.feed.facts import Facts
from alphatrade_runtime.service.kept_file import replace_kept
from alphatrade_runtime.service.strategy import folders
from alphatrade_runtime.service.strategy.config import Terms, by_permit, parse
from alphatrade_runtime.service.strategy.folders import SessionFolder
from alphatrade_runtime.service.strategy.mind import kept, read_explored, read_kept
from alphatrade_runtime.service.strategy.phase import DRAINED, ENDED, FAILED, STARTING, TRADING, Phase, phase_of_fault
from alphatrade_runtime.service.strategy.play import Play, Played
from alphatrade_runtime.service.strategy.status import counts_told
from alphatrade_runtime.service.strategy.steering import PodSteering

WAIT_S = 0.1
RETRY_S = 10.0
FEED_ENDED = "the feed has ended"
_REST = (DRAINED, ENDED)


class Stopped(Exception):
    """The pod is to end."""


@dataclass(frozen=True)
class Parts:
    """What a runtime works with.

    data: the account's folder.  wake: set when something has arrived.  plays: is given each session once its plug-ins
    are in.
    """

    certificates: Certificates
    data: Path
    registry: Registry
    steering: PodSteering
    stop: threading.Event
    code_hash: str
    wake: threading.Event
    plays: Callable[[Session], None] = lambda session: None


class Runtime:
    """Runs in the pod's main thread; `apply` and `status` are called from the server's."""

    def __init__(self, parts: Parts, changed: Callable[[], None] = lambda: None) -> None:
        self.parts, self.changed = parts, changed
        self._phase = Phase(STARTING, "Loading", "loading compiled code")
        self._status = StrategyStatus()
        self._identity: Identity | None = None
        self._pace = ""
        self._play: Play | None = None

    # For the server's threads.

    def apply(self, document: bytes) -> ApplyResponse:
        """Take a configuration from the operator. Raises InputError."""
        terms = parse(document, "document")
        steering = self.parts.steering
        if terms.digest == steering.terms.digest and steering.wanted is None:
            return self._answer(control_pb2.APPLY_OUTCOME_UNCHANGED, terms)
        if steering.offer(terms) and self._phase.name not in _REST:
            return self._answer(control_pb2.APPLY_OUTCOME_APPLIED, terms)
        steering.wanted = terms
        return self._answer(control_pb2.APPLY_OUTCOME_RESTART_REQUIRED, terms)

    def _answer(self, outcome: control_pb2.ApplyOutcome.ValueType, terms: Terms) -> ApplyResponse:
        try:
            identity = identify(terms.session, self._digests(terms.session))
        except (InputError, PluginError):  # signals of a plug-in that only a new pod has
            return ApplyResponse(outcome=outcome)
        return ApplyResponse(
            outcome=outcome, policy_hash=identity.policy_hash, envelope_hash=identity.envelope_hash
        )  # fmt: skip

    def status(self) -> PodStatus:
        """Return what the pod does; a copy that the trading thread made."""
        said = StrategyStatus()
        said.CopyFrom(self._status)
        if not said.phase:
            said.phase, said.reason, said.message = self._phase
        steering = self.parts.steering
        age_ns = steering.watch.list_age_ns()
        said.kill_list_age_ms = -1 if age_ns is None else age_ns // 1_000_000
        said.latched_by = steering.latch.latched_by
        del said.acknowledged[:]
        said.acknowledged.extend(steering.latch.acknowledgements())
        said.pace = self._pace
        if self._identity is not None:
            said.policy_hash, said.envelope_hash = self._identity.policy_hash, self._identity.envelope_hash
        return PodStatus(document_digest=steering.terms.digest, code_hash=self.parts.code_hash, strategy=said)

    @property
    def phase(self) -> Phase:
        """The phase now."""
        said = self._status
        return Phase(said.phase, said.reason, said.message) if said.phase else self._phase

    # For the trading thread.

    def run(self) -> None:
        """Run sessions until the pod is to end."""
        try:
            while True:
                self._guarded()
        except Stopped:
            return

    def _guarded(self) -> None:
        """Run what is next; what cannot run is told, and tried again where waiting may mend it."""
        try:
            self._next()
        except PluginError as error:
            reason = "PluginDigestMismatch" if "PluginDigestMismatch" in str(error) else "PluginInvalid"
            self._rest(Phase(FAILED, reason, str(error)))
        except InputError as error:
            self._rest(phase_of_fault(str(error)), RETRY_S)
        except (JournalStalled, DiaryStalled) as error:
            self._rest(Phase(FAILED, "DiskFull" if "No space" in str(error) else "JournalStalled", str(error)), RETRY_S)

    def _next(self) -> None:
        """Go on with the session under way, or begin one, or rest where there is none to run."""
        terms = self.parts.steering.terms
        latest = folders.latest(self.parts.data)
        closed = latest.closed() if latest is not None else None
        if latest is not None and closed is None:
            if latest.code_hash() not in ("", self.parts.code_hash):
                self._hand_on(latest)
                return
            opening = latest.opening()
            held = latest.document() if opening is None else opening.document
            if held is not None and not _same_but_limits(held, terms):
                self._play_session(_with(terms, held), latest, 0, ending=True)
                return
            self._play_session(terms if held is None else _with(terms, held), latest, 0)
        elif latest is not None and latest.carried_on:
            folders.following(self.parts.data, latest)
        elif closed is not None and closed["by"] == FEED_ENDED and closed["document"] == terms.document:
            self._tell_ended(closed)
        elif terms.drains:
            self._rest(Phase(DRAINED, "Drained", "flat; it trades no more"))
        else:
            folder = folders.following(self.parts.data, latest)
            start = closed["next_seq"] if closed is not None and closed["by"] != FEED_ENDED else 0
            self._play_session(terms, folder, start)

    def _hand_on(self, folder: SessionFolder) -> None:
        """Go on from a journal of another code in a new one; the old one stays. Raises InputError where that cannot be.

        What is to be carried lies in the journal, so a crash at any point here is gone through again.
        """
        handed = folder.handed_on()
        folder.close({"by": folders.CARRIED, "code_hash": handed.carry.code_hash, "document": handed.document})

    def _play_session(self, terms: Terms, folder: SessionFolder, start_seq: int, ending: bool = False) -> None:
        session, steering = terms.session, self.parts.steering
        self._tell(Phase(STARTING, "Loading", "loading compiled code"))
        digests = self._digests(session)
        self._identity = identify(session, digests)
        self.parts.plays(session)
        self._wait_for_kill_list()
        facts = self._feed_facts(terms)
        self._pace = "Realtime" if facts.pace == "Realtime" else f"Simulated {facts.speed or 'Max'}" + (
            "x" if facts.speed else ""
        )  # fmt: skip
        steering.begin(by_permit(session))
        steering.ending = ending
        if not ending and terms.document != steering.terms.document:
            steering.offer_limits()
        self._play = Play(self.parts, terms, folder, facts, self._identity, digests, self._publish)
        try:
            played = self._play.run(start_seq)
        finally:
            self._play = None
            self._status = StrategyStatus()
        if played is None:
            raise Stopped
        self._close(terms, folder, played)

    def _close(self, terms: Terms, folder: SessionFolder, played: Played) -> None:
        result = played.result
        facts = {
            "by": result.ended_by,
            "document": terms.document,
            "next_seq": played.next_seq,
            "digests": result.run.digests,
            "session_id": result.session_id,
            "money": result.run.money,
            "counts": counts_told(result.run.counts, len(result.run.violations)),
            "kill_state": result.run.kill["state"],
            "positions": played.positions,
            "mind": kept(played.mind),
            "exploration": kept([played.exploration] if played.exploration is not None else []),
            "notes": result.notes,
        }
        folder.close(facts)

    def _tell_ended(self, closed: dict[str, object]) -> None:
        said = StrategyStatus(phase=ENDED, reason="FeedEnded", message=FEED_ENDED, session_id=str(closed["session_id"]))
        digests = closed["digests"]
        assert isinstance(digests, dict)
        for name, digest in digests.items():
            said.digests[name] = str(digest)
        money = closed["money"]
        assert isinstance(money, dict)
        said.nav, said.pnl = int(money["nav"]), int(money["nav"]) - int(money["initial_cash"])
        said.kill_state = str(closed["kill_state"])
        counts, positions = closed["counts"], closed["positions"]
        assert isinstance(counts, dict)
        assert isinstance(positions, dict)
        for name, count in counts.items():
            said.counts[name] = int(count)
        for symbol, lots in positions.items():
            said.positions[symbol] = int(lots)
        mind = closed.get("mind", [])  # a session of before it has none
        assert isinstance(mind, list)
        said.mind.extend(read_kept(mind))
        for explored in read_explored(closed.get("exploration")):
            said.exploration.CopyFrom(explored)
        if self._identity is None:
            session = self.parts.steering.terms.session
            self._identity = identify(session, self._digests(session))
        self._rest(Phase(ENDED), said=said)

    def _wait_for_kill_list(self) -> None:
        watch = self.parts.steering.watch
        while watch.stale:
            text = watch.fault or "waits for the first list of kill switches"
            self._tell(Phase(STARTING, "KillSwitchesNotListed", text))
            self._wait(WAIT_S)

    def _feed_facts(self, terms: Terms) -> Facts:
        """Ask the feed what it is; wait for it as long as it takes."""
        wanted = [instrument_of(one) for one in terms.session.policy.envelope.instruments]
        feed = RemoteFeed(terms.config.feed, self.parts.certificates, "LOCAL", wanted)
        try:
            while True:
                facts = feed.facts(WAIT_S)
                if facts is not None:
                    return facts
                self._tell(Phase(STARTING, "FeedNotConnected", f"{terms.config.feed.target}: {feed.reason}"))
                self._wait(WAIT_S)
        finally:
            feed.close()

    def _digests(self, session: Session) -> dict[str, str]:
        """Load the plug-ins of a session; return their digests by signal. Raises PluginError."""
        loaded = [load(Path(plugin.path), plugin.digest) for plugin in session.policy.plugins]
        return {spec.name: one.digest for one in loaded for spec in one.signals}

    def _publish(self, said: StrategyStatus) -> None:
        before = self._status
        self._status = said
        if (before.phase, before.reason, before.kill_state) != (said.phase, said.reason, said.kill_state):
            self.changed()

    def _tell(self, phase: Phase) -> None:
        if phase != self._phase:
            self._phase = phase
            self.changed()

    def _rest(self, phase: Phase, until_s: float | None = None, said: StrategyStatus | None = None) -> None:
        """Stay as it is until the pod ends, the time is up, or a configuration asks for something else."""
        self._tell(phase)
        if said is not None:
            self._status = said
            self.changed()
        if phase.name == FAILED:
            _leave_word(phase)
        steering, began, digest = self.parts.steering, time.monotonic(), self.parts.steering.terms.digest
        while until_s is None or time.monotonic() - began < until_s:
            self._obey_at_rest()
            self._wait(WAIT_S)
            if steering.terms.digest != digest and phase.name != FAILED:
                break
        self._status = StrategyStatus()

    def _obey_at_rest(self) -> None:
        """Latch what is engaged while nothing trades: it has its effect at once, behind all that is on record.

        Where the record cannot be read, nobody can tell what had left: it is latched and never acknowledged.
        """
        steering = self.parts.steering
        for engagement in steering.watch.poll():
            if not steering.latch.engage(engagement):
                continue
            took_ms = (time.monotonic_ns() - engagement.arrived_ns) // 1_000_000
            try:
                session = folders.latest(self.parts.data)
                last = 0 if session is None else session.commands()
            except InputError:
                continue
            steering.latch.acknowledge(engagement, last, time.time_ns(), took_ms)
            self.changed()

    def _wait(self, timeout_s: float) -> None:
        if self.parts.stop.wait(timeout_s):
            raise Stopped


def _same_but_limits(document: dict[str, object], terms: Terms) -> bool:
    return _with(terms, document).runs_on_with(terms)


def _with(terms: Terms, document: dict[str, object]) -> Terms:
    """Return a configuration with the session document of a journal."""
    from alphatrade_runtime.policy.document import parse_session

    config = terms.config.model_copy(update={"session": document})
    return replace(terms, config=config, session=parse_session(document))


def _leave_word(phase: Phase) -> None:
    """Leave the reason where the kubelet finds it, should the container end."""
    path = Path("/dev/termination-log")
    if path.exists():
        try:
            replace_kept(path, f"{phase.reason}: {phase.message}\n")
        except InputError:
            path.write_text(f"{phase.reason}: {phase.message}\n")


__all__ = ["TRADING", "Parts", "Runtime", "Stopped"]
