"""What fast weights are configured by, and all that they hold of one instrument."""

from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.math import exp_det
from alphatrade_runtime.perception.belief.shape import NEURONS, WIDTH

HEBB, DELTA = 1, 2
RULES = {"hebb": HEBB, "delta": DELTA}
HALF_LIFE = 700  # decisions
GOOD_EVERY = 256  # decisions between two copies to go back to
# Decisions of an instrument between two snapshots for its graph. A write takes half a millisecond: at every 1,024th it
# was the 99.9th percentile of a decision's latency (P5a-mind).
SNAPSHOT_EVERY = 2_048
_LN2 = 0.6931471805599453
_SLACK = 1.01  # above what Hebb's rule can reach: a norm at the bound is a fault
_DELTA_STEP, _DELTA_CLAMP = 0.05, 8.0
_ROOT = WIDTH**0.5

# keep: what a decision leaves of rho.  step: weight of a decision's product.  bound: of the Frobenius norm; for Hebb's
# rule a fault, for delta's rho is scaled back to it.  kappa: how far a multiplier may be from 1.  every: decisions
# between two snapshots.
FAST_PARAMS_DTYPE = np.dtype(
    [("rule", "i8"), ("keep", "f8"), ("step", "f8"), ("bound", "f8"), ("kappa", "f8"), ("every", "i8")], align=True
)

# rho * scale are the weights: decay moves the scale alone.  squares: by row, of rho without the scale.  total: their
# sum.  norm: of the weights.  good, good_*: the copy to go back to.  frozen: 1 nothing is written any more.
FAST_DTYPE = np.dtype(
    [
        ("scale", "f8"), ("total", "f8"), ("norm", "f8"), ("good_scale", "f8"), ("good_total", "f8"),
        ("decisions", "i8"), ("writes", "i8"), ("clamps", "i8"), ("faults", "i8"), ("frozen", "i8"),
        ("squares", "f8", (NEURONS,)), ("good_squares", "f8", (NEURONS,)),
        ("rho", "f8", (NEURONS, WIDTH)), ("good", "f8", (NEURONS, WIDTH)),
    ],
    align=True,
)  # fmt: skip


def fast_params(rule: str = "hebb", half_life: int = HALF_LIFE, *, kappa: float) -> Any:
    """Return the configuration, a record array of shape (1,). half_life: decisions. Raises InputError."""
    if rule not in RULES:
        raise InputError(f"fast_weights.rule: {rule!r} is unknown; give one of {', '.join(RULES)}")
    if half_life < 1 or not 0.0 <= kappa < 1.0:
        raise InputError("fast_weights: give a half_life of 1 or more, and kappa from 0 to below 1")
    params = np.zeros(1, FAST_PARAMS_DTYPE).view(np.recarray)
    p = params[0]
    p.rule, p.kappa, p.every = RULES[rule], kappa, SNAPSHOT_EVERY
    p.keep = float(exp_det(-_LN2 / half_life))
    p.step = 1.0 - p.keep if p.rule == HEBB else _DELTA_STEP
    p.bound = (_SLACK if p.rule == HEBB else _DELTA_CLAMP) * _ROOT
    return params


def reset(s: Any) -> None:
    """Make a zeroed record of FAST_DTYPE one that has learnt nothing."""
    s.scale = s.good_scale = 1.0
