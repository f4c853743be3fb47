"""Read what an understanding loop left on record: the columns that the page shows."""

from collections.abc import Mapping
from dataclasses import dataclass

from alphatrade_runtime.reflection.diary.segments import streams_in
from alphatrade_runtime.report.run_data import Columns, RunData, read_columns

COLUMNS: dict[str, tuple[str, ...]] = {
    "belief_snapshots": ("event_ts_ns", "instrument", "surprise", "rho_norm"),
    "regimes": ("event_ts_ns", "instrument", "before", "after"),
    "probes": ("score", "available", "fired"),
    "routes": ("event_ts_ns", "instrument", "chosen", "regime"),
    "drift": (
        "seq", "event_ts_ns", "instrument", "stream", "detector", "level", "statistic", "threshold", "mean_before",
        "mean_after", "size_before", "size_after",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class MindData:
    """A run with an understanding loop: its streams that are there as columns, and its first and last time."""

    run: RunData
    streams: Mapping[str, Columns]
    start_ns: int
    end_ns: int

    def of(self, stream: str, instrument: int) -> Columns:
        """Return the rows of one instrument."""
        columns = self.streams[stream]
        ours = columns["instrument"] == instrument
        return {name: values[ours] for name, values in columns.items()}

    def instruments(self, stream: str) -> list[int]:
        """Return the instruments that a stream tells of, by index."""
        if stream not in self.streams:
            return []
        return sorted({int(i) for i in self.streams[stream]["instrument"].tolist() if i < len(self.run.symbols)})


def read_mind(run: RunData) -> MindData:
    """Read a run's streams. Raises InputError naming the file that is damaged."""
    there = streams_in(run.folder)
    streams = {stream: read_columns(run.folder, stream, names) for stream, names in COLUMNS.items() if stream in there}
    times = [columns["event_ts_ns"] for columns in streams.values() if "event_ts_ns" in columns]
    times += [run.streams["decisions"]["event_ts_ns"], run.streams["equity"]["ts_ns"]]
    ends = [(int(ts.min()), int(ts.max())) for ts in times if len(ts)]
    return MindData(run, streams, min((a for a, _ in ends), default=0), max((b for _, b in ends), default=0))
