"""Healthy ranges of the measures of a belief graph, and where a value lies."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from alphatrade_runtime.market.faults import InputError

Verdict = Literal["ok", "low", "high", "unknown"]
MIN_BASELINE = 30
_DEVIATIONS = 4.0


class Band(NamedTuple):
    """A range, ends included."""

    low: float
    high: float


class Row(NamedTuple):
    """One measure, its range, and where it lies; unknown where the graph has no such measure."""

    metric: str
    value: float
    low: float
    high: float
    verdict: Verdict


BANDS: Mapping[str, Band] = {
    "Modularity": Band(0.15, 0.85),
    "ModularityZ": Band(2.0, math.inf),
    "DegreeExponent": Band(1.5, 4.0),
    "Gini": Band(0.25, math.inf),
    "CoreShare": Band(0.02, 0.35),
    "DeadNeurons": Band(-math.inf, 0.5),
    "CodeCosine": Band(-math.inf, 0.9),
    "EffectiveRank": Band(4.0, math.inf),
}
"""Where there is no baseline yet: semantics §8. The names are those of the Reflection resource."""


def judge(metrics: Mapping[str, float], bands: Mapping[str, Band] = BANDS) -> tuple[Row, ...]:
    """Hold every measure against its band, in the order of the bands."""
    return tuple(
        Row(name, metrics[name], band.low, band.high, _verdict(metrics[name], band)) for name, band in bands.items()
    )


def _verdict(value: float, band: Band) -> Verdict:
    if math.isnan(value):
        return "unknown"
    if value < band.low:
        return "low"
    return "high" if value > band.high else "ok"


def baseline_bands(runs: Sequence[Mapping[str, float]]) -> dict[str, Band]:
    """Return the bands of a baseline: median and 4 median absolute deviations to both sides.

    A measure that a run lacks (NaN) is passed over there. Raises InputError with fewer than 30 values of a measure.
    """
    return {name: _around(name, [run[name] for run in runs]) for name in BANDS}


def _around(name: str, given: Sequence[float]) -> Band:
    values = np.array([value for value in given if math.isfinite(value)])
    if len(values) < MIN_BASELINE:
        raise InputError(f"graph baseline: {len(values)} runs with {name}; a band needs {MIN_BASELINE} or more")
    middle = float(np.median(values))
    width = _DEVIATIONS * float(np.median(np.abs(values - middle)))
    return Band(middle - width, middle + width)
