"""P5a: from a quote handed to the live session until the broker client has the order, nothing else under way.

P5a-mind is the same with every part of the understanding loop on. P5a-flip is from the quote that confirms another
regime until the first order of the policy and topology that trade in it is with the client.

The path is that of a wall-clock session: journal the row, run the step, journal the command, telemetry, send.
Between two quotes, outside the span, the order is filled at the touch and full buffers go to the diary.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.contract import Commands, Reports
from alphatrade_runtime.loop import recovery
from alphatrade_runtime.loop.identity import identify
from alphatrade_runtime.loop.live_clock import ClockFacts, Clocks
from alphatrade_runtime.loop.live_rows import report_rows
from alphatrade_runtime.loop.live_session import LiveFacts, LiveSession, new_live_core
from alphatrade_runtime.loop.live_telemetry import LiveTelemetry
from alphatrade_runtime.loop.live_warm import warm_up
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.market.orders import REPORT_DTYPE, Report
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.policy.document import parse_session
from bench import make_tape, sessions, strategies  # noqa: F401 (declares the signals)

DRAIN_EVERY = 1_000


class Broker:
    """A client that notes when an order arrives and fills it at the touch when asked."""

    def __init__(self) -> None:
        self.arrived_ns = self.fills = 0

    def send(self, commands: Commands) -> None:
        """Note the time of arrival."""
        self.arrived_ns = time.perf_counter_ns()

    def filled(self, commands: Commands, bid: int, ask: int) -> Reports:
        """Return the fills of market orders at the far touch."""
        reports = np.zeros(len(commands), REPORT_DTYPE)
        for report, command in zip(reports, commands, strict=True):
            self.fills += 1
            report["type"], report["order_id"], report["exec_id"] = int(Report.FILL), command["order_id"], self.fills
            report["side"], report["qty"] = command["side"], command["qty"]
            report["price"] = ask if command["side"] > 0 else bid
        return reports


_DOCUMENTS = {"": sessions.quotes_session, "mind": sessions.mind_session, "flip": sessions.flip_session}
_MARKETS: dict[str, make_tape.Market] = {"": "walk", "mind": "walk", "flip": "trends"}


class Flips:
    """Tell the orders that a confirmed regime led to.

    switches: how often one changed who trades.  at_once: of these, how many had their order at that very decision.
    """

    def __init__(self, live: LiveSession) -> None:
        mind = mind_of(live.core)
        assert isinstance(mind, Mind)
        self._symbol = mind.symbols[0]
        self._topology = -1
        self._before = self._now = (0, 0)
        self.switches = self.at_once = 0

    def are(self, commands: Commands) -> bool:
        """Return whether these commands are the first of another topology, at a decision with another regime."""
        self._before, self._now = self._now, (int(self._symbol.regime[0].label), int(self._symbol.current))
        flipped = self._before[0] != self._now[0] and self._before[1] != self._now[1]
        flipped = flipped and self._topology >= 0  # before its features are known it sends no order
        self.switches += flipped
        if not len(commands):
            return False
        before, self._topology = self._topology, int(commands["topology"][-1])
        found = flipped and before != self._topology
        self.at_once += found
        return found


def _start(folder: Path, first_ts_ns: int, setting: str) -> LiveSession:
    document = _DOCUMENTS[setting]()
    session = parse_session(document)
    identity = identify(session, {})
    clock = ClockFacts(first_ts_ns, 0, 1)
    warm_up(session, new_live_core(session, clock))
    facts = LiveFacts("bench", document, {}, identity.code_hash, clock, "bench", False)
    return recovery.start(folder, facts, session, identity, False)


def _measure(rows: Rows, live: LiveSession, telemetry: LiveTelemetry, flips: Flips | None) -> list[int]:
    """Hand the quotes in one by one; return nanoseconds for each order, or only for those of `flips`."""
    broker, samples = Broker(), []
    for i in range(len(rows.seq)):
        spans, now_ns = [rows.slice(i, i + 1)], int(rows.ts_init_ns[i])
        started = time.perf_counter_ns()
        commands = live.take(spans, now_ns)
        step = telemetry.stepped(spans, started)
        if len(commands):
            broker.send(commands)
        telemetry.sent(commands, step)
        if flips.are(commands) if flips is not None else len(commands):
            samples.append(broker.arrived_ns - started)
        if len(commands):
            live.take([report_rows(broker.filled(commands, int(rows.bid[i]), int(rows.ask[i])))], now_ns)
        if i % DRAIN_EVERY == 0:
            live.drain()
    return samples


def latency(n: str, setting: str) -> Callable[[], dict[str, Any]]:
    """Return a run over n quotes: percentiles of the orders' latencies in microseconds.

    setting: "mind", "flip" or none.
    """
    rows = make_tape.quote_rows(int(n), _MARKETS[setting])

    def run() -> dict[str, Any]:
        folder = Path(tempfile.mkdtemp())
        live = _start(folder, int(rows.ts_init_ns[0]), setting)
        flips = Flips(live) if setting == "flip" else None
        telemetry = LiveTelemetry(folder, live, Clocks(mono_ns=time.perf_counter_ns))
        started = time.perf_counter()
        samples = _measure(rows, live, telemetry, flips)
        seconds = time.perf_counter() - started
        telemetry.close()
        live.recorder.abandon()
        if live.journal is not None:
            live.journal.abandon()
        shutil.rmtree(folder)
        p50, p99, p999 = np.percentile(np.array(samples), (50, 99, 99.9)) / 1_000
        return {
            "seconds": seconds, "events": len(rows.seq), "orders": len(samples),
            "p50_us": round(p50, 2), "p99_us": round(p99, 2), "p999_us": round(p999, 2),
            **({"switches": flips.switches, "at_once": flips.at_once} if flips is not None else {}),
        }  # fmt: skip

    return run
