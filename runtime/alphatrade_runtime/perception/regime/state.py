"""What a classifier of regimes is configured by and all it remembers of one instrument."""

import math
from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.numerics.math import log_det
from alphatrade_runtime.perception.regime.labels import UNCERTAIN, Kind
from alphatrade_runtime.perception.regime.model import (
    CALM_ENTER,
    CALM_EXIT,
    DIMENSIONS,
    ENTER,
    EXIT,
    FAST_HALF_LIFE,
    SLOW_HALF_LIFE,
    STATES,
    STORM_ENTER,
    STORM_EXIT,
    VARIANCE_FLOORS,
    Floats,
    HmmModel,
    cell,
    check_half_lives,
    mean_scale,
    rate_of,
)

MEDIAN_BINS = 256
MIN_MEDIAN_WINDOW = 4 * MEDIAN_BINS  # below it a halving could empty the histogram
COUNT_STICKY, COUNT_MOVE = 50.0, 0.5  # prior transition counts: stay, and move to each other state

# Rates a decision, thresholds of semantics §5.  mean_scale: deviation of the fast mean of unit noise.
# trend_scale, calm_scale, storm_scale: 1 / (enter - exit), the latter two in logs; the kernels do not divide.
# return_floor: least deviation, ticks.  spread_floor: least scale of the spread, ticks.  cut: deviations at which
# o is cut, and what enters the moments.  uncertain_size: factor of what is traded while Uncertain.
_RULES: list[Any] = [
    ("kind", "i8"), ("states", "i8"), ("warmup", "i8"), ("dwell", "i8"), ("persist", "i8"),
    ("dislocated_persist", "i8"), ("median_window", "i8"),
    ("fast_rate", "f8"), ("slow_rate", "f8"), ("mean_scale", "f8"), ("return_floor", "f8"), ("spread_floor", "f8"),
    ("cut", "f8"), ("enter", "f8"), ("exit", "f8"), ("trend_scale", "f8"),
    ("calm_enter", "f8"), ("calm_exit", "f8"), ("calm_scale", "f8"), ("log_calm_enter", "f8"),
    ("log_calm_exit", "f8"), ("storm_enter", "f8"), ("storm_exit", "f8"), ("storm_scale", "f8"),
    ("log_storm_enter", "f8"), ("log_storm_exit", "f8"), ("confidence_floor", "f8"), ("uncertain_size", "f8"),
    ("spread_multiple", "f8"), ("raw_limit", "f8"),
]  # fmt: skip
# posterior_enter, margin: to take a label.  update_above: posterior at which a state's emission learns.
# keep: share of the transition evidence kept a decision.  means: m0.  precisions, log_variances: of its variances.
# scale_floor: least share of those variances.  prior: C0.  evidence: what a training adds to it at the start.
# axis[j, l]: the dimension on which states j and l must keep their order; gap[j, l]: how far, signed towards j.
# low, high: the cell of each state's label, where its mean must stay, so that the label stays true.
_HMM: list[Any] = [
    ("posterior_enter", "f8"), ("margin", "f8"), ("update_above", "f8"), ("learning_rate", "f8"), ("anchor", "f8"),
    ("keep", "f8"), ("scale_floor", "f8", (DIMENSIONS,)), ("means", "f8", (STATES, DIMENSIONS)),
    ("precisions", "f8", (STATES, DIMENSIONS)), ("log_variances", "f8", (STATES, DIMENSIONS)),
    ("prior", "f8", (STATES, STATES)),
    ("evidence", "f8", (STATES, STATES)), ("axis", "i8", (STATES, STATES)), ("gap", "f8", (STATES, STATES)),
    ("low", "f8", (STATES, DIMENSIONS)), ("high", "f8", (STATES, DIMENSIONS)), ("labels", "i8", (STATES,)),
]  # fmt: skip
REGIME_PARAMS_DTYPE = np.dtype(_RULES + _HMM, align=True)

# label, previous: Regime now and before.  since: the decision at which the label took effect.  dwell: decisions that
# `previous` lasted.  candidate, persisted: what the market looks like, and for how many decisions in a row it has.
# confidence: in [0, 1], of the latest decision that could be judged.  posterior: sums to 1; HMM: by state, in the
# model's order (labels rising); rules: bear, quiet, storm, bull.  trigger, value, threshold: of the latest
# transition.  size_factor: what to multiply sizes by.  masked: inputs that could not be used.
_SEEN: list[Any] = [
    ("label", "i8"), ("previous", "i8"), ("since", "i8"), ("dwell", "i8"), ("candidate", "i8"), ("persisted", "i8"),
    ("trigger", "i8"), ("decisions", "i8"), ("returns", "i8"), ("masked", "i8"), ("direction", "i8"),
    ("volatility", "i8"), ("value", "f8"), ("threshold", "f8"), ("confidence", "f8"), ("size_factor", "f8"),
    ("posterior", "f8", (STATES,)),
]  # fmt: skip
# Second moments are about 0.  t: of the fast mean.  log_ratio: log of fast over slow deviation.
# spread_*: exponential moments, and the histogram whose median is kept as a place in it.
_MOMENTS: list[Any] = [
    ("mean_fast", "f8"), ("square_fast", "f8"), ("square_slow", "f8"), ("t", "f8"), ("log_ratio", "f8"),
    ("spread_mean", "f8"), ("spread_deviation", "f8"), ("spread_median", "f8"), ("spread_multiple", "f8"),
    ("spread_known", "i8"), ("spreads", "i8"), ("median_total", "i8"), ("median_below", "i8"), ("median_at", "i8"),
    ("observation", "f8", (DIMENSIONS,)), ("median_counts", "i4", (MEDIAN_BINS,)),
]  # fmt: skip
# likeliest: posterior of the likeliest label.  scales: of all states' variances, by dimension; narrowness: 1 / scales.
# counts: C.  transitions: discounted sum of the smoothed xi, by the state there is now.  The rest: of one decision.
_FILTER: list[Any] = [
    ("likeliest", "f8"), ("means", "f8", (STATES, DIMENSIONS)), ("scales", "f8", (DIMENSIONS,)),
    ("narrowness", "f8", (DIMENSIONS,)),
    ("counts", "f8", (STATES, STATES)), ("transitions", "f8", (STATES, STATES * STATES)),
    ("moved", "f8", (STATES, STATES * STATES)), ("weight", "f8", (STATES,)), ("predicted", "f8", (STATES,)),
    ("joint", "f8", (STATES,)),
]  # fmt: skip
REGIME_DTYPE = np.dtype(_SEEN + _MOMENTS + _FILTER, align=True)


def rules_params(
    fast_half_life: float = FAST_HALF_LIFE,
    slow_half_life: float = SLOW_HALF_LIFE,
    *,
    warmup: int | None = None,
    dwell: int = 5,
    persist: int = 3,
    confidence_floor: float = 0.15,
    spread_multiple: float = 6.0,
    raw_limit: float = 8.0,
    return_floor_ticks: float = 0.1,
    spread_floor_ticks: float = 0.5,
    median_window: int = 4_096,
) -> Any:
    """Return the configuration of v1, a record array of shape (1,).

    warmup: returns before the first label other than Uncertain; twice the fast half-life when it is not given.
    """
    check_half_lives(fast_half_life, slow_half_life)
    params = np.zeros(1, REGIME_PARAMS_DTYPE).view(np.recarray)
    p = params[0]
    p.kind = Kind.RULES
    p.states = STATES
    p.warmup = round(2 * fast_half_life) if warmup is None else warmup
    p.dwell, p.persist, p.dislocated_persist = dwell, persist, 1
    p.median_window = median_window
    p.fast_rate, p.slow_rate = rate_of(fast_half_life), rate_of(slow_half_life)
    p.mean_scale = mean_scale(fast_half_life)
    p.return_floor, p.spread_floor, p.cut = return_floor_ticks, spread_floor_ticks, 8.0
    p.confidence_floor, p.uncertain_size = confidence_floor, 0.5
    p.spread_multiple, p.raw_limit = spread_multiple, raw_limit
    _thresholds(p)
    _check_params(p)
    return params


def _thresholds(p: Any) -> None:
    """Write where the axes enter and leave their labels, and what the kernels would divide by."""
    p.enter, p.exit, p.trend_scale = ENTER, EXIT, 1.0 / (ENTER - EXIT)
    p.calm_enter, p.calm_exit = CALM_ENTER, CALM_EXIT
    p.storm_enter, p.storm_exit = STORM_ENTER, STORM_EXIT
    p.log_calm_enter, p.log_calm_exit = log_det(CALM_ENTER), log_det(CALM_EXIT)
    p.log_storm_enter, p.log_storm_exit = log_det(STORM_ENTER), log_det(STORM_EXIT)
    p.calm_scale = 1.0 / (p.log_calm_exit - p.log_calm_enter)
    p.storm_scale = 1.0 / (p.log_storm_enter - p.log_storm_exit)


def _check_params(p: Any) -> None:
    """Raise InputError for the first field with a value that cannot work."""
    for name, least in (("warmup", 1), ("dwell", 1), ("persist", 1), ("median_window", MIN_MEDIAN_WINDOW)):
        if p[name] < least:
            raise InputError(f"regime: {name} is {p[name]}; give {least} or more")
    for name in ("spread_multiple", "raw_limit", "return_floor", "spread_floor"):
        if not 0.0 < p[name] < np.inf:
            raise InputError(f"regime: {name} is {p[name]}; give a number above 0")
    if not 0.0 <= p.confidence_floor < 1.0:
        raise InputError(f"regime: confidence_floor is {p.confidence_floor}; give a share from 0 to below 1")


def hmm_params(
    model: HmmModel,
    *,
    learning_window: float = 2_000.0,
    posterior_enter: float = 0.6,
    margin: float = 0.1,
    update_above: float = 0.6,
    anchor: float = 1e-4,
    **common: Any,
) -> Any:
    """Return the configuration of v2, a record array of shape (1,); `common` as in rules_params.

    learning_window: decisions over which transitions and emissions are learnt.
    """
    if not 1.0 < learning_window < np.inf:
        raise InputError(f"regime: learning_window is {learning_window}; give more than one decision")
    shares = {"posterior_enter": posterior_enter, "margin": margin, "update_above": update_above}
    for name, value in shares.items():
        if not 0.0 <= value <= 1.0:
            raise InputError(f"regime: {name} is {value}; give a share from 0 to 1")
    if not 0.0 <= anchor <= 1.0 / STATES:  # beyond it a state is pulled past its anchor
        raise InputError(f"regime: anchor is {anchor}; give a rate from 0 to {1.0 / STATES}")
    params = rules_params(model.fast_half_life, model.slow_half_life, **common)
    p, n = params[0], model.states
    p.kind, p.states = Kind.HMM, n
    p.posterior_enter, p.margin, p.update_above = posterior_enter, margin, update_above
    p.learning_rate, p.keep, p.anchor = 1.0 / learning_window, 1.0 - 1.0 / learning_window, anchor
    p.means[:n], p.precisions[:n] = model.means, 1.0 / model.variances
    for j, d in np.ndindex(n, DIMENSIONS):
        p.log_variances[j, d] = log_det(model.variances[j, d])
    p.scale_floor[:] = np.array(VARIANCE_FLOORS) / model.variances.min(axis=0)
    p.prior[:n, :n] = COUNT_MOVE + (COUNT_STICKY - COUNT_MOVE) * np.eye(n)
    p.evidence[:n, :n] = model.evidence * min(1.0, learning_window / max(math.fsum(model.evidence.flat), 1.0))
    p.labels[:n] = model.labels
    p.axis[:n, :n], p.gap[:n, :n] = _orders(model.means, model.variances)
    for j, label in enumerate(model.labels):
        p.low[j], p.high[j] = cell(label, model.fast_half_life)
    return params


def _orders(means: Floats, variances: Floats) -> tuple[Any, Any]:
    """Return where each pair of states differs most, and half of that difference, which it must keep."""
    n = len(means)
    axis, gap = np.zeros((n, n), np.int64), np.zeros((n, n))
    for j in range(n):
        for other in range(n):
            difference = means[j] - means[other]
            axis[j, other] = np.argmax(difference**2 / (variances[j] + variances[other]))
            gap[j, other] = 0.5 * difference[axis[j, other]]
    return axis, gap


def reset(s: Any, p: Any) -> None:
    """Begin an instrument: Uncertain, nothing seen. s: a zeroed record of REGIME_DTYPE.  p: its configuration.

    The first decision does it by itself; to call it shows the right label before that.
    """
    s.label = UNCERTAIN
    s.previous = UNCERTAIN
    s.candidate = UNCERTAIN
    s.volatility = 1
    s.size_factor = p.uncertain_size
    for j in range(p.states):
        s.posterior[j] = 1.0 / p.states
    for j in range(p.states):
        for k in range(p.states):
            s.counts[j, k] = p.prior[j, k] + p.evidence[j, k]
            for now in range(p.states):
                s.transitions[now, j * STATES + k] = p.evidence[j, k]
        for d in range(DIMENSIONS):
            s.means[j, d] = p.means[j, d]
    for d in range(DIMENSIONS):
        s.scales[d] = 1.0
        s.narrowness[d] = 1.0


start = kernel(reset)
