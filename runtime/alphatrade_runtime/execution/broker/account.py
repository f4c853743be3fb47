"""The account behind a gateway's order sessions: one law over all of them, a latch and counters that outlive them.

The account is the sum over its sessions. Each is valued by its own look at the market and counts rates and turnover by
its own clock, because two sessions may play two tapes; windows of a session that is off do not count. With one session
on a stream's clock everything here follows from its commands and its tape. With several, whose commands meet the law
first is a matter of arrival, so denials and the moment of a latch are not determined; each session's own books are.

What a session may do by itself is the runtime's law; this is the second lock. A latch is never left here.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alphatrade_runtime.execution.broker import account_sums
from alphatrade_runtime.execution.broker.account_state import (
    MAX_SESSIONS,
    SESSION_DTYPE,
    index_of,
    new_gate,
    put_law,
    put_terms,
)
from alphatrade_runtime.execution.broker.account_store import AccountStore, Counters, Latch
from alphatrade_runtime.execution.broker.seat import Seat
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.document import Envelope, InstrumentTerms
from alphatrade_runtime.risk.codes import Code, KillState
from alphatrade_runtime.risk.kill import REDUCE
from alphatrade_runtime.risk.state import REDUCE_DAY_DRAWDOWN

DRAWDOWN_PEAK = "DrawdownPeak"
_MONEY = ("cash", "nav", "high_water", "day_start_nav", "fees", "turnover")


@dataclass(frozen=True)
class Totals:
    """The account's books, all sessions together. Money in quanta, positions in lots by symbol."""

    cash: int
    nav: int
    high_water: int
    day_start_nav: int
    fees: int
    turnover: int
    positions: dict[str, int]
    working: int
    commands: int
    denied: dict[str, int]
    latched_reason: str


class Account:
    """One account. Its compiled calls are whole to other threads; `lock` is for what takes several of them."""

    def __init__(
        self,
        initial_cash: int,
        store: AccountStore | None = None,
        *,
        is_open: bool = False,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Open an account; what `store` holds goes on. is_open: nothing is ever denied.

        Raises InputError when the account began with other cash.
        """
        self.lock = threading.RLock()
        self._store, self._wall_ns = store, wall_ns
        self._began = store.counters() if store is not None else None
        if self._began is not None and self._began.initial_cash != initial_cash:
            raise InputError(
                f"initial cash: the account began with {self._began.initial_cash} quanta of 1e-8, now it is "
                f"{initial_cash}; give the old value, or delete the BrokerConnection and its volume"
            )
        self.gate = new_gate(initial_cash, is_open=is_open)
        self.table = np.zeros(MAX_SESSIONS, SESSION_DTYPE).view(np.recarray)  # never moves: others may work on it
        self.used = 0
        self.symbols: list[str] = []
        self.law: Envelope | None = None
        self._seats: dict[str, Seat] = {}
        self._account = np.asarray(self.gate["account"])[0]
        self.latch: Latch | None = store.latch() if store is not None else None
        self._go_on()

    def put_law(self, law: Envelope | None) -> None:
        """Put a law in force; None refuses every order. Raises InputError when it does not fit; then none is."""
        with self.lock:
            self.law = None
            put_law(self.gate, self.symbols, law)
            account_sums.set_levels(self.gate)
            self.law = law
            for seat in self._seats.values():
                self.table[seat.at].index[: seat.n] = index_of(self.symbols, seat.symbols)

    def seat(
        self,
        key: str,
        terms: Sequence[InstrumentTerms],
        *,
        funding: bool = False,
    ) -> Seat:
        """Return the place of a session at the account, its books empty; the same key has the same place."""
        at = self._seats[key].at if key in self._seats else self._new_row()
        seat = Seat(self, key, at, [t.symbol for t in terms])
        seat.through_ns = self._known_through(key)
        row = self.table[at]
        self.table[at] = np.zeros(1, SESSION_DTYPE)[0]
        row.n, row.funding_on = len(terms), funding
        row.index[:] = -1
        row.index[: seat.n] = index_of(self.symbols, seat.symbols)
        for i, term in enumerate(terms):
            put_terms(seat.books[0].instruments[i], term, allowed=True)
        self._seats[key] = seat
        return seat

    def value(self, seat: Seat) -> None:
        """Value the positions of a session that has no market yet by the last marks known, else by its last fills."""
        row, marks, marked = self.table[seat.at], self._marks(), 0
        for i, symbol in enumerate(seat.symbols):
            view = seat.books[0].views[i]
            view.mark2 = marks.get(symbol, int(view.mark2))
            marked += int(row.exposures[i].position) * int(view.mark2) * int(seat.books[0].instruments[i].half_mult)
        row.money[0].marked = marked
        row.money[0].nav = int(row.money[0].cash) + marked

    def heed(self, seat: Seat) -> None:
        """Latch for good, on disk, once the account was tripped. Raises OSError; it is latched in memory then."""
        if self.latch is not None or not self.is_tripped or bool(self.gate[0].open):
            return
        account = self._account[0]
        self.latch = Latch(
            DRAWDOWN_PEAK, seat.key, int(account["nav"]), int(account["high_water"]), self._wall_ns()
        )  # fmt: skip
        if self._store is not None:
            self._store.write_latch(self.latch)

    @property
    def is_tripped(self) -> bool:
        """Whether only reductions may pass, for good."""
        return int(self._account["kill_state"][0]) != int(KillState.ARMED)

    @property
    def held(self) -> int:
        """A number that changes when the account is latched or held to reductions, and when that ends; 0: neither."""
        return int(self._account["reduce_only"][0]) + (4 if self.is_tripped else 0)

    def totals(self) -> Totals:
        """Return the account's books."""
        account_sums.sum_sessions(self.gate, self.table, self.used)
        gate = self.gate.copy()[0]
        account = gate.account[0]
        return Totals(
            **{name: int(account[name]) for name in _MONEY},
            positions={s: int(gate.exposures[i].position) for i, s in enumerate(self.symbols)},
            working=int(self.table["exposures"]["open_orders"][: self.used].sum()),
            commands=int(self.table["commands"][: self.used].sum()),
            denied={code.name: int(gate.denied[code]) for code in Code if gate.denied[code]},
            latched_reason="" if self.latch is None else self.latch.reason,
        )

    def counters(self) -> Counters:
        """Return what a restart goes on from."""
        gate = self.gate.copy()[0]
        account = gate.account[0]
        sessions = {seat.key: seat.through_ns for seat in self._seats.values()}
        return Counters(
            int(account.initial_cash), int(account.high_water), int(account.day_start_nav), int(gate.day_ts),
            int(account.reduce_only), self._marks(), sessions,
        )  # fmt: skip

    def keep(self, counters: Counters) -> None:
        """Write counters to the disk. Raises OSError."""
        if self._store is not None:
            self._store.write_counters(counters)

    def hush(self, quiet: bool) -> None:
        """While a session is rebuilt beside others: no value of another time moves a level."""
        self.gate[0].quiet = quiet

    def start_from(self, counters: Counters) -> None:
        """Take the counters of an earlier time, before a session is rebuilt from then on."""
        account = self.gate[0].account[0]
        account.high_water, account.day_start_nav = counters.high_water, counters.day_start_nav
        account.reduce_only = counters.reduce_only
        self.gate[0].day_ts = counters.day_ts
        account_sums.set_levels(self.gate)

    def not_below(self, counters: Counters, *, alone: bool) -> None:
        """Behind a rebuild: what was known before is not forgotten. alone: no other session was on meanwhile."""
        account = self.gate[0].account[0]
        account.high_water = max(int(account.high_water), counters.high_water)
        if not alone:
            account.day_start_nav, self.gate[0].day_ts = counters.day_start_nav, counters.day_ts
        if counters.day_ts == int(self.gate[0].day_ts):
            account.reduce_only = int(account.reduce_only) | (counters.reduce_only & REDUCE_DAY_DRAWDOWN)
        account_sums.set_levels(self.gate)

    def commands_beside(self, seat: Seat) -> int:
        """Return how many commands all other sessions ever sent."""
        return int(self.table["commands"][: self.used].sum() - self.table["commands"][seat.at])

    def others_on(self, seat: Seat) -> bool:
        """Whether another session is on."""
        on = self.table["on"][: self.used]
        return bool(on.sum() - on[seat.at])

    def _marks(self) -> dict[str, int]:
        """Return the last marks known, half ticks by symbol."""
        views = self.gate[0].views
        seen = {s: int(views[i].mark2) for i, s in enumerate(self.symbols) if views[i].mark2 > 0}
        return {**(self._began.marks if self._began is not None else {}), **seen}

    def _known_through(self, key: str) -> int:
        if key in self._seats:
            return self._seats[key].through_ns
        return self._began.sessions.get(key, 0) if self._began is not None else 0

    def _go_on(self) -> None:
        account = self.gate[0].account[0]
        if self._began is not None:
            self.start_from(self._began)
        if self.latch is not None:
            account.kill_state, account.kill_mode = int(KillState.TRIPPED), REDUCE

    def _new_row(self) -> int:
        if self.used == MAX_SESSIONS:
            raise InputError(f"account: {MAX_SESSIONS} order sessions were held here; give it a new volume")
        self.used += 1
        return self.used - 1


def open_seat(instruments: int) -> Seat:
    """Return a seat at an account of its own that denies nothing: for an exchange without an account."""
    account = Account(0, is_open=True)
    seat = account.seat("", ())
    account.table[seat.at].n = instruments
    return seat
