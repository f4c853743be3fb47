"""Whether a graph has a core that its periphery hangs on."""

import math

import networkx as nx
import numpy as np

from alphatrade_runtime.reflection.graph.communities import as_networkx
from alphatrade_runtime.reflection.graph.edges import Floats, Ints


def core_share(pairs: Ints, nodes: int) -> float:
    """Return the share of neurons in the innermost k-core; NaN without edges. pairs: (P, 2) int64."""
    if not len(pairs):
        return math.nan
    numbers = list(nx.core_number(as_networkx(pairs, nodes)).values())
    return numbers.count(max(numbers)) / nodes


def core_correlation(pairs: Ints, nodes: int) -> tuple[float, int]:
    """Return the correlation of the graph with its best core, and how many neurons that core has.

    In the ideal every pair with a neuron of the core is joined and no other is. For each size the core are the
    neurons of highest degree, ties by number. NaN and 0 where all pairs are joined, or none.
    Source: Borgatti, Everett 1999, discrete model; Lip 2011 on why the degrees decide.
    """
    everything = nodes * (nodes - 1) // 2
    if len(pairs) in (0, everything):
        return math.nan, 0
    degrees = np.bincount(pairs.reshape(-1), minlength=nodes)
    order = np.argsort(-degrees, kind="stable")
    rank = np.empty(nodes, np.int64)
    rank[order] = np.arange(nodes)
    sizes = np.arange(1, nodes - 1)  # of one neuron more the ideal joins all pairs
    first = np.bincount(rank[pairs].min(axis=1), minlength=nodes)
    joined = np.cumsum(first)[: nodes - 2]  # edges with a neuron of the core
    ideal = sizes * (nodes - sizes) + sizes * (sizes - 1) // 2
    found = _correlation(joined, len(pairs), ideal, everything)
    best = int(np.argmax(found))
    return float(found[best]), best + 1


def _correlation(both: Ints, ones: int, ideal: Ints, count: int) -> Floats:
    """Return Pearson's correlation of two columns of zeros and ones: `both` are one in `ones` and in `ideal`."""
    covariance = count * both.astype(np.float64) - ones * ideal.astype(np.float64)
    return covariance / np.sqrt(float(ones) * (count - ones) * ideal * (count - ideal))
