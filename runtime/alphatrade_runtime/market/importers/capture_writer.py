"""Write a capture as a tape: check rows, spool them, repair the clock, then write the tape.

The clock's shift is known only after the last row, so rows wait in a spool file inside the tape's
partial folder; memory stays that of one block.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alphatrade_runtime.market import clock
from alphatrade_runtime.market.fault_ledger import FaultLedger
from alphatrade_runtime.market.faults import disk_errors
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.manifest import Manifest
from alphatrade_runtime.market.schema import ARROW_SCHEMA, Kind, Rows
from alphatrade_runtime.market.stream_check import StreamCheck
from alphatrade_runtime.market.tape_writer import TapeWriter

_SPOOL = "spool.arrow"
_UNCLOCKED = (int(Kind.BAR), int(Kind.FUNDING))  # released at a time of their own, not when received


class CaptureWriter:
    """Take blocks of rows with the line each came from, and make a tape of those that pass the checks."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        instruments: Sequence[Instrument],
        ledger: FaultLedger,
        *,
        source: Mapping[str, Any],
        calendar: str,
        base_latency_ns: int = clock.BASE_LATENCY_NS,
        replace: bool = False,
    ) -> None:
        self._tape = TapeWriter(folder, instruments, source=source, calendar=calendar, replace=replace)
        self._path = self._tape.partial / _SPOOL
        self._check = StreamCheck(ledger)
        self._ledger = ledger
        self._base_latency_ns = base_latency_ns
        self._symbols = [instrument.symbol for instrument in instruments]
        self._offset_ns: int | None = None
        with disk_errors(self._tape.folder):
            self._file = self._path.open("wb")
        self._spool = pa.ipc.new_stream(pa.PythonFile(self._file, mode="w"), ARROW_SCHEMA)

    def append(self, rows: Rows, lines: npt.NDArray[np.int64]) -> None:
        """Check a block of whole messages and keep what passes. Raises InputError when strict."""
        kept = self._check.check(rows, lines)
        clocked = ~np.isin(kept.kind, _UNCLOCKED)
        if clocked.any():
            offset = clock.min_offset_ns(kept.ts_init_ns[clocked], kept.ts_event_ns[clocked])
            self._offset_ns = offset if self._offset_ns is None else min(offset, self._offset_ns)
        with disk_errors(self._tape.folder):
            arrays = [pa.array(column) for column in kept]
            self._spool.write_batch(pa.RecordBatch.from_arrays(arrays, schema=ARROW_SCHEMA))

    def finish(self) -> Manifest:
        """Repair the clock, write the tape and return its manifest."""
        shift = 0 if self._offset_ns is None else clock.clock_shift_ns(self._offset_ns, self._base_latency_ns)
        with disk_errors(self._tape.folder):
            self._spool.close()
            self._file.close()
        with self._path.open("rb") as file, pa.ipc.open_stream(file) as spool:
            for batch in spool:
                rows = Rows._make(column.to_numpy(zero_copy_only=True) for column in batch.columns)
                self._tape.append(rows._replace(ts_init_ns=rows.ts_init_ns + shift))
        with disk_errors(self._tape.folder):
            self._path.unlink()
        return self._tape.finish(
            counts=self._ledger.counts(),
            clock_shift_ns=dict.fromkeys(self._symbols, shift),
            quality=self._ledger.quality(),
        )

    def __enter__(self) -> "CaptureWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tape.abort()
        with suppress(OSError):  # the disk is full: what was buffered is dropped with the folder
            self._file.close()
