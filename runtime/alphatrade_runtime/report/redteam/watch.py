"""Trade rows with a session and ask its law all along: would an order leave now?

The rows get TIMER rows, as a live session has them in silence, and at each of them the law is asked about the
smallest order either way at the far touch. Asking moves nothing, so the run is that of the same rows unasked.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.execution.venue_state import DEPTH_TICKS
from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.build import build
from alphatrade_runtime.loop.core import Core, part
from alphatrade_runtime.loop.engine import Engine, counts_of, header_of, kill_of, money_of
from alphatrade_runtime.loop.mind_link import streams_of
from alphatrade_runtime.loop.recorder import Recorder
from alphatrade_runtime.market.calendar import Calendar
from alphatrade_runtime.market.orders import Command, Purpose
from alphatrade_runtime.market.redteam import with_timers
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.report.redteam.ask import ask_law
from alphatrade_runtime.risk.auditor import Auditor, Violation
from alphatrade_runtime.risk.codes import Guard
from alphatrade_runtime.risk.state import REDUCE_DAY_DRAWDOWN, REDUCE_DRIFT

HEARTBEAT_NS = 250_000_000

_TRADE = int(Purpose.TRADE)
Ints = npt.NDArray[np.int64]


class Asked(NamedTuple):
    """What was seen at each TIMER row. n times, m instruments; money in quanta, marks in half ticks.

    held, drifting: the day's loss, or the drift sentry, holds to reductions.  killed: a kill mode is engaged.
    below_day, below_peak: NAV is below the level at which it must.
    """

    ts_ns: Ints  # (n,)
    codes: Ints  # (n, m, 2)
    marks2: Ints  # (n, m)
    nav: Ints  # (n,)
    held: npt.NDArray[np.bool_]
    drifting: npt.NDArray[np.bool_]
    killed: npt.NDArray[np.bool_]
    below_day: npt.NDArray[np.bool_]
    below_peak: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Watched:
    """A run and what its law said. sent: (k, 2) time and instrument of each new or amended order that left."""

    asked: Asked
    sent: Ints
    digests: dict[str, str]
    counts: dict[str, Any]
    money: dict[str, int]
    kill: dict[str, str]
    violations: list[Violation]


def watch(engine: Engine, rows: Rows, tape: str, moments: tuple[int, ...] = ()) -> Watched:
    """Replay rows from start to end. tape: their digest, for the diary's header.  moments: more times to ask at."""
    return _Watch(engine, with_timers(rows, HEARTBEAT_NS, moments), tape).run()


class _Watch:
    def __init__(self, engine: Engine, rows: Rows, tape: str) -> None:
        policy = engine.session.policy
        self.rows, self.instruments = rows, len(policy.envelope.instruments)
        calendar = Calendar.load(policy.envelope.calendar, int(rows.ts_init_ns[0]), int(rows.ts_init_ns[-1]))
        self.core: Core = build(engine.session, calendar, bar_mode=False)
        deep = bool((rows.kind == int(Kind.DEPTH)).any())
        self.depth = np.zeros((self.instruments, 2, DEPTH_TICKS if deep else 0), np.int64)
        self.recorder = Recorder.create(
            None, header_of(engine, tape), False, Auditor.from_session(engine.session), streams_of(self.core)
        )
        self.seen: list[tuple[Any, ...]] = []

    def run(self) -> Watched:
        n = len(self.rows.seq)
        try:
            for stop in (np.flatnonzero(self.rows.kind == int(Kind.TIMER)) + 1).tolist():
                self._until(stop, final=False)
                self._ask()
            self._until(n, final=True)
            self.recorder.drain(self.core)  # before the closing rows: they share the last row's seq
            replay.close(self.core)
            self.recorder.drain(self.core)
            digests = self.recorder.close()
        except BaseException:
            self.recorder.abandon()
            raise
        return Watched(
            self._asked(), self._sent(), digests, counts_of(self.core), money_of(self.core), self._kill(),
            self.recorder.violations,
        )  # fmt: skip

    def _until(self, stop: int, *, final: bool) -> None:
        while replay.run(self.core, self.rows, stop, final, self.depth) == replay.NEED_DRAIN:
            self.recorder.drain(self.core)

    def _ask(self) -> None:
        codes = np.zeros((self.instruments, 2), np.int64)
        ask_law(self.core, codes)
        account = part(self.core, "account")[0]
        nav = int(account.nav)
        self.seen.append(
            (
                int(account.now), codes, part(self.core, "views")["mark2"][: self.instruments].copy(), nav,
                bool(account.reduce_only & REDUCE_DAY_DRAWDOWN), bool(account.reduce_only & REDUCE_DRIFT),
                bool(account.kill_mode != 0),
                bool(account.day_level != 0 and nav < account.day_level),
                bool(account.kill_level != 0 and nav < account.kill_level),
            )
        )  # fmt: skip

    def _kill(self) -> dict[str, str]:
        guard = Guard(int(part(self.core, "account")[0].kill_guard))
        return {**kill_of(self.core), "guard": guard.name}

    def _asked(self) -> Asked:
        ts, codes, marks, nav, *flags = zip(*self.seen, strict=True)
        numbers, truths = np.int64, np.bool_
        return Asked(
            np.array(ts, numbers), np.array(codes, numbers), np.array(marks, numbers), np.array(nav, numbers),
            *(np.array(flag, truths) for flag in flags),
        )  # fmt: skip

    def _sent(self) -> Ints:
        decisions = self.recorder.tables()["decisions"]
        columns = {
            name: decisions[name].to_numpy() for name in ("kind", "action", "purpose", "event_ts_ns", "instrument")
        }
        orders = np.isin(columns["action"], (int(Command.NEW), int(Command.AMEND)))
        left = orders & (columns["kind"] == int(DiaryKind.ACTION)) & (columns["purpose"] == _TRADE)
        return np.stack((columns["event_ts_ns"][left], columns["instrument"][left].astype(np.int64)), axis=1)
