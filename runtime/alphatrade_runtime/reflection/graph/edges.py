"""The graph of a belief: neurons, and the strongest of the weights between them as directed edges.

A weight from neuron j to neuron i is that of row i, column j: what j's activity does to i.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_SNAPSHOTS = 16
TOP_SHARE = 0.02


@dataclass(frozen=True)
class Graph:
    """Directed edges without loops, in the order of (source, target).

    nodes: how many neurons.  sources, targets: (E,) int64.
    """

    nodes: int
    sources: Ints
    targets: Ints

    def degrees(self) -> tuple[Ints, Ints]:
        """Return the in-degrees and out-degrees, (nodes,) int64 each."""
        return (
            np.bincount(self.targets, minlength=self.nodes),
            np.bincount(self.sources, minlength=self.nodes),
        )

    def pairs(self) -> Ints:
        """Return the edges without direction, each pair once: (P, 2) int64, lower neuron first, ordered."""
        low, high = np.minimum(self.sources, self.targets), np.maximum(self.sources, self.targets)
        keys = np.unique(low * self.nodes + high)
        return np.stack([keys // self.nodes, keys % self.nodes], axis=1)


def fast_weights(rho: npt.ArrayLike, d_y: npt.ArrayLike) -> Floats:
    """Return the mean effective synapses |D_y rho'| of a day: (n, n) float64.

    rho: (S, n, d) snapshots of the true state, lazy decay already multiplied in; S of 16 or more.  d_y: (n, d).
    Raises InputError for too few snapshots, shapes that do not fit, and values that are not finite.
    """
    snapshots, rows = np.asarray(rho, np.float64), np.asarray(d_y, np.float64)
    _check(snapshots, rows)
    total = np.zeros((rows.shape[0], rows.shape[0]))
    for snapshot in snapshots:
        total += np.abs(rows @ snapshot.T)
    return total / len(snapshots)


def parameter_weights(d_x: npt.ArrayLike, e: npt.ArrayLike) -> Floats:
    """Return the weights |D_x E'| of the slow parameters, both (n, d): (n, n) float64. A belief keeps D_x as (d, n)."""
    rows, columns = np.asarray(d_x, np.float64), np.asarray(e, np.float64)
    if rows.ndim != 2 or rows.shape != columns.shape:
        raise InputError(f"graph diagnostics: D_x is {rows.shape} and E is {columns.shape}; give both as (n, d)")
    if not (np.isfinite(rows).all() and np.isfinite(columns).all()):
        raise InputError("graph diagnostics: D_x or E holds a value that is not finite; train or seed them again")
    return np.abs(rows @ columns.T)


def strongest(weights: Floats, share: float = TOP_SHARE) -> Graph:
    """Return the graph of the strongest weights: that share of all ordered pairs of different neurons.

    Weights of zero are no edges. Ties go to the lower (target, source).
    """
    nodes = len(weights)
    flat = weights.copy()
    np.fill_diagonal(flat, 0.0)
    kept = np.argsort(-flat, axis=None, kind="stable")[: round(share * nodes * (nodes - 1))]
    kept = kept[flat.reshape(-1)[kept] > 0.0]
    return directed(nodes, kept % nodes, kept // nodes)


def directed(nodes: int, sources: npt.ArrayLike, targets: npt.ArrayLike) -> Graph:
    """Return a graph of the edges given, ordered."""
    keys = np.sort(np.asarray(sources, np.int64) * nodes + np.asarray(targets, np.int64))
    return Graph(nodes, keys // nodes, keys % nodes)


def _check(snapshots: Floats, rows: Floats) -> None:
    if snapshots.ndim != 3 or rows.ndim != 2 or snapshots.shape[1:] != rows.shape:
        raise InputError(
            f"graph diagnostics: rho is {snapshots.shape} and D_y is {rows.shape}; give them as (S, n, d) and (n, d)"
        )
    if len(snapshots) < MIN_SNAPSHOTS:
        raise InputError(
            f"graph diagnostics: {len(snapshots)} snapshots of rho; a mean needs {MIN_SNAPSHOTS} or more of the day"
        )
    if not np.isfinite(rows).all():
        raise InputError("graph diagnostics: D_y holds a value that is not finite; train or seed it again")
    for index, snapshot in enumerate(snapshots):
        if not np.isfinite(snapshot).all():
            raise InputError(f"graph diagnostics: snapshot {index} of rho is not finite; leave it out")
