"""Write a tape: a folder that appears whole or not at all."""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alphatrade_runtime.market.faults import InputError, disk_errors
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.manifest import (
    DATA_NAME,
    MANIFEST_NAME,
    ColumnDigest,
    Manifest,
    check_instruments,
    read_manifest,
    write_manifest,
)
from alphatrade_runtime.market.quality import check_writable
from alphatrade_runtime.market.schema import ARROW_SCHEMA, TAPE_SCHEMA_VERSION, Flag, Kind, Rows

BATCH_ROWS = 65_536
_FLAGS = len(ARROW_SCHEMA) - 1
_NOT_LAST = np.uint8(0xFF & ~Flag.LAST)


class _HashingFile:
    """A binary file that hashes what passes through; what pyarrow needs of a sink."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._sha256 = hashlib.sha256()

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: Any) -> int:
        self._sha256.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def abandon(self) -> None:
        """Close without caring whether what is buffered still fits on the disk."""
        with suppress(OSError):
            self._file.close()

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


class TapeWriter:
    """Append rows to a new tape; nothing is seen under `folder` before `finish`.

    The writer numbers the rows (`seq` from 0) and sets LAST on the last row of each ts_init_ns:
    rows that arrive at the same nanosecond share a step. Rows must come sorted by ts_init_ns.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        instruments: Sequence[Instrument],
        *,
        source: Mapping[str, Any],
        calendar: str = "24/7",
        replace: bool = False,
    ) -> None:
        check_instruments(instruments)
        if not {"type", "name", "simulated"} <= source.keys():
            raise InputError("tape: source needs type, name and simulated")
        self.folder = Path(folder)
        self._replace = replace
        check_target(self.folder, replace)
        self._facts: Manifest = {
            "schema_version": TAPE_SCHEMA_VERSION,
            "kind": "tape",
            "source": dict(source),
            "instruments": [instrument.to_mapping() for instrument in instruments],
            "calendar": calendar,
        }
        self._instrument_count = len(instruments)
        self.partial = self.folder.with_name(f"{self.folder.name}.partial-{os.getpid()}")
        self._columns: list[npt.NDArray[Any]] = [
            np.zeros(BATCH_ROWS, field.type.to_pandas_dtype()) for field in ARROW_SCHEMA
        ]
        self._filled = self._rows = 0
        self._first_ts_ns = self._last_ts_ns = 0
        self._kinds: Counter[int] = Counter()
        self._digest = ColumnDigest()
        self._open = False
        self._create()

    def _create(self) -> None:
        with disk_errors(self.folder):
            shutil.rmtree(self.partial, ignore_errors=True)
            self.partial.mkdir(parents=True)
            self._file = _HashingFile(self.partial / DATA_NAME)
        self._writer = pa.ipc.new_file(pa.PythonFile(self._file, mode="w"), ARROW_SCHEMA)
        self._open = True

    def append(self, rows: Rows) -> None:
        """Add rows (any number); their seq and LAST flags are set here. Raises InputError on an unsound row."""
        n = len(rows.ts_init_ns)
        if n == 0:
            return
        try:
            check_writable(rows, self._rows, self._last_ts_ns, self._instrument_count)
            self._append(rows, n)
        except BaseException:
            self.abort()
            raise

    def _append(self, rows: Rows, n: int) -> None:
        if self._rows == 0:
            self._first_ts_ns = int(rows.ts_init_ns[0])
        elif int(rows.ts_init_ns[0]) == self._last_ts_ns:
            self._columns[_FLAGS][self._filled - 1] &= _NOT_LAST
        flags = (rows.flags & _NOT_LAST).astype(np.uint8)
        flags[:-1] |= np.where(rows.ts_init_ns[1:] != rows.ts_init_ns[:-1], np.uint8(Flag.LAST), np.uint8(0))
        flags[-1] |= np.uint8(Flag.LAST)
        numbered = rows._replace(seq=np.arange(self._rows, self._rows + n, dtype=np.int64), flags=flags)
        self._copy(numbered, n)
        self._rows += n
        self._last_ts_ns = int(rows.ts_init_ns[-1])
        kinds, counts = np.unique(rows.kind, return_counts=True)
        self._kinds.update(dict(zip(kinds.tolist(), counts.tolist(), strict=True)))

    def _copy(self, rows: Rows, n: int) -> None:
        # a full batch waits for the next row: only then is its last row's LAST flag known
        done = 0
        while done < n:
            if self._filled == BATCH_ROWS:
                self._flush()
            take = min(n - done, BATCH_ROWS - self._filled)
            part = slice(self._filled, self._filled + take)
            pairs: list[tuple[Any, Any]] = list(zip(self._columns, rows, strict=True))
            for column, values in pairs:
                column[part] = values[done : done + take]
            self._filled += take
            done += take

    def _flush(self) -> None:
        rows = Rows._make(column[: self._filled] for column in self._columns)
        self._digest.update(rows)
        arrays = [pa.array(column) for column in rows]
        with disk_errors(self.folder):
            self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=ARROW_SCHEMA))
        self._filled = 0

    def finish(
        self,
        *,
        counts: Mapping[str, Any] | None = None,
        clock_shift_ns: Mapping[str, int] | None = None,
        quality: Mapping[str, Any] | None = None,
    ) -> Manifest:
        """Close the tape, move it to its place and return its manifest. Raises InputError when it has no row."""
        try:
            if self._rows == 0:
                raise InputError(f"{self.folder}: the tape would have 0 rows; give data that holds at least one")
            self._flush()
            manifest = self._seal(
                {
                    "counts": dict(counts or {"unit": "rows", "read": self._rows, "used": self._rows, "refused": {}}),
                    "clock_shift_ns": dict(clock_shift_ns or {}),
                    "quality": dict(quality or {}),
                }
            )
        except BaseException:
            self.abort()
            raise
        self._open = False
        return manifest

    def _seal(self, facts: Manifest) -> Manifest:
        with disk_errors(self.folder):
            self._writer.close()
            self._file.close()
            measured = {
                "rows": self._rows,
                "first_ts_ns": self._first_ts_ns,
                "last_ts_ns": self._last_ts_ns,
                "counts_by_kind": {Kind(kind).name: count for kind, count in sorted(self._kinds.items())},
                "sha256": self._file.hexdigest(),
                "digest": self._digest.hexdigest(),
            }
            write_manifest(self.partial, {**self._facts, **measured, **facts})
            publish(self.partial, self.folder, self._replace)
        return read_manifest(self.folder)

    def abort(self) -> None:
        """Drop everything written so far; harmless after finish."""
        if self._open:
            self._open = False
            self._file.abandon()
            shutil.rmtree(self.partial, ignore_errors=True)

    def __enter__(self) -> "TapeWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()


def check_target(folder: Path, replace: bool) -> None:
    """Raise InputError when a tape cannot be written to `folder`: something is there and may not be replaced."""
    if not folder.name:
        raise InputError(f"{folder}: no folder name; give a path such as tapes/my-tape")
    if not folder.exists():
        return
    if not replace:
        raise InputError(f"{folder}: exists already; choose another folder or remove it first")
    if not folder.is_dir() or {path.name for path in folder.iterdir()} - {DATA_NAME, MANIFEST_NAME}:
        raise InputError(f"{folder}: exists and is no tape, so it is not replaced; choose another folder")


def publish(partial: Path, folder: Path, replace: bool) -> None:
    """Move a finished folder to its place; an old tape there is moved aside first, then removed."""
    if folder.exists():
        check_target(folder, replace)
        aside = folder.with_name(f"{folder.name}.replaced-{os.getpid()}")
        os.replace(folder, aside)
        os.replace(partial, folder)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.replace(partial, folder)


def write_tape(
    folder: str | os.PathLike[str],
    rows: Rows,
    instruments: Sequence[Instrument],
    *,
    source: Mapping[str, Any],
    calendar: str = "24/7",
    replace: bool = False,
) -> Manifest:
    """Write rows that fit in memory as a tape; returns its manifest."""
    with TapeWriter(folder, instruments, source=source, calendar=calendar, replace=replace) as writer:
        writer.append(rows)
        return writer.finish()
