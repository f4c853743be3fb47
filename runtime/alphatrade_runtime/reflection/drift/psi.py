"""How far the features have moved from the distribution that they had at first: PSI, and shifts by feature.

Ten bins of standardised features, half a standard deviation each, the outer ones open. The first `reference_n`
decisions are the reference; after it each window of `window` decisions gives one value of the sentry's PSI stream:
the largest of the features' PSI = sum (p - q) ln(p / q), with half a count in each bin so that none is empty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphatrade_runtime.numerics.jit import entry, inlined, kernel
from alphatrade_runtime.numerics.math import INF, NAN, log_det

MAX_FEATURES = 64
BINS = 10
_LOW = -2.5
_PER_SD = 2.0

# mean_n, mean_sum: of the window mean under way.  before, now: counts by feature and bin; latest: those of the last
# full window.  sums: of z, clipped at 8.
SHIFT_DTYPE = np.dtype(
    [
        ("mean_n", "i8"), ("mean_sum", "f8"), ("reference_n", "i8"), ("window", "i8"), ("n_before", "i8"),
        ("n_now", "i8"), ("windows", "i8"),
        ("before", "i8", (MAX_FEATURES, BINS)), ("now", "i8", (MAX_FEATURES, BINS)),
        ("latest", "i8", (MAX_FEATURES, BINS)), ("sum_before", "f8", (MAX_FEATURES,)),
        ("sum_now", "f8", (MAX_FEATURES,)), ("sum_latest", "f8", (MAX_FEATURES,)), ("psi", "f8", (MAX_FEATURES,)),
    ],
    align=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FeatureShift:
    """One feature: Kolmogorov-Smirnov distance of its bins, and the move of its mean in standard deviations."""

    name: str
    ks: float
    delta_sigma: float
    psi: float


def reset(s: Any, *, reference_n: int = 1_000, window: int = 100) -> None:
    """Fill a zeroed record of SHIFT_DTYPE."""
    s.reference_n, s.window = reference_n, window


@inlined
def _psi_of(s, f):
    """PSI of feature f over the window that is full."""
    p_all = 1.0 / (s.n_before + 0.5 * BINS)
    q_all = 1.0 / (s.n_now + 0.5 * BINS)
    total = 0.0
    for b in range(BINS):
        p = (s.before[f, b] + 0.5) * p_all
        q = (s.now[f, b] + 0.5) * q_all
        total += (p - q) * log_det(p / q)
    return total


@kernel
def _close_window(s, m):
    """Return the largest PSI of the m features, and begin the next window."""
    worst = 0.0
    for f in range(m):
        s.psi[f] = _psi_of(s, f)
        worst = max(worst, s.psi[f])
        s.sum_latest[f] = s.sum_now[f]
        s.sum_now[f] = 0.0
        for b in range(BINS):
            s.latest[f, b] = s.now[f, b]
            s.now[f, b] = 0
    s.n_now = 0
    s.windows += 1
    return worst


@entry
def count_features(s, z, m):
    """Count one decision's m standardised features, float64[m]; return PSI when it fills a window, else NaN.

    A NaN counts as the middle, as it does in the belief; an infinity as the outermost.
    """
    first = s.n_before < s.reference_n
    for f in range(m):
        x = z[f] if -INF <= z[f] <= INF else 0.0
        x = min(max(x, -8.0), 8.0)
        b = int(min(max((x - _LOW) * _PER_SD, 0.0), BINS - 1.0))
        if first:
            s.before[f, b] += 1
            s.sum_before[f] += x
        else:
            s.now[f, b] += 1
            s.sum_now[f] += x
    if first:
        s.n_before += 1
        return NAN
    s.n_now += 1
    return _close_window(s, m) if s.n_now >= s.window else NAN


@entry
def window_mean(s, value):
    """Add one decision's value; return the mean of a full window, else NaN. What is no number is left out.

    For what is measured at every decision, such as belief surprise: neighbours are alike, and the detectors' rates of
    false alerts are for observations that are not.
    """
    if not (-INF < value < INF):
        return NAN
    s.mean_n += 1
    s.mean_sum += value
    if s.mean_n < s.window:
        return NAN
    mean = s.mean_sum / s.mean_n
    s.mean_n = 0
    s.mean_sum = 0.0
    return mean


def top_shifts(s: Any, names: Sequence[str], most: int = 5) -> tuple[FeatureShift, ...]:
    """Return the features that moved furthest by KS in the last full window; none before there was one."""
    if s.windows == 0:
        return ()
    n = len(names)
    before = np.cumsum(np.asarray(s.before)[:n], axis=1) / int(s.n_before)
    latest = np.cumsum(np.asarray(s.latest)[:n], axis=1) / int(s.window)
    ks = np.abs(before - latest).max(axis=1)
    delta = np.asarray(s.sum_latest)[:n] / int(s.window) - np.asarray(s.sum_before)[:n] / int(s.n_before)
    order = sorted(range(n), key=lambda f: (-ks[f], names[f]))[:most]
    return tuple(FeatureShift(names[f], float(ks[f]), float(delta[f]), float(s.psi[f])) for f in order)
