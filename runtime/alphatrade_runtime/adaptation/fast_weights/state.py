"""Configuration and state of one instrument's fast weights (semantics §3)."""

import math
from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.math import exp_det

NEURONS = 512  # n
WIDTH = 32  # d
HEBB, DELTA = 1, 2
RULES = {"hebb": HEBB, "delta": DELTA}
HALF_LIFE = 700.0  # decisions
DELTA_STEP = 0.05
_LN2 = 0.6931471805599453

FAST_PARAMS_DTYPE = np.dtype(
    [("rule", "i8"), ("decay", "f8"), ("step", "f8"), ("clamp", "f8"), ("kappa", "f8"), ("gain", "f8")], align=True
)
"""decay: lambda a decision; step: beta at gate 1; clamp: R, a norm; kappa, gain: of the multipliers."""

FAST_DTYPE = np.dtype(
    [
        ("rho", "f8", (NEURONS, WIDTH)), ("c", "f8"), ("norm2", "f8"),
        ("good", "f8", (NEURONS, WIDTH)), ("good_c", "f8"), ("good_norm2", "f8"), ("good_at", "i8"),
        ("cursor", "i8"), ("lanes", "f8", (WIDTH,)), ("aim", "f8", (WIDTH,)),
        ("faults", "i8"), ("frozen", "i8"), ("writes", "i8"), ("decisions", "i8"),
    ],
    align=True,
)  # fmt: skip
"""rho: stored, the true one is c * rho; norm2: of the true one; good: the last good copy, of decision good_at;
cursor, lanes: squares of the rows below cursor, by column, in the pass under way; aim: scratch."""


def fast_params(rule: str = "hebb", half_life: float = HALF_LIFE, kappa: float = 0.0, gain: float = 1.0) -> Any:
    """Make the configuration, a record array of one."""
    if rule not in RULES:
        raise InputError(f"fast_weights.rule: {rule!r} is unknown; use one of {', '.join(RULES)}")
    if not 1.0 <= half_life <= 1e6:
        raise InputError(f"fast_weights.half_life: {half_life} is not in 1..1000000 decisions")
    p = np.zeros(1, FAST_PARAMS_DTYPE).view(np.recarray)
    decay = exp_det(-_LN2 / half_life)
    hebb = RULES[rule] == HEBB
    clamp = (1.01 if hebb else 8.0) * math.sqrt(WIDTH)
    p[0] = (RULES[rule], decay, 1.0 - decay if hebb else DELTA_STEP, clamp, kappa, gain)
    return p


def reset(s: Any) -> None:
    """Fill a record with the state of before the first decision."""
    for name in FAST_DTYPE.names or ():
        s[name] = 0
    s["c"] = 1.0
    s["good_c"] = 1.0
