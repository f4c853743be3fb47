"""A hidden Markov model of regimes as a file: Gaussian emissions, transition evidence, the label of each state."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.math import exp_det, log_det
from alphatrade_runtime.perception.regime.labels import DISLOCATED
from alphatrade_runtime.policy.canonical import CanonicalError, canonical, read_canonical

Floats = npt.NDArray[np.float64]

SCHEMA = "alphatrade.regime-hmm/1"
STATES = 4  # the most a model has
DIMENSIONS = 3  # standardised return, log volatility ratio, spread z
# In the same order. A spread that never moves must not decide by the last digit of its variance, hence the large one.
VARIANCE_FLOORS = (0.02, 0.0025, 0.25)

FAST_HALF_LIFE, SLOW_HALF_LIFE = 50.0, 1_000.0  # decisions
BAR_FAST_HALF_LIFE, BAR_SLOW_HALF_LIFE = 10.0, 120.0  # bars: half a month and half a year of days

# Of both kinds (semantics §5): where each axis enters and leaves its outer labels.
ENTER, EXIT = 2.5, 1.25
CALM_ENTER, CALM_EXIT = 0.7, 0.85
STORM_ENTER, STORM_EXIT = 1.8, 1.4

_FAR = 1e300
_LN2 = 6.93147180559945286227e-01
_FIELDS = frozenset({
    "schema", "means", "variances", "evidence", "labels", "fast_half_life", "slow_half_life", "log_likelihood",
    "digest",
})  # fmt: skip


@dataclass(frozen=True, eq=False)
class HmmModel:
    """What a training left: the emissions that the running filter starts from and is anchored to.

    means, variances: (S, 3) float64, S of 2..4, diagonal: a missing dimension then drops out by itself, and four
    full matrices have more numbers than a night of one label can carry.  evidence: (S, S) expected transitions,
    counted at most once a window.  labels: one of the nine a state.  half-lives: of the observations, in decisions.
    log_likelihood: of the training, a value an iteration.
    """

    means: Floats
    variances: Floats
    evidence: Floats
    labels: tuple[int, ...]
    fast_half_life: float = FAST_HALF_LIFE
    slow_half_life: float = SLOW_HALF_LIFE
    log_likelihood: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("means", "variances", "evidence"):
            # + 0.0: a file has no negative zero, and a model read back must have the same bytes
            object.__setattr__(self, name, np.array(getattr(self, name), np.float64) + 0.0)
        check(self)

    @property
    def states(self) -> int:
        """Return how many states it has."""
        return len(self.labels)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of its canonical form."""
        return _digest(_facts(self))


def check(model: HmmModel) -> None:
    """Raise InputError when a field has another shape or a value that no filter can start from."""
    n = len(model.labels)
    if not 2 <= n <= STATES:
        raise InputError(f"regime model: labels: {n} states; train with 2 to {STATES}")
    for name, width in (("means", DIMENSIONS), ("variances", DIMENSIONS), ("evidence", n)):
        array = getattr(model, name)
        if array.shape != (n, width):
            raise InputError(f"regime model: {name}: shape {array.shape}, expected {(n, width)}; train it again")
        if not np.isfinite(array).all():
            raise InputError(f"regime model: {name}: a value is not finite; train it again")
    if not (model.variances >= np.array(VARIANCE_FLOORS)).all():
        raise InputError(f"regime model: variances: below the floors {VARIANCE_FLOORS}; train it again")
    if not (model.evidence >= 0.0).all():
        raise InputError("regime model: evidence: a count is negative; train it again")
    if any(label not in range(DISLOCATED) for label in model.labels):
        raise InputError(f"regime model: labels: {model.labels} are not all among the nine; train it again")
    check_half_lives(model.fast_half_life, model.slow_half_life)


def check_half_lives(fast: float, slow: float) -> None:
    """Raise InputError unless 1 <= fast < slow and both are finite."""
    if not (1.0 <= fast < slow and math.isfinite(slow)):
        raise InputError(f"regime: half-lives {fast} and {slow} decisions; give a fast one of 1 or more below the slow")


def rate_of(half_life: float) -> float:
    """Return the rate of an exponential mean that forgets half in so many decisions."""
    return 1.0 - float(exp_det(-_LN2 / half_life))


def mean_scale(half_life: float) -> float:
    """Return the deviation of an exponential mean of unit noise."""
    rate = rate_of(half_life)
    return math.sqrt(rate / (2.0 - rate))


def nearest_label(mean: Floats, fast_half_life: float) -> int:
    """Return the label whose centre is nearest to an emission mean.

    The centres are where v1 enters a label: t of -2.5, 0, 2.5 and ratios of 0.7, 1, 1.8. Half way between them
    lie v1's exits, so both versions mean the same by a label.
    """
    edges = _edges(fast_half_life)
    direction, volatility = (sum(float(mean[d]) > edge for edge in edges[d]) for d in range(2))
    return 3 * direction + volatility


def _edges(fast_half_life: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the edges between the labels, half way between their centres: of the mean return, of the log ratio."""
    drift = 0.5 * ENTER * mean_scale(fast_half_life)
    return (-drift, drift), (0.5 * float(log_det(CALM_ENTER)), 0.5 * float(log_det(STORM_ENTER)))


def cell(label: int, fast_half_life: float) -> tuple[list[float], list[float]]:
    """Return the least and greatest emission mean to which a label is the nearest, by dimension."""
    directions, ratios = ((-_FAR, *edges, _FAR) for edges in _edges(fast_half_life))
    direction, volatility = divmod(label, 3)
    return (
        [directions[direction], ratios[volatility], -_FAR],
        [directions[direction + 1], ratios[volatility + 1], _FAR],
    )


def default_model(fast_half_life: float = FAST_HALF_LIFE, slow_half_life: float = SLOW_HALF_LIFE) -> HmmModel:
    """Return the model for an instrument that no training has seen: bear, quiet, storm, bull.

    Bear and bull stand at twice the drift at which v1 enters them, so that half way to quiet is just that drift. It
    believes that a regime lasts 500 decisions, as if it had seen one window of them.
    """
    drift = 2.0 * ENTER * mean_scale(fast_half_life)
    storm = float(log_det(STORM_ENTER))
    means = np.array([[-drift, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, storm, 1.0], [drift, 0.0, 0.0]])
    variances = np.array([[1.0, 0.05, 1.0], [1.0, 0.05, 1.0], [3.0, 0.1, 4.0], [1.0, 0.05, 1.0]])
    labels = tuple(nearest_label(mean, fast_half_life) for mean in means)
    evidence = 500.0 * np.where(np.eye(4) > 0.0, 0.998, 0.002 / 3.0)
    return HmmModel(means, variances, evidence, labels, fast_half_life, slow_half_life)


def _facts(model: HmmModel) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "means": model.means.tolist(),
        "variances": model.variances.tolist(),
        "evidence": model.evidence.tolist(),
        "labels": list(model.labels),
        "fast_half_life": float(model.fast_half_life),
        "slow_half_life": float(model.slow_half_life),
        "log_likelihood": [float(value) for value in model.log_likelihood],
    }


def _digest(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(facts)).hexdigest()


def write_model(model: HmmModel) -> bytes:
    """Return a model's file: canonical JSON that carries its own digest."""
    facts = _facts(model)
    return canonical({**facts, "digest": _digest(facts)})


def read_model(data: bytes, expected: str | None = None) -> HmmModel:
    """Return the model of a file's bytes.

    expected: the digest that a policy names.  Raises InputError for another schema, shape, value or digest.
    """
    facts = _read(data)
    digest = facts.pop("digest")
    if digest != _digest(facts):
        raise InputError("regime model: digest: not that of its content; fetch the file again, or train it again")
    if expected is not None and digest != expected:
        raise InputError(f"regime model: digest {digest} where {expected} is expected; give the file that was pinned")
    try:
        arrays = [np.array(facts[name], np.float64) for name in ("means", "variances", "evidence")]
        labels = tuple(int(label) for label in facts["labels"])
        trace = tuple(float(value) for value in facts["log_likelihood"])
        fast, slow = float(facts["fast_half_life"]), float(facts["slow_half_life"])
    except (TypeError, ValueError):
        raise InputError("regime model: a field is not made of numbers of one shape; train it again") from None
    return HmmModel(arrays[0], arrays[1], arrays[2], labels, fast, slow, trace)


def _read(data: bytes) -> dict[str, Any]:
    try:
        facts = read_canonical(data)
    except CanonicalError as error:
        raise InputError(f"regime model: {error}; fetch the file again") from None
    if not isinstance(facts, dict) or facts.get("schema") != SCHEMA or set(facts) != _FIELDS:
        raise InputError(f"regime model: not of schema {SCHEMA}; train it with this version")
    return facts
