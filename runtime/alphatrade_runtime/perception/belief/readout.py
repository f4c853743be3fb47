"""Linear readouts from a latent of 32 numbers to a forward return: ridge and recursive least squares.

Both are written out, so that a trained file has the same bytes on every host.
"""

import math

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.numerics.jit import entry, kernel
from alphatrade_runtime.perception.belief.shape import WIDTH

Floats = npt.NDArray[np.float64]
METHODS = ("ridge", "rls")

_N = WIDTH
_FULL = WIDTH + 1  # the last row and column: the intercept, or the return


@entry
def _means(x, y, rows, mean):
    """Write the means of the columns of x and of y over these rows. mean: float64[33]."""
    for j in range(_FULL):
        mean[j] = 0.0
    for r in rows:
        for j in range(_N):
            mean[j] += x[r, j]
        mean[_N] += y[r]
    for j in range(_FULL):
        mean[j] = mean[j] / rows.size


@entry
def _normal_equations(x, y, rows, mean, gram):
    """Write the lower half of X'X and, in its last row, X'y, both centred. gram: float64[33, 33]."""
    for i in range(_FULL):
        for j in range(_FULL):
            gram[i, j] = 0.0
    for r in rows:
        for i in range(_N):
            away = x[r, i] - mean[i]
            for j in range(i + 1):
                gram[i, j] += away * (x[r, j] - mean[j])
            gram[_N, i] += away * (y[r] - mean[_N])


@kernel
def _cholesky(gram):
    """Turn the lower half of the leading 32 x 32 into its Cholesky factor."""
    for i in range(_N):
        for j in range(i + 1):
            total = gram[i, j]
            for k in range(j):
                total -= gram[i, k] * gram[j, k]
            gram[i, j] = math.sqrt(total) if i == j else total / gram[j, j]


@entry
def _solve(gram, ridge, weights):
    """Write (X'X + ridge I)^-1 X'y. ridge > 0.  weights: float64[33]."""
    for i in range(_N):
        gram[i, i] += ridge
    _cholesky(gram)
    for i in range(_N):
        total = gram[_N, i]
        for k in range(i):
            total -= gram[i, k] * weights[k]
        weights[i] = total / gram[i, i]
    for i in range(_N - 1, -1, -1):
        total = weights[i]
        for k in range(i + 1, _N):
            total -= gram[k, i] * weights[k]
        weights[i] = total / gram[i, i]


@entry
def _recurse(x, y, rows, forgetting, spread, row, gain, weights):
    """Recursive least squares in the order of rows. spread: float64[33, 33], the inverse of what is known.

    row, gain, weights: float64[33]; the last weight is the intercept. Source: Haykin, Adaptive Filter Theory, ch. 10.
    """
    for r in rows:
        for j in range(_N):
            row[j] = x[r, j]
        row[_N] = 1.0
        known = forgetting
        error = y[r]
        for i in range(_FULL):
            total = 0.0
            for j in range(_FULL):
                total += spread[i, j] * row[j]
            gain[i] = total
            known += total * row[i]
            error -= weights[i] * row[i]
        for i in range(_FULL):
            weights[i] += gain[i] / known * error
        for i in range(_FULL):
            for j in range(i + 1):
                spread[i, j] = (spread[i, j] - gain[i] / known * gain[j]) / forgetting
                spread[j, i] = spread[i, j]


def fit_ridge(x: Floats, y: Floats, rows: npt.NDArray[np.int64], ridge: float) -> Floats:
    """Return float64[33]: weights and intercept, which is not penalised. x: (n, 32).  y: (n,).  ridge > 0."""
    mean, gram, weights = np.zeros(_FULL), np.zeros((_FULL, _FULL)), np.zeros(_FULL)
    _means(x, y, rows, mean)
    _normal_equations(x, y, rows, mean, gram)
    _solve(gram, ridge, weights)
    weights[_N] = mean[_N] - math.fsum(float(weights[j]) * float(mean[j]) for j in range(_N))
    return weights


def fit_rls(x: Floats, y: Floats, rows: npt.NDArray[np.int64], ridge: float, forgetting: float) -> Floats:
    """Return float64[33] from one pass in time; with forgetting 1 it is ridge with a penalised intercept."""
    spread, weights = np.eye(_FULL) / ridge, np.zeros(_FULL)
    _recurse(x, y, rows, forgetting, spread, np.zeros(_FULL), np.zeros(_FULL), weights)
    return weights


@entry
def _predict(x, rows, weights, out):
    for k in range(rows.size):
        total = 0.0
        for j in range(_N):
            total += x[rows[k], j] * weights[j]
        out[k] = total + weights[_N]


def predict(x: Floats, rows: npt.NDArray[np.int64], weights: Floats) -> Floats:
    """Return the predicted returns of these rows. weights: float64[33]."""
    out = np.zeros(rows.size)
    _predict(x, rows, weights, out)
    return out
