"""Where closed batches go: to segments on disk, or to memory for notebooks."""

import errno
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary import segments

SEGMENT_BYTES = 64 * 2**20
SEGMENT_ROWS = 1_000_000
_REMEDY = {
    errno.ENOSPC: "the disk is full; free space on it, then resume the run",
    errno.EDQUOT: "the disk quota is used up; raise it, then resume the run",
}


class DiaryStalled(RuntimeError):
    """The diary cannot take a record: trading must stop. One line that names the file and what to do."""


class SinkState(NamedTuple):
    """How far a stream is written: enough to cut its files back to this point."""

    segment: int
    segment_bytes: int
    segment_rows: int
    manifest_bytes: int


class MemorySink:
    """Keep the closed batches as Arrow data."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._schema = segments.arrow_schema(dtype)
        self._kept: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch, closed: segments.ClosedBatches) -> None:
        """Copy the rows of closed batches."""
        self._kept.append(pa.ipc.read_record_batch(batch.serialize(), self._schema))

    def finish(self, batches: int, rows: int, head: bytes) -> None:
        """Do nothing: there is no file to end."""

    def table(self) -> pa.Table:
        """Return all closed batches as one table."""
        return pa.Table.from_batches(self._kept, self._schema).combine_chunks()


class FileSink:
    """Append batches to segments and their lines to the manifest; every byte has a known offset.

    Nothing advances before both writes are whole, so a failed write leaves the stream as it was.
    """

    def __init__(self, folder: Path, stream: str, dtype: np.dtype[Any], segment_bytes: int) -> None:
        self._folder, self._stream, self._limit = folder, stream, segment_bytes
        self._schema_message = segments.arrow_schema(dtype).serialize().to_pybytes()
        self._manifest_path = segments.manifest_path(folder, stream)
        self._segment_fd = self._manifest_fd = -1
        self.state = SinkState(0, 0, 0, 0)

    @classmethod
    def create(cls, folder: Path, stream: str, dtype: np.dtype[Any], header: bytes, limit: int) -> "FileSink":
        """Start a stream. header: as `chain.header_of` makes it. Raises InputError when the folder has it already."""
        sink = cls(folder, stream, dtype, limit)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            sink._manifest_fd = os.open(sink._manifest_path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            raise InputError(
                f"{sink._manifest_path}: the stream exists; resume it from its checkpoint or choose another folder"
            ) from None
        line = segments.header_line(header)
        sink._put(sink._manifest_fd, sink._manifest_path, line, 0)
        sink._open_segment(0)
        sink.state = sink.state._replace(manifest_bytes=len(line))
        return sink

    @classmethod
    def resume(cls, folder: Path, stream: str, dtype: np.dtype[Any], state: SinkState, limit: int) -> "FileSink":
        """Cut the stream's files back to `state` and go on there. Raises InputError when they are shorter."""
        sink = cls(folder, stream, dtype, limit)
        segment = folder / segments.segment_name(stream, state.segment)
        sink._manifest_fd = _cut(sink._manifest_path, state.manifest_bytes)
        sink._segment_fd = _cut(segment, state.segment_bytes)
        for path in sorted(folder.glob(f"{stream}-*.arrow")):
            if path.name > segment.name:
                path.unlink()
        sink.state = state
        return sink

    def write(self, batch: pa.RecordBatch, closed: segments.ClosedBatches) -> None:
        """Write the rows of closed batches as one message, then their lines. Raises DiaryStalled."""
        message = batch.serialize()
        if self._is_full(message.size, batch.num_rows):
            self._roll()
        at = self.state
        place = segments.Place(
            segments.segment_name(self._stream, at.segment), at.segment_bytes, at.segment_bytes + message.size
        )
        lines = segments.batch_lines(closed, place)
        self._put(self._segment_fd, self._segment_path(), message, at.segment_bytes)
        self._put(self._manifest_fd, self._manifest_path, lines, at.manifest_bytes)
        self.state = SinkState(at.segment, place.end, at.segment_rows + batch.num_rows, at.manifest_bytes + len(lines))

    def finish(self, batches: int, rows: int, head: bytes) -> None:
        """End the last segment and the manifest, and put both on the disk. Raises DiaryStalled."""
        at, line = self.state, segments.close_line(batches, rows, head)
        self._put(self._segment_fd, self._segment_path(), segments.END_OF_STREAM, at.segment_bytes)
        self._put(self._manifest_fd, self._manifest_path, line, at.manifest_bytes)
        for fd, path in ((self._segment_fd, self._segment_path()), (self._manifest_fd, self._manifest_path)):
            try:
                os.fdatasync(fd)
            except OSError as error:
                raise _stalled(path, error) from error
        self.abandon()

    def abandon(self) -> None:
        """Close the files as they are, without ending the stream."""
        for fd in (self._segment_fd, self._manifest_fd):
            if fd >= 0:
                os.close(fd)
        self._segment_fd = self._manifest_fd = -1

    def _is_full(self, more_bytes: int, more_rows: int) -> bool:
        at = self.state
        if at.segment_rows == 0:
            return False
        return at.segment_bytes + more_bytes > self._limit or at.segment_rows + more_rows > SEGMENT_ROWS

    def _roll(self) -> None:
        at = self.state
        self._put(self._segment_fd, self._segment_path(), segments.END_OF_STREAM, at.segment_bytes)
        os.close(self._segment_fd)
        self._segment_fd = -1
        self._open_segment(at.segment + 1)

    def _open_segment(self, index: int) -> None:
        path = self._folder / segments.segment_name(self._stream, index)
        try:
            self._segment_fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        except OSError as error:
            raise _stalled(path, error) from error
        self._put(self._segment_fd, path, self._schema_message, 0)
        self.state = SinkState(index, len(self._schema_message), 0, self.state.manifest_bytes)

    def _segment_path(self) -> Path:
        return self._folder / segments.segment_name(self._stream, self.state.segment)

    def _put(self, fd: int, path: Path, data: Any, offset: int) -> None:
        view, done = memoryview(data), 0
        try:
            while done < len(view):
                done += os.pwrite(fd, view[done:], offset + done)
        except OSError as error:
            raise _stalled(path, error) from error


def _stalled(path: Path, error: OSError) -> DiaryStalled:
    remedy = _REMEDY.get(error.errno or 0, "see that the disk is there and writable, then resume the run")
    return DiaryStalled(f"{path}: the diary cannot be written ({error.strerror}), trading stops: {remedy}")


def _cut(path: Path, size: int) -> int:
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        raise InputError(f"{path}: missing, yet the checkpoint needs it; start the run anew") from None
    if os.fstat(fd).st_size < size:
        os.close(fd)
        raise InputError(f"{path}: shorter than the checkpoint's {size} bytes; start the run anew")
    os.ftruncate(fd, size)
    return fd
