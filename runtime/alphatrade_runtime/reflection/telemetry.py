"""What a run measures about itself by the wall clock, in a file of its own: no digest covers it.

A histogram has a bucket for each value up to 255 and then 128 buckets an octave: a percentile is wrong by
at most 1/256 of its value. Two histograms merge by adding their counts, so those of many runs or hosts
become one. Bucketing as published for HdrHistogram.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import entry, hot

STAGES = ("ingest_signal", "signal_order", "order_ack", "ingest_order")
COUNTS = ("events", "decisions", "orders", "acks")
SUB_BITS = 7
_HALF = 1 << SUB_BITS
BUCKETS = (63 - SUB_BITS + 1) * _HALF
HEARTBEAT_NS = 1_000_000_000


@hot
def bucket_of(value):
    """Return the bucket of an int64; negative values count as 0."""
    if value < 2 * _HALF:
        return max(value, 0)
    shift = 0
    rest = value
    for step in (32, 16, 8, 4, 2, 1):
        if rest >> step >= _HALF:
            rest >>= step
            shift += step
    return shift * _HALF + rest


@entry
def record(counts, value):
    """Count one value. counts: (BUCKETS,) int64; value: int64, ns."""
    counts[bucket_of(value)] += 1


@entry
def record_all(counts, values):
    """Count values. counts: (BUCKETS,) int64; values: (n,) int64, ns."""
    for i in range(len(values)):
        counts[bucket_of(values[i])] += 1


def bucket_bounds(bucket: int) -> tuple[int, int]:
    """Return the lowest and highest value that a bucket counts."""
    if bucket < 2 * _HALF:
        return bucket, bucket
    shift = bucket // _HALF - 1
    low = (bucket % _HALF + _HALF) << shift
    return low, low + (1 << shift) - 1


class Histogram:
    """Latencies in ns with a bounded relative error, in 58 KiB."""

    def __init__(self, counts: npt.NDArray[np.int64] | None = None) -> None:
        self.counts: npt.NDArray[np.int64] = np.zeros(BUCKETS, np.int64) if counts is None else counts

    def record(self, value_ns: int) -> None:
        """Count one value."""
        record(self.counts, value_ns)

    def record_all(self, values_ns: npt.NDArray[np.int64]) -> None:
        """Count values (n,) int64."""
        record_all(self.counts, values_ns)

    def merge(self, other: "Histogram") -> None:
        """Add another histogram's counts."""
        self.counts += other.counts

    @property
    def count(self) -> int:
        """Number of values counted."""
        return int(self.counts.sum())

    def percentile(self, share: float) -> int | None:
        """Return a value within 1/256 of the one that `share` of all values do not exceed; None when empty."""
        total = self.count
        if total == 0:
            return None
        rank = min(max(int(np.ceil(share * total)), 1), total)
        low, high = bucket_bounds(int(np.searchsorted(np.cumsum(self.counts), rank)))
        return (low + high + 1) // 2 if high > low else low

    def to_json(self) -> dict[str, list[int]]:
        """Return the buckets in use and their counts."""
        used = np.flatnonzero(self.counts)
        return {"buckets": used.tolist(), "counts": self.counts[used].tolist()}

    @classmethod
    def from_json(cls, value: Mapping[str, list[int]]) -> "Histogram":
        """Read what `to_json` returned. Raises ValueError when it is no histogram."""
        buckets, counts = (np.array(value.get(name, [-1]), np.int64) for name in ("buckets", "counts"))
        if len(buckets) != len(counts) or ((buckets < 0) | (buckets >= BUCKETS) | (counts < 0)).any():
            raise ValueError("not a histogram of this layout")
        histogram = cls()
        np.add.at(histogram.counts, buckets, counts)
        return histogram

    def summary(self) -> dict[str, int | None]:
        """Return count and p50, p99, p99.9 in ns."""
        shares = {"p50_ns": 0.5, "p99_ns": 0.99, "p999_ns": 0.999}
        return {"count": self.count, **{name: self.percentile(share) for name, share in shares.items()}}


class Heartbeat:
    """Write a line a second: how much was done so far, memory, and the latencies since the line before.

    write: takes the bytes of one line.  wall_ns: time of day.  mono_ns: a clock that no one sets; gaps are told
    by it.  rss_kb: resident memory.  A beat that comes late is not made up for: the gap stays visible.
    """

    def __init__(
        self,
        write: Callable[[bytes], None],
        wall_ns: Callable[[], int],
        mono_ns: Callable[[], int],
        rss_kb: Callable[[], int],
    ) -> None:
        self._write, self._wall_ns, self._mono_ns, self._rss_kb = write, wall_ns, mono_ns, rss_kb
        self.stages = {stage: Histogram() for stage in STAGES}
        self._written = {stage: Histogram() for stage in STAGES}
        self._beats = 0
        self._due = mono_ns()

    def beat(self, counts: Mapping[str, int]) -> bool:
        """Write a line when one is due. counts: events, decisions, orders, acks since the start."""
        now = self._mono_ns()
        if now < self._due:
            return False
        self._due += (now - self._due) // HEARTBEAT_NS * HEARTBEAT_NS + HEARTBEAT_NS
        self._line(counts, now, last=False)
        return True

    def close(self, counts: Mapping[str, int]) -> None:
        """Write the last line, with all that the lines before do not have."""
        self._line(counts, self._mono_ns(), last=True)

    def _line(self, counts: Mapping[str, int], now: int, last: bool) -> None:
        line = {
            "beat": self._beats,
            "wall_ns": self._wall_ns(),
            "mono_ns": now,
            **{name: int(counts[name]) for name in COUNTS},
            "rss_kb": self._rss_kb(),
            "latency": {stage: self._since(stage) for stage in STAGES},
            "last": last,
        }
        self._write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        self._beats += 1

    def _since(self, stage: str) -> dict[str, list[int]]:
        seen, written = self.stages[stage].counts, self._written[stage].counts
        delta = Histogram(seen - written)
        written[:] = seen
        return delta.to_json()


class Gap(NamedTuple):
    """A time without heartbeat: the monotonic times of the lines around it, and the beats that are missing."""

    start_ns: int
    end_ns: int
    missing: int


class Telemetry(NamedTuple):
    """A telemetry file summed up: number of beats, last counts, gaps, merged latencies by stage, highest memory."""

    beats: int
    counts: dict[str, int]
    gaps: list[Gap]
    stages: dict[str, Histogram]
    max_rss_kb: int


def append_to(path: Path) -> Callable[[bytes], None]:
    """Return a function that appends bytes to a file with one write each. Raises OSError when it cannot."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(data: bytes) -> None:
        if os.write(fd, data) != len(data):
            raise OSError(f"{path}: a telemetry line was cut short; free space on the disk")

    return write


def read_rss_kb() -> int:
    """Return this process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def gaps(path: Path, interval_ns: int = HEARTBEAT_NS) -> list[Gap]:
    """List where a line came half an interval late or more. Raises InputError naming a line that is no heartbeat."""
    return list(_gaps([line["mono_ns"] for line in _lines(path) if not line["last"]], interval_ns))


def read_telemetry(path: Path) -> Telemetry:
    """Sum up a telemetry file. Raises InputError naming a line that is no heartbeat."""
    stages, lines = {stage: Histogram() for stage in STAGES}, list(_lines(path))
    for line in lines:
        for stage, histogram in stages.items():
            histogram.merge(Histogram.from_json(line["latency"][stage]))
    counts = {name: lines[-1][name] if lines else 0 for name in COUNTS}
    beats = [line["mono_ns"] for line in lines if not line["last"]]
    rss = max((line["rss_kb"] for line in lines), default=0)
    return Telemetry(len(beats), counts, list(_gaps(beats, HEARTBEAT_NS)), stages, rss)


def _gaps(times: list[int], interval_ns: int) -> Iterator[Gap]:
    for start, end in pairwise(times):
        missing = (end - start + interval_ns // 2) // interval_ns - 1
        if missing > 0:
            yield Gap(start, end, missing)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines; an unfinished last one (a killed process) is left out."""
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if text.endswith(b"\n"):
                yield _parsed(path, number, text)


def _parsed(path: Path, number: int, text: bytes) -> dict[str, Any]:
    try:
        line = json.loads(text)
        if {"mono_ns", "last", "latency", "rss_kb", *COUNTS} <= set(line):
            return dict(line)
    except (ValueError, TypeError):
        pass
    raise InputError(f"{path}: line {number} is no heartbeat; remove the line or take the file from the run's copy")
