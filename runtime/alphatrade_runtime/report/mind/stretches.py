"""Stretches of time in which something held: a regime, a policy, a level."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.report.curves import Floats, Ints


class Stretch(NamedTuple):
    """What `key` names held from start to end, ns UTC."""

    start_ns: int
    end_ns: int
    key: int


def stretches(
    ts: Ints, keys: npt.NDArray[np.integer], start_ns: int, end_ns: int, first: int | None = None
) -> list[Stretch]:
    """Let each key (n,) hold from its time (n,) to the next other one's, the last to the end.

    first: what held from the start to the first time; None leaves that out.
    """
    if first is not None:
        ts, keys = np.concatenate([[start_ns], ts]), np.concatenate([[first], keys])
    if len(ts) == 0:
        return []
    last = np.concatenate([ts[1:] != ts[:-1], [True]])  # of what came at one time
    ts, keys = ts[last], keys[last]
    at = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    ends = np.concatenate([ts[at[1:]], [max(end_ns, int(ts[-1]))]])
    rows = zip(ts[at].tolist(), ends.tolist(), keys[at].tolist(), strict=True)
    return [Stretch(start, end, int(key)) for start, end, key in rows if end > start]


def shares(lanes: Sequence[Sequence[Stretch]]) -> dict[int, float]:
    """Return the share of time of each key over all lanes, largest first; empty when no time passed."""
    spent: dict[int, float] = {}
    for lane in lanes:
        for stretch in lane:
            spent[stretch.key] = spent.get(stretch.key, 0.0) + stretch.end_ns - stretch.start_ns
    whole = sum(spent.values())
    return {key: spent[key] / whole for key in sorted(spent, key=lambda key: (-spent[key], key))}


def edges_of(start_ns: int, end_ns: int, bins: int) -> Ints:
    """Return the edges (bins + 1,) of equal spans of time."""
    return np.array([start_ns + (end_ns - start_ns) * k // bins for k in range(bins + 1)], np.int64)


def binned(lanes: Sequence[Sequence[Stretch]], edges: Ints, keys: Sequence[int]) -> Floats:
    """Return the share of each key in each span, (keys, bins); a span of which nothing is known is all 0."""
    spent = np.zeros((len(keys), len(edges) - 1))
    for lane in lanes:
        for k, key in enumerate(keys):
            spent[k] += np.diff(_spent_until([s for s in lane if s.key == key], edges))
    whole = spent.sum(axis=0)
    return np.asarray(np.divide(spent, whole, out=np.zeros_like(spent), where=whole > 0))


def _spent_until(ours: Sequence[Stretch], edges: Ints) -> Floats:
    """Return how long stretches, by time and apart, lasted up to each edge, ns."""
    if not ours:
        return np.zeros(len(edges))
    starts, ends = (np.array([s[k] for s in ours], np.int64) for k in (0, 1))
    before = np.concatenate([[0], np.cumsum(ends - starts)])
    at = np.searchsorted(starts, edges, side="right") - 1
    within = np.minimum(edges, ends[at]) - starts[at]
    return np.where(at < 0, 0, before[at] + within).astype(np.float64)


def squeezed(lane: Sequence[Stretch], start_ns: int, end_ns: int, most: int = 300) -> list[Stretch]:
    """Return a lane as it is, or, when a screen cannot show so many, what held longest in each of `most` spans."""
    if len(lane) <= most:
        return list(lane)
    keys = sorted({stretch.key for stretch in lane})
    edges = edges_of(start_ns, end_ns, most)
    held = binned([lane], edges, keys)
    known = held.sum(axis=0) > 0
    longest = np.array(keys)[held.argmax(axis=0)]
    return stretches(edges[:-1][known], longest[known], start_ns, end_ns)
