"""Train a hidden Markov model of regimes on a recorded tape: Baum-Welch with diagonal Gaussians.

The same bits on every host and without the compiler, as all that a policy's digest names.
Source: Rabiner 1989, "A tutorial on hidden Markov models", equations 92 (scaled) and 52-54.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import entry, kernel
from alphatrade_runtime.numerics.math import exp_det, log_det
from alphatrade_runtime.perception.regime.clusters import first_guess
from alphatrade_runtime.perception.regime.measure import measure
from alphatrade_runtime.perception.regime.model import (
    DIMENSIONS,
    FAST_HALF_LIFE,
    SLOW_HALF_LIFE,
    STATES,
    VARIANCE_FLOORS,
    Floats,
    HmmModel,
    nearest_label,
)
from alphatrade_runtime.perception.regime.state import REGIME_DTYPE, rules_params

_HALF_LOG_2PI = 9.18938533204672741780e-01
_LEAST = -1e300
_DEEPEST = -600.0  # a log density so far below the likeliest state's is cut, so that no scale is ever 0
_LEAST_TRANSITION = 1e-12
_LEAST_MASS = 1e-6  # a state with less of the tape than this keeps its emission
_STICKY = 0.95
_ROWS_PER_STATE = 10


def observations(
    returns: npt.ArrayLike,
    spreads: npt.ArrayLike,
    fast_half_life: float = FAST_HALF_LIFE,
    slow_half_life: float = SLOW_HALF_LIFE,
) -> Floats:
    """Return what the running filter would have seen of a tape, (n, 3) float64; NaN where it would have seen nothing.

    returns, spreads: (n,) ticks, one a decision; NaN where there is none.
    """
    given = np.ascontiguousarray(returns, np.float64), np.ascontiguousarray(spreads, np.float64)
    if given[0].ndim != 1 or given[0].shape != given[1].shape:
        raise InputError(f"regime training: returns {given[0].shape}, spreads {given[1].shape}; give one of each a row")
    out = np.full((len(given[0]), DIMENSIONS), np.nan)
    state = np.zeros(1, REGIME_DTYPE).view(np.recarray)
    _observe(state, rules_params(fast_half_life, slow_half_life), given[0], given[1], out)
    return out


@entry
def _observe(state, params, returns, spreads, out):
    s = state[0]
    p = params[0]
    for t in range(len(returns)):
        if measure(s, p, returns[t], spreads[t]) != 0 and s.returns >= p.warmup:
            out[t, 0] = s.observation[0]
            out[t, 1] = s.observation[1]
            if s.spread_known != 0:
                out[t, 2] = s.observation[2]


def baum_welch(
    observations: npt.ArrayLike,
    states: int,
    seed: int,
    iterations: int,
    *,
    fast_half_life: float = FAST_HALF_LIFE,
    slow_half_life: float = SLOW_HALF_LIFE,
) -> HmmModel:
    """Fit a model of 2 to 4 states; its states come sorted by label, then by mean return.

    observations: (n, 3), NaN where missing.  seed: of the first guess.  half-lives: those they were made with.
    Raises InputError when there is too little of them, or one is infinite.
    """
    o = _checked(observations, states, iterations)
    means, variances = first_guess(o, states, seed)
    first = np.full(states, 1.0 / states)
    transition = np.full((states, states), (1.0 - _STICKY) / (states - 1))
    np.fill_diagonal(transition, _STICKY)
    n = len(o)
    trace, expected = np.zeros(iterations), np.zeros((states, states))
    _expectation_maximisation(
        o, means, variances, transition, first, np.array(VARIANCE_FLOORS), np.zeros((n, states)),
        np.zeros((n, states)), np.zeros((n, 2)), np.zeros((2, states)), expected, trace,
    )  # fmt: skip
    return _sorted_model(means, variances, expected, fast_half_life, slow_half_life, trace)


def _checked(given: npt.ArrayLike, states: int, iterations: int) -> Floats:
    o = np.ascontiguousarray(given, np.float64)
    if o.ndim != 2 or o.shape[1] != DIMENSIONS:
        raise InputError(f"regime training: observations have shape {o.shape}; give one row of {DIMENSIONS} a decision")
    if not 2 <= states <= STATES:
        raise InputError(f"regime training: {states} states; give 2 to {STATES}")
    if iterations < 1:
        raise InputError(f"regime training: {iterations} iterations; give 1 or more")
    if np.isinf(o).any():
        raise InputError("regime training: an observation is infinite; mark what is missing as NaN")
    seen = int((~np.isnan(o[:, 0])).sum())
    if seen < _ROWS_PER_STATE * states:
        raise InputError(f"regime training: {seen} usable decisions; give at least {_ROWS_PER_STATE * states}")
    return o


@kernel
def _densities(o, means, variances, likely, shift):
    """Write each row's density in each state over that of its likeliest state, and the log of the latter."""
    states = len(means)
    for t in range(len(o)):
        most = _LEAST
        for j in range(states):
            total = 0.0
            for d in range(DIMENSIONS):
                if o[t, d] == o[t, d]:
                    away = o[t, d] - means[j, d]
                    total -= 0.5 * (away * away / variances[j, d] + log_det(variances[j, d])) + _HALF_LOG_2PI
            likely[t, j] = total
            most = max(most, total)
        for j in range(states):
            likely[t, j] = exp_det(max(likely[t, j] - most, _DEEPEST))
        shift[t, 0] = most


@kernel
def _forward(likely, transition, first, alpha, shift):
    """Write the filtered probabilities and each row's scale; return the log likelihood of the tape."""
    states = len(transition)
    total = 0.0
    for t in range(len(likely)):
        scale = 0.0
        for k in range(states):
            x = first[k]
            if t > 0:
                x = 0.0
                for j in range(states):
                    x += alpha[t - 1, j] * transition[j, k]
            alpha[t, k] = x * likely[t, k]
            scale += alpha[t, k]
        for k in range(states):
            alpha[t, k] /= scale
        shift[t, 1] = scale
        total += log_det(scale) + shift[t, 0]
    return total


@kernel
def _backward(likely, transition, alpha, shift, beta, expected):
    """Turn the filtered probabilities into smoothed ones, and write the expected transitions."""
    states = len(transition)
    for j in range(states):
        beta[0, j] = 1.0
        for k in range(states):
            expected[j, k] = 0.0
    for t in range(len(likely) - 1, 0, -1):
        for j in range(states):
            beta[1, j] = beta[0, j] * likely[t, j] / shift[t, 1]
            alpha[t, j] *= beta[0, j]
        for j in range(states):
            total = 0.0
            for k in range(states):
                x = transition[j, k] * beta[1, k]
                expected[j, k] += alpha[t - 1, j] * x
                total += x
            beta[0, j] = total
    for j in range(states):
        alpha[0, j] *= beta[0, j]


@kernel
def _maximise_emissions(o, gamma, means, variances, floors):
    """Write the weighted mean and variance of each state. At a floor the likelihood is still the best there is."""
    for j in range(len(means)):
        for d in range(DIMENSIONS):
            mass = 0.0
            total = 0.0
            for t in range(len(o)):
                if o[t, d] == o[t, d]:
                    mass += gamma[t, j]
                    total += gamma[t, j] * o[t, d]
            if mass > _LEAST_MASS:
                mean = total / mass
                total = 0.0
                for t in range(len(o)):
                    if o[t, d] == o[t, d]:
                        total += gamma[t, j] * (o[t, d] - mean) * (o[t, d] - mean)
                means[j, d] = mean
                variances[j, d] = max(total / mass, floors[d])


@kernel
def _maximise_transitions(gamma, expected, transition, first):
    """Write the transition probabilities and those of the first row."""
    states = len(transition)
    for j in range(states):
        first[j] = max(gamma[0, j], _LEAST_TRANSITION)
        total = 0.0
        for k in range(states):
            total += expected[j, k]
        if total > _LEAST_MASS:
            for k in range(states):
                transition[j, k] = max(expected[j, k] / total, _LEAST_TRANSITION)


@entry
def _expectation_maximisation(
    o, means, variances, transition, first, floors, likely, alpha, shift, beta, expected, trace
):
    """Run one iteration for each place in trace, and write there the log likelihood it began with.

    o: (n, 3).  means, variances: (s, 3).  transition, expected: (s, s).  likely, alpha: (n, s).  shift: (n, 2).
    beta: (2, s).
    """
    for k in range(len(trace)):
        _densities(o, means, variances, likely, shift)
        trace[k] = _forward(likely, transition, first, alpha, shift)
        _backward(likely, transition, alpha, shift, beta, expected)
        _maximise_emissions(o, alpha, means, variances, floors)
        _maximise_transitions(alpha, expected, transition, first)


def _sorted_model(
    means: Floats, variances: Floats, expected: Floats, fast_half_life: float, slow_half_life: float, trace: Any
) -> HmmModel:
    labels = [nearest_label(mean, fast_half_life) for mean in means]
    order = sorted(range(len(labels)), key=lambda j: (labels[j], means[j, 0], means[j, 1], j))
    return HmmModel(
        means[order],
        variances[order],
        expected[np.ix_(order, order)],
        tuple(labels[j] for j in order),
        fast_half_life,
        slow_half_life,
        tuple(float(value) for value in trace),
    )
