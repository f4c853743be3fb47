"""Train the readout of the slow weights offline, on purged and embargoed folds, and export them.

    train_slow_weights(path, latents, forward_returns(mids, 10), horizon=10)

Latents come from recorded snapshots (`latents_of`), from a table of features (`encode`), or from whoever can read
the memory: any (n, 32) that the running step will offer to the readout. Same input, same bytes.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.perception.belief import belief, standardise
from alphatrade_runtime.perception.belief.folds import purged_folds
from alphatrade_runtime.perception.belief.readout import METHODS, Floats, fit_ridge, fit_rls, predict
from alphatrade_runtime.perception.belief.shape import MAX_INPUTS, NEURONS, STORED, WIDTH
from alphatrade_runtime.perception.belief.weights import MAX_HORIZON, save_weights, seeded_weights

_standardise = standardise.standardise
_believe = belief.believe


@dataclass(frozen=True, slots=True)
class Training:
    """How to train. horizon, embargo: rows; ridge: penalty, in units of a row's square; forgetting: a row, RLS."""

    horizon: int
    embargo: int = 0
    folds: int = 5
    method: str = "ridge"
    ridge: float = 100.0
    forgetting: float = 1.0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"training method {self.method}: choose one of {', '.join(METHODS)}")
        if not 1 <= self.horizon <= MAX_HORIZON:
            raise InputError(f"training horizon {self.horizon}: a return looks 1 to {MAX_HORIZON} rows ahead")
        if not (math.isfinite(self.ridge) and self.ridge > 0.0):
            raise InputError(f"training ridge {self.ridge}: must be finite and above 0, such as 100")
        if not 0.9 <= self.forgetting <= 1.0:
            raise InputError(f"training forgetting {self.forgetting}: must be 0.9 to 1")


@dataclass(frozen=True, slots=True)
class FoldFigures:
    """Out-of-sample figures of one fold.

    r2: against the training mean; ic: correlation; hit: share of right signs, of returns that are not 0.
    """

    train: int
    test: int
    r2: float
    ic: float
    hit: float


@dataclass(frozen=True, slots=True)
class Trained:
    """weights: float64[33], intercept last, from all rows; folds: figures of fits that never saw their test rows.

    spread_bps: root mean square of what those fits missed by.
    """

    weights: Floats
    folds: tuple[FoldFigures, ...]
    spread_bps: float


def forward_returns(mids: npt.ArrayLike, horizon: int) -> Floats:
    """Return the change over the next `horizon` rows in bps; NaN where it is not known."""
    prices = np.asarray(mids, np.float64)
    returns = np.full(prices.size, math.nan)
    now, later = prices[:-horizon], prices[horizon:]
    known = (now > 0.0) & (later > 0.0)  # a NaN is not
    returns[: now.size][known] = (later[known] / now[known] - 1.0) * 1e4
    return returns


def latents_of(snapshots: npt.NDArray[np.void]) -> Floats:
    """Return the values v of recorded snapshots, (n, 32)."""
    return np.ascontiguousarray(snapshots["v"], np.float64)


@entry
def _encode(weights, state, record, x, n, k, z, raw, out, ready):
    """Run standardiser and belief over a table, row by row."""
    for r in range(x.shape[0]):
        _standardise(state, x[r], n, z, raw)
        _believe(weights, record, z, n, k)
        for d in range(WIDTH):
            out[r, d] = record.v[d]
        ready[r] = state.ready != 0


def encode(weights: Any, features: npt.ArrayLike, floors: Sequence[float], half_life: float, k: int = STORED) -> Floats:
    """Return the value v of each row of a features table as the running step forms it, (n, 32); NaN until it is ready.

    features: (n, m), ordered by time, NaN where unknown.  floors: m.
    """
    table = np.asarray(features, np.float64)
    if table.ndim != 2 or table.shape[1] != len(floors) or table.shape[1] != int(weights["inputs"]):
        raise InputError(
            f"features table of shape {table.shape}: needs a column for each of {len(floors)} floors "
            f"and of the {int(weights['inputs'])} inputs of the weights"
        )
    if not 1 <= k <= NEURONS:
        raise InputError(f"active neurons {k}: use 1 to {NEURONS}")
    state = np.zeros(1, standardise.STANDARD_DTYPE).view(np.recarray)[0]
    record = np.zeros(1, belief.BELIEF_DTYPE).view(np.recarray)[0]
    standardise.reset(state, floors, half_life)
    belief.reset(record)
    x = np.zeros((table.shape[0], MAX_INPUTS))
    x[:, : table.shape[1]] = table
    out, ready = np.zeros((table.shape[0], WIDTH)), np.zeros(table.shape[0], np.bool_)
    _encode(weights, state, record, x, table.shape[1], k, np.zeros(MAX_INPUTS), np.zeros(MAX_INPUTS), out, ready)
    out[~ready] = math.nan
    return out


def _fit(x: Floats, y: Floats, rows: npt.NDArray[np.int64], how: Training) -> Floats:
    if how.method == "rls":
        return fit_rls(x, y, rows, how.ridge, how.forgetting)
    return fit_ridge(x, y, rows, how.ridge)


def _figures(y: Floats, predicted: Floats, mean: float, train: int) -> FoldFigures:
    """Compare; sums by fsum, exact, so that the figures are the same on every host."""
    n = y.size
    error = math.fsum((y - predicted) ** 2)
    plain = math.fsum((y - mean) ** 2)
    dy, dp = y - math.fsum(y) / n, predicted - math.fsum(predicted) / n
    spread = math.sqrt(math.fsum(dy * dy) * math.fsum(dp * dp))
    moved = int(np.count_nonzero(y))
    return FoldFigures(
        train=train,
        test=n,
        r2=1.0 - error / plain if plain > 0.0 else 0.0,
        ic=math.fsum(dy * dp) / spread if spread > 0.0 else 0.0,
        hit=float(np.count_nonzero(y * predicted > 0.0)) / moved if moved else 0.0,
    )


def train_readout(latents: npt.ArrayLike, returns: npt.ArrayLike, how: Training) -> Trained:
    """Fit the readout. latents: (n, 32) by time.  returns: (n,) bps. Rows with a NaN are left out, not moved up.

    Raises InputError for shapes that do not fit and for a fold without rows.
    """
    x, y = np.ascontiguousarray(latents, np.float64), np.ascontiguousarray(returns, np.float64)
    if x.ndim != 2 or x.shape[1] != WIDTH or y.shape != (x.shape[0],):
        raise InputError(f"latents {x.shape} and returns {y.shape}: need (n, {WIDTH}) and (n,), a return for each row")
    known = np.isfinite(x).all(axis=1) & np.isfinite(y)
    figures, missed = [], []
    for k, fold in enumerate(purged_folds(y.size, how.folds, how.horizon, how.embargo)):
        train, test = fold.train[known[fold.train]], fold.test[known[fold.test]]
        if train.size < 2 or test.size == 0:
            raise InputError(f"fold {k} has {train.size} known rows to train on, {test.size} to test; give more rows")
        predicted = predict(x, test, _fit(x, y, train, how))
        missed.append((y[test] - predicted) ** 2)
        figures.append(_figures(y[test], predicted, math.fsum(y[train]) / train.size, train.size))
    weights = _fit(x, y, np.flatnonzero(known).astype(np.int64), how)
    if not np.isfinite(weights).all():
        raise InputError("training: the readout is not finite; use a stronger ridge or scale the returns")
    spread = math.sqrt(math.fsum(np.concatenate(missed)) / sum(part.size for part in missed))
    if not 0.0 < spread < math.inf:
        raise InputError("training: returns that never miss what was expected of them give no odds; give real ones")
    return Trained(weights, tuple(figures), spread)


def train_slow_weights(
    path: str | os.PathLike[str],
    latents: npt.ArrayLike,
    returns: npt.ArrayLike,
    how: Training,
    *,
    seed: int,
    inputs: int,
    horizon: int | None = None,
    meta: Mapping[str, Any] | None = None,
) -> tuple[str, Trained]:
    """Train the readout on top of the seeded weights, write the npz, and return its digest and the figures.

    seed, inputs: of the weights that made the latents.  horizon: decisions that a return looks ahead, where rows of
    several instruments follow one another; how.horizon is then in rows. The file's meta tells how it was trained and
    its figures.
    """
    trained = train_readout(latents, returns, how)
    record = seeded_weights(seed, inputs)
    record["readout"] = trained.weights[:WIDTH]
    record["bias"] = trained.weights[WIDTH]
    record["horizon"], record["spread_bps"] = horizon or how.horizon, trained.spread_bps
    told = {"seed": seed, "training": asdict(how), "folds": [asdict(fold) for fold in trained.folds], **(meta or {})}
    return save_weights(path, record, told), trained
