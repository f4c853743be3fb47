"""The random streams: the published vectors, ranges, moments, independence, the same bits uncompiled."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest

from alphatrade_runtime.numerics.rng import below, exponential, next_bits, normal, stream, uniform


def test_generator_gives_the_published_sequence():
    state = np.array([1, 2, 3, 4], np.uint64)
    expected = [41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205]
    assert [int(next_bits(state)) for _ in expected] == expected


def test_streams_differ_by_seed_and_by_name():
    first = [tuple(stream(seed, name).tolist()) for seed in (0, 1, 2**64 - 1) for name in ("a", "b", "")]
    assert len(set(first)) == len(first)
    assert (stream(7, "a") == stream(7, "a")).all()


def test_neighbouring_streams_are_uncorrelated():
    a, b = stream(1, "market"), stream(2, "market")
    x = np.array([[normal(a), normal(b)] for _ in range(20_000)])
    assert abs(np.corrcoef(x.T)[0, 1]) < 0.03


def test_uniform_stays_inside_and_fills_the_interval():
    state = stream(1, "u")
    x = np.array([uniform(state) for _ in range(50_000)])
    assert x.min() > 0
    assert x.max() < 1
    counts, _ = np.histogram(x, bins=20, range=(0, 1))
    assert ((counts - 2500) ** 2 / 2500).sum() < 43.8  # chi-square, 19 degrees, 0.1%


def test_extreme_bits_stay_inside_the_open_interval():
    largest = np.array([0, 0, 0, 0], np.uint64)
    assert 0 < uniform(largest) < 1
    everything = np.array([2**64 - 1, 0, 0, 0], np.uint64)  # rotl(-1) + -1 = -2: the largest sum
    assert 0 < uniform(everything) < 1


@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 2**31])
def test_below_stays_below(n):
    state = stream(3, f"below {n}")
    x = [below(state, n) for _ in range(2000)]
    assert min(x) >= 0
    assert max(x) < n


def test_below_is_unbiased_where_a_plain_remainder_is_not():
    state = stream(4, "below")
    n = 3 * 2**29  # of 2^32: values below 2^30 would come half as often again
    low = sum(below(state, n) < n // 3 for _ in range(30_000))
    assert abs(low - 10_000) < 350


def test_normal_has_its_moments():
    state = stream(5, "n")
    x = np.array([normal(state) for _ in range(100_000)])
    assert abs(x.mean()) < 0.015
    assert abs(x.std() - 1) < 0.015
    assert abs((x**4).mean() - 3) < 0.15


def test_exponential_has_its_moments():
    state = stream(6, "e")
    x = np.array([exponential(state) for _ in range(100_000)])
    assert x.min() > 0
    assert abs(x.mean() - 1) < 0.02
    assert abs((x > math.log(2)).mean() - 0.5) < 0.01


PROGRAM = """
import warnings
from alphatrade_runtime.numerics.rng import below, exponential, next_bits, normal, stream, uniform

warnings.simplefilter("error")
state = stream(9, "twin")
draws = [(int(next_bits(state)), uniform(state).hex(), below(state, 9), normal(state).hex(), exponential(state).hex())
         for _ in range(2000)]
print(draws)
"""


def test_bits_are_the_same_without_the_compiler():
    def run(**environment):
        variables = {**os.environ, **environment}
        return subprocess.run(
            [sys.executable, "-c", PROGRAM], env=variables, capture_output=True, text=True, check=True
        ).stdout

    assert run() == run(NUMBA_DISABLE_JIT="1")
