"""P5b: a capture at its own arrival times through the product's own wall-clock loop, everything on.

What has arrived is drained, applied and decided on once; the batch's last row is LAST, so the journal replays to the
same bytes, and `right` says that it did. A sojourn is from a row's arrival until the loop has done with its batch:
journaled, decided, its orders handed to the broker client.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.execution.broker.in_process import InProcessBroker
from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.loop.live import LiveOptions, Wall, run_wall
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.loop.live_exchange import exchange_maker
from alphatrade_runtime.loop.live_feed import FeedSource, PacedFeed, tape_source
from alphatrade_runtime.loop.live_loop import LiveLoop
from alphatrade_runtime.loop.live_session import new_live_core
from alphatrade_runtime.loop.live_warm import warm_up
from alphatrade_runtime.loop.recovery import verify
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import Session, parse_session
from bench import sessions

STARTING_NS = 2_000_000_000  # not counted: the link comes up, and rows that were due meanwhile come at once
_MARKET = (int(Kind.QUOTE), int(Kind.TRADE))


class Sojourns:
    """Note for each row of the market how long it stayed, and how many came at once."""

    def __init__(self, first_ts_ns: int) -> None:
        self._from_ns = first_ts_ns + STARTING_NS
        self.stayed: list[np.ndarray] = []
        self.largest = 0

    def watch(self, loop: LiveLoop) -> None:
        """Look at a loop's batches as it has done with them."""
        take: Callable[..., None] = loop._take

        def timed(spans: list[Rows], decide: bool = True, ingest: int | None = None) -> None:
            take(spans, decide, ingest)
            done = loop.clock()
            arrived = [span.ts_init_ns[np.isin(span.kind, _MARKET)] for span in spans]
            counted = [times[times >= self._from_ns] for times in arrived]
            self.stayed += [done - times for times in counted if len(times)]
            self.largest = max(self.largest, sum(len(times) for times in counted))

        setattr(loop, "_take", timed)  # noqa: B010 (to the type checker a method is nothing to assign)


def _play(session: Session, document: dict[str, Any], source: FeedSource, folder: Path, seconds: float) -> Sojourns:
    sojourns, options = Sojourns(source.first_ts_ns), LiveOptions(duration_s=seconds, signals=False)
    feed = PacedFeed(source, venue_side=False, loop=False)
    broker = InProcessBroker(exchange_maker(session, source, folder / "exchange", options.clocks))
    wall = Wall(source.digest, ClockFacts(source.first_ts_ns, time.time_ns(), 1))
    run_wall(document, folder, wall, feed, broker, options, sojourns.watch)
    return sojourns


def bursts(folder: str, seconds: str) -> Callable[[], dict[str, Any]]:
    """Return a run over so many seconds of a tape: percentiles of the rows' sojourns in microseconds."""
    document = sessions.mind_capture_session()
    document["feed"]["path"] = folder
    session = parse_session(document)
    tape = Tape.open(folder)
    source = tape_source(tape, [instrument_of(terms) for terms in session.policy.envelope.instruments])
    warm_up(session, new_live_core(session, ClockFacts(source.first_ts_ns, 0, 1)))

    def run() -> dict[str, Any]:
        place = Path(tempfile.mkdtemp())
        started = time.perf_counter()
        sojourns = _play(session, document, source, place, float(seconds))
        lasted = time.perf_counter() - started
        verified = verify(place)
        shutil.rmtree(place)
        stayed = np.concatenate(sojourns.stayed)
        p50, p99, p999 = np.percentile(stayed, (50, 99, 99.9)) / 1_000
        return {
            "seconds": lasted, "events": len(stayed), "right": bool(verified.agrees),
            "largest_batch": sojourns.largest,
            "p50_us": round(p50, 2), "p99_us": round(p99, 2), "p999_us": round(p999, 2),
        }  # fmt: skip

    return run
