"""All order sessions of a gateway: who may log on to which, and what is found on the volume at a start."""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import grpc

from alphatrade.names import parse_identity
from alphatrade.v1.broker_pb2 import LoggedOn, Logon, TradeResponse
from alphatrade_runtime.execution.broker.account import Account
from alphatrade_runtime.execution.broker.exchange_log import read_reports
from alphatrade_runtime.execution.broker.stepped_exchange import MarketLost
from alphatrade_runtime.loop.live_clock import ClockFacts, Clocks, SessionClock
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.broker.config import Admitted, Terms
from alphatrade_runtime.service.broker.facts import SessionFacts
from alphatrade_runtime.service.broker.link import Link
from alphatrade_runtime.service.broker.market import OpenFeed, VenueFeed
from alphatrade_runtime.service.broker.refusal import Asked, Refused, refusal
from alphatrade_runtime.service.broker.session import OrderSession, quietly
from alphatrade_runtime.service.broker.stops import StopBook
from alphatrade_runtime.service.feed.facts import Facts

FEED_S = 4.0  # how long a logon waits for the client's feed
CLOCK_NS = 1_000_000_000  # two clocks of one feed that are further apart are two clocks
_REPLACED = "Replaced: the strategy began another session"
_GONE = "ClientGone: the strategy is no client of this account any more"
_CODE = grpc.StatusCode


class Sessions:
    """The sessions under a folder: `<uid of the strategy>/<session id>`. terms: may be replaced at any time."""

    def __init__(self, account: Account, terms: Terms, folder: Path, feeds: OpenFeed, clocks: Clocks) -> None:
        """Take up what is on the volume. Raises InputError, OSError."""
        self.account, self.terms = account, terms
        self.refused: Counter[str] = Counter()
        self.stopping = False
        self._folder, self._feeds, self._clocks = folder, feeds, clocks
        self._sessions: dict[str, OrderSession] = {}
        self._lock = threading.Lock()
        self.stops = StopBook(folder.parent / "stopped.json")
        self._of_strategy: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        for path in sorted(folder.glob("*/*/session.json")):
            self._take_up(path)

    def _take_up(self, path: Path) -> None:
        key = f"{path.parent.parent.name}/{path.parent.name}"
        try:
            facts = SessionFacts.from_mapping(json.loads(path.read_bytes()))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: not the facts of a session ({error}); restore it, or remove its folder"
            ) from None
        session = OrderSession(self.account, key, path.parent, facts)
        session.on_stopped = self._stopper(key)
        self._sessions[key] = session
        if facts.identity not in self.terms.clients and session.works:
            session.retire(_GONE)

    def all(self) -> list[OrderSession]:
        """Return all sessions, by key."""
        with self._lock:
            return [self._sessions[key] for key in sorted(self._sessions)]

    def log_on(self, identity: str, logon: Logon, link: Link) -> tuple[OrderSession, list[TradeResponse]]:
        """Give a session to a link; return it, and what its client is told first. Raises Refused."""
        try:
            return self._log_on(identity, logon, link)
        except Refused as refused:
            self.refused[refused.reason] += 1
            raise

    def _log_on(self, identity: str, logon: Logon, link: Link) -> tuple[OrderSession, list[TradeResponse]]:
        if self.stopping:
            raise Refused(_CODE.UNAVAILABLE, "Stopping", "this gateway stops; log on to the next one")
        client = self.terms.clients.get(identity)
        found = refusal(Asked(identity, self.terms.config.environment, client, logon))
        if found is not None:
            raise found
        assert client is not None
        parsed = parse_identity(identity)
        assert parsed is not None
        with self._of_strategy[parsed[3]]:
            self._heed_stops(parsed[3], logon)
            return self._enter(f"{parsed[3]}/{logon.session_id}", client, logon, link)

    def _stopper(self, key: str) -> Callable[[str, str], None]:
        uid = key.partition("/")[0]
        return lambda mode, by: self.stops.add(uid, mode, by)

    def _heed_stops(self, uid: str, logon: Logon) -> None:
        """Keep what stopped a strategy; let none that is new escape it under another name. Raises Refused."""
        if logon.HasField("stopped"):
            try:
                self.stops.add(uid, logon.stopped.mode, logon.stopped.by)
            except InputError as error:
                raise Refused(_CODE.FAILED_PRECONDITION, "StopInvalid", str(error)) from error
        elsewhere = self.stops.of_others(uid)
        if elsewhere is not None and not (self._folder / uid).exists():
            text = (
                f"a strategy of this account was stopped ({elsewhere.mode}, {elsewhere.by}); another one does not "
                "trade on it: delete the BrokerConnection and its volume"
            )
            raise Refused(_CODE.FAILED_PRECONDITION, "AccountLatched", text)

    def _enter(self, key: str, client: Admitted, logon: Logon, link: Link) -> tuple[OrderSession, list[TradeResponse]]:
        known = self._sessions.get(key)
        if known is not None and known.facts.ended:
            text = f"{known.facts.ended}; begin another one"
            raise Refused(_CODE.FAILED_PRECONDITION, "SessionEnded", text)
        self._make_way(key)
        session = self._session(key, client, logon)
        with session.lock:
            before = session.link
            self._open(session, client, logon)
            try:
                missed = list(session.log_on(link, logon.policy_hash, logon.after_report))
            except InputError as error:
                raise Refused(_CODE.FAILED_PRECONDITION, "ReportsUnknown", str(error)) from error
            if before is not None:
                before.take_over()  # the session is the new link's by now: the end of this one lets go of nothing
            commands, reports = session.counts()
            on = LoggedOn(
                commands=commands, reports=reports, simulated=True, stopped=self.stops.of(key.partition("/")[0])
            )
            return session, [*missed, TradeResponse(logged_on=on)]

    def _make_way(self, key: str) -> None:
        """A strategy has one session at a time: end those before, if nothing of them works."""
        uid = key.partition("/")[0]
        for other in self.all():
            if other.key == key or other.key.partition("/")[0] != uid or other.facts.ended:
                continue
            if other.link is not None:
                text = f"session {other.facts.session_id} of this strategy is on; end it first"
                raise Refused(_CODE.ABORTED, "SessionHeld", text)
            if other.works and not other.facts.exchange.cancel_on_disconnect:
                text = (
                    f"session {other.facts.session_id} of this strategy has working orders; log on to it, cancel them"
                )
                raise Refused(_CODE.ABORTED, "OrdersWorking", text)
            other.retire(_REPLACED)

    def _session(self, key: str, client: Admitted, logon: Logon) -> OrderSession:
        with self._lock:
            if key not in self._sessions:
                assert client.session is not None
                base = self.account.counters()
                facts = SessionFacts.of_logon(
                    logon, client.identity, client.session, self.terms.exchange, base, self._commands()
                )
                self._sessions[key] = OrderSession(self.account, key, self._folder / key, facts)
                self._sessions[key].on_stopped = self._stopper(key)
            return self._sessions[key]

    def _commands(self) -> int:
        return self.account.totals().commands

    def _open(self, session: OrderSession, client: Admitted, logon: Logon) -> None:
        """Open a session's exchange if need be, once all that it was asked with fits. Raises Refused."""
        if session.facts.feed_digest != logon.feed_digest or session.facts.stream != logon.clock.stream:
            text = "the session began with another feed or another clock; begin another session"
            raise Refused(_CODE.FAILED_PRECONDITION, "FeedDiffers", text)
        if session.is_open:
            return
        assert client.session is not None
        feed = self._feeds(client.feed, client.session, session.arrived)
        try:
            self._check_feed(self._facts_of(feed, client), logon)
            session.open(feed, self._clocks)
        except Refused:
            feed.close()
            raise
        except MarketLost as error:
            raise Refused(_CODE.UNAVAILABLE, "FeedLost", str(error)) from error
        except InputError as error:
            raise Refused(_CODE.FAILED_PRECONDITION, "SessionNotRebuilt", str(error)) from error
        except OSError as error:
            text = f"{session.folder}: {error.strerror or error}; free some space: nothing is traded without a log"
            raise Refused(_CODE.UNAVAILABLE, "LogStalled", text) from error

    def _facts_of(self, feed: VenueFeed, client: Admitted) -> Facts:
        try:
            facts = feed.facts(FEED_S)
        except InputError as error:
            raise Refused(_CODE.FAILED_PRECONDITION, "FeedDiffers", str(error)) from error
        if facts is None:
            text = f"{client.feed.target}: the client's feed says nothing within {FEED_S:.0f} s; nothing trades unseen"
            raise Refused(_CODE.UNAVAILABLE, "FeedUnreachable", text)
        return facts

    def _check_feed(self, facts: Facts, logon: Logon) -> None:
        if facts.digest != logon.feed_digest:
            text = (
                f"the client's feed has digest {facts.digest}, the strategy trades on {logon.feed_digest or '(none)'}"
            )
            raise Refused(_CODE.FAILED_PRECONDITION, "FeedDiffers", text)
        if (facts.pace == "Stream") != logon.clock.stream:
            text = f"the feed's clock is {facts.pace}; log on with the feed's own clock"
            raise Refused(_CODE.FAILED_PRECONDITION, "ClockDiffers", text)
        if facts.pace == "Realtime" and not self._same_clock(facts.clock(), logon):
            text = "the session's clock is not the feed's; log on with origin, start and speed of the feed"
            raise Refused(_CODE.FAILED_PRECONDITION, "ClockDiffers", text)

    def _same_clock(self, clock: ClockFacts, logon: Logon) -> bool:
        """A client must not choose a clock by which its rates are lower than they are."""
        asked = ClockFacts(logon.clock.origin_ns, logon.clock.wall_start_ns, logon.clock.speed)
        here, there = SessionClock(clock, self._clocks)(), SessionClock(asked, self._clocks)()
        return clock.speed == asked.speed and abs(here - there) <= CLOCK_NS

    def heed(self, terms: Terms) -> None:
        """Take new terms: a link whose client may trade here no more is ended, its orders in real time cancelled."""
        self.terms = terms
        for session in self.all():
            link, client = session.link, terms.clients.get(session.facts.identity)
            if link is None or (client is not None and session.policy_hash in client.policy_hashes):
                continue
            if not session.facts.stream:
                link.put(quietly(session.cancel_all))
            reason = "IdentityNotAdmitted" if client is None else "PolicyNotEntitled"
            link.ask(_CODE.PERMISSION_DENIED, f"{reason}: the account's clients have changed")

    def tick(self) -> None:
        """Bring sessions in real time that no link holds up to their clocks."""
        for session in self.all():
            if session.link is None and session.is_open:
                quietly(session.tick)

    def stop(self) -> None:
        """Take no more logons; cancel what works in real time. On the stream's clock everything stays as it is."""
        self.stopping = True
        for session in self.all():
            if session.facts.stream or not session.is_open:
                continue
            said, link = quietly(session.cancel_all), session.link
            if link is not None:
                link.put(said)

    def close(self) -> None:
        """Let all exchanges go."""
        for session in self.all():
            with session.lock:
                session.close()

    def reports(self) -> int:
        """Return how many reports were made since the account began."""
        return sum(_reports_of(session) for session in self.all())

    def may_move(self) -> bool:
        """Whether books can have changed without a word: a session is on, or its clock is that of the wall."""
        return any(one.link is not None or (one.is_open and not one.facts.stream) for one in self.all())

    def linked(self) -> int:
        """Return how many sessions are on."""
        return sum(session.link is not None for session in self.all())


def _reports_of(session: OrderSession) -> int:
    if session.is_open:
        try:
            return session.counts()[1]
        except Refused:
            pass  # it was closed in this moment
    return len(read_reports(session.folder)) if session.folder.exists() else 0
