"""Differences in pairs: mean, 95% interval by bootstrap, and the smallest effect that could have been seen."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from arch.bootstrap import IIDBootstrap

SEEN = 2.8  # standard errors: seen in four of five repetitions at 5% (1.96 + 0.84)
Floats = npt.NDArray[np.float64]


def paired(differences: npt.ArrayLike, *, seed: int, repetitions: int) -> dict[str, Any]:
    """Sum up differences, one a tape or a fold. Differences that are all equal have no interval but their value."""
    found = np.asarray(differences, np.float64)
    n, mean = len(found), float(np.mean(found))
    error = float(np.std(found, ddof=1)) / math.sqrt(n)
    low, high = (mean, mean) if np.ptp(found) == 0.0 else _interval(found, seed, repetitions)
    return {"n": n, "mean": mean, "low": low, "high": high, "error": error, "seen": SEEN * error}


def _interval(found: Floats, seed: int, repetitions: int) -> tuple[float, float]:
    """Return the bias-corrected and accelerated 95% interval of the mean."""
    bootstrap = IIDBootstrap(found, seed=seed)
    low, high = bootstrap.conf_int(_mean, repetitions, method="bca")[:, 0]
    return float(low), float(high)


def _mean(values: Floats) -> Floats:
    return np.array([values.mean()])


def written(row: dict[str, Any], digits: int = 1) -> str:
    """Return a row as `metric [low, high]`."""
    return f"{row['mean']:+.{digits}f} [{row['low']:+.{digits}f}, {row['high']:+.{digits}f}]"
