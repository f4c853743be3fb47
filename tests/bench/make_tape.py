"""The seeded tapes of the benchmarks, in integer arithmetic only, so that they are the same on every host.

All randomness is SplitMix64 read at a counter: no generator state, no libm, no library's stream.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.schema import Flag, Kind, Rows, rows_from_columns

Ints = npt.NDArray[np.int64]
Market = Literal["trends", "walk"]  # prices that lean one way for a while, and a plain random walk

SEED = 20240808
START_NS = 1_704_067_200_000_000_000  # 2024-01-01T00:00:00Z: 10^7 quotes end in the same UTC day
START_BID_TICKS = 100_000
TICK_SIZE = "0.01"
LOT_SIZE = "1"
MULT_QUANTA = 1_000_000  # quanta a tick and lot
FEE_PER_ORDER, FEE_PER_ORDER_QUANTA = "0.01", 1_000_000
MIN_GAP_NS, MAX_GAP_NS = 200_000, 1_800_000
QUOTES_PER_BAR = 10
TREND_TURNS, TREND_ODDS = 64, 5  # one in five steps that would stay goes the way of its stretch of 64 turns

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))


def draws(seed: int, stream: int, n: int, bound: int) -> Ints:
    """Draw n integers in [0, bound), bound < 2**31. Source: SplitMix64 (Steele, Lea, Flood 2014)."""
    start = np.uint64((seed * 0x1000193 + stream * 0x632BE59BD9B4E019) % 2**64)
    z = start + np.arange(1, n + 1, dtype=np.uint64) * _GOLDEN
    for shift, factor in _MIX:
        z = (z ^ (z >> shift)) * factor
    z ^= z >> np.uint64(31)
    return np.asarray(((z >> np.uint64(33)) * np.uint64(bound)) >> np.uint64(31), dtype=np.int64)


def _bids(turns: int, market: Market, seed: int) -> tuple[Ints, Ints]:
    """Return the bid of each turn and the step after it, ticks."""
    draw = draws(seed, 2, turns + 1, 4)
    step = (draw == 3).astype(np.int64) - (draw == 0).astype(np.int64)
    if market == "trends":
        lean = np.repeat(2 * draws(seed, 6, turns // TREND_TURNS + 1, 2) - 1, TREND_TURNS)[: turns + 1]
        step = np.where((draws(seed, 7, turns + 1, TREND_ODDS) == 0) & (step == 0), lean, step)
    return START_BID_TICKS + np.cumsum(step[:turns]), step[1:]


def quote_columns(n: int, market: Market, seed: int = SEED) -> dict[str, Ints]:
    """Make n top-of-book quotes, 1 ms apart on average: bid and ask change in turn, as on a real L1 feed.

    The bid moves by -1, 0 or +1; the spread stays within 1..3 ticks.
    Returns int64 columns ts_ns, bid, ask (ticks), bid_size, ask_size (lots, >= 2 so that a flip
    of two lots fills at the touch). A shorter tape is the head of a longer one.
    """
    turns = n // 2 + 1
    gap = MIN_GAP_NS + draws(seed, 1, n, MAX_GAP_NS - MIN_GAP_NS + 1)
    bid, step = _bids(turns, market, seed)
    ask = bid + np.clip(1 + draws(seed, 3, turns, 3), 1 + np.maximum(step, 0), 3 + np.minimum(step, 0))
    return {
        "ts_ns": START_NS + np.cumsum(gap),
        "bid": np.repeat(bid, 2)[1 : n + 1],
        "ask": np.repeat(ask, 2)[:n],
        "bid_size": np.repeat(2 + draws(seed, 4, turns, 500), 2)[1 : n + 1],
        "ask_size": np.repeat(2 + draws(seed, 5, turns, 500), 2)[:n],
    }


def quote_rows(n: int, market: Market, seed: int = SEED) -> Rows:
    """Make the P1 tape: one QUOTE a step, ts_event == ts_init."""
    q = quote_columns(n, market, seed)
    return rows_from_columns(
        {
            "seq": np.arange(n, dtype=np.int64),
            "ts_event_ns": q["ts_ns"],
            "ts_init_ns": q["ts_ns"],
            "kind": np.full(n, int(Kind.QUOTE), dtype=np.uint8),
            "flags": np.full(n, int(Flag.LAST), dtype=np.uint8),
            **{name: q[name] for name in ("bid", "ask", "bid_size", "ask_size")},
        }
    )


def bar_columns(n: int, seed: int = SEED) -> dict[str, Ints]:
    """Make n bars of the walk's bids of QUOTES_PER_BAR quotes each: ts_ns (close), open, high, low, close, volume."""
    quotes = quote_columns(n * QUOTES_PER_BAR, "walk", seed)
    bids = quotes["bid"].reshape(n, QUOTES_PER_BAR)
    every: Callable[[str], Ints] = lambda name: quotes[name].reshape(n, QUOTES_PER_BAR)  # noqa: E731
    return {
        "ts_ns": every("ts_ns")[:, -1],
        "open": bids[:, 0],
        "high": bids.max(axis=1),
        "low": bids.min(axis=1),
        "close": bids[:, -1],
        "volume": every("bid_size").sum(axis=1),
    }


def bar_rows(n: int, seed: int = SEED) -> Rows:
    """Make the bar variant of P1 as a tape: each bar arrives at its close."""
    bars = bar_columns(n, seed)
    opened = np.append(START_NS, bars["ts_ns"][:-1])
    return rows_from_columns(
        {
            "seq": np.arange(n, dtype=np.int64),
            "ts_event_ns": opened,
            "ts_init_ns": bars["ts_ns"],
            "kind": np.full(n, int(Kind.BAR), dtype=np.uint8),
            "flags": np.full(n, int(Flag.LAST), dtype=np.uint8),
            "price": bars["close"],
            "bid": bars["low"],
            "ask": bars["high"],
            "bid_size": bars["open"],
            "size": bars["volume"],
            "venue_seq": np.arange(n, dtype=np.int64),
        }
    )
