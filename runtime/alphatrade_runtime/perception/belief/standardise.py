"""Features to common scale: running mean and mean absolute deviation, robust to what explodes (semantics §2).

A feature starts with the median and mean absolute deviation of its first 200 finite values; until then its z is 0.
A value that is no number is masked: z = 0, nothing is learnt from it, its fault bit is set. One beyond 8 scales counts
as 8, and its bit is set among those that explode; one that has not moved for 200 decisions says nothing, and has its
bit among the constant ones.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.numerics.math import exp_det
from alphatrade_runtime.perception.belief.shape import MAX_INPUTS

START = 200  # finite values a feature starts from
UNMOVED = 200  # decisions in a row with the same value after which a feature counts as constant
PATIENCE = 400  # decisions after which features that never came hold nobody up
HALF_LIFE = 2_000.0  # decisions
CLIP = 8.0
LARGEST = 1e100  # larger values count as this: squares and sums stay finite
SMALLEST_FLOOR = 1e-100

STANDARD_DTYPE = np.dtype(
    [
        ("m", "f8", (MAX_INPUTS,)), ("s", "f8", (MAX_INPUTS,)), ("floor", "f8", (MAX_INPUTS,)),
        ("count", "i8", (MAX_INPUTS,)), ("start", "f8", (START, MAX_INPUTS)), ("alpha", "f8"), ("decisions", "i8"),
        ("ready", "i8"), ("latest", "f8", (MAX_INPUTS,)), ("unmoved", "i8", (MAX_INPUTS,)), ("exploding", "i8"),
        ("constant", "i8"),
    ],
    align=True,
)  # fmt: skip
"""One instrument's standardiser: m, s, floor in units of the feature; count: finite values so far, up to START;
start: the first values, sorted; alpha: share a decision moves; ready: 1 once beliefs may be acted upon; latest: value
of the last decision that had one; unmoved: for how many it has been that; exploding, constant: a bit a feature, of this
decision."""

_NORMAL = 1.2533  # sd / mean absolute deviation of a Gaussian
_LN2 = 0.6931471805599453
_BULK = START - START // 20
_ONE = np.int64(1)


def rate(half_life: float) -> float:
    """Return alpha = 1 - 2 ** (-1 / half_life), half_life in decisions."""
    if not (math.isfinite(half_life) and half_life >= 1.0):
        raise InputError(f"belief half-life {half_life}: must be a finite number of decisions, at least 1")
    return float(1.0 - exp_det(-_LN2 / half_life))


def reset(record: Any, floors: Sequence[float] | npt.NDArray[np.float64], half_life: float = HALF_LIFE) -> None:
    """Forget everything. floors: the least scale of each feature, in its own unit, at most 64."""
    if len(floors) > MAX_INPUTS:
        raise InputError(f"belief features: {len(floors)} given; at most {MAX_INPUTS} fit, take some out")
    for i, floor in enumerate(floors):
        if not SMALLEST_FLOOR <= floor <= LARGEST:
            raise InputError(f"belief feature {i}: floor {floor}; give a positive finite scale, such as 0.1 tick")
    alpha = rate(half_life)
    for name in ("m", "s", "count", "start", "decisions", "ready", "latest", "unmoved", "exploding", "constant"):
        record[name] = 0
    record["floor"] = 1.0
    record["floor"][: len(floors)] = floors
    record["alpha"] = alpha


@inlined
def _limited(x, most):
    return max(min(x, most), -most)


@inlined
def _stands_still(s, i, f):
    """Count the decisions at which feature i has not moved; tell whether they are so many that it is constant."""
    s.unmoved[i] = s.unmoved[i] + 1 if f == s.latest[i] else 0
    s.latest[i] = f
    return s.unmoved[i] >= UNMOVED


@kernel
def _bulk_scale(s, i, median):
    """Return the scale of the 95% of feature i's start that are nearest to its median."""
    low = 0
    high = START - 1
    while high - low + 1 > _BULK:  # sorted: the farthest is at one of the ends
        if median - s.start[low, i] > s.start[high, i] - median:
            low += 1
        else:
            high -= 1
    total = 0.0
    for k in range(low, high + 1):
        total += abs(s.start[k, i] - median)
    return max(_NORMAL * (total * (1.0 / _BULK)), s.floor[i])


@kernel
def _start(s, i):
    """Set m and s of feature i; what lies beyond 8 scales of the bulk counts as 8, as it will from now on."""
    median = (s.start[START // 2 - 1, i] + s.start[START // 2, i]) * 0.5
    most = CLIP * _bulk_scale(s, i, median)
    total = 0.0
    for k in range(START):
        total += min(abs(s.start[k, i] - median), most)
    s.m[i] = median
    s.s[i] = total * (1.0 / START)


@kernel
def _collect(s, i, f):
    """Insert one of the first values of feature i, in order of size."""
    k = s.count[i]
    while k > 0 and s.start[k - 1, i] > f:
        s.start[k, i] = s.start[k - 1, i]
        k -= 1
    s.start[k, i] = f
    s.count[i] += 1
    if s.count[i] == START:
        _start(s, i)


@kernel
def _settle(s, n):
    """Become ready when all n features have started, or after a while without those that did not come."""
    started = 0
    for i in range(n):
        if s.count[i] >= START:
            started += 1
    if started == n or (started > 0 and s.decisions >= PATIENCE):
        s.ready = 1


@kernel
def standardise(s, x, n, z, raw):
    """Standardise n features and learn from them; return the bits of the features that are missing.

    s: STANDARD_DTYPE record.  x: float64[64], NaN or infinite where unknown.
    z: float64[64] out, in [-8, 8], 0 from n on.  raw: float64[64] out, not clipped, taken before m and s move.
    s.exploding and s.constant have the bits of the features that are that at this decision.
    """
    faults = _ONE - _ONE
    exploding = _ONE - _ONE
    constant = _ONE - _ONE
    for i in range(n):
        f = x[i]
        z[i] = 0.0
        raw[i] = 0.0
        if not abs(f) < math.inf:
            faults |= _ONE << np.int64(i)
            continue
        if abs(f) > LARGEST:
            exploding |= _ONE << np.int64(i)
        f = _limited(f, LARGEST)
        if _stands_still(s, i, f):
            constant |= _ONE << np.int64(i)
        if s.count[i] < START:
            _collect(s, i, f)
            continue
        m = s.m[i]
        scale = max(_NORMAL * s.s[i], s.floor[i])
        raw[i] = (f - m) / scale
        z[i] = _limited(raw[i], CLIP)
        if abs(raw[i]) > CLIP:
            exploding |= _ONE << np.int64(i)
        w = max(min(f, m + CLIP * scale), m - CLIP * scale)
        s.m[i] = m + s.alpha * (w - m)
        s.s[i] += s.alpha * (abs(w - m) - s.s[i])
    for i in range(n, MAX_INPUTS):
        z[i] = 0.0
        raw[i] = 0.0
    s.exploding = exploding
    s.constant = constant
    s.decisions += 1
    if s.ready == 0:
        _settle(s, n)
    return faults
