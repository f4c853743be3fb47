"""Market rows at their own pace: what of a tape or a simulation is due by the session's clock, lap after lap."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.loop.window import mapped, remap
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.market.simulator import parse_config, prepare
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.policy.document import Session, TapeFeed

LAP_PAUSE_NS = 1_000_000
NEVER = 1 << 62
_FACTS = ("symbol", "tick_size", "lot_size", "multiplier")
_KEPT = tuple(int(kind) for kind in (Kind.STATUS, Kind.FUNDING, Kind.MARK))  # state, not a passing price
_NO_PACE = "has bars, which have no pace of their own; replay them, or set the feed's speed to Max"


@dataclass(frozen=True)
class FeedSource:
    """Rows that a session is fed from: chunks from the start, span, digest, calendar, what kinds there are.

    table: (k,) uint16 from the source's instruments to the session's; None when they are the same.
    """

    chunks: Callable[[], Iterator[Rows]]
    first_ts_ns: int
    last_ts_ns: int
    digest: str
    table: npt.NDArray[np.uint16] | None
    depth: bool


def open_source(session: Session) -> FeedSource:
    """Open the session's feed. Raises InputError when it has bars, or does not fit the instruments."""
    feed = session.feed
    wanted = [instrument_of(terms) for terms in session.policy.envelope.instruments]
    if isinstance(feed, TapeFeed):
        return tape_source(Tape.open(feed.path), wanted)
    facts = [{name: str(getattr(terms, name)) for name in _FACTS} for terms in session.policy.envelope.instruments]
    config = parse_config(feed.config, facts)
    made = prepare(config)
    if made.bars is not None:
        raise InputError(f"feed.config: {_NO_PACE}")
    table = remap(made.instruments, wanted, "feed.config")
    named = json.dumps(config.resolved(), sort_keys=True, default=str).encode()
    digest = "sha256:" + hashlib.sha256(named).hexdigest()
    span = (config.start_ns, made.end_ns)
    return FeedSource(lambda: prepare(config).chunks(), *span, digest, table, config.depth_levels > 0)


def tape_source(tape: Tape, wanted: Sequence[Instrument]) -> FeedSource:
    """Return a tape as a feed. wanted: the session's instruments. Raises InputError as `open_source` does."""
    where, counts = str(tape.folder), tape.manifest["counts_by_kind"]
    if counts.get("BAR") and not counts.get("QUOTE"):
        raise InputError(f"{where}: {_NO_PACE}")
    span = (tape.manifest["first_ts_ns"], tape.manifest["last_ts_ns"])
    table = remap(tape.instruments, wanted, where)
    return FeedSource(tape.chunks, *span, tape.digest, table, bool(counts.get("DEPTH")))


class PacedFeed:
    """Give out rows when they are due. venue_side: by exchange time (running maximum), else by arrival time.

    loop: start again at the end, a lap later. Times of a later lap are shifted so that they go forward.
    """

    def __init__(self, source: FeedSource, *, venue_side: bool, loop: bool) -> None:
        self._source, self._venue_side, self._loop = source, venue_side, loop
        self._lap_ns = source.last_ts_ns - source.first_ts_ns + LAP_PAUSE_NS
        self._shift = self._at = 0
        self.ended = False
        self._start_lap(0)

    def poll(self, now_ns: int, most: int = 1 << 62) -> list[Rows]:
        """Return the spans of rows due at now_ns that were not given out yet; together about `most` rows."""
        spans: list[Rows] = []
        given = 0
        while not self.ended and given < most:
            stop = self._at + int(np.searchsorted(self._due[self._at :], now_ns, side="right"))
            if stop > self._at:
                spans.append(self._shifted(self._rows.slice(self._at, stop)))
                given += stop - self._at
                self._at = stop
            if stop < len(self._due):
                break
            self._next_chunk()
        return spans

    def next_due_ns(self) -> int:
        """Return when the next row is due; NEVER at the end."""
        return NEVER if self.ended else int(self._due[self._at])

    def skip(self, until_ns: int) -> tuple[int, list[Rows]]:
        """Pass over what was due by until_ns; return how many rows are missed and those that tell a lasting state."""
        laps = (until_ns - self._source.first_ts_ns) // self._lap_ns
        if self._loop and laps > 0:
            self._start_lap(int(laps))
        missed, kept = 0, []
        for span in self.poll(until_ns):
            lasting = np.isin(span.kind, _KEPT)
            missed += int((~lasting).sum())
            if lasting.any():
                kept.append(Rows._make(np.ascontiguousarray(column[lasting]) for column in span))
        return missed, kept

    def _start_lap(self, lap: int) -> None:
        self._shift = lap * self._lap_ns
        self._chunks = self._source.chunks()
        self._latest = 0
        self._due: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._at = 0
        self._next_chunk()

    def _next_chunk(self) -> None:
        """Take the next chunk that has rows; at the end start a lap, or end."""
        for chunk in self._chunks:
            if len(chunk.seq):
                self._take(chunk)
                return
        if self._loop and len(self._due):
            self._start_lap(self._shift // self._lap_ns + 1)
        else:
            self.ended = True

    def _take(self, chunk: Rows) -> None:
        self._rows = mapped(chunk, self._source.table)
        due = chunk.ts_init_ns
        if self._venue_side:
            due = np.maximum(np.maximum.accumulate(chunk.ts_event_ns), self._latest)
            self._latest = int(due[-1])
        self._due = due + self._shift if self._shift else due
        self._at = 0

    def _shifted(self, span: Rows) -> Rows:
        if self._shift == 0:
            return span
        return span._replace(ts_event_ns=span.ts_event_ns + self._shift, ts_init_ns=span.ts_init_ns + self._shift)
