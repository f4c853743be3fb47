"""Graphs whose measures are known: blocks, star, complete, empty, random."""

import numpy as np

from alphatrade_runtime.perception.belief.shape import NEURONS, WIDTH
from alphatrade_runtime.reflection.graph.edges import directed
from alphatrade_runtime.reflection.graph.snapshots import RhoSnapshot


def pairs_where(joined):
    """Return the pairs (lower, higher) at which a square matrix is true."""
    return np.argwhere(np.triu(joined, 1)).astype(np.int64)


def blocks(sizes, inside, between, seed):
    """Return the pairs of a stochastic block model, and the block of each neuron."""
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(len(sizes)), sizes)
    chance = np.where(block[:, None] == block[None, :], inside, between)
    return pairs_where(rng.random(chance.shape) < chance), block


def star(n):
    """Return the pairs of neuron 0 with every other."""
    return np.stack([np.zeros(n - 1, np.int64), np.arange(1, n)], axis=1)


def complete(n):
    """Return all pairs."""
    return pairs_where(np.ones((n, n), bool))


def empty():
    """Return no pair."""
    return np.zeros((0, 2), np.int64)


def both_ways(pairs, n):
    """Return the graph in which each pair is an edge both ways."""
    return directed(n, np.concatenate([pairs[:, 0], pairs[:, 1]]), np.concatenate([pairs[:, 1], pairs[:, 0]]))


def rho_snapshot(k, instrument=0, symbol="AAA"):
    """Return the k-th snapshot of an instrument, of fast weights in eight groups of neurons."""
    rng = np.random.default_rng(k)
    direction = np.eye(WIDTH)[np.arange(NEURONS) * 8 // NEURONS]
    rho = direction * (1.0 + rng.random((NEURONS, 1))) + 0.05 * rng.standard_normal((NEURONS, WIDTH))
    return RhoSnapshot(instrument, symbol, 1_024 * k, 3_000 * k, 1_024, rho.astype("<f4"))
