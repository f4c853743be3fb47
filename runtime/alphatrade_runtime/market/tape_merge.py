"""Merge tapes by receive time: captures of several symbols, or a capture and its funding rates."""

import os
from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.manifest import Manifest
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, Rows
from alphatrade_runtime.market.stream_check import joined, take
from alphatrade_runtime.market.tape import Tape
from alphatrade_runtime.market.tape_writer import TapeWriter

_END = np.iinfo(np.int64).max


def merge_tapes(
    folder: str | os.PathLike[str], tapes: Sequence[str | os.PathLike[str]], *, replace: bool = False
) -> Manifest:
    """Write one tape with the rows of all; at the same nanosecond earlier tapes come first.

    Raises InputError when calendars differ or a symbol has other sizes in another tape.
    """
    if len(tapes) < 2:
        raise InputError(f"{os.fspath(folder)}: merging takes two tapes or more; name them")
    opened = [Tape.open(path) for path in tapes]
    instruments = _instruments(opened)
    source = {
        "type": "merge",
        "name": "+".join(str(tape.manifest["source"]["name"]) for tape in opened),
        "simulated": any(tape.manifest["source"]["simulated"] for tape in opened),
        "tapes": [{"source": tape.manifest["source"], "digest": tape.digest} for tape in opened],
    }
    shifts = {symbol: shift for tape in opened for symbol, shift in tape.manifest["clock_shift_ns"].items()}
    with TapeWriter(folder, instruments, source=source, calendar=opened[0].calendar, replace=replace) as writer:
        for rows in _merged([_renumbered(tape, instruments) for tape in opened]):
            writer.append(rows)
        return writer.finish(clock_shift_ns=shifts)


def _instruments(tapes: Sequence[Tape]) -> tuple[Instrument, ...]:
    found: dict[str, Instrument] = {}
    for tape in tapes:
        if tape.calendar != tapes[0].calendar:
            raise InputError(
                f"{tape.folder}: calendar {tape.calendar}, {tapes[0].folder} has {tapes[0].calendar}; import both alike"
            )
        for instrument in tape.instruments:
            if found.setdefault(instrument.symbol, instrument) != instrument:
                raise InputError(
                    f"{tape.folder}: {instrument.symbol} has other sizes than in an earlier tape; "
                    "import both with the same --tick-size and --lot-size"
                )
    return tuple(found.values())


def _renumbered(tape: Tape, instruments: Sequence[Instrument]) -> Iterator[Rows]:
    symbols = [instrument.symbol for instrument in instruments]
    position = np.arange(ALL_INSTRUMENTS + 1, dtype=np.uint16)
    for index, instrument in enumerate(tape.instruments):
        position[index] = symbols.index(instrument.symbol)
    for rows in tape.chunks():
        yield rows._replace(instrument=position[rows.instrument])


def _merged(sources: Sequence[Iterator[Rows]]) -> Iterator[Rows]:
    """Yield rows of all sources sorted by receive time; holds about one batch of each."""
    waiting = [next(source) for source in sources]
    ended = [False] * len(sources)
    while True:
        # rows before `limit` are complete: every source that goes on has shown one at or after it
        ends = [_END if done else int(rows.ts_init_ns[-1]) for rows, done in zip(waiting, ended, strict=True)]
        limit = min(ends)
        cut = [int(np.searchsorted(rows.ts_init_ns, limit)) for rows in waiting]
        yield _sorted([rows.slice(0, n) for rows, n in zip(waiting, cut, strict=True)])
        if limit == _END:
            return
        waiting = [rows.slice(n, len(rows.seq)) for rows, n in zip(waiting, cut, strict=True)]
        first = ends.index(limit)
        more = next(sources[first], None)
        if more is None:
            ended[first] = True
        else:
            waiting[first] = joined(waiting[first], more)


def _sorted(parts: Sequence[Rows]) -> Rows:
    rows = reduce(joined, parts)
    return take(rows, np.argsort(rows.ts_init_ns, kind="stable"))
