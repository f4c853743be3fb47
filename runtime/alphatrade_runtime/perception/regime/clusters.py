"""Where Baum-Welch begins: clusters of the observations, drawn by a seed (k-means++, then Lloyd).

Source: Arthur and Vassilvitskii 2007, "k-means++: the advantages of careful seeding".
"""

import numpy as np

from alphatrade_runtime.numerics.jit import entry, kernel
from alphatrade_runtime.numerics.rng import below, stream, uniform
from alphatrade_runtime.perception.regime.model import DIMENSIONS, VARIANCE_FLOORS, Floats

_ROUNDS = 10


def first_guess(o: Floats, states: int, seed: int) -> tuple[Floats, Floats]:
    """Return means of clusters (k-means++, then Lloyd) and for each the variance of the whole."""
    centre, spread = np.zeros(DIMENSIONS), np.ones(DIMENSIONS)
    _moments(o, centre, spread)
    rng = stream(seed, "regime.baum_welch")
    means = np.zeros((states, DIMENSIONS))
    _plus_plus(o, centre, spread, rng, means, np.zeros(len(o)))
    _lloyd(o, centre, spread, means, np.zeros((states, DIMENSIONS)), np.zeros((states, DIMENSIONS)), _ROUNDS)
    return means, np.maximum(np.tile(spread, (states, 1)), np.array(VARIANCE_FLOORS))


@entry
def _moments(o, centre, spread):
    """Write mean and variance of each dimension; 0 and 1 where there is nothing, 1 where nothing varies."""
    for d in range(DIMENSIONS):
        n = 0
        total = 0.0
        for t in range(len(o)):
            if o[t, d] == o[t, d]:
                n += 1
                total += o[t, d]
        centre[d] = total / max(n, 1)
        total = 0.0
        for t in range(len(o)):
            if o[t, d] == o[t, d]:
                away = o[t, d] - centre[d]
                total += away * away
        spread[d] = total / max(n, 1)
        if spread[d] <= 0.0:
            spread[d] = 1.0


@kernel
def _distance(o, t, centre, spread, mean):
    """Return the squared distance of row t to a mean, in variances of each dimension; missing is the centre."""
    total = 0.0
    for d in range(DIMENSIONS):
        x = o[t, d] if o[t, d] == o[t, d] else centre[d]
        away = x - mean[d]
        total += away * away / spread[d]
    return total


@entry
def _plus_plus(o, centre, spread, rng, means, nearest):
    """Draw the first cluster anywhere, each next one by its squared distance to those there are."""
    at = below(rng, len(o))
    for j in range(len(means)):
        for d in range(DIMENSIONS):
            means[j, d] = o[at, d] if o[at, d] == o[at, d] else centre[d]
        total = 0.0
        for t in range(len(o)):
            away = _distance(o, t, centre, spread, means[j])
            nearest[t] = away if j == 0 else min(nearest[t], away)
            total += nearest[t]
        left = uniform(rng) * total
        at = 0
        while at < len(o) - 1 and left >= nearest[at]:
            left -= nearest[at]
            at += 1


@entry
def _lloyd(o, centre, spread, means, totals, counts, rounds):
    """Move each cluster to the mean of its rows, a fixed number of times."""
    for _ in range(rounds):
        for j in range(len(means)):
            for d in range(DIMENSIONS):
                totals[j, d] = 0.0
                counts[j, d] = 0.0
        for t in range(len(o)):
            best = 0
            least = _distance(o, t, centre, spread, means[0])
            for j in range(1, len(means)):
                away = _distance(o, t, centre, spread, means[j])
                if away < least:
                    least = away
                    best = j
            for d in range(DIMENSIONS):
                if o[t, d] == o[t, d]:
                    totals[best, d] += o[t, d]
                    counts[best, d] += 1.0
        for j in range(len(means)):
            for d in range(DIMENSIONS):
                if counts[j, d] > 0.0:
                    means[j, d] = totals[j, d] / counts[j, d]
