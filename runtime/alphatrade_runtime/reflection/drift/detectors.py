"""Change detectors on one standardised stream: Page-Hinkley, CUSUM and a rule for single shocks (semantics §6).

Page-Hinkley and CUSUM see w = clip(z, ±3), so that a heavy tail costs no false alarms; the shock rule sees z itself.
PH = m - min m is kept as max(0, PH + step): the same number, and it does not run away; where it is 0 is the argmin
of m, after which the change is thought to lie. Sources: Page 1954; Hinkley 1971; Siegmund 1985, ch. 2.
"""

from enum import IntEnum, IntFlag
from typing import Any

import numpy as np

from alphatrade_runtime.numerics.jit import hot, kernel
from alphatrade_runtime.numerics.math import INF


class Detector(IntEnum):
    NONE = 0
    PH_UP = 1
    PH_DOWN = 2
    CUSUM_UP = 3
    CUSUM_DOWN = 4
    SHOCK = 5


class Use(IntFlag):
    """Which rules are asked."""

    PAGE_HINKLEY = 1
    CUSUM = 2
    SHOCK = 4


NONE, WARN, ALERT = range(3)
SUMS = 4  # the detectors that add up, by their code less 1; the upward ones are even
_KINDS = SUMS + 1

# Thresholds in standard deviations of the reference. ph_min: observations before Page-Hinkley is asked.
DETECTOR_PARAMS_DTYPE = np.dtype(
    [
        ("clip_at", "f8"), ("ph_delta", "f8"), ("ph_warn", "f8"), ("ph_alert", "f8"), ("ph_min", "i8"),
        ("cusum_k", "f8"), ("cusum_warn", "f8"), ("cusum_alert", "f8"), ("shock", "f8"), ("use", "i8"),
    ],
    align=True,
)  # fmt: skip

# n, total, squares: observations since the reset, sum of w and of w*w; masked: NaN and infinities, not counted in n.
# g: PH up, PH down, CUSUM up, CUSUM down.  at, n_at, ...: of the last observation before the change that each would
# tell of, by its code less 1: where its g was 0, and for the shock the one before it.
# statistic, threshold, detector, side: what the latest verdict other than 0 rests on; side +1 up, -1 down.
DETECTOR_DTYPE = np.dtype(
    [
        ("n", "i8"), ("masked", "i8"), ("average", "f8"), ("total", "f8"), ("squares", "f8"),
        ("g", "f8", (SUMS,)), ("at", "i8", (_KINDS,)), ("n_at", "i8", (_KINDS,)), ("total_at", "f8", (_KINDS,)),
        ("squares_at", "f8", (_KINDS,)), ("last_at", "i8"), ("statistic", "f8"), ("threshold", "f8"),
        ("detector", "i8"), ("side", "i8"),
    ],
    align=True,
)  # fmt: skip

_PH_UP, _PH_DOWN, _CUSUM_UP, _CUSUM_DOWN = range(SUMS)
_PH = int(Use.PAGE_HINKLEY)
_CUSUM = int(Use.CUSUM)
_SHOCK_RULE = int(Use.SHOCK)
_SHOCK = int(Detector.SHOCK)


def set_params(
    p: Any,
    *,
    clip: float = 3.0,
    ph_delta: float = 0.25,
    ph_warn: float = 12.0,
    ph_alert: float = 20.0,
    ph_min: int = 30,
    cusum_k: float = 0.5,
    cusum_warn: float = 6.0,
    cusum_alert: float = 10.0,
    shock: float = 12.0,
    use: int = Use.PAGE_HINKLEY | Use.CUSUM | Use.SHOCK,
) -> None:
    """Fill a record of DETECTOR_PARAMS_DTYPE; the defaults are those of semantics §6."""
    p.clip_at, p.ph_delta, p.ph_warn, p.ph_alert, p.ph_min = clip, ph_delta, ph_warn, ph_alert, ph_min
    p.cusum_k, p.cusum_warn, p.cusum_alert, p.shock, p.use = cusum_k, cusum_warn, cusum_alert, shock, int(use)


@hot
def _keep(d, k, at):
    """Note that a change, if detector k tells of one, comes after this observation."""
    d.at[k] = at
    d.n_at[k] = d.n
    d.total_at[k] = d.total
    d.squares_at[k] = d.squares


@hot
def _add(d, k, step, at):
    g = d.g[k] + step
    if g > 0.0:
        d.g[k] = g
    else:
        d.g[k] = 0.0
        _keep(d, k, at)


@kernel
def restart(d, at):
    """Forget all observations; `at` is where the stream stands. What the last verdict rests on stays readable."""
    d.n = 0
    d.average = 0.0
    d.total = 0.0
    d.squares = 0.0
    d.last_at = at
    for k in range(SUMS):
        d.g[k] = 0.0
    for k in range(_KINDS):
        _keep(d, k, at)


@hot
def _raise_level(d, p, k, level, adverse, two_sided):
    """Ask detector k; return the higher of its level and the given one, and note what it rests on."""
    up = k == _PH_UP or k == _CUSUM_UP
    if two_sided == 0 and up != (adverse > 0):
        return level
    family = _PH if k == _PH_UP or k == _PH_DOWN else _CUSUM
    if (p.use & family) == 0 or (family == _PH and d.n < p.ph_min):
        return level
    warn = p.ph_warn if family == _PH else p.cusum_warn
    alert = p.ph_alert if family == _PH else p.cusum_alert
    found = ALERT if d.g[k] >= alert else (WARN if d.g[k] >= warn else NONE)
    if found > level:
        d.statistic = d.g[k]
        d.threshold = alert if found == ALERT else warn
        d.detector = k + 1
        d.side = 1 if up else -1
        return found
    return level


@hot
def _shock(d, p, z, adverse):
    """Ask the shock rule, before the observation is counted."""
    if (p.use & _SHOCK_RULE) == 0 or z * adverse < p.shock:
        return NONE
    _keep(d, _SHOCK - 1, d.last_at)
    d.statistic = z
    d.threshold = p.shock * adverse
    d.detector = _SHOCK
    d.side = adverse
    return ALERT


@kernel
def detect(d, p, z, adverse, two_sided, at):
    """Take one observation; return NONE, WARN or ALERT.

    z: standardised by the reference; NaN and infinities are counted and left out.
    adverse: +1 when a high value is bad, -1 when a low one is.  two_sided: 0 asks the adverse direction only.
    at: where the stream stands, such as a sequence number; kept for the estimate of the change point.
    """
    if not (-INF < z < INF):
        d.masked += 1
        return NONE
    w = min(max(z, -p.clip_at), p.clip_at)
    level = _shock(d, p, z, adverse)
    d.n += 1
    d.total += w
    d.squares += w * w
    d.average += (w - d.average) / d.n
    _add(d, _PH_UP, w - d.average - p.ph_delta, at)
    _add(d, _PH_DOWN, d.average - w - p.ph_delta, at)
    _add(d, _CUSUM_UP, w - p.cusum_k, at)
    _add(d, _CUSUM_DOWN, -w - p.cusum_k, at)
    for k in range(SUMS - 1, -1, -1):  # CUSUM first: it is the quicker one
        level = _raise_level(d, p, k, level, adverse, two_sided)
    d.last_at = at
    return level


@hot
def change_of(d):
    """Return what the latest verdict says came before the change: (at, n, total, squares)."""
    k = d.detector - 1
    return d.at[k], d.n_at[k], d.total_at[k], d.squares_at[k]
