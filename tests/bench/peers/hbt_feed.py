"""Write top-of-book rows as hftbacktest events, so that stale levels vanish and unknown ones are known unknown.

hftbacktest 2.4 ignores its best-bid-offer events, so a quote becomes level updates. Inside the spread a
level holds 0. Behind the best of an L1 feed nothing is known: with `resting` such a level holds
UNKNOWN lots, so an order that joins there has the full size ahead of it once its price becomes the
best. Without resting orders (P1) those updates change nothing and are left out: the leanest feed.
"""

from collections.abc import Mapping
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
from hftbacktest.types import BUY_EVENT, DEPTH_EVENT, EXCH_EVENT, LOCAL_EVENT, SELL_EVENT, TRADE_EVENT, event_dtype

Ints = npt.NDArray[np.int64]

QUOTE, TRADE = 1, 2
UNKNOWN_LOTS = 1e9
AFTERWARDS_NS = 3_600_000_000_000
_BOTH = EXCH_EVENT | LOCAL_EVENT
_BID = np.uint64(_BOTH | DEPTH_EVENT | BUY_EVENT)
_ASK = np.uint64(_BOTH | DEPTH_EVENT | SELL_EVENT)
_TRADE_BUY = np.uint64(EXCH_EVENT | TRADE_EVENT | BUY_EVENT)
_TRADE_SELL = np.uint64(EXCH_EVENT | TRADE_EVENT | SELL_EVENT)
_COLUMNS = ("kind", "side", "price", "size", "bid", "ask", "bid_size", "ask_size")


def events_from_rows(tape: Mapping[str, Ints], tick_size: float, lot_size: float, resting: bool) -> npt.NDArray[Any]:
    """Build the event array.

    tape: columns kind, side, price, size, bid, ask, bid_size, ask_size, ts_exch_ns, ts_init_ns, each (n,) int64,
    ticks and lots.  Trades are exchange events only: the strategy wakes on quotes.
    Returns (m,) event_dtype in the order of the rows, bid side before ask side, and one empty event an hour
    after the last row: hftbacktest gives the strategy no turn at the very last event.
    """
    columns = tuple(tape[name] for name in _COLUMNS)
    quotes = tape["kind"] == QUOTE
    floor, roof = int(tape["bid"][quotes].min()), int(tape["ask"][quotes].max())
    flags, rows, ticks, lots = _expand(columns, floor, roof, resting, _room(columns, floor, roof))
    events = np.zeros(len(flags) + 1, event_dtype)
    events["ev"][:-1], events["px"][:-1], events["qty"][:-1] = flags, ticks * tick_size, lots * lot_size
    events["exch_ts"][:-1], events["local_ts"][:-1] = tape["ts_exch_ns"][rows], tape["ts_init_ns"][rows]
    events["ev"][-1] = _BOTH
    events["exch_ts"][-1] = events["local_ts"][-1] = tape["ts_init_ns"][-1] + AFTERWARDS_NS
    return events


@nb.njit(cache=True)  # type: ignore[misc, unused-ignore]
def _room(columns: Any, floor: int, roof: int) -> int:
    """Count the most events there can be: one a trade; for a quote one a side and one a tick its best moved."""
    kind, _, _, _, bid, ask, _, _ = columns
    total, last_bid, last_ask = 0, floor, roof
    for i in range(len(kind)):
        if kind[i] == TRADE:
            total += 1
        elif kind[i] == QUOTE:
            total += 2 + abs(bid[i] - last_bid) + abs(ask[i] - last_ask)
            last_bid, last_ask = bid[i], ask[i]
    return total


@nb.njit(cache=True)  # type: ignore[misc, unused-ignore]
def _expand(columns: Any, floor: int, roof: int, resting: bool, room: int) -> Any:
    """Write each row's events: for a quote the sides that changed, the bid when none did (the strategy's wake-up)."""
    kind, side, price, size, bid, ask, bid_size, ask_size = columns
    out = (np.empty(room, np.uint64), np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.float64))
    k, last_bid, last_ask, last_bid_size, last_ask_size = 0, floor, roof, -1, -1
    for i in range(len(kind)):
        if kind[i] == TRADE:
            k = _put(out, k, _TRADE_BUY if side[i] > 0 else _TRADE_SELL, i, price[i], size[i])
        elif kind[i] == QUOTE:
            asked = ask[i] != last_ask or ask_size[i] != last_ask_size
            if not asked or bid[i] != last_bid or bid_size[i] != last_bid_size:
                k = _side(out, k, _BID, i, last_bid, bid[i], bid_size[i], 1, resting)
            if asked:
                k = _side(out, k, _ASK, i, last_ask, ask[i], ask_size[i], -1, resting)
            last_bid, last_ask, last_bid_size, last_ask_size = bid[i], ask[i], bid_size[i], ask_size[i]
    return out[0][:k], out[1][:k], out[2][:k], out[3][:k]


@nb.njit(cache=True)  # type: ignore[misc, unused-ignore]
def _side(out: Any, k: int, flag: Any, row: int, old: int, new: int, lots: int, improves: int, resting: bool) -> int:
    """Set the best, then the ticks it left: unknown when it improved (+1 bid, -1 ask), empty when it fell."""
    k = _put(out, k, flag, row, new, lots)
    step = 1 if new > old else -1
    if step == improves and not resting:
        return k
    left = UNKNOWN_LOTS if step == improves else 0.0
    for tick in range(old, new, step):
        k = _put(out, k, flag, row, tick, left)
    return k


@nb.njit(cache=True)  # type: ignore[misc, unused-ignore]
def _put(out: Any, k: int, flag: Any, row: int, tick: int, lots: float) -> int:
    flags, rows, ticks, sizes = out
    flags[k], rows[k], ticks[k], sizes[k] = flag, row, tick, lots
    return k + 1
