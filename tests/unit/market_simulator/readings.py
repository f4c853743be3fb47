"""Read simulated rows: all in one piece, one instrument's quotes, a price on a regular grid."""

import numpy as np

from alphatrade_runtime.market.schema import Kind, Rows
from alphatrade_runtime.market.simulator import iterate

SECOND = 10**9


def rows_of(config, **changes):
    """All rows of a configuration."""
    return Rows(*(np.concatenate(parts) for parts in zip(*iterate({**config, **changes}))))


def only(rows, kind, instrument=0):
    """The rows of one kind and instrument."""
    mask = (rows.kind == kind) & (rows.instrument == instrument)
    return Rows(*(column[mask] for column in rows))


def seconds(rows):
    """Event time in seconds after the first row."""
    return (rows.ts_event_ns - rows.ts_event_ns[0]) / SECOND


def mids_and_imbalance(rows, instrument=0, step_s=1):
    """Mid in ticks and (bid size - ask size) / (both) as last known at each step, two (n,) float64."""
    quotes = only(rows, Kind.QUOTE, instrument)
    grid = np.arange(quotes.ts_event_ns[0], quotes.ts_event_ns[-1], step_s * SECOND)
    last = np.searchsorted(quotes.ts_event_ns, grid, side="right") - 1
    sizes = quotes.bid_size + quotes.ask_size
    imbalance = (quotes.bid_size - quotes.ask_size) / sizes
    return (quotes.bid + quotes.ask)[last] / 2, imbalance[last]


def returns(rows, instrument=0, step_s=1):
    """Log returns of the mid over each step."""
    return np.diff(np.log(mids_and_imbalance(rows, instrument, step_s)[0]))


def autocorrelation(x, lag):
    """Correlation of x with itself `lag` later."""
    return np.corrcoef(x[lag:], x[:-lag])[0, 1]


def calm(**changes):
    """One instrument, one regime without trend, no volatility clustering: what a feature is tested against."""
    return {
        "seed": 3,
        "duration": "10m",
        "regimes": {name: {"weight": 0} for name in ("trend_up", "trend_down", "mean_reverting", "storm")}
        | {"calm": {"weight": 1, "volatility": 1.0, "rate": 1.0}},
        "volatility": {"fast_sd": 0, "slow_sd": 0},
        **changes,
    }
