"""Communities: those planted are found and stand out from rewirings; where none are planted, none stand out."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.reflection.graph.communities import louvain, modularity, rewired
from unit.reflection.graph.planted import blocks, complete, empty, star

SIZES = (30, 30, 30, 30)
N = sum(SIZES)


def by_definition(pairs, community):
    """Return Newman's modularity, written out."""
    joined = np.zeros((len(community), len(community)))
    joined[pairs[:, 0], pairs[:, 1]] = joined[pairs[:, 1], pairs[:, 0]] = 1
    degrees, total = joined.sum(axis=0), joined.sum()
    same = community[:, None] == community[None, :]
    return float(((joined - np.outer(degrees, degrees) / total) * same).sum() / total)


@pytest.mark.parametrize("seed", range(20))
def test_planted_blocks_are_found_and_stand_out(seed):
    pairs, block = blocks(SIZES, 0.4, 0.02, seed)
    found = modularity(pairs, N, seed)
    assert found.community.tolist() == block.tolist()
    assert found.q == pytest.approx(by_definition(pairs, block))
    assert found.z > 10
    assert found.null_mean < found.q / 2


@pytest.mark.parametrize("seed", range(20))
def test_in_a_random_graph_nothing_stands_out(seed):
    pairs, _ = blocks(SIZES, 0.115, 0.115, seed)
    found = modularity(pairs, N, seed)
    assert found.q == pytest.approx(by_definition(pairs, found.community))
    assert abs(found.z) < 4


@pytest.mark.parametrize("pairs", [star(40), complete(40)], ids=["star", "complete"])
def test_star_and_complete_are_one_community_that_no_rewiring_changes(pairs):
    found = modularity(pairs, 40, 1)
    assert found.q == pytest.approx(0.0, abs=1e-12)
    assert len(set(found.community.tolist())) == 1
    assert rewired(pairs, 40, 1).tolist() == pairs.tolist()
    assert math.isnan(found.z)
    assert found.null_mean == pytest.approx(0.0, abs=1e-12)


def test_an_empty_graph_has_no_modularity():
    found = modularity(empty(), N, 1)
    assert math.isnan(found.q)
    assert math.isnan(found.z)
    assert found.community.tolist() == list(range(N))
    assert rewired(empty(), N, 1).shape == (0, 2)


def test_the_same_seed_gives_the_same_and_another_seed_another_null():
    pairs, _ = blocks((15, 15, 15, 15), 0.3, 0.1, 3)
    once, again, other = (modularity(pairs, 60, seed) for seed in (7, 7, 8))
    assert (once.q, once.z, once.null_mean) == (again.q, again.z, again.null_mean)
    assert once.community.tolist() == again.community.tolist()
    assert once.null_mean != other.null_mean
    assert louvain(pairs, 60, 7)[0] == once.q


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.02, 0.9))
def test_rewiring_keeps_every_degree_and_makes_no_loop_and_no_double(seed, chance):
    pairs, _ = blocks((20,), chance, chance, seed)
    after = rewired(pairs, 20, seed)
    degrees, kept = (np.bincount(edges.reshape(-1), minlength=20).tolist() for edges in (pairs, after))
    assert degrees == kept
    assert all(low < high for low, high in after.tolist())
    assert len({tuple(pair) for pair in after.tolist()}) == len(pairs)
    assert after.tolist() == sorted(after.tolist()) == rewired(pairs, 20, seed).tolist()


def test_rewiring_forgets_where_the_edges_were():
    pairs, block = blocks(SIZES, 0.4, 0.0, 1)
    after = rewired(pairs, N, 1)
    inside = np.mean(block[after[:, 0]] == block[after[:, 1]])
    assert inside == pytest.approx(0.25, abs=0.06)
