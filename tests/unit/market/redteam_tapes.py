"""A quiet market by hand for faults to be planted into: three instruments, quotes and trades that a venue numbered."""

import numpy as np

from alphatrade_runtime.market.redteam import Severity, place_of
from alphatrade_runtime.market.schema import Flag, Kind, rows_from_columns

START_NS = 1_700_006_400_000_000_000
SECOND_NS = 1_000_000_000
LATENCY_NS = 2_000_000
MID = 10_000


def quiet_market(seconds=240, instruments=3, per_s=2, seed=1):
    """Quotes at `per_s` a second and instrument, every fourth row a trade; mids walk a tick, spreads are 2 ticks."""
    n = seconds * per_s * instruments
    draw = np.random.default_rng(seed)
    turn = np.arange(n) % instruments
    ts = START_NS + np.arange(n) * (SECOND_NS // (per_s * instruments))
    trade = draw.random(n) < 0.25
    trade[: 4 * instruments] = False
    mid = np.zeros(n, np.int64)
    for k in range(instruments):
        own = turn == k
        mid[own] = MID * (k + 1) + np.cumsum(draw.choice([-1, 0, 1], own.sum()) * ~trade[own])
    side = draw.choice([-1, 1], n)
    quote = ~trade
    return rows_from_columns(
        {
            "seq": np.arange(n), "ts_event_ns": ts - LATENCY_NS, "ts_init_ns": ts, "instrument": turn,
            "kind": np.where(trade, int(Kind.TRADE), int(Kind.QUOTE)), "side": np.where(trade, side, 0),
            "price": np.where(trade, mid + side, 0), "size": np.where(trade, draw.integers(1, 9, n), 0),
            "bid": np.where(quote, mid - 1, 0), "ask": np.where(quote, mid + 1, 0),
            "bid_size": np.where(quote, draw.integers(100, 900, n), 0),
            "ask_size": np.where(quote, draw.integers(100, 900, n), 0),
            "venue_seq": np.arange(1, n + 1), "flags": np.full(n, int(Flag.LAST)),
        }
    )  # fmt: skip


def placed(scenario, severity=Severity.LOW, rows=None, seed=1, instruments=(0, 1)):
    """Where a scenario goes in a market under limits as a risk template has them."""
    return place_of(
        scenario, severity, seed, rows, instruments=instruments, quote_age_ns=5 * SECOND_NS,
        stream_stale_ns=2 * SECOND_NS, band_bps=20, mark_jump_bps=500,
    )  # fmt: skip
