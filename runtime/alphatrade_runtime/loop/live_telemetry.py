"""What a wall-clock session measures: a latency for every event, decision, order and acknowledgement; a beat a second.

ingest_signal  from reading an event to the end of the step that took it: one an event.
signal_order   from there until its commands, if any, were handed to the broker: one a decision.
ingest_order   from reading to handing over: one an order command.
order_ack      from handing an order's last command over to the venue's word on it: one a report that is no fill.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.execution.broker.contract import Commands
from alphatrade_runtime.loop.live_clock import Clocks
from alphatrade_runtime.loop.live_session import LiveSession
from alphatrade_runtime.market.orders import Report
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.reflection.telemetry import COUNTS, Heartbeat, Histogram, append_to, read_rss_kb, read_telemetry

NAME = "telemetry.jsonl"
_REPORT = int(Kind.EXEC_REPORT)
_FILL = int(Report.FILL)
_MOST_FOLLOWED = 65_536


class Stepped(NamedTuple):
    """A batch that was taken: when it was read, when its step ended, what it decided and ordered."""

    ingest_ns: int
    signal_ns: int
    decisions: int
    orders: int


class LiveTelemetry:
    """Stopwatch and heartbeat of one process; goes on with the counts of the file's earlier processes."""

    def __init__(self, folder: Path, live: LiveSession, clocks: Clocks) -> None:
        path = folder / NAME
        _cut_torn_line(path)
        before = read_telemetry(path).counts if path.exists() else dict.fromkeys(COUNTS, 0)
        self._live, self._mono_ns = live, clocks.mono_ns
        self._seen = live.counters()
        self._base = [before[name] - seen for name, seen in zip(COUNTS, self._seen, strict=True)]
        self._sent: dict[int, int] = {}
        self._heart = Heartbeat(append_to(path), clocks.wall_ns, clocks.mono_ns, read_rss_kb)

    @property
    def stages(self) -> Mapping[str, Histogram]:
        """The latencies by stage."""
        return self._heart.stages

    def stepped(self, spans: list[Rows], ingest_ns: int, signal_ns: int = 0) -> Stepped:
        """Count a batch whose step ended at signal_ns (0: just now); what it returns is for `sent`."""
        now, counters = signal_ns or self._mono_ns(), self._live.counters()
        events, decisions, orders, acks = (new - old for new, old in zip(counters, self._seen))
        _record(self._heart.stages["ingest_signal"], now - ingest_ns, events)
        if acks:
            self._heart.stages["order_ack"].record_all(self._ack_latencies(spans, acks, ingest_ns))
        self._seen = counters
        return Stepped(ingest_ns, now, decisions, orders)

    def sent(self, commands: Commands, step: Stepped, handed_ns: int = 0) -> None:
        """Count what the batch decided and handed to the broker (or could not) at handed_ns (0: just now)."""
        if not step.decisions and not step.orders:
            return
        now = handed_ns or self._mono_ns()
        stages = self._heart.stages
        _record(stages["signal_order"], now - step.signal_ns, step.decisions)
        if step.orders:
            _record(stages["ingest_order"], now - step.ingest_ns, step.orders)
            if len(self._sent) > _MOST_FOLLOWED:
                self._sent.clear()
            self._sent.update(dict.fromkeys(commands["order_id"].tolist(), now))

    def beat(self) -> bool:
        """Write a line if one is due."""
        return self._heart.beat(self.counts())

    def close(self) -> None:
        """Write the last line."""
        self._heart.close(self.counts())

    def counts(self) -> Mapping[str, int]:
        """Return events, decisions, orders, acks of this file's processes."""
        return {name: base + seen for name, base, seen in zip(COUNTS, self._base, self._seen, strict=True)}

    def _ack_latencies(self, spans: list[Rows], n: int, now_ns: int) -> npt.NDArray[np.int64]:
        found: list[int] = []
        for span in spans:
            for r in np.flatnonzero((span.kind == _REPORT) & (span.ask != _FILL)):
                found.append(now_ns - self._sent.get(int(span.bid[r]), now_ns))
        return np.array((found + [0] * n)[:n], np.int64)


def _record(histogram: Histogram, value_ns: int, times: int) -> None:
    """Count one value so many times."""
    if times == 1:
        histogram.record(value_ns)
    elif times:
        histogram.record_all(np.full(times, value_ns, np.int64))


def _cut_torn_line(path: Path) -> None:
    """Drop the unfinished last line of a killed process."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
