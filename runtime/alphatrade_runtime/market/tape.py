"""Read a tape: memory-mapped, row by row range or batch by batch, in constant memory."""

import hashlib
import mmap
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

from alphatrade_runtime.market.faults import InputError, disk_errors
from alphatrade_runtime.market.instrument import Instrument, plain
from alphatrade_runtime.market.manifest import DATA_NAME, Manifest, instruments_of, read_manifest
from alphatrade_runtime.market.schema import ARROW_SCHEMA, Rows
from alphatrade_runtime.market.tape_writer import BATCH_ROWS, TapeWriter, write_tape

__all__ = ["BATCH_ROWS", "Tape", "TapeWriter", "info", "write_tape"]


class Tape:
    """A tape on disk; columns are read-only views of the file.

    Views stay valid until `close`; pages that `chunks` has passed are given back to the system, and
    come back from the file when touched again.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.instruments: tuple[Instrument, ...] = instruments_of(manifest)
        self.calendar: str = manifest["calendar"]
        self.digest: str = manifest["digest"]
        with disk_errors(folder / DATA_NAME), (folder / DATA_NAME).open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._buffer = pa.py_buffer(self._map)
        self._reader = _open_arrow(folder / DATA_NAME, self._buffer)

    @classmethod
    def open(cls, folder: str | os.PathLike[str], *, verify: bool = True) -> "Tape":
        """Open a tape; with `verify` its bytes are checked against the manifest first.

        Raises InputError when the manifest is missing or edited, the data differs from it, or there is no row.
        """
        path = Path(folder)
        manifest = read_manifest(path)
        if not (path / DATA_NAME).is_file():
            raise InputError(f"{path / DATA_NAME}: missing; import the data again")
        if verify and file_sha256(path / DATA_NAME) != manifest["sha256"]:
            raise InputError(f"{path / DATA_NAME}: edited after its manifest was written; import the data again")
        tape = cls(path, manifest)
        tape._check_shape()
        return tape

    def _check_shape(self) -> None:
        path = self.folder / DATA_NAME
        if self._reader.schema != ARROW_SCHEMA:
            raise InputError(f"{path}: its columns are not those of a tape; import the data again")
        last = self._reader.num_record_batches - 1
        rows = last * BATCH_ROWS + self._reader.get_batch(last).num_rows if last >= 0 else 0
        if rows != len(self):
            raise InputError(f"{path}: {rows} rows, its manifest says {len(self)}; import the data again")

    def __len__(self) -> int:
        return int(self.manifest["rows"])

    def batch(self, index: int) -> Rows:
        """Rows of one record batch, 65,536 but for the last, without copying."""
        batch = self._reader.get_batch(index)
        return Rows._make(column.to_numpy(zero_copy_only=True) for column in batch.columns)

    def rows(self, start: int = 0, stop: int | None = None) -> Rows:
        """Rows start..stop-1; without copying when they lie in one record batch."""
        start, stop, _ = slice(start, stop).indices(len(self))
        stop = max(start, stop)
        final = self._reader.num_record_batches - 1
        first, last = min(start // BATCH_ROWS, final), min(max(start, stop - 1) // BATCH_ROWS, final)
        parts = [self.batch(i) for i in range(first, last + 1)]
        low, high = start - first * BATCH_ROWS, stop - first * BATCH_ROWS
        if len(parts) == 1:
            return parts[0].slice(low, high)
        joined = Rows._make(np.concatenate(columns)[low:high] for columns in zip(*parts, strict=True))
        for column in joined:
            column.setflags(write=False)  # one numba type for copied and mapped columns
        return joined

    def chunks(self) -> Iterator[Rows]:
        """Rows of each record batch in order; memory stays that of one batch."""
        dropped = 0
        for index in range(self._reader.num_record_batches):
            yield self.batch(index)
            dropped = self._drop_pages(dropped, index)

    def _drop_pages(self, start: int, index: int) -> int:
        """Give back the pages from byte `start` to the end of a batch; returns where the next call starts."""
        last = self._reader.get_batch(index).columns[-1].buffers()[1]
        end: int = (last.address + last.size - self._buffer.address) // mmap.PAGESIZE * mmap.PAGESIZE
        if end > start:
            self._map.madvise(mmap.MADV_DONTNEED, start, end - start)
        return max(start, end)

    def close(self) -> None:
        """Let go of the file; views of it keep it mapped until they are gone."""
        del self._reader, self._buffer, self._map

    def __enter__(self) -> "Tape":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open_arrow(path: Path, buffer: pa.Buffer) -> Any:
    try:
        return pa.ipc.open_file(buffer)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: no Arrow file ({error}); import the data again") from None


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hex."""
    with disk_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def info(folder: str | os.PathLike[str], *, verify: bool = True) -> dict[str, Any]:
    """Return what `alphatrade tape info` prints: plain values, times as ISO 8601 UTC, by label in print order."""
    with Tape.open(folder, verify=verify) as tape:
        manifest = tape.manifest
        first_ns, last_ns = manifest["first_ts_ns"], manifest["last_ts_ns"]
        return {
            "path": os.fspath(folder),
            "source": manifest["source"],
            "simulated": bool(manifest["source"].get("simulated")),
            "calendar": tape.calendar,
            "instruments": [
                {**instrument.to_mapping(), "quanta_per_tick_lot": instrument.mult, "tick": plain(instrument.tick_size)}
                for instrument in tape.instruments
            ],
            "rows": len(tape),
            "rows_by_kind": manifest["counts_by_kind"],
            "first": utc(first_ns),
            "last": utc(last_ns),
            "duration_s": (last_ns - first_ns) / 1e9,
            "counts": manifest["counts"],
            "clock_shift_ns": manifest["clock_shift_ns"],
            "quality": manifest["quality"],
            "digest": tape.digest,
            "sha256": manifest["sha256"],
            "verified": verify,
        }


def utc(ts_ns: int) -> str:
    """Write a timestamp as ISO 8601 UTC with nanoseconds."""
    seconds, nanos = divmod(int(ts_ns), 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"
