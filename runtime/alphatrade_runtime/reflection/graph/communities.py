"""Modularity of a graph, against graphs of the same degrees and no communities."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from alphatrade_runtime.reflection.graph.edges import Ints

REWIRINGS = 20
SWAPS_PER_EDGE = 10


@dataclass(frozen=True)
class Modularity:
    """Modularity q, and how many standard deviations it lies above that of rewired graphs (z).

    community: (nodes,) int64, number of each neuron's community, by their lowest neuron.
    null_mean, null_sd: of the rewired graphs. z is NaN where they are all alike, as when no edge can be swapped.
    """

    q: float
    z: float
    null_mean: float
    null_sd: float
    community: Ints


def modularity(pairs: Ints, nodes: int, seed: int, advance: Callable[[], None] = lambda: None) -> Modularity:
    """Find communities by Louvain's method and hold their modularity against 20 rewirings. No edges: NaN.

    pairs: (P, 2) int64, edges without direction.  advance: called behind each rewiring.
    """
    q, community = louvain(pairs, nodes, seed)
    if not len(pairs):
        return Modularity(math.nan, math.nan, math.nan, math.nan, community)
    null = []
    for k in range(1, REWIRINGS + 1):
        null.append(louvain(rewired(pairs, nodes, seed + k), nodes, seed)[0])
        advance()
    mean, sd = float(np.mean(null)), float(np.std(null, ddof=1))
    z = (q - mean) / sd if sd > 1e-12 else math.nan
    return Modularity(q, z, mean, sd, community)


def louvain(pairs: Ints, nodes: int, seed: int) -> tuple[float, Ints]:
    """Return the modularity of the communities that Louvain's method finds, and each neuron's community.

    Neurons without an edge are communities of their own.
    """
    graph = as_networkx(pairs, nodes)
    found = sorted(map(sorted, nx.community.louvain_communities(graph, weight=None, seed=seed)))
    community = np.empty(nodes, np.int64)
    for number, members in enumerate(found):
        community[members] = number
    if not len(pairs):
        return math.nan, community
    return float(nx.community.modularity(graph, found, weight=None)), community


def as_networkx(pairs: Ints, nodes: int) -> Any:
    """Return an undirected graph of all neurons, nodes and edges added in order."""
    graph = nx.Graph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(pairs.tolist())
    return graph


def rewired(pairs: Ints, nodes: int, seed: int) -> Ints:
    """Return a graph of the same degrees with its edges swapped at random: (P, 2) int64, ordered.

    Each of 10 tries an edge swaps the ends of two edges, unless that makes a loop or an edge that is there already.
    Source: Maslov, Sneppen 2002.
    """
    rng = random.Random(seed)
    edges = [(int(a), int(b)) for a, b in pairs]
    there = {a * nodes + b for a, b in edges}
    count = len(edges)
    for _ in range(SWAPS_PER_EDGE * count):
        p, q = int(rng.random() * count), int(rng.random() * count)
        (a, b), (c, d) = edges[p], edges[q]
        if rng.random() < 0.5:
            c, d = d, c
        one, other = (min(a, d), max(a, d)), (min(c, b), max(c, b))
        new = {one[0] * nodes + one[1], other[0] * nodes + other[1]}
        if a == d or c == b or len(new) < 2 or not there.isdisjoint(new):
            continue
        there -= {a * nodes + b, min(c, d) * nodes + max(c, d)}
        there |= new
        edges[p], edges[q] = one, other
    return np.array(sorted(edges), np.int64).reshape(-1, 2)
