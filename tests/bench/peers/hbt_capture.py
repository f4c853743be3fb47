"""P2 in hftbacktest: a passive two-sided quote or an aggressive flip on quotes and trades of a capture.

Risk-averse queue, no partial fills, `10 ms` in and `10 ms` out, a turn for the strategy at every step with
a quote. Both strategies have at most one working order a side, and ask for nothing while a request
of theirs is under way. The rules are those of the topologies passive_quote and market.
"""

import sys
from typing import Any

import hftbacktest
import numba as nb
import numpy as np
import numpy.typing as npt
from hftbacktest import (
    BUY,
    FILLED,
    GTX,
    LIMIT,
    NEW,
    NONE,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    ROIVectorMarketDepthBacktest,
)
from hftbacktest.order import IOC

from bench.peers.hbt_feed import AFTERWARDS_NS, QUOTE, events_from_rows
from bench.peers.serve import Run, serve, timed

TICK, LOT = 0.1, 0.001
LATENCY_NS = 10_000_000
MAKER_FEE, TAKER_FEE = 0.0002, 0.0005
PROTECTION_BPS = 10
DEPTHS = {"roivector": ROIVectorMarketDepthBacktest, "hashmap": HashMapMarketDepthBacktest}
_LONG_NS = 4 * AFTERWARDS_NS
_MARKET_FEED = 2
_MOST_FILLS = 1_000_000

_WHAT = ("side", "price", "lots", "maker")
FILLS = np.dtype([(name, "i8") for name in ("exch_ts", *_WHAT, "id")])


@nb.njit  # type: ignore[misc, unused-ignore]
def _look(hbt: Any, fills: Any, n: int, mine: Any) -> int:
    """Note what is reported filled and which order works on each side (mine: bid id, ask id); forget the ended."""
    mine[:] = 0
    orders = hbt.orders(0).values()
    while orders.has_next():
        order = orders.get()
        if order.status == FILLED:
            fill = fills[n]
            fill.exch_ts, fill.side, fill.price = order.exch_timestamp, order.side, order.exec_price_tick
            fill.lots, fill.maker, fill.id = round(order.exec_qty / LOT), order.arr[0].maker, order.order_id
            n += 1
        elif order.status == NEW or order.status == NONE:
            mine[0 if order.side == BUY else 1] = order.order_id
    hbt.clear_inactive_orders(0)
    return n


@nb.njit  # type: ignore[misc, unused-ignore]
def quote_both_sides(hbt: Any, fills: Any, last_ts: int, every: int) -> Any:
    """Keep one post-only lot at each best; when the best moved away cancel, and send again once that is confirmed."""
    mine = np.zeros(2, np.uint64)
    n, orders = 0, 0
    while hbt.wait_next_feed(False, _LONG_NS) == _MARKET_FEED and hbt.current_timestamp <= last_ts:
        n = _look(hbt, fills, n, mine)
        depth = hbt.depth(0)
        for leg in range(2):
            price = depth.best_bid_tick if leg == 0 else depth.best_ask_tick
            if mine[leg] == 0:
                orders += 1
                if leg == 0:
                    hbt.submit_buy_order(0, orders, price * TICK, LOT, GTX, LIMIT, False)
                else:
                    hbt.submit_sell_order(0, orders, price * TICK, LOT, GTX, LIMIT, False)
                continue
            order = hbt.orders(0).get(mine[leg])
            if order.price_tick != price and order.status == NEW and order.req == NONE:
                hbt.cancel(0, order.order_id, False)
    return _look(hbt, fills, n, mine), orders


@nb.njit  # type: ignore[misc, unused-ignore]
def flip(hbt: Any, fills: Any, last_ts: int, every: int) -> Any:
    """Hold +1 lot, then -1, in turn for `every` decisions each; one protected immediate-or-cancel order at a time."""
    mine = np.zeros(2, np.uint64)
    n, orders, decisions = 0, 0, 0
    while hbt.wait_next_feed(False, _LONG_NS) == _MARKET_FEED and hbt.current_timestamp <= last_ts:
        n = _look(hbt, fills, n, mine)
        target = 1 if decisions // every % 2 == 0 else -1
        decisions += 1
        delta = target - round(hbt.position(0) / LOT)
        if delta == 0 or mine[0] != 0 or mine[1] != 0:
            continue
        orders += 1
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        if delta > 0:
            price = ask + ask * PROTECTION_BPS // 10_000
            hbt.submit_buy_order(0, orders, price * TICK, delta * LOT, IOC, LIMIT, False)
        else:
            price = bid - bid * PROTECTION_BPS // 10_000
            hbt.submit_sell_order(0, orders, price * TICK, -delta * LOT, IOC, LIMIT, False)
    return _look(hbt, fills, n, mine), orders


STRATEGIES = {"passive": quote_both_sides, "aggressive": flip}


def canonical(fills: npt.NDArray[Any], last_ts: int) -> list[list[int]]:
    """List the fills reported by last_ts: [exchange ts, local ts, side, price ticks, lots, maker], by exchange time."""
    known = fills[fills["exch_ts"] + LATENCY_NS <= last_ts]
    known = known[np.lexsort((known["id"], known["exch_ts"]))]
    return [[int(f["exch_ts"]), int(f["exch_ts"]) + LATENCY_NS, *(int(f[k]) for k in _WHAT)] for f in known]


def _load(strategy: str, every: int, kind: str, path: str) -> Run:
    tape = dict(np.load(path))
    events = events_from_rows(tape, TICK, LOT, resting=strategy == "passive")  # the leanest feed that is right
    quotes = tape["kind"] == QUOTE
    low, high = float(tape["bid"][quotes].min() - 100), float(tape["ask"].max() + 100)
    last = int(tape["ts_init_ns"][-1])
    fills = np.zeros(_MOST_FILLS, FILLS)
    mid = (int(tape["bid"][quotes][-1]) + int(tape["ask"][quotes][-1])) * 0.5 * TICK

    def run() -> dict[str, Any]:
        asset = (
            BacktestAsset().data([events]).linear_asset(1.0).constant_order_latency(LATENCY_NS, LATENCY_NS)
            .risk_adverse_queue_model().no_partial_fill_exchange().trading_value_fee_model(MAKER_FEE, TAKER_FEE)
            .tick_size(TICK).lot_size(LOT).roi_lb(low * TICK).roi_ub(high * TICK)
        )  # fmt: skip
        hbt = DEPTHS[kind]([asset])
        seconds, (n, orders) = timed(lambda: STRATEGIES[strategy](hbt, fills, last, every))
        state = hbt.state_values(0)
        net = state.balance + state.position * mid - state.fee
        hbt.close()
        listed = canonical(fills[:n], last)
        figures = {"seconds": seconds, "events": len(quotes), "feed": len(events), "net": net, "late": n - len(listed)}
        return {**figures, "orders": orders, "fills": listed}

    return run


if __name__ == "__main__":
    serve(lambda path: _load(sys.argv[2], int(sys.argv[3]), sys.argv[4], path), hftbacktest.__version__)
