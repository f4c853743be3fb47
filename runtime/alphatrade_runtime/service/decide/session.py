"""The session of one call: its own state, its own simulated exchange, its rows of the diary."""

from collections.abc import Iterator

import numpy as np

from alphatrade.v1 import decision_pb2
from alphatrade.v1.market_pb2 import MarketEvent
from alphatrade_runtime.execution.venue_state import DEPTH_TICKS
from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.build import build
from alphatrade_runtime.loop.core import MAX_SESSIONS, OUT_DECISIONS
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.market.calendar import DAY_NS, Calendar
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.direct import direct
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.reflection.records import DECISION_DTYPE
from alphatrade_runtime.service.decide import causal
from alphatrade_runtime.service.decide.events import END_NS, EventFault, Events

_HORIZONS_DAYS = (3_650, 365, 90, 30, 7, 1, 0)  # an exchange's calendar ends, and where is its own business
_LATEST_NS = replay.NEVER - 1
MAX_ROWS = 4_096  # of one response: far below what a client takes by default (4 MiB)
_MAX_BYTES = MAX_ROWS * DECISION_DTYPE.itemsize


class DecideSession:
    """A fresh session at the first event of a call."""

    def __init__(self, session: Session, first_ts_ns: int, depth: bool) -> None:
        """Build the state. Raises EventFault when the time is not in its calendar, InputError when it cannot run."""
        if not 0 <= first_ts_ns < END_NS:
            raise EventFault(f"the first event's ts_init_ns {first_ts_ns} must not be below 0, nor past 2096")
        calendar = _calendar(session.policy.envelope.calendar, first_ts_ns)
        self.core = build(session, calendar, bar_mode=False)
        n = len(session.policy.envelope.instruments)
        self._depth = np.zeros((n, 2, DEPTH_TICKS if depth else 0), np.int64)
        self._seen = np.full(causal.FIELDS, -1, np.int64)
        self._seen[causal.OVERTAKEN] = 0
        # Plain views, made once: numpy's records cost microseconds an access.
        loop, self._out_n = np.asarray(self.core["loop"])[0], self.core["out_n"][0]
        self._decisions = loop["decisions"]
        self._targets = np.asarray(self.core["plans"])[0]["target"][:n]
        self._out = self.core["out_decisions"][0].view(np.uint8)
        self.events = Events(n, depth, (loop["local_row"], loop["venue_row"]))
        self._advance = direct(
            causal.advance, self.core, self.events.rows, 0, _LATEST_NS, self._depth, self._seen
        )  # fmt: skip
        self._counted = 0
        self._mind = mind_of(self.core)

    @property
    def overtaken(self) -> int:
        """Events that came later than the response latency, and would have made a difference."""
        return int(self._seen[causal.OVERTAKEN])

    def step(self, event: MarketEvent) -> Iterator[decision_pb2.DecideResponse]:
        """Run everything up to a LAST event that was just added; yield the answer."""
        yield from self._answers(event.seq, self._run(event.ts_init_ns))

    def finish(self, seq: int) -> Iterator[decision_pb2.DecideResponse]:
        """Let all that is under way arrive, close the session, yield its last rows."""
        rows = self._run(_LATEST_NS)
        self._out_n[:] = 0
        replay.close(self.core)
        yield from self._answers(seq, rows + self._rows(int(self._out_n[OUT_DECISIONS])))

    def _run(self, until_ns: int) -> bytes:
        events = self.events
        before = b""
        while True:
            if self._mind is not None:
                for _ in self._mind.take():  # its record streams are nobody's here either
                    pass
            n = self._advance(self.core, events.rows, events.n, until_ns, self._depth, self._seen)
            if n == 0:
                return before
            if n > 0:
                return before + self._rows(n)
            before += self._rows(-1 - n)

    def _rows(self, n: int) -> bytes:
        """Return the first n diary rows of the buffer; the other record streams are nobody's here.

        As bytes: a copy of numpy's records would leave what lies between the fields to chance.
        """
        return self._out[: n * DECISION_DTYPE.itemsize].tobytes()

    def _answers(self, seq: int, rows: bytes) -> Iterator[decision_pb2.DecideResponse]:
        """Yield one answer, or several when there are very many rows; the decisions count in the first."""
        made = int(self._decisions[0])
        decisions, self._counted = made - self._counted, made
        targets = self._targets.tolist()
        for start in range(0, len(rows) or 1, _MAX_BYTES):
            yield decision_pb2.DecideResponse(
                seq=seq,
                decisions=decisions if start == 0 else 0,
                target_lots=targets,
                rows=_diary_rows(rows[start : start + _MAX_BYTES]),
            )


def _diary_rows(rows: bytes) -> list[decision_pb2.DiaryRow]:
    return [
        decision_pb2.DiaryRow(
            seq=int(row["seq"]),
            decision_id=int(row["decision_id"]),
            kind=int(row["kind"]),
            instrument=int(row["instrument"]),
            action=int(row["action"]),
            side=int(row["side"]),
            qty=int(row["qty"]),
            price=int(row["limit"]),
            code=int(row["code"]),
            record=rows[k * DECISION_DTYPE.itemsize : (k + 1) * DECISION_DTYPE.itemsize],
        )
        for k, row in enumerate(np.frombuffer(rows, DECISION_DTYPE))
    ]


def _calendar(name: str, first_ts_ns: int) -> Calendar:
    """Load the calendar as far ahead as it goes and a session can hold it, at most ten years."""
    why = ""
    for days in _HORIZONS_DAYS:
        try:
            calendar = Calendar.load(name, first_ts_ns, first_ts_ns + days * DAY_NS)
        except InputError as error:
            why = str(error)
            continue
        if max(len(calendar.day_start_ns), len(calendar.open_ns)) <= MAX_SESSIONS:
            return calendar
        why = f"calendar {name}: has more than {MAX_SESSIONS} sessions by then"
    raise EventFault(f"the first event's ts_init_ns {first_ts_ns}: {why}")
