"""One record stream as the loop writes it: rows in, chained batches out.

A batch closes with its 4,096th row, or before the row whose event time is `span_ns` (5 s) or more
after that of the batch's first row. Both depend on the rows alone, never on how they were handed over
and never on a clock, so the same rows always make the same chain.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary import chain
from alphatrade_runtime.reflection.diary.batches import batch_ends
from alphatrade_runtime.reflection.diary.columns import ColumnBuffer
from alphatrade_runtime.reflection.diary.pack import HEAD_BYTES, Packer
from alphatrade_runtime.reflection.diary.segments import ClosedBatches
from alphatrade_runtime.reflection.diary.sink import SEGMENT_BYTES, DiaryStalled, FileSink, MemorySink, SinkState

BATCH_ROWS = 4_096
BATCH_SPAN_NS = 5_000_000_000
FLUSH_ROWS = 8_192  # rows that wait for one Arrow message: a message a small batch costs 70 us, measured

__all__ = ["BATCH_ROWS", "BATCH_SPAN_NS", "DiaryStalled", "RecordLog", "RunDigest"]


# Buffers of logs that were closed, for the next ones: their memory's first touch is a millisecond a run (measured).
_SPACES: dict[np.dtype[Any], list[tuple[ColumnBuffer, Packer]]] = {}


def _take_space(dtype: np.dtype[Any]) -> tuple[ColumnBuffer, Packer]:
    """Return an empty buffer and its packer, used before or new."""
    try:
        buffer, packer = _SPACES[dtype].pop()
    except (KeyError, IndexError):
        buffer = ColumnBuffer(dtype, FLUSH_ROWS + BATCH_ROWS)
        return buffer, Packer(buffer)
    buffer.rows = 0
    return buffer, packer


class RunDigest(NamedTuple):
    """What a closed stream comes to: the chain's last hash in hex, its batches and rows."""

    stream: str
    head: str
    batches: int
    rows: int


class RecordLog:
    """An append-only, hash-chained stream of fixed-width rows with constant memory.

    folder: where segments and manifest go; None hashes only and keeps the rows as Arrow data.
    dtype: structured, with an int64 `seq` and the int64 event time named by `time_field`.
    header: facts of the run that the chain starts from; no run id, no wall clock, else no two runs are equal.
    span_ns: event time after which a batch closes; None (bar tapes) closes by rows only.
    Raises InputError when the folder has the stream already, DiaryStalled when a record cannot be written.
    """

    def __init__(
        self,
        folder: Path | None,
        stream: str,
        dtype: np.dtype[Any],
        header: Mapping[str, Any],
        time_field: str,
        span_ns: int | None = BATCH_SPAN_NS,
        *,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self._prepare(stream, dtype, header, time_field, span_ns)
        if folder is None:
            self._sink: FileSink | MemorySink = MemorySink(dtype)
        else:
            self._sink = FileSink.create(Path(folder), stream, dtype, self._header, segment_bytes)

    def _prepare(
        self, stream: str, dtype: np.dtype[Any], header: Mapping[str, Any], time_field: str, span_ns: int | None
    ) -> None:
        self.stream, self._dtype, self._time_field, self._span_ns = stream, dtype, time_field, span_ns
        self._header = chain.header_of(stream, dtype, header)
        self._genesis = self._head = hashlib.sha256(self._header).digest()
        # closed batches wait in the buffer's rows [_written, _open), behind them the open batch
        self._buffer, self._packer = _take_space(dtype)
        self._ends: npt.NDArray[np.int64] = np.empty(self._buffer.capacity, np.int64)
        self._starts: list[int] = []  # first rows of the batches that wait, and their hashes
        self._hashes: list[bytes] = []
        self._last_written = self._head
        self._written = self._open = self._batches = self._rows = 0
        self._ended = ""

    @property
    def head(self) -> str:
        """Hash of the last closed batch, in hex."""
        return self._head.hex()

    @property
    def rows(self) -> int:
        """Number of rows appended so far."""
        return self._rows if self._ended else self._rows + self._buffer.rows - self._open

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Add rows (n,) of the stream's dtype in order. Raises DiaryStalled; the log then takes no more."""
        self._refuse_if_ended()
        start = 0
        while start < len(rows):
            self._drop_written()
            before = self._buffer.rows
            start += self._buffer.append(rows, start)
            self._close_batches(before)

    def close(self) -> RunDigest:
        """Close the last batch and the stream. Raises DiaryStalled."""
        self._refuse_if_ended()
        if self._open < self._buffer.rows:
            self._close(np.array([self._buffer.rows]))
        self.flush()
        self._guarded(self._sink.finish, self._batches, self._rows, self._head)
        self._ended = "closed"
        _SPACES.setdefault(self._dtype, []).append((self._buffer, self._packer))
        return RunDigest(self.stream, self.head, self._batches, self._rows)

    def abandon(self) -> None:
        """Let go of the files without closing the stream; rows of an open batch stay in no file."""
        if isinstance(self._sink, FileSink):
            self._sink.abandon()
        self._ended = self._ended or "abandoned"

    def table(self) -> pa.Table:
        """Return all rows of a log without folder as an Arrow table; call it after close."""
        if not isinstance(self._sink, MemorySink) or self._ended != "closed":
            raise ValueError(f"stream {self.stream}: only a closed log without folder is a table")
        return self._sink.table()

    def state(self) -> bytes:
        """Return what `resume` needs to go on from this very row, as one JSON text."""
        self._refuse_if_ended()
        if isinstance(self._sink, MemorySink):
            raise ValueError(f"stream {self.stream}: a log without folder cannot be resumed")
        self.flush()
        facts = {"genesis": self._genesis.hex(), "head": self.head, "batches": self._batches, "rows": self._rows}
        held = base64.b64encode(self._buffer.rows_of(self._open, self._buffer.rows).tobytes()).decode()
        return json.dumps({**facts, "sink": list(self._sink.state), "held": held}).encode()

    @classmethod
    def resume(
        cls,
        folder: Path,
        stream: str,
        dtype: np.dtype[Any],
        header: Mapping[str, Any],
        time_field: str,
        state: bytes,
        span_ns: int | None = BATCH_SPAN_NS,
        *,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> "RecordLog":
        """Cut a stream back to a state that `state` returned and go on; later rows are forgotten.

        Raises InputError when header or columns are not those of the state, or when files are too short.
        """
        log = cls.__new__(cls)
        log._prepare(stream, dtype, header, time_field, span_ns)
        saved = json.loads(state)
        if saved["genesis"] != log._genesis.hex():
            raise InputError(
                f"diary stream {stream} in {folder}: the checkpoint is of another header; "
                "resume with the session, tape and code it was made with"
            )
        log._sink = FileSink.resume(Path(folder), stream, dtype, SinkState(*saved["sink"]), segment_bytes)
        log._head, log._batches, log._rows = bytes.fromhex(saved["head"]), saved["batches"], saved["rows"]
        log._last_written = log._head
        log._buffer.append(np.frombuffer(base64.b64decode(saved["held"]), dtype), 0)
        return log

    def _close_batches(self, before: int) -> None:
        """Close what the buffer's rows from `before` on close."""
        times, span = self._buffer.column(self._time_field), self._span_ns
        n = batch_ends(
            times, self._open, before, self._buffer.rows, BATCH_ROWS, 0 if span is None else span, self._ends
        )
        if n:
            self._close(self._ends[:n])

    def _close(self, ends: npt.NDArray[np.int64]) -> None:
        """Close batches that end before the buffer's rows `ends`: the open one first."""
        done = 0
        while done < len(ends):
            packed, places = self._packer.pack(self._open, ends[done:])
            for end, at, stop in zip(ends[done:].tolist(), places, places[1:], strict=False):
                self._link(end, packed[at:stop])
            done += len(places) - 1

    def _link(self, end: int, packed: memoryview) -> None:
        """Close the batch before the buffer's row `end`. packed: its bytes, behind room for the hash before it."""
        if end - self._written > FLUSH_ROWS:
            self.flush()
        packed[:HEAD_BYTES] = self._head
        self._starts.append(self._open)
        self._rows += end - self._open
        self._head, self._open = hashlib.sha256(packed).digest(), end
        self._hashes.append(self._head)
        self._batches += 1

    def flush(self) -> None:
        """Hand the closed batches to the sink now, not with the next 8,192 rows. Raises DiaryStalled."""
        self._refuse_if_ended()
        if self._starts:
            self._guarded(self._sink.write, self._buffer.batch(self._written, self._open), self._closed())
            self._last_written, self._written = self._hashes[-1], self._open
            self._starts.clear()
            self._hashes.clear()

    def _closed(self) -> ClosedBatches:
        starts = np.array(self._starts)
        ends = np.array([*self._starts[1:], self._open])
        seq, ts = self._buffer.column("seq"), self._buffer.column(self._time_field)
        return ClosedBatches(
            first=self._batches - len(starts),
            prev=self._last_written.hex(),
            at=(starts - self._written).tolist(),
            rows=(ends - starts).tolist(),
            first_seq=seq[starts].tolist(),
            last_seq=seq[ends - 1].tolist(),
            first_ts=ts[starts].tolist(),
            last_ts=ts[ends - 1].tolist(),
            hashes=[digest.hex() for digest in self._hashes],
        )

    def _drop_written(self) -> None:
        """Let the rows go that are with the sink; the others move to the front, when they are few or must."""
        full = self._buffer.rows == self._buffer.capacity
        if not full and 2 * self._written <= self._buffer.rows:
            return
        written, self._written = self._written, 0
        self._buffer.drop(written)
        self._open -= written
        self._starts = [start - written for start in self._starts]

    def _guarded(self, write: Any, *args: Any) -> None:
        try:
            write(*args)
        except DiaryStalled as error:
            self._ended = str(error)
            raise

    def _refuse_if_ended(self) -> None:
        if self._ended in ("closed", "abandoned"):
            raise ValueError(f"stream {self.stream} is {self._ended}")
        if self._ended:
            raise DiaryStalled(self._ended)
