"""Codes and fast weights: dead neurons, likeness, collapse."""

import math

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.graph.codes import Codes, check_codes, dead_share, mean_cosine
from alphatrade_runtime.reflection.graph.rank import effective_rank

N, K = 40, 4


def random_codes(count, seed=1, neurons=N):
    rng = np.random.default_rng(seed)
    idx = np.stack([rng.choice(neurons, K, replace=False) for _ in range(count)]).astype(np.uint16)
    return Codes(idx, rng.random((count, K)).astype(np.float32))


def test_a_neuron_that_no_code_activates_is_dead():
    assert dead_share(random_codes(500), N) == 0.0
    assert dead_share(random_codes(500, neurons=10), N) == 0.75
    codes = random_codes(500)
    codes.val[codes.idx == 7] = 0.0
    assert dead_share(codes, N) == pytest.approx(1 / N)


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_cosine_is_that_of_all_pairs(seed):
    codes = random_codes(60, seed)
    dense = np.zeros((60, N))
    np.put_along_axis(dense, codes.idx.astype(np.int64), codes.val.astype(np.float64), axis=1)
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    expected = (dense @ dense.T)[np.triu_indices(60, 1)].mean()
    assert mean_cosine(codes, N) == pytest.approx(expected)
    silent = Codes(np.tile(codes.idx, (2, 1)), np.concatenate([codes.val, np.zeros_like(codes.val)]))
    assert mean_cosine(silent, N) == pytest.approx(expected)


def test_codes_all_alike_and_all_apart():
    alike = Codes(np.tile(np.arange(K), (9, 1)), np.outer(np.arange(1, 10), np.ones(K)))
    apart = Codes(np.arange(9 * K).reshape(9, K), np.ones((9, K)))
    assert mean_cosine(alike, N) == pytest.approx(1.0)
    assert mean_cosine(apart, N) == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(mean_cosine(Codes(alike.idx[:1], alike.val[:1]), N))
    nothing = Codes(np.zeros((0, K), np.uint16), np.zeros((0, K), np.float32))
    assert math.isnan(dead_share(nothing, N))
    assert math.isnan(mean_cosine(nothing, N))


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (Codes(np.zeros((3, K), int), np.zeros((3, K + 1))), r"give both as \(T, k\)"),
        (Codes(np.full((3, K), N), np.zeros((3, K))), "beyond 39; give codes of this belief"),
        (Codes(np.full((3, K), -1), np.zeros((3, K))), "beyond 39"),
        (Codes(np.zeros((3, K), int), np.full((3, K), np.nan)), "negative or not finite"),
        (Codes(np.zeros((3, K), int), np.full((3, K), -1.0)), "negative or not finite"),
    ],
)
def test_codes_that_are_none_are_refused(codes, message):
    with pytest.raises(InputError, match=message):
        check_codes(codes, N)


def test_the_effective_rank_counts_directions():
    rng = np.random.default_rng(1)
    one = np.outer(rng.random(N), rng.random(8))
    all_alike = np.linalg.qr(rng.standard_normal((N, 8)))[0]
    three = all_alike[:, :3] @ np.linalg.qr(rng.standard_normal((8, 3)))[0].T
    assert effective_rank(one[None]) == pytest.approx(1.0)
    assert effective_rank(all_alike[None]) == pytest.approx(8.0)
    assert effective_rank(1e-9 * three[None]) == pytest.approx(3.0)
    assert effective_rank(np.zeros((2, N, 8))) == 0.0
    assert effective_rank(np.stack([one, all_alike])) == pytest.approx(4.5)
