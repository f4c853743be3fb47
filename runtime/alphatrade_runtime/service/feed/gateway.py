"""The state of a feed gateway: its tape, its clock, what it says of itself."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alphatrade.config import FeedConfig
from alphatrade.v1 import control_pb2, market_pb2
from alphatrade_runtime.loop.live_clock import ClockFacts, Clocks, parse_speed
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.service.feed.config import feed_of, pace_of
from alphatrade_runtime.service.feed.pace import clock_facts
from alphatrade_runtime.service.feed.source import FeedFault, open_feed

RETRY_S = {"TapeMissing": 5.0}  # someone may be putting it there
RETRY_OTHER_S = 60.0
_RECORDING = "record: the tape that is served is the recording; there is no second one"


@dataclass(frozen=True)
class Served:
    """What is served. clock: of a real-time feed; None when the stream drives the clock."""

    tape: Tape
    clock: ClockFacts | None
    facts: market_pb2.FeedFacts


@dataclass(frozen=True)
class State:
    """Where the gateway is: Preparing, Serving, Ended, Failed; why, as a PascalCase reason; in words, with the fix."""

    phase: str
    reason: str
    message: str


class Gateway:
    """One feed. Its tape is made ready in a thread; what cannot be served is said, and tried again later.

    changed: called when phase or reason changed.  settled: set once it is known whether the feed can be served.
    """

    def __init__(self, config: FeedConfig, data: Path, artifacts: Path, clocks: Clocks) -> None:
        self.config, self.feed, self.clocks = config, feed_of(config, "configuration"), clocks
        self.changed: Callable[[], None] = lambda: None
        self.served: Served | None = None
        self.rows_sent = 0
        self._open: list[Callable[[], int]] = []
        self._data, self._artifacts = data, artifacts
        self._lock = threading.Lock()
        self._state = State("Preparing", "Opening", "the tape is being opened")
        self.settled = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._prepare, name="prepare", daemon=True)

    def start(self) -> None:
        """Begin to make the tape ready."""
        self._thread.start()

    def stop(self) -> None:
        """Try no more. A simulation that is being written is left as it is; the next start removes it."""
        self._stopped.set()

    def state(self) -> State:
        """Return where the gateway is now."""
        state, served = self._state, self.served
        if served is None or served.clock is None or state.phase != "Serving":
            return state
        now = served.clock.origin_ns + (self.clocks.wall_ns() - served.clock.wall_start_ns)
        if now <= served.facts.last_ts_ns:
            return state
        return State("Ended", "TapeEnded", "the tape has been played to its end; make a new feed to play it again")

    def status(self) -> control_pb2.FeedStatus:
        """Return what the gateway does."""
        state, served = self.state(), self.served
        status = control_pb2.FeedStatus(
            phase=state.phase,
            reason=state.reason,
            message=state.message,
            pace=pace_of(self.feed),
            rows_sent=self.rows_sent,
            subscribers=len(self._open),
        )
        if served is not None:
            status.active_source = source_of(served.tape)
            status.digest, status.rows = served.tape.digest, len(served.tape)
            status.gaps = served.tape.manifest["counts_by_kind"].get("GAP", 0)
        return status

    @contextmanager
    def subscribed(self, pending: Callable[[], int]) -> Iterator[None]:
        """Count a subscriber for as long as it is there. pending: its batches that are not acknowledged."""
        with self._lock:
            self._open.append(pending)
        try:
            yield
        finally:
            with self._lock:
                self._open.remove(pending)

    def sent(self, rows: int) -> None:
        """Count rows that were sent."""
        with self._lock:
            self.rows_sent += rows

    def unacknowledged(self) -> int:
        """Return how many batches are not acknowledged, all subscribers together."""
        with self._lock:
            return sum(pending() for pending in self._open)

    def _prepare(self) -> None:
        while not self._stopped.is_set() and not self._opened():
            self._stopped.wait(RETRY_S.get(self._state.reason, RETRY_OTHER_S))

    def _opened(self) -> bool:
        try:
            tape = open_feed(self.config, self.feed, self._data, self._artifacts, self._progress)
            clock = clock_facts(self._data, tape, self.clocks) if self.feed.speed == "Realtime" else None
        except FeedFault as fault:
            return self._failed(fault.reason, str(fault))
        except InputError as error:
            return self._failed("VolumeNotWritable", str(error))
        except Exception as error:  # said in the status: a thread that ends in silence would look like preparing
            return self._failed("InternalError", f"{type(error).__name__}: {error}")
        self.served = Served(tape, clock, facts_of(tape, self.feed.speed, clock))
        self._enter(State("Serving", "Serving", _RECORDING if self.feed.record else ""))
        return True

    def _failed(self, reason: str, message: str) -> bool:
        self._enter(State("Failed", reason, message))
        return False

    def _progress(self, share: float) -> None:
        self._enter(State("Preparing", "Simulating", f"the simulation is being written: {min(share, 1.0):.0%}"))

    def _enter(self, state: State) -> None:
        told = state.phase != self._state.phase or state.reason != self._state.reason
        self._state = state
        if state.phase != "Preparing":
            self.settled.set()
        if told:
            self.changed()


def facts_of(tape: Tape, speed: str, clock: ClockFacts | None) -> market_pb2.FeedFacts:
    """Return what subscribers are told of a feed."""
    manifest = tape.manifest
    return market_pb2.FeedFacts(
        digest=tape.digest,
        first_ts_ns=manifest["first_ts_ns"],
        last_ts_ns=manifest["last_ts_ns"],
        pace=market_pb2.PACE_REALTIME if clock else market_pb2.PACE_STREAM,
        speed=0 if speed == "Max" else parse_speed(speed),
        wall_start_ns=clock.wall_start_ns if clock else 0,
        instruments=[market_pb2.FeedInstrument(**one.to_mapping()) for one in tape.instruments],
        depth=bool(manifest["counts_by_kind"].get("DEPTH")),
        simulated=bool(manifest["source"].get("simulated")),
    )


def source_of(tape: Tape) -> str:
    """Say where the data comes from, and whether it is simulated."""
    source = tape.manifest["source"]
    return f"{source['type']}: {source['name']}" + (" (simulated)" if source.get("simulated") else "")
