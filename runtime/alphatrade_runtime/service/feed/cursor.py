"""A place on a tape in one order of time: what is due next, in spans that never split rows of one time."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.market.tape import BATCH_ROWS, Tape

NEVER = 1 << 62
ROW_BYTES = 93  # of one row on the wire
_STATE = (int(Kind.STATUS), int(Kind.FUNDING))  # each one matters; of MARK only the last does
_MARK = int(Kind.MARK)

Times = npt.NDArray[np.int64]


class Span(NamedTuple):
    """Rows that follow each other. after_ns: time of the row before; complete_through_ns: no later row is at or
    below it. All times are of the view."""

    rows: Rows
    after_ns: int
    complete_through_ns: int


class Cursor:
    """One reader of a tape. venue_side: by exchange time (running maximum), else by time of arrival.

    Rows come in the tape's order either way; the two orders of time differ in when a row is due.
    """

    def __init__(self, tape: Tape, venue_side: bool, from_seq: int) -> None:
        self._tape, self._venue_side = tape, venue_side
        self._after = _latest_before(tape, venue_side, from_seq)
        self._base = self._at = 0
        self._load(from_seq)

    @property
    def seq(self) -> int:
        """Number of the next row; that of no row at the end."""
        return self._base + self._at

    @property
    def ended(self) -> bool:
        """Whether all rows were taken."""
        return self._at == len(self._due)

    def next_due_ns(self) -> int:
        """Return when the next row is due; NEVER at the end."""
        return NEVER if self.ended else int(self._due[self._at])

    def due_rows(self, now_ns: int) -> int:
        """Return how many rows are due and not taken, as far as can be seen from here: at most about 65,536."""
        return int(np.searchsorted(self._due[self._at :], now_ns, side="right"))

    def take(self, until_ns: int, most: int) -> Span | None:
        """Return the rows due by until_ns, about `most` of them; None when none is due.

        Raises InputError for more rows of one time than a message holds.
        """
        if self._cut_short(most):
            self._load(self.seq)
        due = self._due[self._at :]
        stop = int(np.searchsorted(due, until_ns, side="right"))
        if stop == 0:
            return None
        if stop > most:
            stop = self._whole_groups(due, most)
        return self._taken(due, stop)

    def _cut_short(self, most: int) -> bool:
        """Whether what is held may end within the next batch: too few rows, or all of one time."""
        if self._final or self._at == 0:
            return False
        due = self._due[self._at :]
        return len(due) <= most or bool(due[0] == due[-1])

    def _whole_groups(self, due: Times, most: int) -> int:
        """Return where to cut at about `most` rows so that rows of one time stay together."""
        stop = int(np.searchsorted(due, due[most], side="left"))
        if stop == 0:  # the first group alone is longer
            stop = int(np.searchsorted(due, due[0], side="right"))
            if stop == len(due) and not self._final:
                raise InputError(f"{self._tape.folder}: more than {stop} rows of one time at row {self.seq}")
        return stop

    def _taken(self, due: Times, stop: int) -> Span:
        start, self._at = self._at, self._at + stop
        after, self._after = self._after, int(due[stop - 1])
        complete = int(due[stop]) - 1 if stop < len(due) else NEVER
        return Span(self._rows.slice(start, self._at), after, complete)

    def _load(self, start: int) -> None:
        self._base, self._at = start, 0
        self._rows: Rows = self._tape.rows(start, start + BATCH_ROWS)
        self._final = start + len(self._rows.seq) >= len(self._tape)
        self._due = _times(self._rows, self._venue_side, self._after)


def position_at(tape: Tape, venue_side: bool, now_ns: int) -> int:
    """Return the number of the first row due after now_ns; that of no row when there is none."""
    for index in range(-(-len(tape) // BATCH_ROWS)):
        batch = tape.batch(index)
        later = (batch.ts_event_ns if venue_side else batch.ts_init_ns) > now_ns
        if later.any():
            return index * BATCH_ROWS + int(np.argmax(later))
    return len(tape)


def lasting_rows(tape: Tape, start: int, stop: int, every: bool) -> Rows:
    """Return the rows start..stop-1 that still say how things are: STATUS, FUNDING, the last MARK of each instrument.

    every False: of STATUS the last one of each instrument, too, and no FUNDING: for who has no position.
    """
    parts = [_kept(tape.rows(at, min(at + BATCH_ROWS, stop))) for at in range(start, stop, BATCH_ROWS)]
    joined = _joined(parts) if parts else _kept(tape.rows(0, 0))
    last = _last_of_each(joined)
    keep = last & (joined.kind != int(Kind.FUNDING)) if not every else last | np.isin(joined.kind, _STATE)
    return _picked(joined, keep)


def _kept(rows: Rows) -> Rows:
    return _picked(rows, np.isin(rows.kind, (*_STATE, _MARK)))


def _last_of_each(rows: Rows) -> npt.NDArray[np.bool_]:
    """Mark the last row of each kind and instrument."""
    keys = rows.kind.astype(np.int64) << 16 | rows.instrument
    last = np.zeros(len(keys), np.bool_)
    _, from_end = np.unique(keys[::-1], return_index=True)
    last[len(keys) - 1 - from_end] = True
    return last


def _picked(rows: Rows, keep: npt.NDArray[np.bool_]) -> Rows:
    return Rows._make(np.ascontiguousarray(column[keep]) for column in rows)


def _joined(parts: list[Rows]) -> Rows:
    return Rows._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _times(rows: Rows, venue_side: bool, after_ns: int) -> Times:
    """Return when each row is due."""
    if not venue_side:
        return rows.ts_init_ns
    return np.maximum(np.maximum.accumulate(rows.ts_event_ns), after_ns) if len(rows.seq) else rows.ts_event_ns


def _latest_before(tape: Tape, venue_side: bool, seq: int) -> int:
    """Return the time of the row before `seq`; 0 at the start."""
    if seq == 0:
        return 0
    if not venue_side:
        return int(tape.rows(seq - 1, seq).ts_init_ns[0])
    spans = range(0, seq, BATCH_ROWS)
    return max(int(tape.rows(at, min(at + BATCH_ROWS, seq)).ts_event_ns.max()) for at in spans)
