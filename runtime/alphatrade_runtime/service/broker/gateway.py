"""The state of a broker gateway: its account, its sessions, what it says of itself, what a configuration changes."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from alphatrade.config import digest_of
from alphatrade.v1 import control_pb2
from alphatrade.v1.control_pb2 import ApplyResponse, BrokerStatus, PodStatus
from alphatrade_runtime.execution.broker.account import Account
from alphatrade_runtime.execution.broker.account_store import AccountStore, Counters
from alphatrade_runtime.loop.live_clock import Clocks
from alphatrade_runtime.market.faults import InputError, disk_errors
from alphatrade_runtime.service.broker.config import Terms, parse
from alphatrade_runtime.service.broker.market import OpenFeed
from alphatrade_runtime.service.broker.sessions import Sessions

KEEP_S, RECONCILE_S = 1.0, 60.0
_FIXED = ("owner", "identity", "environment", "currency", "initial_cash")


class Gateway:
    """One account. Its law and clients may be replaced while it runs; what it owes to the past may not."""

    def __init__(self, terms: Terms, document: bytes, data: Path, feeds: OpenFeed, clocks: Clocks, code: str) -> None:
        """Take up account and sessions from the volume. Raises InputError."""
        self.terms, self._clocks, self._code = terms, clocks, code
        self.changed: Callable[[], None] = lambda: None
        self._digest = digest_of(document)
        self._note = self._fault = ""
        with disk_errors(data):
            store = AccountStore(data / "account")
            self.account = Account(self._initial_cash(store), store, wall_ns=clocks.wall_ns)
            self.account.put_law(terms.law)
            self.sessions = Sessions(self.account, terms, data / "sessions", feeds, clocks)
        self._applying = threading.Lock()
        self._kept: Counters | None = None
        self._next = {"keep": 0.0, "reconcile": 0.0}
        self._reconciled_ns = self._breaks = self._reconciliations = 0
        self._told: tuple[object, ...] = ()

    def _initial_cash(self, store: AccountStore) -> int:
        """An account goes on with the cash that it began with, whatever is asked now."""
        held = store.counters()
        if held is None or held.initial_cash == self.terms.initial_cash:
            return self.terms.initial_cash
        self._note = (
            f"initialCash: the account began with {held.initial_cash} quanta of 1e-8 and goes on with them; "
            "delete the BrokerConnection and its volume to begin anew"
        )
        return held.initial_cash

    def apply(self, document: bytes) -> ApplyResponse:
        """Take a configuration. Raises InputError when it cannot be taken; the one before stays in force then."""
        with self._applying:
            if digest_of(document) == self._digest:
                return ApplyResponse(outcome=control_pb2.APPLY_OUTCOME_UNCHANGED)
            terms = parse(document, "document")
            for name in _FIXED:
                if getattr(terms.config, name) != getattr(self.terms.config, name):
                    raise InputError(
                        f"{name}: an account keeps what it began with; delete the BrokerConnection and its volume"
                    )
            self._put(terms)
            self._digest = digest_of(document)
            return ApplyResponse(outcome=control_pb2.APPLY_OUTCOME_APPLIED)

    def _put(self, terms: Terms) -> None:
        try:
            self.account.put_law(terms.law)
        except InputError:
            self.account.put_law(self.terms.law)
            raise
        self.terms = terms
        self.sessions.heed(terms)

    def keep_house(self) -> None:
        """What need not be done at every turn: sessions without a link, counters, books held against the venue's."""
        now = time.monotonic()
        self.sessions.tick()
        if now >= self._next["keep"]:
            self._next["keep"] = now + KEEP_S
            self.keep_counters()
        if now >= self._next["reconcile"] and self.sessions.may_move():
            self._next["reconcile"] = now + RECONCILE_S
            self.reconcile()
        told = (self.sessions.linked(), self.account.latch, self._fault, self._breaks)
        if told != self._told:
            self._told = told
            self.changed()

    def keep_counters(self) -> None:
        """Write the account's counters, of a moment at which no session is in the middle of something."""
        with ExitStack() as held:
            for session in self.sessions.all():
                held.enter_context(session.lock)
            counters = self.account.counters()
        if counters == self._kept:
            return
        try:
            self.account.keep(counters)
        except OSError as error:
            self._fault = f"counters cannot be written ({error.strerror or error}); free some space on the volume"
            return
        self._kept, self._fault = counters, ""

    def reconcile(self) -> None:
        """Hold the account's books against the venue's."""
        self._breaks += sum(session.breaks() for session in self.sessions.all())
        self._reconciliations += 1
        self._reconciled_ns = self._clocks.wall_ns()

    @property
    def reconciliations(self) -> int:
        """How many times books were compared."""
        return self._reconciliations

    def status(self) -> PodStatus:
        """Return what the gateway does."""
        totals = self.account.totals()
        broker = BrokerStatus(
            phase="Failed" if self._fault else "Serving",
            reason="VolumeNotWritable" if self._fault else "Serving",
            message=self._fault or self._note,
            sessions=self.sessions.linked(),
            simulated=True,
            reconciled_at_ns=self._reconciled_ns,
            breaks=self._breaks,
            commands=totals.commands,
            denied=totals.denied,
            refused=dict(self.sessions.refused),
            latched_by=totals.latched_reason,
            nav=totals.nav,
        )
        return PodStatus(document_digest=self._digest, code_hash=self._code, broker=broker)

    def stop(self) -> None:
        """Take no more logons, cancel what works in real time."""
        self.sessions.stop()

    def close(self) -> None:
        """Let everything go, counters kept."""
        self.sessions.close()
        self.keep_counters()
