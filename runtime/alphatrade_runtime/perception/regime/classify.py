"""One decision's regime: what the market looks like, held back until it has lasted (semantics §5)."""

import math

from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.perception.regime.hmm import by_hmm
from alphatrade_runtime.perception.regime.labels import BULL, CALM, DISLOCATED, STORM, UNCERTAIN, Kind, Trigger, Trouble
from alphatrade_runtime.perception.regime.measure import LIMIT, measure
from alphatrade_runtime.perception.regime.rules import by_rules
from alphatrade_runtime.perception.regime.state import start

_HMM = int(Kind.HMM)
_HALT, _NO_QUOTE = int(Trouble.HALT), int(Trouble.NO_QUOTE)
_NONE, _DIRECTION, _VOLATILITY = int(Trigger.NONE), int(Trigger.DIRECTION), int(Trigger.VOLATILITY)
_SPREAD, _RAW = int(Trigger.SPREAD), int(Trigger.RAW)
_BY_HALT, _BY_NO_QUOTE, _BY_FEED = int(Trigger.HALT), int(Trigger.NO_QUOTE), int(Trigger.FEED_FAULT)
_CONFIDENCE, _POSTERIOR = int(Trigger.CONFIDENCE), int(Trigger.POSTERIOR)


@kernel
def dislocation(s, p, trouble, raw_max):
    """Return what makes this decision Dislocated, a Trigger; 0 when nothing does."""
    if trouble & _HALT:
        return _BY_HALT
    if trouble & _NO_QUOTE:
        return _BY_NO_QUOTE
    if trouble:
        return _BY_FEED
    if raw_max > p.raw_limit:
        return _RAW
    if s.spread_multiple > p.spread_multiple:
        return _SPREAD
    return _NONE


@kernel
def confirm(s, p, candidate):
    """Take a candidate that has persisted once the label has dwelt; Dislocated waits for no dwell. Returns 1 if so."""
    if candidate != s.candidate:
        s.candidate = candidate
        s.persisted = 0
    s.persisted += 1
    if candidate == s.label:
        return 0
    dwell = s.decisions - s.since
    if candidate == DISLOCATED:
        if s.persisted < p.dislocated_persist:
            return 0
    elif s.persisted < p.persist or dwell < p.dwell:
        return 0
    s.previous = s.label
    s.label = candidate
    s.since = s.decisions
    s.dwell = dwell
    s.size_factor = p.uncertain_size if candidate == UNCERTAIN else 1.0
    return 1


@kernel
def _say(s, trigger, value, threshold):
    s.trigger = trigger
    s.value = value
    s.threshold = threshold


@kernel
def _explain_dislocation(s, p, cause, trouble, raw_max):
    if cause == _RAW:
        _say(s, cause, min(raw_max, LIMIT), p.raw_limit)
    elif cause == _SPREAD:
        _say(s, cause, s.spread_multiple, p.spread_multiple)
    else:
        _say(s, cause, float(trouble), 0.0)


@kernel
def _explain_direction(s, p):
    """Say which edge of t was crossed, with the sign of the side it is on."""
    before = s.previous // 3 - 1
    after = s.label // 3 - 1
    if after == 0:
        _say(s, _DIRECTION, s.t, p.exit if before == BULL else -p.exit)
    else:
        _say(s, _DIRECTION, s.t, p.enter if after == BULL else -p.enter)


@kernel
def _explain_volatility(s, p):
    """Say which edge of the ratio was crossed."""
    before = s.previous % 3
    after = s.label % 3
    ratio = math.sqrt(max(s.square_fast, p.return_floor * p.return_floor))
    ratio /= math.sqrt(max(s.square_slow, p.return_floor * p.return_floor))
    if after == CALM:
        _say(s, _VOLATILITY, ratio, p.calm_enter)
    elif after == STORM:
        _say(s, _VOLATILITY, ratio, p.storm_enter)
    else:
        _say(s, _VOLATILITY, ratio, p.calm_exit if before == CALM else p.storm_exit)


@kernel
def _explain(s, p, cause, trouble, raw_max):
    """Write metric, value and threshold of the transition that was just confirmed."""
    if cause != _NONE:
        _explain_dislocation(s, p, cause, trouble, raw_max)
    elif s.label == UNCERTAIN:
        _say(s, _CONFIDENCE, s.confidence, p.confidence_floor)
    elif p.kind == _HMM:
        _say(s, _POSTERIOR, s.likeliest, p.posterior_enter)
    elif s.previous >= DISLOCATED:
        _say(s, _CONFIDENCE, s.confidence, p.confidence_floor)
    elif s.previous // 3 != s.label // 3:
        _explain_direction(s, p)
    else:
        _explain_volatility(s, p)


@kernel
def _candidate(s, p, usable, cause):
    """Return the label that this decision speaks for. One without a return moves neither axis nor filter."""
    label = UNCERTAIN
    if s.returns < p.warmup:
        s.confidence = 0.0
    elif usable != 0 and p.kind == _HMM:
        label = by_hmm(s, p, cause == _NONE)
    elif usable != 0:
        label = by_rules(s, p)
    if cause == _NONE:
        return label
    s.confidence = 1.0
    return DISLOCATED


@kernel
def classify(s, p, ret, spread, trouble, raw_max):
    """Take one decision of an instrument in. Returns 1 when a change of its label was confirmed by it.

    s: record of REGIME_DTYPE, zeroed before the first.  p: record of REGIME_PARAMS_DTYPE.  ret: ticks since the
    last decision.  spread: ticks, NaN where there is none.  trouble: bits of Trouble.  raw_max: the largest
    |z_raw| of the features (NaN and 0: none).  An unusable return or spread is counted in s.masked and left out;
    a decision without a return neither confirms nor resets a candidate, unless it is Dislocated.
    """
    if s.decisions == 0:
        start(s, p)
    s.decisions += 1
    usable = measure(s, p, ret, spread)
    cause = dislocation(s, p, trouble, raw_max)
    candidate = _candidate(s, p, usable, cause)
    if usable == 0 and cause == _NONE:
        return 0
    if confirm(s, p, candidate) == 0:
        return 0
    _explain(s, p, cause, trouble, raw_max)
    return 1
