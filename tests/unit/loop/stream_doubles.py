"""A stream and a venue in this process: the other halves of the lockstep, from the same kernels as a replay."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alphatrade_runtime.execution.broker.contract import BrokerLost, VenueState, Working
from alphatrade_runtime.execution.venue_state import RING
from alphatrade_runtime.loop import lockstep
from alphatrade_runtime.loop.build import build
from alphatrade_runtime.market.orders import REPORT_DTYPE, Command, Report
from alphatrade_runtime.market.schema import Rows


@dataclass(frozen=True)
class Batch:
    rows: Rows
    complete_through_ns: int
    number: int


class RowsFeed:
    """Rows in batches that never split one arrival time."""

    def __init__(self, rows: Rows, from_seq: int, size: int = 700) -> None:
        self.rows, self.size = rows, size
        self.at = int(np.searchsorted(rows.seq, from_seq))
        self.number = 0
        self.acked: list[int] = []

    @property
    def ended(self) -> bool:
        return self.at >= len(self.rows.seq)

    def take(self, timeout_s: float) -> Batch | None:
        if self.ended:
            return None
        times = self.rows.ts_init_ns
        stop = min(self.at + self.size, len(times))
        while stop < len(times) and times[stop] == times[stop - 1]:
            stop += 1
        span = Rows._make(frozen(column[self.at : stop]) for column in self.rows)
        self.at, self.number = stop, self.number + 1
        return Batch(span, int(times[stop - 1]), self.number)

    def acknowledge(self, number: int) -> None:
        self.acked.append(number)

    def close(self) -> None:
        pass


class KernelVenue:
    """The venue's side of a replay on its own; remembers commands and reports like a gateway's log.

    lose_every: break the link at every so-manieth call, before or after its effect in turn.
    """

    def __init__(self, session, rows: Rows, depth: bool = False, lose_every: int = 0) -> None:
        self.core = build(session, None, bar_mode=False)
        self.rows = Rows._make(frozen(column) for column in rows)
        self.response_ns = session.exchange.response_latency_ns
        self.n = len(session.policy.envelope.instruments)
        self.depth = np.zeros((self.n, 2, 1024 if depth else 0), np.int64)
        self.commands: list[np.ndarray] = []
        self.reports = np.zeros(0, REPORT_DTYPE)
        self.through = -1
        self.calls, self.lose_every, self.linked = 0, lose_every, False

    def logon(self, session_id: str, after: int):
        self.linked = True
        return sum(map(len, self.commands)), self.reports[after:]

    def send(self, commands, first: int) -> None:
        self._maybe_lose(0)
        known = sum(map(len, self.commands))
        assert first <= known + 1
        fresh = commands[known + 1 - first :]
        loop = self.core["loop"][0][0]
        for command in fresh:
            assert command["ts_ns"] >= self.through
            self.core["commands"][0][int(loop["commands_tail"]) & (RING - 1)] = command
            loop["commands_tail"] += 1
        if len(fresh):
            self.commands.append(fresh.copy())
        self._maybe_lose(1)

    def advance(self, through_ns: int):
        self._maybe_lose(0)
        lockstep.run_venue(self.core, self.rows, len(self.rows.seq), through_ns, self.depth)
        self.through = max(self.through, through_ns)
        made = self._collect()
        self._maybe_lose(1)
        return made

    def settle(self, order_ids: Sequence[int]):
        made = self._collect()
        working = {}
        for i in range(self.n):
            for k in range(int(self.core[0].books[i].resting)):
                order = self.core[0].resting[i, k]
                working[int(order.order_id)] = Working(int(order.price), int(order.leaves))
        fills = self.reports[self.reports["type"] == int(Report.FILL)]
        positions = tuple(
            int((fills["qty"] * fills["side"].astype("i8"))[fills["instrument"] == i].sum()) for i in range(self.n)
        )
        known = {int(c["order_id"]) for span in self.commands for c in span if c["command"] == int(Command.NEW)}
        return made, VenueState(len(self.reports), positions, working, frozenset(known & set(order_ids)))

    def close(self) -> None:
        self.linked = False

    def _collect(self):
        venue = self.core["venue"][0][0]
        at = np.arange(int(venue["head"]), int(venue["tail"])) & (RING - 1)
        made = np.asarray(self.core["reports"][0])[at].copy()
        venue["head"] = venue["tail"]
        self.reports = np.concatenate((self.reports, made))
        return made

    def _maybe_lose(self, phase: int) -> None:
        self.calls += 1
        if self.lose_every and self.calls % self.lose_every == phase:
            self.linked = False
            raise BrokerLost("the link was cut by the test")


def frozen(column):
    view = np.ascontiguousarray(column)[:]
    view.setflags(write=False)
    return view
