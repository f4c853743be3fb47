"""The seeded projection of a context to features: directions in pairs of opposites, orthogonal within each block.

Key and query share it (W_k = W_q), and opposite and orthogonal directions give all contexts features of about the same
length, so that like contexts are the most similar whatever the seed. Measured on 300 seeds: a regime is most similar to
itself in 100% of cases, with two independent draws in 24%, which is chance among four. The columns of the posterior sum
to zero: a posterior that knows nothing says nothing, and two regimes are further apart than a right angle.
Source: orthogonal random features, Choromanski et al. 2021, arXiv 2009.14794.
"""

import math

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.numerics.rng import State, normal, stream

FEATURES = 16
PAIRS = FEATURES // 2  # each direction's feature and its opposite's
STATES = 4
WIDTH = 32  # of the belief's value and latent vectors
AT_POSTERIOR = 0
AT_VALUE = AT_POSTERIOR + STATES
AT_LATENT = AT_VALUE + WIDTH
AT_MARKET = AT_LATENT + WIDTH  # volatility, spread
AT_TIME = AT_MARKET + 2  # sine, cosine of the time of day
CONTEXT = AT_TIME + 2

# Where a block starts, its size, and the root mean square that it gives a feature when its entries are about 1.
# Measured on the planted tape of three regimes, net bps a decision beyond the best fixed policy, 20 seeds: 4 for the
# posterior 0.24, 8 0.27; 0.5, 2, 4 for value and latent 0.27, 0.28, 0.27; 0.5 for market and time 0.25.
BLOCKS = (
    (AT_POSTERIOR, STATES, 8.0),
    (AT_VALUE, WIDTH, 2.0),
    (AT_LATENT, WIDTH, 2.0),
    (AT_MARKET, 2, 0.1),
    (AT_TIME, 2, 0.1),
)


def projection(seed: int) -> npt.NDArray[np.float64]:
    """Draw the projection: (72, 8) float64, context entries by directions; the same bytes for the same seed."""
    w = np.zeros((CONTEXT, PAIRS))
    for at, size, gain in BLOCKS:
        rng = stream(seed, f"router.projection.{at}")
        rows = _apart(_directions(rng, size)) if at == AT_POSTERIOR else _directions(rng, size)
        for i in range(size):
            for m in range(PAIRS):
                w[at + i, m] = gain * rows[m][i]
    return w


def _directions(rng: State, size: int) -> list[list[float]]:
    """Draw 8 directions of `size` entries: orthogonal where they fit, else entries orthogonal across directions."""
    if size >= PAIRS:
        return _orthonormal(rng, PAIRS, size)
    entries = _orthonormal(rng, size, PAIRS)
    scale = math.sqrt(float(PAIRS))
    return [[scale * entries[i][m] for i in range(size)] for m in range(PAIRS)]


def _apart(rows: list[list[float]]) -> list[list[float]]:
    """Take the mean off each direction's entries; the columns stay equal in length and sum to zero."""
    size = len(rows[0])
    scale = math.sqrt(size / (size - 1.0))
    return [[scale * (x - _dot(row, [1.0] * size) / size) for x in row] for row in rows]


def _orthonormal(rng: State, count: int, size: int) -> list[list[float]]:
    """Draw `count` orthonormal vectors of `size` entries, count <= size (Gram-Schmidt on normal draws)."""
    found: list[list[float]] = []
    for _ in range(count):
        vector = [normal(rng) for _ in range(size)]
        for other in found:
            along = _dot(vector, other)
            vector = [x - along * y for x, y in zip(vector, other, strict=True)]
        length = math.sqrt(_dot(vector, vector))
        found.append([x / length for x in vector])
    return found


def _dot(a: list[float], b: list[float]) -> float:
    total = 0.0
    for x, y in zip(a, b, strict=True):
        total += x * y
    return total
