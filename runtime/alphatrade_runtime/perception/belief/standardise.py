"""Features as deviations from their own recent past, on the decision clock (semantics §2).

Centre and mean absolute deviation move by what is clipped at 8 scales, so no value however large can poison them. They
start as the median and the mean absolute deviation of a feature's first 200 values.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.numerics.math import INF, exp_det
from alphatrade_runtime.perception.belief.shape import MAX_INPUTS

FIRST = 200  # values of a feature that its start is made of
CLIP = 8.0
_MEAN_ABS_TO_SD = 1.2533141373155001  # sqrt(pi / 2), of a normal
_LN2 = 0.6931471805599453

# rate: of centre and deviation, a decision.  floor: least scale, in the feature's unit.  seen: values of a feature,
# up to FIRST.  ready: 1 every feature that is known at all has its start.  masked: values left out so far.
STANDARD_DTYPE = np.dtype(
    [
        ("rate", "f8"), ("decisions", "i8"), ("ready", "i8"), ("masked", "i8"),
        ("centre", "f8", (MAX_INPUTS,)), ("deviation", "f8", (MAX_INPUTS,)), ("floor", "f8", (MAX_INPUTS,)),
        ("seen", "i8", (MAX_INPUTS,)), ("first", "f8", (MAX_INPUTS, FIRST)), ("sorted", "f8", (FIRST,)),
    ],
    align=True,
)  # fmt: skip


def reset(s: Any, floors: Sequence[float], half_life: int) -> None:
    """Make a zeroed record of STANDARD_DTYPE ready. half_life: decisions. Raises InputError."""
    if half_life < 1:
        raise InputError(f"belief.half_life: {half_life} is below 1 decision; raise it")
    if len(floors) > MAX_INPUTS or any(not 0.0 < floor < INF for floor in floors):
        raise InputError(f"belief: give at most {MAX_INPUTS} features, each with a least scale above 0")
    s.rate = 1.0 - float(exp_det(-_LN2 / half_life))
    s.floor[: len(floors)] = floors


@kernel
def _start(s, f):
    """Set centre and deviation of a feature from its first values."""
    for k in range(FIRST):
        x = s.first[f, k]
        at = k
        while at > 0 and s.sorted[at - 1] > x:
            s.sorted[at] = s.sorted[at - 1]
            at -= 1
        s.sorted[at] = x
    middle = FIRST // 2
    centre = 0.5 * s.sorted[middle - 1] + 0.5 * s.sorted[middle]
    total = 0.0
    for k in range(FIRST):
        total += min(abs(s.first[f, k] - centre), 1e150) * (1.0 / FIRST)
    s.centre[f] = centre
    s.deviation[f] = total


@kernel
def _collect(s, f, x):
    s.first[f, s.seen[f]] = min(max(x, -1e150), 1e150)
    s.seen[f] += 1
    if s.seen[f] == FIRST:
        _start(s, f)


@kernel
def standardise(s, x, n, z, raw):
    """Write the first n features of x as deviations; return a bit for each that was masked.

    x, z, raw: float64[64]. raw is taken before the move, z is raw clipped at 8. NaN and infinities give 0, move nothing
    and set their bit. A feature without its first values is 0.
    """
    faults = 0
    waiting = 0
    s.decisions += 1
    for f in range(n):
        z[f] = 0.0
        raw[f] = 0.0
        if not (-INF < x[f] < INF):
            faults |= 1 << f
            s.masked += 1
            continue
        if s.seen[f] < FIRST:
            _collect(s, f, x[f])
            waiting += 1
            continue
        scale = max(_MEAN_ABS_TO_SD * s.deviation[f], s.floor[f])
        reach = CLIP * scale
        raw[f] = min(max((x[f] - s.centre[f]) / scale, -1e150), 1e150)
        z[f] = min(max(raw[f], -CLIP), CLIP)
        w = min(max(x[f], s.centre[f] - reach), s.centre[f] + reach)
        s.deviation[f] += s.rate * (abs(w - s.centre[f]) - s.deviation[f])
        s.centre[f] += s.rate * (w - s.centre[f])
    if s.ready == 0 and waiting == 0 and s.decisions > FIRST:
        s.ready = 1
    return faults
