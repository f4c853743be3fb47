"""What goes wrong between venue and us: halts, frozen quotes, messages twice, in the wrong order, or late."""

import numpy as np

from alphatrade_runtime.market.redteam.edit import (
    Ints,
    changed,
    finished,
    last_before,
    made,
    of,
    shifted,
    valid_quotes,
    with_rows,
    within,
    without,
)
from alphatrade_runtime.market.redteam.plant import SECOND_NS, Place, Planted, quotes_within
from alphatrade_runtime.market.schema import Kind, Rows, Status
from alphatrade_runtime.market.stream_check import take
from alphatrade_runtime.numerics.rng import below

MARKET = (Kind.QUOTE, Kind.TRADE, Kind.DEPTH, Kind.MARK)


def halt_reopen(rows: Rows, place: Place) -> Planted:
    """The venue halts for 10, 30 or 60 s, says so, sends nothing, and opens again 1, 3 or 6% away."""
    span_s, gap_bps = place.of((10, 100), (30, 300), (60, 600))
    end_ns = place.start_ns + span_s * SECOND_NS
    sign = 1 if below(place.draws("halt_reopen"), 2) == 0 else -1
    gone = np.zeros(len(rows.seq), np.bool_)
    for i in place.instruments:
        mids = last_before(valid_quotes(rows, i))
        before = mids[max(int(np.searchsorted(rows.ts_init_ns, place.start_ns)) - 1, 0)]
        gap = sign * int(rows.bid[before]) * gap_bps // 10_000 if before >= 0 else 0
        rows = shifted(rows, i, np.where(rows.ts_init_ns >= end_ns, gap, 0))
        gone |= within(rows, place.start_ns, end_ns) & of(rows, i, *MARKET)
    quiet = without(rows, gone)
    for i in place.instruments:
        told = made(
            Kind.STATUS,
            np.array([place.start_ns, end_ns]),
            instrument=i,
            price=np.array([int(Status.HALTED), int(Status.TRADING)]),
        )
        quiet = with_rows(quiet, told)
    return Planted(quiet, place.start_ns, end_ns, place.start_ns)


def stuck_quote(rows: Rows, place: Place) -> Planted:
    """No quote comes any more while trades go on, until 2, 10 or 30 s after the last one is too old to trade on."""
    end_ns = place.start_ns + place.quote_age_ns + place.of(2, 10, 30) * SECOND_NS
    gone, last_ns = np.zeros(len(rows.seq), np.bool_), []
    for i in place.instruments:
        quotes_within(rows, i, place.start_ns, end_ns)  # there are some that can be missed
        gone |= within(rows, place.start_ns, end_ns) & of(rows, i, Kind.QUOTE)
        before = np.flatnonzero(valid_quotes(rows, i) & (rows.ts_init_ns < place.start_ns))
        last_ns.append(int(rows.ts_init_ns[before[-1]]) if len(before) else place.start_ns)
    frozen = finished(without(rows, gone), int(rows.seq[0]))
    return Planted(frozen, place.start_ns, end_ns, max(last_ns) + place.quote_age_ns)


def duplicate_rows(rows: Rows, place: Place) -> Planted:
    """One in ten, every second, or every message of 30 s comes twice, the second time right behind the first."""
    every = place.of(10, 2, 1)
    end_ns = place.start_ns + 30 * SECOND_NS
    numbered, at = _numbered_messages(rows, place, end_ns)
    again = take(numbered, at[below(place.draws("duplicate_rows"), every) :: every])
    twice = with_rows(numbered, again)
    return Planted(twice, place.start_ns, end_ns, count=len(again.seq))


def out_of_order(rows: Rows, place: Place) -> Planted:
    """One in ten, one in four, or every second message of 30 s comes again after the one that followed it."""
    every = place.of(10, 4, 2)
    end_ns = place.start_ns + 30 * SECOND_NS
    numbered, at = _numbered_messages(rows, place, end_ns)
    chosen = at[below(place.draws("out_of_order"), every) :: every]
    overtaken, since = _overtaken(numbered, chosen)
    late = changed(take(numbered, overtaken), ts_init_ns=since)
    return Planted(with_rows(numbered, late), place.start_ns, end_ns, count=len(overtaken))


def late_ticks(rows: Rows, place: Place) -> Planted:
    """All that the venue sends for 0.5, 4 or 12 s comes in one burst at the end, in its order.

    Age is by arrival: once the burst is in, nothing is stale to the law any more. An answer is due to the silence
    before it, where that is longer than a stream may be silent.
    """
    delay_ns = place.of(500_000_000, 4 * SECOND_NS, 12 * SECOND_NS)
    end_ns = place.start_ns + delay_ns
    held = within(rows, place.start_ns, end_ns)
    burst = changed(rows, ts_init_ns=np.where(held, end_ns + np.cumsum(held) * 1_000, rows.ts_init_ns))
    before = rows.ts_init_ns[~held & (rows.ts_init_ns < place.start_ns)]
    due_ns = (int(before[-1]) if len(before) else place.start_ns) + place.stream_stale_ns
    return Planted(finished(burst, int(rows.seq[0])), place.start_ns, end_ns, due_ns if due_ns < end_ns else None)


def _numbered_messages(rows: Rows, place: Place, end_ns: int) -> tuple[Rows, Ints]:
    """Rows whose quotes and trades a venue has numbered, and where those of [start, end) are.

    Where the tape has no numbers, rows are counted: without numbers nobody can tell a message from its copy.
    """
    messages = np.isin(rows.kind, (Kind.QUOTE, Kind.TRADE)) & np.isin(rows.instrument, place.instruments)
    if not (rows.venue_seq[messages] > 0).all():
        rows = changed(rows, venue_seq=np.where(messages, np.arange(1, len(rows.seq) + 1), rows.venue_seq))
    alone = np.append(rows.ts_init_ns[1:] != rows.ts_init_ns[:-1], True)  # what is put behind it is its neighbour
    return rows, np.flatnonzero(messages & alone & within(rows, place.start_ns, end_ns))


def _overtaken(rows: Rows, at: Ints) -> tuple[Ints, Ints]:
    """Messages that a later one of the same instrument and kind follows, and when that one arrives."""
    key = rows.instrument.astype(np.int64) << 8 | rows.kind
    found = []
    for k in at.tolist():
        later = np.flatnonzero((key[k + 1 :] == key[k]) & (rows.venue_seq[k + 1 :] > rows.venue_seq[k]))
        if len(later):
            found.append((k, int(rows.ts_init_ns[k + 1 + int(later[0])])))
    pairs = np.array(found, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
