"""How unequal the degrees of a graph are: histogram in octaves, tail exponent, Gini coefficient."""

import math
from typing import NamedTuple

import numpy as np

from alphatrade_runtime.reflection.graph.edges import Ints

TAIL = 10  # the tail is one neuron in so many


class Bin(NamedTuple):
    """Neurons whose degree lies in [low, high]."""

    low: int
    high: int
    neurons: int


def histogram(degrees: Ints) -> tuple[Bin, ...]:
    """Count degrees in bins of octaves: 0, 1, 2 to 3, 4 to 7 and so on, up to the highest."""
    octaves = np.frexp(degrees.astype(np.float64))[1]
    counts = np.bincount(octaves)
    return tuple(Bin((1 << k) >> 1, (1 << k) - 1, int(count)) for k, count in enumerate(counts))


def tail_exponent(degrees: Ints) -> float:
    """Return alpha of a density k ** -alpha by Hill's estimator on the highest tenth of the degrees.

    Infinite where all of the tail is equal; NaN where the degree below the tail is zero.
    Source: Hill 1975; Clauset, Shalizi, Newman 2009, eq. 3.1 (alpha is one above the tail index).
    """
    ordered = np.sort(degrees)[::-1]
    tail = -(-len(ordered) // TAIL)
    if tail >= len(ordered) or ordered[tail] == 0:
        return math.nan
    logs = float(np.sum(np.log(ordered[:tail] / ordered[tail])))
    return 1.0 + tail / logs if logs > 0.0 else math.inf


def gini(degrees: Ints) -> float:
    """Return the Gini coefficient: 0 when all are equal, near 1 when one has all; NaN when there is nothing."""
    n, total = len(degrees), int(degrees.sum())
    if total == 0:
        return math.nan
    ranks = np.arange(1, n + 1)
    return float(2 * int(np.sum(ranks * np.sort(degrees))) / (n * total) - (n + 1) / n)
