"""A moving span of a tape in contiguous columns, so that the loop reads a tape of any length in constant memory."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, ARROW_SCHEMA, Rows

_INSTRUMENT = Rows._fields.index("instrument")


class RowWindow:
    """Rows of a tape from `base` on: `rows` (n,) contiguous; `final` once no more follow.

    chunks: spans of the tape in order.  remap: (k,) uint16 from the tape's instruments to the session's, or None.
    """

    def __init__(self, chunks: Iterator[Rows], remap: npt.NDArray[np.uint16] | None) -> None:
        self._chunks = chunks
        self._remap = remap
        self._buffer: list[npt.NDArray[np.generic]] = [np.zeros(0, f.type.to_pandas_dtype()) for f in ARROW_SCHEMA]
        self._used = 0
        self.base = 0
        self.final = False
        self._whole: Rows | None = None

    @classmethod
    def of_rows(cls, rows: Rows) -> "RowWindow":
        """A window over rows in memory: all of them at once, nothing copied."""
        window = cls(iter(()), None)
        window._whole = Rows._make(_frozen(c) for c in rows)  # as a tape's: one compiled variant serves both
        window.final = True
        return window

    @property
    def rows(self) -> Rows:
        """The rows held now, read-only."""
        return self._whole if self._whole is not None else Rows._make(_frozen(c[: self._used]) for c in self._buffer)

    def __len__(self) -> int:
        return len(self._whole.seq) if self._whole is not None else self._used

    def advance(self, consumed: int) -> None:
        """Forget the first `consumed` rows and append the next chunk, or become final."""
        kept = self._used - consumed
        for column in self._buffer:
            column[:kept] = column[consumed : self._used].copy() if kept > consumed else column[consumed : self._used]
        self._used = kept
        self.base += consumed
        chunk = next(self._chunks, None)
        if chunk is None:
            self.final = True
        else:
            self._append(chunk)

    def _append(self, chunk: Rows) -> None:
        n = len(chunk.seq)
        if self._used + n > len(self._buffer[0]):
            self._grow(2 * (self._used + n))
        for target, column in zip(self._buffer, chunk._asdict().values(), strict=True):
            target[self._used : self._used + n] = column
        if self._remap is not None:
            self._buffer[_INSTRUMENT][self._used : self._used + n] = self._mapped(chunk.instrument)
        self._used += n

    def _mapped(self, instruments: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
        assert self._remap is not None
        known = np.minimum(instruments, len(self._remap) - 1)
        return np.where(instruments == ALL_INSTRUMENTS, np.uint16(ALL_INSTRUMENTS), self._remap[known])

    def _grow(self, rows: int) -> None:
        for k, column in enumerate(self._buffer):
            larger = np.zeros(rows, column.dtype)
            larger[: self._used] = column[: self._used]
            self._buffer[k] = larger


def mapped(rows: Rows, table: npt.NDArray[np.uint16] | None) -> Rows:
    """Return rows with the session's indices of instruments. table: as `remap` returns it."""
    if table is None:
        return rows
    known = np.minimum(rows.instrument, len(table) - 1)
    every = np.uint16(ALL_INSTRUMENTS)
    indices = np.where(rows.instrument == every, every, table[known])
    indices.setflags(write=False)
    return rows._replace(instrument=indices)


def _frozen(column: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    view = column[:]
    view.setflags(write=False)  # one numba type for built and memory-mapped columns
    return view


def remap(tape: Sequence[Instrument], session: Sequence[Instrument], where: str) -> npt.NDArray[np.uint16] | None:
    """Return the session's index of each tape instrument (untraded ones get one past the last), None when equal.

    Raises InputError when the tape lacks an instrument, or has it in other ticks or lots.
    """
    index = {instrument.symbol: k for k, instrument in enumerate(tape)}
    table = np.full(len(tape), len(session), np.uint16)
    for k, wanted in enumerate(session):
        if wanted.symbol not in index:
            raise InputError(f"{where}: has no instrument {wanted.symbol}; it has {', '.join(index)}")
        found = tape[index[wanted.symbol]]
        for name in ("tick_size", "lot_size", "multiplier"):
            if getattr(found, name) != getattr(wanted, name):
                raise InputError(
                    f"{where}: {wanted.symbol} has {name} {getattr(found, name)}, the session {getattr(wanted, name)}; "
                    "give the tape's value in the feed's instruments"
                )
        table[index[wanted.symbol]] = k
    return None if np.array_equal(table, np.arange(len(tape))) and len(tape) == len(session) else table
