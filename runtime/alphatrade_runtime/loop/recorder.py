"""Where the rows of a run go: the chained record streams, and the auditor that reads them as they pass."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alphatrade_runtime.loop.core import STREAM_DTYPES, STREAMS, Core, part
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.reflection.diary.chain import MIND_STREAMS, run_digests
from alphatrade_runtime.reflection.diary.record_log import BATCH_SPAN_NS, RecordLog
from alphatrade_runtime.risk.auditor import Auditor, Violation

_STREAMS = tuple(zip(STREAMS, STREAM_DTYPES, strict=True))
AUDITED = ("orders", "fills", "marks", "equity", "decisions")


class Recorder:
    """Append what the step wrote, audit it, and give the digests at the end."""

    def __init__(self, logs: Mapping[str, RecordLog], auditor: Auditor | None, folder: Path | None = None) -> None:
        self.logs, self.folder = dict(logs), folder
        self.auditor = auditor
        self._core: Core = None
        self._minded = False
        self._counts: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._buffers: dict[str, npt.NDArray[Any]] = {}

    @classmethod
    def create(
        cls,
        folder: Path | None,
        header: Mapping[str, Any],
        bar_mode: bool,
        auditor: Auditor | None,
        more: Mapping[str, np.dtype[Any]] | None = None,
    ) -> "Recorder":
        """Start all streams, on disk or (folder None) in memory. more: those of a mind."""
        span = _span(bar_mode)
        logs = {s: RecordLog(folder, s, d, header, _time_field(s), span) for s, d in _with(more)}
        return cls(logs, auditor, folder)

    @classmethod
    def resume(
        cls,
        folder: Path,
        header: Mapping[str, Any],
        bar_mode: bool,
        auditor: Auditor | None,
        states: Mapping[str, bytes],
        more: Mapping[str, np.dtype[Any]] | None = None,
    ) -> "Recorder":
        """Cut all streams back to a checkpoint and go on from there."""
        span = _span(bar_mode)
        logs = {s: RecordLog.resume(folder, s, d, header, _time_field(s), states[s], span) for s, d in _with(more)}
        return cls(logs, auditor, folder)

    @property
    def violations(self) -> list[Violation]:
        """What the auditor found, before a resume included; empty when nothing audits."""
        return self.auditor.violations if self.auditor is not None else []

    def drain(self, core: Core) -> None:
        """Take all rows out of the output buffers. Raises DiaryStalled; the caller must stop trading."""
        counts, buffers = self._outputs(core)
        spans = {s: buffers[s][:n] for s, n in zip(STREAMS, counts.tolist(), strict=True)}
        for stream, rows in spans.items():
            self.logs[stream].append(rows)
        if self.auditor is not None:
            self.auditor.feed(**{name: spans[name] for name in AUDITED})
        counts[:] = 0
        if self._minded:
            self._drain_mind(core)

    def _drain_mind(self, core: Core) -> None:
        mind = mind_of(core)
        if mind is None:
            return
        for stream, rows in mind.take():
            self.logs[stream].append(rows)
        mind.report(self.folder)
        part(core, "loop")["report"] = 0

    def _outputs(self, core: Core) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[Any]]]:
        """Return views of a state's row counts and output buffers, made once a state."""
        if core is not self._core:
            self._core, self._counts = core, part(core, "out_n")
            self._minded = mind_of(core) is not None
            self._buffers = {s: _plain(part(core, f"out_{s}"), d) for s, d in _STREAMS}
        return self._counts, self._buffers

    def states(self) -> dict[str, bytes]:
        """Return what `resume` needs, by stream."""
        return {stream: log.state() for stream, log in self.logs.items()}

    def close(self) -> dict[str, str]:
        """Close all streams; return the digests diary, fills, pnl as `sha256:<hex>`."""
        heads = {stream: log.close().head for stream, log in self.logs.items()}
        if self.auditor is not None:
            self.auditor.finish()
        return run_digests(heads)

    def abandon(self) -> None:
        """Let go of the files without closing the streams."""
        for log in self.logs.values():
            log.abandon()

    def tables(self) -> dict[str, pa.Table]:
        """Return the streams of a run in memory as Arrow tables."""
        return {stream: log.table() for stream, log in self.logs.items()}


def _with(more: Mapping[str, np.dtype[Any]] | None) -> list[tuple[str, np.dtype[Any]]]:
    return [*_STREAMS, *(more or {}).items()]


def _plain(rows: Any, dtype: np.dtype[Any]) -> Any:
    """Return record-array rows as a plain structured array: numpy's record arrays are slow to slice."""
    return rows.view(np.ndarray).view(dtype)


def _span(bar_mode: bool) -> int | None:
    return None if bar_mode else BATCH_SPAN_NS


def _time_field(stream: str) -> str:
    return "event_ts_ns" if stream in ("decisions", "expost", *MIND_STREAMS) else "ts_ns"
