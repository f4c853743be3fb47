"""A session's place at its account: what an exchange asks before a command takes effect, and tells of what it made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alphatrade_runtime.execution.broker import account_orders
from alphatrade_runtime.execution.broker.account_orders import DECIDE
from alphatrade_runtime.execution.broker.account_state import new_books
from alphatrade_runtime.execution.broker.contract import Commands, Reports
from alphatrade_runtime.market.calendar import ALWAYS, Calendar
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE
from alphatrade_runtime.numerics.direct import direct

if TYPE_CHECKING:
    from alphatrade_runtime.execution.broker.account import Account

_NO_TIMES = np.zeros(0, np.int64)


class Seat:
    """One session at an account. symbols: its instruments by index. through_ns: how far its exchange time has come."""

    def __init__(self, account: Account, key: str, at: int, symbols: Sequence[str]) -> None:
        self.account, self.key, self.at, self.symbols = account, key, at, tuple(symbols)
        self.n = len(self.symbols)
        self.books: Any = new_books()
        self.through_ns = 0
        self.calendar: tuple[Any, Any, Any] = (_NO_TIMES, _NO_TIMES, _NO_TIMES)
        self._ask = direct(account_orders.ask, *self.place, np.zeros(1, COMMAND_DTYPE), 0, 0, 0)

    @property
    def place(self) -> tuple[Any, Any, int, int, Any]:
        """The account, its sessions, how many they are, which one this is, and its own books."""
        return self.account.gate, self.account.table, self.account.used, self.at, self.books

    @property
    def gated(self) -> bool:
        """Whether the account has a say at all."""
        return not self.account.gate["open"][0]

    def set_calendar(self, calendar: Calendar) -> None:
        """Follow a calendar's sessions and days."""
        always = calendar.name == ALWAYS
        opens, closes = (_NO_TIMES, _NO_TIMES) if always else (calendar.open_ns, calendar.close_ns)
        contiguous = np.ascontiguousarray
        self.calendar = contiguous(opens), contiguous(closes), contiguous(calendar.day_start_ns)

    def turn(self, on: bool) -> None:
        """Say whether a link holds the session: only then do its windows count and its days matter."""
        self.account.table["on"][self.at] = on

    def rest(self) -> None:
        """Let the books go, a megabyte; what they came to stays at the account. Who goes on gets new ones."""
        self.books = None

    def ask(self, commands: Commands, k: int, now_ns: int, code: int = DECIDE) -> int:
        """Ask the law on command k, which arrives at now_ns, and book it; return the code of a denial, or 0.

        code: what was decided before, when a session is rebuilt.  commands: writable.
        """
        with self.account.lock:
            return int(self._ask(*self.place, commands, k, now_ns, code))

    def restore(self, commands: Commands, verdicts: Any, reports: Reports) -> None:
        """Rebuild the books from a log, without a market; positions are valued by the account's last marks."""
        reports = np.ascontiguousarray(reports, REPORT_DTYPE)
        account_orders.restore(*self.place, commands.copy(), np.asarray(verdicts, np.uint8), reports.copy())
        self.account.value(self)

    def book(self, reports: Reports) -> None:
        """Book reports that ended orders without a market."""
        account_orders.book(*self.place, reports.copy())

    def must_cancel(self, instrument: int, side: int) -> bool:
        """Whether the account's latch or hold leaves no order of this side standing."""
        exposure, held = self.account.table[self.at].exposures[instrument], self.account.held
        working = int(exposure.working_buy if side > 0 else exposure.working_sell)
        return held != 0 and self.gated and working > -side * int(exposure.position)
