"""Core and periphery on graphs whose core is known."""

import math

import numpy as np
import pytest

from alphatrade_runtime.reflection.graph.core import core_correlation, core_share
from unit.reflection.graph.planted import blocks, complete, empty, pairs_where, star

N = 60


def clique_with_pendants(core):
    """Return a clique of `core` neurons; each other one hangs on one of them."""
    number = np.arange(N)
    joined = (number[:, None] < core) & (number[None, :] < core)
    joined[number % core, number] = True
    return pairs_where(joined | joined.T)


def ideal(core):
    """Return a graph in which every pair with a neuron of the core is joined."""
    number = np.arange(N)
    return pairs_where((number[:, None] < core) | (number[None, :] < core))


def by_definition(pairs, core):
    """Correlate all pairs with the ideal of a core, written out."""
    joined = np.zeros((N, N))
    joined[pairs[:, 0], pairs[:, 1]] = 1
    wanted = np.zeros((N, N))
    wanted[tuple(pairs_where(core[:, None] | core[None, :]).T)] = 1
    upper = np.triu_indices(N, 1)
    return np.corrcoef(joined[upper], wanted[upper])[0, 1]


@pytest.mark.parametrize("core", [1, 5, 20])
def test_a_planted_core_is_found_whole(core):
    fit, size = core_correlation(ideal(core), N)
    assert fit == pytest.approx(1.0)
    assert size == core


def test_star_is_a_core_of_one():
    fit, size = core_correlation(star(N), N)
    assert fit == pytest.approx(1.0)
    assert size == 1


@pytest.mark.parametrize("pairs", [complete(N), empty()], ids=["complete", "empty"])
def test_where_all_pairs_are_alike_nothing_correlates(pairs):
    fit, size = core_correlation(pairs, N)
    assert math.isnan(fit)
    assert size == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_fit_is_the_best_of_the_cores_by_degree(seed):
    pairs, _ = blocks((10, 50), 0.3, 0.3 if seed == 0 else 0.1, seed)
    order = np.argsort(-np.bincount(pairs.reshape(-1), minlength=N), kind="stable")
    fits = [by_definition(pairs, np.isin(np.arange(N), order[:size])) for size in range(1, N - 1)]
    fit, size = core_correlation(pairs, N)
    assert fit == pytest.approx(max(fits))
    assert size == int(np.argmax(fits)) + 1


def test_a_random_graph_has_no_core():
    pairs, _ = blocks((N,), 0.2, 0.2, 1)
    assert core_correlation(pairs, N)[0] < 0.3


def test_the_innermost_core_s_share():
    assert core_share(clique_with_pendants(6), N) == pytest.approx(0.1)
    assert core_share(star(N), N) == core_share(complete(N), N) == 1.0
    assert math.isnan(core_share(empty(), N))
