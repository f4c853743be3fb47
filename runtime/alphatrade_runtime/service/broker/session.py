"""One order session at the gateway: its log, its exchange, its place at the account, the link that holds it."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import grpc
import numpy as np

from alphatrade.v1.broker_pb2 import Advanced, AllCanceled, Orders, TradeRequest, TradeResponse
from alphatrade_runtime.execution.broker.account import Account
from alphatrade_runtime.execution.broker.contract import Reports
from alphatrade_runtime.execution.broker.exchange_log import (
    ExchangeLog,
    expiries,
    from_client,
    open_orders,
    read_commands,
    read_reports,
    read_verdicts,
)
from alphatrade_runtime.execution.broker.paper_exchange import PaperExchange
from alphatrade_runtime.execution.broker.seat import Seat
from alphatrade_runtime.execution.broker.stepped_exchange import MarketLost, SteppedExchange
from alphatrade_runtime.loop.live_clock import Clocks, SessionClock
from alphatrade_runtime.market.calendar import ALWAYS, DAY_NS, Calendar
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.broker.facts import SessionFacts
from alphatrade_runtime.service.broker.link import Link
from alphatrade_runtime.service.broker.market import StreamMarket, VenueFeed
from alphatrade_runtime.service.broker.refusal import Refused
from alphatrade_runtime.service.broker.wire import from_orders, responses_of, to_books

IDLE_S = 0.05
_FOREVER_NS = 366 * DAY_NS
_NOT_COMPARED = ("ts_ns",)  # of a session in real time it is when a command arrived here
_CODE = grpc.StatusCode


class OrderSession:
    """A session by its folder. Whoever works on it holds `lock`; nobody waits for another session.

    A session in real time goes on from its log with its orders expired: a book does not survive its exchange. One on
    the stream's clock goes on as if nothing had been: its market is a tape, and its time stands still while its client
    is away, so a link that ends cancels nothing.
    """

    def __init__(self, account: Account, key: str, folder: Path, facts: SessionFacts) -> None:
        self.account, self.key, self.folder, self.facts = account, key, folder, facts
        self.lock = threading.RLock()
        self.link: Link | None = None
        self.policy_hash = ""
        self.on_stopped: Callable[[str, str], None] = lambda mode, by: None
        self.seat = self._dormant()
        self._log: ExchangeLog | None = None
        self._feed: VenueFeed | None = None
        self._exchange: PaperExchange | SteppedExchange | None = None

    @property
    def is_open(self) -> bool:
        """Whether its exchange is there."""
        return self._exchange is not None

    @property
    def works(self) -> bool:
        """Whether orders of it work at the account."""
        return bool(self.account.table[self.seat.at].exposures["open_orders"].any())

    def _dormant(self) -> Seat:
        """Take its place at the account from its log alone."""
        seat = self.account.seat(self.key, self.facts.terms, funding=self.facts.funding)
        if self.folder.exists():
            commands = from_client(read_commands(self.folder))
            seat.restore(commands, read_verdicts(self.folder), read_reports(self.folder))
        seat.rest()
        return seat

    def open(self, feed: VenueFeed, clocks: Clocks) -> None:
        """Open its exchange. Raises InputError, OSError, MarketLost; it is closed again then."""
        seen = feed.facts()
        assert seen is not None
        try:
            self._log, self._feed = ExchangeLog(self.folder), feed
            if self._log.facts is None:
                self._log.begin(self.facts.to_mapping())
            self.seat = self.account.seat(self.key, self.facts.terms, funding=self.facts.funding)
            self.seat.set_calendar(_calendar(self.facts.calendar, seen.first_ts_ns, seen.last_ts_ns))
            if self.facts.stream:
                self._exchange = self._stepped(feed, self._log, seen.depth)
            else:
                clock = SessionClock(self.facts.clock, clocks)
                n = len(self.facts.terms)
                self._exchange = PaperExchange(self.facts.exchange, n, feed, self._log, clock, seen.depth, self.seat)
        except BaseException:
            self.close()
            raise

    def _stepped(self, feed: VenueFeed, log: ExchangeLog, depth: bool) -> SteppedExchange:
        """Rebuild the account's path with the session's when no other session has moved it since."""
        account, terms, n = self.account, self.facts.exchange, len(self.facts.terms)
        with account.lock:
            alone = not account.others_on(self.seat) and account.commands_beside(self.seat) == self.facts.base_commands
            before = account.counters()
            account.hush(not alone)
            try:
                if alone:
                    account.start_from(self.facts.base)
                return SteppedExchange(terms, n, StreamMarket(feed), log, depth=depth, seat=self.seat)
            finally:
                account.hush(False)
                account.not_below(before, alone=alone)

    def close(self) -> None:
        """Let exchange, feed and log go; the session stays at the account as its log has it."""
        for part in (self._feed, self._log):
            if part is not None:
                part.close()
        was_open, self._exchange, self._log, self._feed = self._exchange is not None, None, None, None
        if was_open:
            self.seat = self._dormant()

    def log_on(self, link: Link, policy_hash: str, after: int) -> Iterable[TradeResponse]:
        """Give the session to a link; return the reports numbered above `after`. Raises InputError."""
        exchange = self._opened()
        missed = exchange.resend(after)
        self.link, self.policy_hash = link, policy_hash
        self.seat.turn(True)
        return responses_of(missed, after + 1)

    def let_go(self, link: Link) -> None:
        """Take the session from a link that has ended; cancel what works in real time, if the account says so."""
        with self.lock:
            if self.link is not link:
                return
            self.link = None
            self.seat.turn(False)
            if self.facts.exchange.cancel_on_disconnect and not self.facts.stream:
                quietly(self.cancel_all)

    def handle(self, link: Link, request: TradeRequest) -> list[TradeResponse]:
        """Do what a client asks; return what is to be said to it. Raises Refused."""
        with self.lock:
            if self.link is not link:
                raise Refused(_CODE.ABORTED, "LinkReplaced", "another connection goes on with this session")
            return self._guarded(lambda: self._handle(request))

    def tick(self) -> list[TradeResponse]:
        """Bring a session in real time up to its clock; return the reports whose latency is over. Raises Refused."""
        with self.lock:
            exchange = self._exchange
            if not isinstance(exchange, PaperExchange):
                return []
            return self._guarded(lambda: self._tick(exchange))

    def cancel_all(self) -> list[TradeResponse]:
        """Cancel what works; return the reports."""
        with self.lock:
            return self._guarded(self._cancel_all) if self.is_open else []

    def wait_s(self) -> float:
        """Return how long a session in real time may be left alone."""
        exchange = self._exchange
        if not isinstance(exchange, PaperExchange) or not exchange.is_busy:
            return IDLE_S
        return min(max((exchange.next_due_ns() - exchange.now_ns()) / 1e9, 0.0), IDLE_S)

    def arrived(self) -> None:
        """Look at once when rows came and orders wait for them."""
        link, exchange = self.link, self._exchange
        if link is not None and isinstance(exchange, PaperExchange) and exchange.is_busy:
            link.wake()

    def counts(self) -> tuple[int, int]:
        """Return how many commands came in and how many reports were made."""
        exchange = self._opened()
        return exchange.commands, exchange.reports

    def retire(self, why: str) -> None:
        """End the session for good: what works ends as expired. Raises OSError."""
        with self.lock:
            self.close()
            log = ExchangeLog(self.folder)
            try:
                reports = log.reports()
                at_ns = max(self.seat.through_ns, int(reports["exch_ts_ns"].max(initial=0)))
                made = expiries(open_orders(from_client(log.commands()), reports), at_ns)
                if len(made):
                    log.append_reports(made)
                self.facts = self.facts.end(why)
                log.begin(self.facts.to_mapping())
            finally:
                log.close()
            self.seat = self._dormant()

    def breaks(self) -> int:
        """Return in how many instruments the account's books and the venue's do not agree."""
        with self.lock:
            if self._exchange is None:
                return 0
            ours = self.account.table[self.seat.at].exposures["position"][: len(self.facts.terms)]
            return int((ours != np.array(self._exchange.positions())).sum())

    def _opened(self) -> PaperExchange | SteppedExchange:
        if self._exchange is None:
            raise Refused(_CODE.UNAVAILABLE, "ExchangeClosed", "the session's exchange has stopped; log on again")
        return self._exchange

    def _guarded(self, act: Callable[[], list[TradeResponse]]) -> list[TradeResponse]:
        """Let the exchange go when it cannot keep its log; it is opened from there at the next logon."""
        try:
            return act()
        except MarketLost as error:
            raise Refused(_CODE.UNAVAILABLE, "FeedLost", str(error)) from error
        except InputError as error:
            raise Refused(_CODE.INVALID_ARGUMENT, "RequestInvalid", str(error)) from error
        except OSError as error:
            self.close()
            text = f"{self.folder}: {error.strerror or error}; free some space: nothing is traded without a log"
            raise Refused(_CODE.UNAVAILABLE, "LogStalled", text) from error

    def _handle(self, request: TradeRequest) -> list[TradeResponse]:
        exchange = self._opened()
        match request.WhichOneof("request"):
            case "orders":
                self._take(exchange, request.orders)
                return []
            case "advance" if isinstance(exchange, SteppedExchange):
                through_ns = request.advance.through_ns
                said = self._said(exchange, exchange.advance(through_ns))
                return [*said, TradeResponse(advanced=Advanced(through_ns=through_ns))]
            case "settle":
                said = self._said(exchange, exchange.settle())
                return [*said, TradeResponse(books=to_books(exchange.state(request.settle.order_ids)))]
            case "stopped":
                self.on_stopped(request.stopped.mode, request.stopped.by)
                return []
            case "cancel_all":
                return [*self._cancel_all(), TradeResponse(all_canceled=AllCanceled())]
        raise InputError(f"{request.WhichOneof('request') or 'an empty request'} has no place here")

    def _take(self, exchange: PaperExchange | SteppedExchange, orders: Orders) -> None:
        commands = from_orders(orders, len(self.facts.terms))
        known = exchange.commands
        if not 1 <= orders.first <= known + 1:
            text = f"the gateway has {known} commands, these begin with {orders.first}; log on and send those between"
            raise Refused(_CODE.OUT_OF_RANGE, "CommandsMissing", text)
        again = min(known + 1 - orders.first, len(commands))
        if again:
            self._check_same(commands[:again], orders.first)
        if len(commands) > again:
            exchange.submit(commands[again:])

    def _check_same(self, again: Reports, first: int) -> None:
        assert self._log is not None
        known = from_client(self._log.commands())[first - 1 : first - 1 + len(again)]
        names = [name for name in again.dtype.names or () if name not in _NOT_COMPARED]
        if any((again[name] != known[name]).any() for name in names):
            text = f"commands from {first} on are others than those on record; restore the journal"
            raise Refused(_CODE.DATA_LOSS, "CommandsDiffer", text)

    def _tick(self, exchange: PaperExchange) -> list[TradeResponse]:
        exchange.advance()
        return self._said(exchange, exchange.take_reports())

    def _cancel_all(self) -> list[TradeResponse]:
        exchange = self._opened()
        return self._said(exchange, exchange.cancel_all())

    def _said(self, exchange: PaperExchange | SteppedExchange, reports: Reports) -> list[TradeResponse]:
        return list(responses_of(reports, exchange.reports - len(reports) + 1)) if len(reports) else []


def quietly(act: Callable[[], list[TradeResponse]]) -> list[TradeResponse]:
    """Do what nobody waits for; a fault of the log shows itself at the next logon, where its orders have ended."""
    try:
        return act()
    except Refused:
        return []


def _calendar(name: str, first_ns: int, last_ns: int) -> Calendar:
    """Return the calendar over a feed; days without an end go on for as long as a session may."""
    return Calendar.load(name, first_ns, last_ns + _FOREVER_NS if name == ALWAYS else last_ns)
