"""Degrees on graphs whose distribution is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.reflection.graph.degrees import gini, histogram, tail_exponent
from unit.reflection.graph.planted import both_ways, complete, empty, star

N = 64


def degrees_of(pairs):
    into, out = both_ways(pairs, N).degrees()
    assert (into == out).all()
    return into


def test_the_histogram_has_a_bin_an_octave():
    degrees = np.array([0, 0, 1, 2, 3, 4, 7, 8, 15, 63])
    assert histogram(degrees) == (
        (0, 0, 2), (1, 1, 1), (2, 3, 2), (4, 7, 2), (8, 15, 2), (16, 31, 0), (32, 63, 1),
    )  # fmt: skip
    assert histogram(degrees_of(empty())) == ((0, 0, N),)
    assert [b.neurons for b in histogram(degrees_of(star(N)))] == [0, N - 1, 0, 0, 0, 0, 1]


@given(st.lists(st.integers(0, 600), min_size=1, max_size=100))
def test_the_histogram_counts_every_neuron_once(degrees):
    bins = histogram(np.array(degrees))
    assert [b.neurons for b in bins] == [sum(b.low <= k <= b.high for k in degrees) for b in bins]
    assert sum(b.neurons for b in bins) == len(degrees)


@pytest.mark.parametrize("alpha", [1.8, 2.5, 3.5])
def test_the_exponent_of_a_planted_power_law_is_found(alpha):
    found = []
    for seed in range(20):
        uniform = np.random.default_rng(seed).random(512)
        found.append(tail_exponent((1_000 * uniform ** (-1 / (alpha - 1))).astype(np.int64)))
    assert abs(np.mean(found) - alpha) < 0.1 * alpha


def test_degrees_without_a_tail_have_no_exponent_of_one():
    poisson = np.random.default_rng(1).poisson(20, 512)  # the control
    assert tail_exponent(poisson) > 4.0
    assert tail_exponent(degrees_of(complete(N))) == math.inf
    assert math.isnan(tail_exponent(degrees_of(empty())))
    assert tail_exponent(degrees_of(star(N))) == pytest.approx(1 + 7 / math.log(N - 1))


def test_gini_of_known_graphs():
    assert gini(degrees_of(star(N))) == pytest.approx((N - 2) / (2 * N))
    assert gini(degrees_of(complete(N))) == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(gini(degrees_of(empty())))


@given(st.lists(st.integers(0, 600), min_size=1, max_size=60).filter(any))
def test_gini_is_half_the_mean_difference_over_the_mean(degrees):
    k = np.array(degrees)
    expected = np.abs(k[:, None] - k[None, :]).mean() / (2 * k.mean())
    assert gini(k) == pytest.approx(expected, abs=1e-9)
