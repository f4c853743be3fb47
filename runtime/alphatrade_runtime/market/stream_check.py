"""Run the quality checks over a stream of blocks, remembering what each check needs from before."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market import quality
from alphatrade_runtime.market.fault_ledger import FaultLedger
from alphatrade_runtime.market.faults import FAULTS
from alphatrade_runtime.market.quality import NO_SEQUENCE, Mask, QuoteRun
from alphatrade_runtime.market.schema import Kind, Rows

Ints = npt.NDArray[np.int64]
Key = tuple[int, int]

_SEQUENCED = (Kind.QUOTE, Kind.TRADE, Kind.DEPTH, Kind.BAR)


@dataclass
class StreamCheck:
    """Refuse and notice faults block by block; the outcome does not depend on where blocks end.

    A block must hold whole messages: all rows of one line, lines ascending.
    """

    ledger: FaultLedger
    last_ts_ns: int = NO_SEQUENCE
    last_sequence: dict[Key, int] = field(default_factory=dict)
    last_price: dict[Key, int] = field(default_factory=dict)
    last_seen_ns: dict[int, int] = field(default_factory=dict)
    last_quote: dict[int, Rows] = field(default_factory=dict)
    runs: dict[int, QuoteRun] = field(default_factory=dict)

    def check(self, rows: Rows, lines: Ints) -> Rows:
        """Return the rows to keep. Raises InputError at the first fault that stops a strict import."""
        dropped, faults = self._assign(self._refusals(rows, lines), lines)
        for fault, places in faults:
            self.ledger.refuse(fault, int(places[0]), FAULTS[fault].meaning, len(places))
        kept, places = rows, lines
        if dropped.any():
            kept, places = take(rows, np.flatnonzero(~dropped)), lines[~dropped]
        self.ledger.used += int(quality.heads(places).sum())
        if len(places):
            self._notices(kept, places)
        return kept

    def _refusals(self, rows: Rows, lines: Ints) -> list[tuple[str, Mask]]:
        backwards = quality.time_backwards(rows.ts_init_ns, self.last_ts_ns)
        found = [("time_backwards", backwards)]
        found += [(name, check(rows)) for name, check in quality.REFUSALS]
        if len(rows.ts_init_ns):
            self.last_ts_ns = max(self.last_ts_ns, int(rows.ts_init_ns.max()))
        return found + self._sequence(rows, lines)

    def _sequence(self, rows: Rows, lines: Ints) -> list[tuple[str, Mask]]:
        repeated, late = np.zeros(len(lines), np.bool_), np.zeros(len(lines), np.bool_)
        numbered = quality.sequenced(rows, lines)
        for instrument, kind in _pairs(rows, numbered & np.isin(rows.kind, _SEQUENCED)):
            at = np.flatnonzero(numbered & (rows.instrument == instrument) & (rows.kind == kind))
            numbers, key = rows.venue_seq[at], (instrument, kind)
            previous = self.last_sequence.get(key, NO_SEQUENCE)
            repeated[at] = quality.duplicate(numbers, previous)
            late[at] = quality.out_of_order(numbers, previous)
            self.last_sequence[key] = max(previous, int(numbers.max()))
        self._repeated(rows, repeated)
        return [("duplicate", repeated), ("out_of_order", late)]

    def _repeated(self, rows: Rows, repeated: Mask) -> None:
        """Mark quotes without a sequence number that are the row before again, time and all."""
        quotes = (rows.kind == Kind.QUOTE) & (rows.venue_seq == 0)
        for instrument in np.unique(rows.instrument[quotes]).tolist():
            at = np.flatnonzero(quotes & (rows.instrument == instrument))
            before = self.last_quote.get(instrument, rows.slice(0, 0))
            both = joined(before, take(rows, at))
            repeated[at] |= quality.repeated_row(both)[len(before.seq) :]
            self.last_quote[instrument] = Rows._make(column[-1:] for column in both)

    def _assign(self, found: list[tuple[str, Mask]], lines: Ints) -> tuple[Mask, list[tuple[str, Ints]]]:
        """Give each bad message the first fault found in it: (rows to drop, messages by fault).

        The fault that stops a strict import at the earliest message comes first.
        """
        dropped, faults = np.zeros(len(lines), np.bool_), []
        for fault, mask in found:
            fresh = mask & ~dropped
            if fresh.any():
                places = np.unique(lines[fresh])
                faults.append((fault, places))
                dropped |= np.isin(lines, places)
        return dropped, sorted(faults, key=lambda each: (not self.ledger.stops_at(each[0]), int(each[1][0])))

    def _notices(self, rows: Rows, lines: Ints) -> None:
        self._notice("locked_book", quality.locked_book(rows), lines)
        self._notice("sequence_gap", np.asarray(rows.kind == Kind.GAP), lines)
        for instrument in np.unique(rows.instrument).tolist():
            mine = rows.instrument == instrument
            self._notice_times(int(instrument), np.flatnonzero(mine & (rows.kind != Kind.FUNDING)), rows, lines)
            self._notice_stuck(int(instrument), np.flatnonzero(mine & (rows.kind == Kind.QUOTE)), rows, lines)
            for kind in (Kind.QUOTE, Kind.TRADE):  # a day's bar may well move 5%
                at = np.flatnonzero(mine & (rows.kind == kind))
                self._notice_jumps((int(instrument), int(kind)), at, rows, lines)

    def _notice_times(self, instrument: int, at: Ints, rows: Rows, lines: Ints) -> None:
        if len(at) and rows.kind[at[0]] != Kind.BAR:
            times = rows.ts_init_ns[at]
            previous = self.last_seen_ns.get(instrument, NO_SEQUENCE)
            self._notice("stale_span", quality.stale_span(times, previous), lines[at])
            self.last_seen_ns[instrument] = int(times[-1])
        elif len(at):
            bars = rows.venue_seq[at]
            previous = self.last_seen_ns.get(instrument, NO_SEQUENCE)
            self._notice("missing_bar", quality.missing_bar(bars, previous), lines[at])
            self.last_seen_ns[instrument] = int(bars[-1])

    def _notice_stuck(self, instrument: int, at: Ints, rows: Rows, lines: Ints) -> None:
        if len(at):
            run = self.runs.get(instrument, QuoteRun((0, 0, 0, 0), 0))
            mask, self.runs[instrument] = quality.stuck_quote(take(rows, at), run)
            self._notice("stuck_quote", mask, lines[at])

    def _notice_jumps(self, key: Key, at: Ints, rows: Rows, lines: Ints) -> None:
        if len(at):
            prices = rows.bid[at] + rows.ask[at] if key[1] == Kind.QUOTE else rows.price[at]
            self._notice("price_jump", quality.price_jump(prices, self.last_price.get(key, 0)), lines[at])
            self.last_price[key] = int(prices[-1])

    def _notice(self, fault: str, mask: Mask, lines: Ints) -> None:
        if mask.any():
            self.ledger.notice(fault, int(lines[np.argmax(mask)]), int(mask.sum()))


def take(rows: Rows, at: Ints) -> Rows:
    """Rows at some positions, copied. at: (n,) int64."""
    return Rows._make(column[at] for column in rows)


def joined(first: Rows, second: Rows) -> Rows:
    """Two spans of rows as one, copied."""
    columns: list[tuple[Any, Any]] = list(zip(first, second, strict=True))
    return Rows._make(np.concatenate(pair) for pair in columns)


def _pairs(rows: Rows, mask: Mask) -> list[Key]:
    codes = np.unique(rows.instrument[mask].astype(np.int64) << 8 | rows.kind[mask])
    return [(int(code) >> 8, int(code) & 255) for code in codes]
