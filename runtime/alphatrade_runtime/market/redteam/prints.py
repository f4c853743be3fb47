"""Quotes and trades that are wrong: prices off by a factor, zero, negative; crossed, locked and empty books."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.redteam.edit import Ints, changed, finished, made, with_rows
from alphatrade_runtime.market.redteam.plant import SECOND_NS, Place, Planted, quotes_within
from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.market.stream_check import joined
from alphatrade_runtime.numerics.rng import below

Prices = Callable[[Ints], Ints]
_ROOM_NS = 1_000_000  # a bad print stands so long at least


def bad_print_high(rows: Rows, place: Place) -> Planted:
    """Quotes and prints at 10 times the price, each followed by a sound quote."""
    return _bad_prints(rows, place, "bad_print_high", lambda prices: prices * 10)


def bad_print_low(rows: Rows, place: Place) -> Planted:
    """Quotes and prints at a tenth of the price, each followed by a sound quote."""
    return _bad_prints(rows, place, "bad_print_low", lambda prices: np.maximum(prices // 10, 1))


def bad_print_zero(rows: Rows, place: Place) -> Planted:
    """Quotes and prints at a price of zero."""
    return _refused(rows, place, "bad_print_zero", lambda prices: prices * 0)


def bad_print_negative(rows: Rows, place: Place) -> Planted:
    """Quotes and prints at a negative price."""
    return _refused(rows, place, "bad_print_negative", lambda prices: -prices)


def crossed_book(rows: Rows, place: Place) -> Planted:
    """The best bid is above the best ask for 1, 5 or 20 s. An import refuses it; a live session records what it saw."""
    changes, planted = _broken(rows, place)
    for at in changes:
        bid, ask = rows.bid.copy(), rows.ask.copy()
        bid[at], ask[at] = rows.ask[at] + 2, rows.bid[at]
        rows = changed(rows, bid=bid, ask=ask)
    return replace(planted, rows=finished(rows, int(rows.seq[0])), count=sum(len(at) for at in changes))


def nan_features(rows: Rows, place: Place) -> Planted:
    """A locked and empty book for 1, 5 or 20 s: all features of the book are NaN, and no import refuses it."""
    changes, planted = _broken(rows, place)
    for at in changes:
        ask, bid_size, ask_size = rows.ask.copy(), rows.bid_size.copy(), rows.ask_size.copy()
        ask[at] = rows.bid[at]
        bid_size[at], ask_size[at] = 0, 0
        rows = changed(rows, ask=ask, bid_size=bid_size, ask_size=ask_size)
    return replace(planted, rows=finished(rows, int(rows.seq[0])))


def repeated_quote(rows: Rows, place: Place) -> Planted:
    """The same quote again and again while trades go on, 60, 120 or 240 times. An import tells of it."""
    times = place.of(60, 120, 240)
    end_ns = place.start_ns
    for i in place.instruments:
        at = quotes_within(rows, i, place.start_ns, int(rows.ts_init_ns[-1]) + 1)[: times + 1]
        columns = {}
        for name in ("bid", "ask", "bid_size", "ask_size"):
            columns[name] = getattr(rows, name).copy()
            columns[name][at] = columns[name][at[0]]
        rows = changed(rows, **columns)
        end_ns = max(end_ns, int(rows.ts_init_ns[at[-1]]))
    return Planted(finished(rows, int(rows.seq[0])), place.start_ns, end_ns)


def _broken(rows: Rows, place: Place) -> tuple[list[Ints], Planted]:
    """Positions of the quotes to break, by instrument, at least one each; the law is to answer at the first."""
    end_ns = place.start_ns + place.of(1, 5, 20) * SECOND_NS
    changes = []
    for i in place.instruments:
        quotes = quotes_within(rows, i, place.start_ns, int(rows.ts_init_ns[-1]) + 1)
        changes.append(quotes[: max(1, int(np.searchsorted(rows.ts_init_ns[quotes], end_ns)))])
    end_ns = max(end_ns, *(int(rows.ts_init_ns[at[-1]]) + 1 for at in changes))
    firsts = sorted(int(rows.ts_init_ns[at[0]]) for at in changes)
    return changes, Planted(rows, place.start_ns, end_ns, firsts[-1], tuple(first + 1 for first in firsts))


def _bad_prints(rows: Rows, place: Place, name: str, bad: Prices) -> Planted:
    out, times = _with_prints(rows, place, name, bad)
    end_ns = max(int(ts[-1]) for ts in times) + _ROOM_NS
    moments = tuple(int(t) + 1 for ts in times for t in ts)
    return Planted(out, place.start_ns, end_ns, max(int(ts[0]) for ts in times), moments)


def _refused(rows: Rows, place: Place, name: str, bad: Prices) -> Planted:
    out, times = _with_prints(rows, place, name, bad)
    return Planted(out, place.start_ns, max(int(ts[-1]) for ts in times) + _ROOM_NS, count=len(out.seq) - len(rows.seq))


def _with_prints(rows: Rows, place: Place, name: str, bad: Prices) -> tuple[Rows, list[Ints]]:
    """Put 1, 5 or 20 bad quotes, each with a trade at the same price, behind sound ones; also when, by instrument."""
    out, times = rows, []
    for i in place.instruments:
        at = _chosen(rows, place, name, i)
        times.append(rows.ts_init_ns[at] + 1)
        out = with_rows(out, _wrong(rows, i, at, bad))
    return out, times


def _chosen(rows: Rows, place: Place, name: str, instrument: int) -> Ints:
    """Draw quotes of the next 30 s that stand for a while, no two of them neighbours: a sound one comes in between."""
    quotes = quotes_within(rows, instrument, place.start_ns, place.start_ns + 30 * SECOND_NS)
    following = np.append(rows.ts_init_ns[1:], np.iinfo(np.int64).max)
    calm = quotes[:-1][::2]
    left = calm[following[calm] - rows.ts_init_ns[calm] >= _ROOM_NS].tolist()
    if not left:
        raise InputError(
            f"red team: quotes of instrument {instrument} stand for less than a millisecond each; give another --seed"
        )
    draws = place.draws(name)
    taken = [left.pop(below(draws, len(left))) for _ in range(min(place.of(1, 5, 20), len(left)))]
    return np.array(sorted(taken), np.int64)


def _wrong(rows: Rows, instrument: int, at: Ints, bad: Prices) -> Rows:
    """A quote and a print at wrong prices, right behind the rows at some positions; no venue has numbered them."""
    ts, event = rows.ts_init_ns[at] + 1, rows.ts_event_ns[at]
    bid, ask = bad(rows.bid[at]), bad(rows.ask[at])
    ask = np.where(bid > 0, np.maximum(ask, bid + 1), ask)  # a tenth of a narrow spread must not lock the book
    quotes = made(
        Kind.QUOTE, ts, ts_event_ns=event, instrument=instrument, bid=bid, ask=ask,
        bid_size=np.maximum(rows.bid_size[at], 1), ask_size=np.maximum(rows.ask_size[at], 1),
    )  # fmt: skip
    prints = made(Kind.TRADE, ts, ts_event_ns=event, instrument=instrument, price=ask, size=1)
    return joined(quotes, prints)
