"""The write-ahead journal: what came in and what goes out, written before an order leaves.

Records: INPUT (tape rows as the loop took them, execution reports, timers and controls among them),
COMMANDS (orders with their decision ids), META (facts, such as the session's); on a stream's clock also
REPORTS (execution reports), RUN (how far the state was brought) and CONTROL. A group of records is one
write, so what `flush` returned from survives a killed process; `durability` says how soon it is on the disk.
"""

import errno
import fcntl
import json
import os
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.loop import frames
from alphatrade_runtime.loop.syncer import Syncer
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import COMMAND_DTYPE, REPORT_DTYPE
from alphatrade_runtime.market.schema import ARROW_SCHEMA, Rows

SEGMENT_BYTES = 256 * 2**20
JOURNAL_SCHEMA = 1
Durability = Literal["group", "fsync"]
Payload = Rows | npt.NDArray[Any] | dict[str, Any] | tuple[int, int]

_COUNT = struct.Struct("<I")
_PAIR = struct.Struct("<qq")
_ROW_DTYPES = [np.dtype(field.type.to_pandas_dtype()).newbyteorder("<") for field in ARROW_SCHEMA]
_ROW_BYTES = sum(dtype.itemsize for dtype in _ROW_DTYPES)
_LAYOUT = {
    "journal": JOURNAL_SCHEMA,
    "rows": [[field.name, dtype.str] for field, dtype in zip(ARROW_SCHEMA, _ROW_DTYPES)],
    "commands": [[name, COMMAND_DTYPE[name].str] for name in COMMAND_DTYPE.names or ()],
}


class RecordKind(IntEnum):
    META = 1
    INPUT = 2
    COMMANDS = 3
    REPORTS = 4
    RUN = 5
    CONTROL = 6


class Record(NamedTuple):
    """One record: META's payload is a dict, INPUT's is Rows, COMMANDS' and REPORTS' are (n,) of their dtype.

    RUN: (time reached, time of a control that follows; ns).  CONTROL: (a Control, its argument).
    """

    kind: RecordKind
    number: int
    payload: Payload


class JournalStalled(RuntimeError):
    """The journal cannot take a record in time: trading must stop. One line that names the file and what to do."""


class Journal:
    """An append-only journal with one writer. Make it with `create` or `open`; then append, flush, send.

    `lost_bytes` is the length of the torn end that `open` cut off.
    """

    def __init__(self, folder: Path, durability: Durability, clock_ns: Callable[[], int], segment_bytes: int) -> None:
        self._folder, self._durability, self._limit = folder, durability, segment_bytes
        self._lock_fd = _lock(folder)
        self._group: list[bytes] = []
        self._fd = -1
        self._index = self._end = self._number = self.lost_bytes = 0
        self._stalled = ""
        self._syncer = Syncer(clock_ns)

    @classmethod
    def create(
        cls,
        folder: Path,
        meta: Mapping[str, Any],
        durability: Durability = "group",
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> "Journal":
        """Start a journal with the session's facts as its first record.

        Raises InputError when the folder has one or another runtime holds it, JournalStalled when the disk is full.
        """
        folder.mkdir(parents=True, exist_ok=True)
        journal = cls(folder, durability, clock_ns, segment_bytes)
        if any(folder.glob("journal-*.bin")):
            journal._release()
            raise InputError(f"{folder}: a journal is there already; open it to go on, or choose another folder")
        try:
            journal._start_segment(0)
            journal.append_meta({**_LAYOUT, "facts": dict(meta)})
            journal.flush(fsync=True)
        except BaseException:
            journal._release()
            frames.segment_path(folder, 0).unlink(missing_ok=True)
            raise
        return journal

    @classmethod
    def open(
        cls,
        folder: Path,
        durability: Durability = "group",
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> "Journal":
        """Go on with a journal behind its last good record; a torn end is cut off.

        Raises InputError when it is damaged, of another layout, or held by another runtime.
        """
        frames.segment_paths(folder)
        journal = cls(folder, durability, clock_ns, segment_bytes)
        try:
            journal._continue()
        except BaseException:
            journal._release()
            raise
        return journal

    def append_rows(self, rows: Rows) -> None:
        """Add a span of input rows to the open group; seq stays as it is."""
        columns = (column.tobytes() for column in rows)
        self._append(RecordKind.INPUT, _COUNT.pack(len(rows.seq)) + b"".join(columns))

    def append_commands(self, commands: npt.NDArray[Any]) -> None:
        """Add commands (n,) of COMMAND_DTYPE to the open group."""
        self._append(RecordKind.COMMANDS, commands.tobytes())

    def append_reports(self, reports: npt.NDArray[Any]) -> None:
        """Add reports (n,) of REPORT_DTYPE to the open group."""
        self._append(RecordKind.REPORTS, reports.tobytes())

    def append_run(self, until_ns: int, now_ns: int = 0) -> None:
        """Add how far the state was brought to the open group, and the time of the control that follows."""
        self._append(RecordKind.RUN, _PAIR.pack(until_ns, now_ns))

    def append_control(self, what: int, argument: int) -> None:
        """Add a control to the open group."""
        self._append(RecordKind.CONTROL, _PAIR.pack(what, argument))

    def append_meta(self, facts: Mapping[str, Any]) -> None:
        """Add facts, JSON values, to the open group."""
        self._append(RecordKind.META, json.dumps(dict(facts), sort_keys=True, separators=(",", ":")).encode())

    def flush(self, fsync: bool = False) -> None:
        """Write the open group; call it before anything in the group is sent.

        fsync (always so with durability fsync): return only when the disk has it. Otherwise the disk has it within
        some 5 ms, behind. Raises JournalStalled when it cannot be written, or when the disk is 1 s behind.
        """
        if self._stalled:
            raise JournalStalled(self._stalled)
        if self._group:
            self._write(b"".join(self._group))
            self._group.clear()
        with self._stall_on_error():
            if fsync or self._durability == "fsync":
                self._syncer.sync_now()
            self._syncer.check()

    def recover(self) -> Iterator[Record]:
        """Yield all records that were there when this is called, oldest first."""
        return read_records(self._folder, self._number - len(self._group))

    @property
    def next_number(self) -> int:
        """Number of the next record; as many have been appended."""
        return self._number

    def close(self) -> None:
        """Write the open group to the disk and let the journal go. Raises JournalStalled."""
        try:
            self.flush(fsync=True)
        finally:
            self._release()

    def abandon(self) -> None:
        """Let the journal go as it is; the open group is dropped."""
        self._group.clear()
        self._release()

    def _append(self, kind: RecordKind, payload: bytes) -> None:
        self._group.append(frames.encode(kind, self._number, payload))
        self._number += 1

    def _write(self, data: bytes) -> None:
        if self._end and self._end + len(data) > self._limit:
            with self._stall_on_error():
                self._syncer.sync_now()
            os.close(self._fd)
            self._start_segment(self._index + 1)
        done = 0
        with self._stall_on_error():
            try:
                while done < len(data):
                    done += os.pwrite(self._fd, data[done:] if done else data, self._end + done)
            except OSError:
                os.ftruncate(self._fd, self._end)  # no part of a group that was not written stays
                raise
        self._end += len(data)
        if self._durability == "group":
            self._syncer.written()

    def _start_segment(self, index: int) -> None:
        self._index, self._end = index, 0
        with self._stall_on_error():
            self._fd = os.open(self._path(), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            _sync_folder(self._folder)
        self._syncer.watch(self._fd)

    def _continue(self) -> None:
        tail = frames.find_tail(self._folder)
        first = next(read_records(self._folder, tail.next_number), None)
        if first is None or not isinstance(first.payload, dict):
            raise InputError(f"{self._folder}: the journal has no first record; nothing was sent: remove the folder")
        if {name: first.payload.get(name) for name in _LAYOUT} != _LAYOUT:
            raise InputError(f"{self._folder}: the journal is of another version; go on with the one that wrote it")
        self._index = len(frames.segment_paths(self._folder)) - 1
        self._fd = os.open(self._path(), os.O_RDWR)
        os.ftruncate(self._fd, tail.end)
        self._end, self._number, self.lost_bytes = tail.end, tail.next_number, tail.torn
        self._syncer.watch(self._fd)

    def _path(self) -> Path:
        return frames.segment_path(self._folder, self._index)

    def _stall_on_error(self) -> "_StallOnError":
        return _StallOnError(self)

    def _release(self) -> None:
        self._syncer.stop()
        for fd in (self._fd, self._lock_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock_fd = -1


class _StallOnError:
    """Turn an OSError of the block into JournalStalled, for good."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __enter__(self) -> None:
        """Begin; nothing is held."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            remedy = "free space on the disk" if full else "see that the disk is there, writable and fast enough"
            path, reason = self._journal._path(), error.strerror or error
            stalled = f"{path}: the journal cannot be written ({reason}), trading stops: {remedy}, then start again"
            self._journal._stalled = stalled
            raise JournalStalled(stalled) from error


def read_records(folder: Path, upto: int | None = None) -> Iterator[Record]:
    """Yield a journal's records oldest first, those numbered below `upto`; needs no lock. A torn end is left out.

    Raises InputError when the journal is damaged.
    """
    for frame in frames.read_frames(folder, upto):
        try:
            yield Record(RecordKind(frame.kind), frame.number, _decode(RecordKind(frame.kind), frame.payload))
        except ValueError as error:
            raise InputError(f"{folder}: record {frame.number} cannot be read ({error}); restore the journal") from None


def input_rows(folder: Path, at_least: int = 65_536) -> Iterator[Rows]:
    """Yield a journal's input as tape rows in spans of `at_least` rows (the last one shorter); seq as written."""
    held: list[Rows] = []
    count = 0
    for record in read_records(folder):
        if isinstance(record.payload, Rows):
            held.append(record.payload)
            count += len(record.payload.seq)
        if count >= at_least:
            yield _joined(held)
            held, count = [], 0
    if count:
        yield _joined(held)


def _joined(spans: list[Rows]) -> Rows:
    return Rows(*(_frozen(np.concatenate(columns)) for columns in zip(*spans)))


def _decode(kind: RecordKind, payload: bytes) -> Payload:
    if kind is RecordKind.META:
        facts = json.loads(payload)
        return dict(facts)
    if kind is RecordKind.COMMANDS:
        return np.frombuffer(payload, COMMAND_DTYPE).copy()
    if kind is RecordKind.REPORTS:
        return np.frombuffer(payload, REPORT_DTYPE).copy()
    if kind in (RecordKind.RUN, RecordKind.CONTROL):
        first, second = _PAIR.unpack(payload)
        return first, second
    (count,) = _COUNT.unpack_from(payload)
    if len(payload) != _COUNT.size + count * _ROW_BYTES:
        raise ValueError(f"{len(payload)} bytes are not {count} rows")
    columns, at = [], _COUNT.size
    for dtype in _ROW_DTYPES:
        columns.append(_frozen(np.frombuffer(payload, dtype, count, at).copy()))
        at += count * dtype.itemsize
    return Rows(*columns)


def _frozen(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    column.setflags(write=False)  # one numba type for rows of a tape and of a journal
    return column


def _lock(folder: Path) -> int:
    path = folder / "journal.lock"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(fd, 20, 0).decode(errors="replace").strip()
        os.close(fd)
        raise InputError(f"{path}: another runtime (process {holder}) holds this journal; stop it first") from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
