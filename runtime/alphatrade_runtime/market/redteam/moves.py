"""The market itself turns: volatility, a crash, a wider spread, a drought, fills that are all adverse.

These are events, not faults of a feed: the exchange of the run sees them too, and the law's loss levels answer.
"""

import numpy as np

from alphatrade_runtime.market.redteam.edit import (
    Ints,
    Mask,
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
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.numerics.rng import below, uniform

_MILLION = 1_000_000
_BPS = 10_000


def vol_jump(rows: Rows, place: Place) -> Planted:
    """Multiply every move of the price by 5 or 10 for a while; the level stays where that took it."""
    times, span_s = place.of((5, 30), (10, 30), (10, 90))
    end_ns = place.start_ns + span_s * SECOND_NS
    for i in place.instruments:
        quotes = quotes_within(rows, i, place.start_ns, end_ns)
        mid2 = _mid2(rows, i)
        first = int(mid2[quotes[0]])
        low = -(first // 4)  # ticks: half the price is left
        inside = np.clip((mid2 - first) * (times - 1) // 2, low, None)
        rows = shifted(rows, i, _over(rows, quotes, inside))
    return Planted(finished(rows, int(rows.seq[0])), place.start_ns, end_ns)


def flash_crash(rows: Rows, place: Place) -> Planted:
    """Fall by 4, 8 or 16% in 60 s on a book a quarter as deep, then refill in 60 s, wholly or in part."""
    depth, refill = place.of((400, 100), (800, 75), (1_600, 50))
    fall_ns = 60 * SECOND_NS
    end_ns = place.start_ns + 2 * fall_ns
    since = np.clip(rows.ts_init_ns - place.start_ns, 0, 2 * fall_ns)
    down = np.minimum(since, fall_ns) * depth // fall_ns * 100  # 1e-6 of the price
    up = np.maximum(since - fall_ns, 0) * depth // fall_ns * refill
    thin = within(rows, place.start_ns, end_ns) & (rows.kind == Kind.QUOTE)
    for i in place.instruments:
        quotes = quotes_within(rows, i, place.start_ns, int(rows.ts_init_ns[-1]) + 1)
        rows = shifted(rows, i, _over(rows, quotes, -(_mid2(rows, i) * (down - up) // (2 * _MILLION))))
        mine = thin & (rows.instrument == i)
        rows = changed(rows, bid_size=_quarter(rows.bid_size, mine), ask_size=_quarter(rows.ask_size, mine))
    return Planted(finished(rows, int(rows.seq[0])), place.start_ns, end_ns)


def spread_20(rows: Rows, place: Place) -> Planted:
    """Widen the spread 5, 10 or 20 times around the mid for 30 s.

    An answer is due where half of it is wider than a taking order may be from the mark.
    """
    times = place.of(5, 10, 20)
    end_ns = place.start_ns + 30 * SECOND_NS
    wide, due = rows, []
    for i in place.instruments:
        quotes = quotes_within(rows, i, place.start_ns, end_ns)
        more = (rows.ask[quotes] - rows.bid[quotes]) * (times - 1)
        bid, ask = rows.bid.copy(), rows.ask.copy()
        bid[quotes] = np.maximum(bid[quotes] - more // 2, 1)
        ask[quotes] = ask[quotes] + (more - more // 2)
        wide = changed(wide, bid=_other(rows, i, bid, wide.bid), ask=_other(rows, i, ask, wide.ask))
        due.append(_first_outside(rows.ts_init_ns[quotes], bid[quotes], ask[quotes], place.band_bps))
    answer = max(due) if all(due) else None
    return Planted(finished(wide, int(rows.seq[0])), place.start_ns, end_ns, answer)


def volume_drought(rows: Rows, place: Place) -> Planted:
    """Take away half, nine in ten or all of the trades for 90 s, and leave a lot at each side of the book."""
    kept = place.of(0.5, 0.1, 0.0)
    end_ns = place.start_ns + 90 * SECOND_NS
    inside = within(rows, place.start_ns, end_ns) & np.isin(rows.instrument, place.instruments)
    draws, gone = place.draws("volume_drought"), np.zeros(len(rows.seq), np.bool_)
    for k in np.flatnonzero(inside & (rows.kind == Kind.TRADE)).tolist():
        gone[k] = uniform(draws) >= kept
    quotes = inside & (rows.kind == Kind.QUOTE)
    thin = changed(
        rows,
        bid_size=np.where(quotes, np.minimum(rows.bid_size, 1), rows.bid_size),
        ask_size=np.where(quotes, np.minimum(rows.ask_size, 1), rows.ask_size),
    )
    return Planted(finished(without(thin, gone), int(rows.seq[0])), place.start_ns, end_ns)


def one_way_fill(rows: Rows, place: Place) -> Planted:
    """Trade through our resting orders, then move the price 2, 5 or 10 bps on against them; no other trade.

    For 90 s, every 10, 3 or 1 s, on the side that the market was about to leave anyway.
    """
    pause_s, jump_bps = place.of((10, 2), (3, 5), (1, 10))
    end_ns = place.start_ns + 90 * SECOND_NS
    inside = within(rows, place.start_ns, end_ns) & np.isin(rows.instrument, place.instruments)
    swept = without(rows, inside & (rows.kind == Kind.TRADE))
    sweeps = []
    for i in place.instruments:
        quotes = quotes_within(swept, i, place.start_ns, end_ns)
        at, side = _before_moves(swept, quotes, pause_s * SECOND_NS)
        jumps = np.zeros(len(swept.seq) + 1, np.int64)
        jumps[at + 1] = side * np.maximum(swept.bid[at] * jump_bps // _BPS, 1)  # from the next row on
        low = -(int(swept.bid[quotes].min()) // 2)
        swept = shifted(swept, i, np.clip(np.cumsum(jumps[:-1]), low, None))
        sweeps.append(_sweeps(swept, i, at, side))
    for more in sweeps:
        swept = with_rows(swept, more)
    return Planted(finished(swept, int(rows.seq[0])), place.start_ns, end_ns)


def split_brain(rows: Rows, place: Place) -> Planted:
    """Follow every quote by one of a second source that is 0.5, 2 or 8% higher or lower, for 30 s.

    Up to the jump that a mark follows (5% by default) both are the market's to the law. Above, the mark keeps to the
    source it knows, and an order at the other's prices is outside its band.
    """
    offset = place.of(50, 200, 800)
    end_ns = place.start_ns + 30 * SECOND_NS
    sign = 1 if below(place.draws("split_brain"), 2) == 0 else -1
    twice, moments, due = rows, [], []
    for i in place.instruments:
        quotes = quotes_within(rows, i, place.start_ns, end_ns)
        at = quotes[_room_behind(rows, quotes)]
        ts, by = rows.ts_init_ns[at] + 1, sign * (rows.bid[at] * offset // _BPS)
        other = made(
            Kind.QUOTE,
            ts,
            ts_event_ns=rows.ts_event_ns[at],
            instrument=i,
            bid=np.maximum(rows.bid[at] + by, 1),
            ask=np.maximum(rows.ask[at] + by, 2),
            bid_size=rows.bid_size[at],
            ask_size=rows.ask_size[at],
        )
        twice = with_rows(twice, other)
        moments += [int(t) + 1 for t in ts]
        due += [int(t) for t in ts[:1]]
    answer = max(due) if offset > place.mark_jump_bps and len(due) == len(place.instruments) else None
    return Planted(twice, place.start_ns, end_ns, answer, tuple(moments))


def _mid2(rows: Rows, instrument: int) -> Ints:
    """Mid of an instrument in half ticks as of each row, 0 before its first quote."""
    last = last_before(valid_quotes(rows, instrument))
    return np.where(last >= 0, (rows.bid + rows.ask)[last], 0)


def _over(rows: Rows, quotes: Ints, shift: Ints) -> Ints:
    """Shift as of each row: none before the first of some quotes, then that of the last of them, also behind them."""
    known = np.zeros(len(rows.seq), np.bool_)
    known[quotes] = True
    last = last_before(known)
    return np.where(last >= 0, shift[last], 0)


def _quarter(sizes: Ints, where: Mask) -> Ints:
    return np.where(where, np.minimum(sizes, np.maximum(sizes // 4, 1)), sizes)


def _other(rows: Rows, instrument: int, new: Ints, old: Ints) -> Ints:
    return np.where(of(rows, instrument, Kind.QUOTE), new, old)


def _first_outside(ts_ns: Ints, bid: Ints, ask: Ints, band_bps: int) -> int:
    """Time of the first quote of which either side is beyond the band around the mid, 0 when none is."""
    outside = (ask - bid) * _BPS > band_bps * (bid + ask)
    return int(ts_ns[np.argmax(outside)]) if outside.any() else 0


def _before_moves(rows: Rows, quotes: Ints, pause_ns: int) -> tuple[Ints, Ints]:
    """Quotes before the mid has moved within a second, at least `pause_ns` apart, and the side that is swept then."""
    mid2 = rows.bid[quotes] + rows.ask[quotes]
    ts = rows.ts_init_ns[quotes]
    later = np.minimum(np.searchsorted(ts, ts + SECOND_NS, side="right") - 1, len(ts) - 1)
    move = mid2[later] - mid2
    at, side, free_ns = [], [], 0
    for k in np.flatnonzero(move).tolist():
        if ts[k] >= free_ns:
            at.append(int(quotes[k]))
            side.append(1 if move[k] > 0 else -1)
            free_ns = int(ts[k]) + pause_ns
    return np.array(at, np.int64), np.array(side, np.int64)


def _sweeps(rows: Rows, instrument: int, at: Ints, side: Ints) -> Rows:
    """Trades a tick through the best of one side (side: of who takes), right behind the quotes at some positions."""
    touch = np.where(side < 0, rows.bid[at], rows.ask[at])
    shown = np.where(side < 0, rows.bid_size[at], rows.ask_size[at])
    return made(
        Kind.TRADE, rows.ts_init_ns[at], ts_event_ns=rows.ts_event_ns[at], instrument=instrument, side=side,
        price=np.maximum(touch + side, 1), size=np.maximum(shown, 1),
    )  # fmt: skip


def _room_behind(rows: Rows, at: Ints, ns: int = 10) -> Mask:
    """Where the next row comes late enough that something fits in between."""
    following = np.append(rows.ts_init_ns[1:], np.iinfo(np.int64).max)
    return np.asarray(following[at] - rows.ts_init_ns[at] >= ns)
