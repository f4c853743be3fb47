"""P1 in hftbacktest: EMA(20)/EMA(50), always +-1 lot, market orders, a flat fee an order, latency 0."""

import sys
from typing import Any

import hftbacktest
import numba as nb
import numpy as np
from hftbacktest import GTC, MARKET, BacktestAsset, HashMapMarketDepthBacktest, ROIVectorMarketDepthBacktest

from bench.peers.hbt_feed import AFTERWARDS_NS, QUOTE, events_from_rows
from bench.peers.serve import Run, serve, timed

TICK, LOT, FEE = 0.01, 1.0, 0.01
FAST, SLOW, WARMUP = 20, 50, 50
DEPTHS = {"roivector": ROIVectorMarketDepthBacktest, "hashmap": HashMapMarketDepthBacktest}
_LONG_NS = 4 * AFTERWARDS_NS
_MARKET_FEED = 2


@nb.njit  # type: ignore[misc, unused-ignore]
def trade(hbt: Any, last_ts: int) -> Any:
    """Run to the end; returns (orders, last mid in price)."""
    fast = slow = mid = 0.0
    seen = position = orders = 0
    while hbt.wait_next_feed(False, _LONG_NS) == _MARKET_FEED and hbt.current_timestamp <= last_ts:
        depth = hbt.depth(0)
        mid = (depth.best_bid_tick + depth.best_ask_tick) * 0.5
        fast = mid if seen == 0 else fast + 2.0 / (FAST + 1) * (mid - fast)
        slow = mid if seen == 0 else slow + 2.0 / (SLOW + 1) * (mid - slow)
        seen += 1
        if seen <= WARMUP or fast == slow:
            continue
        target = 1 if fast > slow else -1
        if target == position:
            continue
        hbt.clear_inactive_orders(0)
        orders += 1
        if target > position:
            hbt.submit_buy_order(0, orders, depth.best_ask, float(target - position), GTC, MARKET, False)
        else:
            hbt.submit_sell_order(0, orders, depth.best_bid, float(position - target), GTC, MARKET, False)
        position = target
    return orders, mid * TICK


def _load(kind: str, path: str) -> Run:
    tape = dict(np.load(path))
    n = len(tape["bid"])
    zeros = np.zeros(n, np.int64)
    rows = {**tape, "kind": np.full(n, QUOTE), "side": zeros, "price": zeros, "size": zeros}
    events = events_from_rows(
        {**rows, "ts_exch_ns": tape["ts_ns"], "ts_init_ns": tape["ts_ns"]}, TICK, LOT, resting=False
    )
    low, high, last = float(tape["bid"].min() - 100), float(tape["ask"].max() + 100), int(tape["ts_ns"][-1])

    def run() -> dict[str, Any]:
        asset = (
            BacktestAsset().data([events]).linear_asset(1.0).constant_order_latency(0, 0)
            .risk_adverse_queue_model().no_partial_fill_exchange().flat_per_trade_fee_model(FEE, FEE)
            .tick_size(TICK).lot_size(LOT).roi_lb(low * TICK).roi_ub(high * TICK)
        )  # fmt: skip
        hbt = DEPTHS[kind]([asset])
        seconds, (orders, mid) = timed(lambda: trade(hbt, last))
        state = hbt.state_values(0)
        net = state.balance + state.position * mid - state.fee
        hbt.close()
        return {"seconds": seconds, "net": net, "orders": orders, "events": n, "position": int(state.position)}

    return run


if __name__ == "__main__":
    serve(lambda path: _load(sys.argv[2], path), hftbacktest.__version__)
