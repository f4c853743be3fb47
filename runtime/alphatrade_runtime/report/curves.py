"""Curves of a run, and their reduction to what a screen can show."""

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.report.run_data import RunData

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def nav_curve(run: RunData) -> tuple[Ints, Ints]:
    """Return (times, NAV in quanta) at every diary and EQUITY row, by time, initial cash first."""
    decisions, equity = run.streams["decisions"], run.streams["equity"]
    ts = np.concatenate([decisions["event_ts_ns"], equity["ts_ns"]])
    nav = np.concatenate([decisions["nav"], equity["nav"]])
    if len(ts) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(ts, kind="stable")
    return np.concatenate([ts[order][:1], ts[order]]), np.concatenate([[run.initial_cash], nav[order]])


def thin(ts: Ints, values: Floats, buckets: int = 500) -> tuple[Ints, Floats]:
    """Keep first, lowest, highest and last value of each of `buckets` equal times: no spike is lost."""
    if len(ts) <= 4 * buckets:
        return ts, values
    edges = ts[0] + (ts[-1] - ts[0]) // buckets * np.arange(1, buckets)  # divided first: decades in ns overflow
    starts = np.unique(np.concatenate([[0], np.searchsorted(ts, edges)]))
    starts = starts[starts < len(ts)]
    stops = np.concatenate([starts[1:], [len(ts)]])
    keep = set(starts.tolist()) | set((stops - 1).tolist())
    for start, stop in zip(starts.tolist(), stops.tolist()):
        part = values[start:stop]
        keep |= {start + int(np.argmin(part)), start + int(np.argmax(part))}
    at = np.array(sorted(keep))
    return ts[at], values[at]


def histogram(values: Floats, bars: int = 41) -> tuple[Floats, Ints]:
    """Count values in equal bars between the 1st and 99th percentile, outer ones in the outermost bars.

    Returns (edges (bars + 1,), counts (bars,)). 0 is an edge, so that no bar holds both gains and losses.
    """
    low, high = np.percentile(values, [1, 99])
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    width = (high - low) / (bars - 1) or 1.0
    below = int(np.ceil(-low / width))
    edges = np.asarray((np.arange(bars + 1) - below) * width, np.float64)
    counts, _ = np.histogram(np.clip(values, edges[0], np.nextafter(edges[-1], -np.inf)), edges)
    return edges, counts.astype(np.int64)
