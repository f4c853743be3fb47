"""The sentry of one strategy on one instrument: six streams, their frozen references, and what follows from an alert.

A stream is measured against a reference that is frozen after its first 1,000 observations, or given; until then it
collects and says nothing. What `observe` finds is acted on by `act` at the next decision.

Levels are latched. At an alert the stream's detectors start anew, and the alert is released when they have seen
`release_n` observations in a row without as much as a warning; after a release they start anew once more.

Reference divergence, which cuts the size further than an alert alone, is the level of the PSI stream while another
stream is in alert: the inputs have left the distribution they were learned on, so the loss is not bad luck.
"""

from enum import IntEnum, IntFlag
from math import sqrt
from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import hot, kernel
from alphatrade_runtime.numerics.math import INF
from alphatrade_runtime.reflection.drift.detectors import (
    ALERT,
    DETECTOR_DTYPE,
    DETECTOR_PARAMS_DTYPE,
    NONE,
    WARN,
    change_of,
    detect,
    restart,
    set_params,
)


class Stream(IntEnum):
    """What is watched: an observation a closed trade or fill; of surprise and PSI one a window (psi.py)."""

    EDGE = 0  # realised less expected edge, bps net
    HIT_RATE = 1  # 1 a trade that made money, else 0
    SLIPPAGE = 2  # bps paid against the price at the decision
    CALIBRATION = 3  # Brier score: (probability given - what came)^2
    SURPRISE = 4  # belief surprise, its mean over a window: by decision, neighbours are too alike
    PSI = 5  # population stability index of the features
    ALL = 255  # in events: several at once


class Action(IntFlag):
    FREEZE = 1  # no exploration
    SIZE = 2  # sizes are cut
    REDUCE_ONLY = 4
    PAGE = 8  # somebody is to look
    KILL = 16  # only where the risk template says so
    RELEASE = 32  # a level was taken back


STREAMS = 6
FULL_REFERENCE = 1_000
# For bar tapes, where a thousand trades are years: a tenth of such references alerts as early as a tenth of the runs
# with a known one does. Found by `make study-drift`.
SHORT_REFERENCE: dict[str, Any] = {"reference_n": 250, "cusum_alert": 11.25, "ph_alert": 20.0}
_RING = 16
_ADVERSE = (-1, -1, 1, 1, 1, 1)
_TWO_SIDED = (1, 1, 0, 0, 1, 0)  # less slippage or a better calibration is no cause for alarm
_FLOOR = (0.1, 0.05, 0.1, 0.01, 0.02, 0.005)  # least standard deviation, in the stream's unit
_HOUR_NS = 3_600_000_000_000

# by stream - used: 1 it is watched.  adverse: +1 a high value is bad.  floor: least standard deviation.
# given: 1 mu0 and sigma0 are the reference.  storm: so many alerts within storm_ns.
SENTRY_PARAMS_DTYPE = np.dtype(
    [
        ("detector", DETECTOR_PARAMS_DTYPE, (1,)), ("reference_n", "i8"), ("release_n", "i8"), ("storm_ns", "i8"),
        ("storm_alerts", "i8"), ("kill_opt_in", "i8"), ("alert_factor", "f8"), ("divergence_warn_factor", "f8"),
        ("divergence_alert_factor", "f8"), ("used", "i8", (STREAMS,)), ("adverse", "i8", (STREAMS,)),
        ("two_sided", "i8", (STREAMS,)), ("floor", "f8", (STREAMS,)), ("given", "i8", (STREAMS,)),
        ("mu0", "f8", (STREAMS,)), ("sigma0", "f8", (STREAMS,)),
    ],
    align=True,
)  # fmt: skip

# seq, decision_id: set by the caller before observe and act.  frozen, size_factor, reduce_only, page, kill: what holds
# now.  ready: 1 the reference is frozen.  side: +1 the alert is of the adverse side, -1 of the other.
# quiet: observations in a row without a warning.  masked: NaN and infinities.  pending: 1 the e_* are an event that
# nobody took yet.  told_*: what the latest event said will hold.
SENTRY_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("decision_id", "i8"), ("size_factor", "f8"), ("frozen", "i8"), ("reduce_only", "i8"),
        ("page", "i8"), ("kill", "i8"), ("alerts", "i8"), ("alert_ts", "i8", (_RING,)),
        ("detectors", DETECTOR_DTYPE, (STREAMS,)), ("level", "i8", (STREAMS,)), ("side", "i8", (STREAMS,)),
        ("quiet", "i8", (STREAMS,)), ("masked", "i8", (STREAMS,)), ("ready", "i8", (STREAMS,)),
        ("ref_n", "i8", (STREAMS,)), ("ref_mean", "f8", (STREAMS,)), ("ref_m2", "f8", (STREAMS,)),
        ("mu0", "f8", (STREAMS,)), ("sigma0", "f8", (STREAMS,)),
        ("told_factor", "f8"), ("told_actions", "i8"), ("pending", "i8"),
        ("e_ts", "i8"), ("e_change", "i8"), ("e_statistic", "f8"), ("e_threshold", "f8"), ("e_mean_before", "f8"),
        ("e_mean_after", "f8"), ("e_sd_before", "f8"), ("e_sd_after", "f8"), ("e_n_before", "i8"),
        ("e_n_after", "i8"), ("e_size_before", "f8"), ("e_size_after", "f8"), ("e_stream", "i8"),
        ("e_detector", "i8"), ("e_level", "i8"), ("e_action", "i8"),
    ],
    align=True,
)  # fmt: skip

# One change of a level, as stored. change_seq: the last row before the estimated change.  means in the stream's unit,
# of values clipped at 3 standard deviations.  size_before, size_after: factor on sizes.
DRIFT_EVENT_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("event_ts_ns", "i8"), ("decision_id", "i8"), ("change_seq", "i8"), ("statistic", "f8"),
        ("threshold", "f8"), ("mean_before", "f8"), ("mean_after", "f8"), ("n_before", "i8"), ("n_after", "i8"),
        ("size_before", "f8"), ("size_after", "f8"), ("instrument", "u2"), ("stream", "u1"), ("detector", "u1"),
        ("level", "u1"), ("action", "u1"),
    ],
    align=True,
)  # fmt: skip

_ALL = int(Stream.ALL)
_PSI = int(Stream.PSI)
_FREEZE, _SIZE, _REDUCE, _PAGE, _KILL, _RELEASE = (int(action) for action in Action)
_BOUND = 1e6  # no value counts as more, in the stream's unit
_TRUSTED = 100  # observations after which a reference clips what comes at 8 of its standard deviations
_WIDE = 8.0


def prepare(
    p: Any,
    *,
    used: tuple[Stream, ...] = tuple(Stream)[:STREAMS],
    given: dict[Stream, tuple[float, float]] | None = None,
    reference_n: int = FULL_REFERENCE,
    release_n: int = 100,
    storm_alerts: int = 3,
    storm_ns: int = _HOUR_NS,
    kill_opt_in: bool = False,
    **thresholds: float,
) -> None:
    """Fill a record of SENTRY_PARAMS_DTYPE. given: (mean, standard deviation) by stream. Raises InputError."""
    if reference_n < FULL_REFERENCE and not {"cusum_alert", "ph_alert"} <= set(thresholds):
        raise InputError(
            f"drift.reference_n: {reference_n} observations are fewer than {FULL_REFERENCE}, and the thresholds are "
            "for those; give cusum_alert and ph_alert from `alphatrade drift calibrate --reference N --target ARL0`"
        )
    if reference_n < 2 or release_n < 1 or not 1 <= storm_alerts <= _RING:
        raise InputError(f"drift: give reference_n >= 2, release_n >= 1 and storm_alerts of 1 to {_RING}")
    set_params(p.detector[0], **thresholds)  # type: ignore[arg-type]
    p.reference_n, p.release_n, p.storm_alerts, p.storm_ns = reference_n, release_n, storm_alerts, storm_ns
    p.kill_opt_in = int(kill_opt_in)
    p.alert_factor, p.divergence_warn_factor, p.divergence_alert_factor = 0.5, 0.35, 0.2
    p.used[:], p.given[:], p.mu0[:], p.sigma0[:] = 0, 0, 0.0, 0.0
    p.adverse[:], p.two_sided[:], p.floor[:] = _ADVERSE, _TWO_SIDED, _FLOOR
    for stream in used:
        p.used[int(stream)] = 1
    for stream, (mean, sd) in (given or {}).items():
        if not (abs(mean) <= _BOUND and 0.0 <= sd <= _BOUND):
            raise InputError(f"drift.given.{stream.name.lower()}: {mean}, {sd}: give a mean and a standard deviation")
        p.given[int(stream)], p.mu0[int(stream)] = 1, mean
        p.sigma0[int(stream)] = max(sd, float(p.floor[int(stream)]))


def reset(s: Any, p: Any) -> None:
    """Make a zeroed record of SENTRY_DTYPE a sentry that has seen nothing."""
    s.size_factor = s.told_factor = 1.0
    for k in range(STREAMS):
        if p.given[k]:
            s.ready[k], s.mu0[k], s.sigma0[k] = 1, p.mu0[k], p.sigma0[k]


@kernel
def _collect(s, p, k, value):
    """Add a value to the reference of stream k; freeze it when it is complete."""
    x = min(max(value, -_BOUND), _BOUND)
    n = s.ref_n[k]
    if n >= _TRUSTED:
        reach = _WIDE * max(sqrt(s.ref_m2[k] / n), p.floor[k])
        x = min(max(x, s.ref_mean[k] - reach), s.ref_mean[k] + reach)
    n += 1
    delta = x - s.ref_mean[k]
    s.ref_n[k] = n
    s.ref_mean[k] += delta / n
    s.ref_m2[k] += delta * (x - s.ref_mean[k])
    if n >= p.reference_n:
        s.mu0[k] = s.ref_mean[k]
        s.sigma0[k] = max(sqrt(s.ref_m2[k] / (n - 1)), p.floor[k])
        s.ready[k] = 1
        restart(s.detectors[k], s.seq)


@hot
def _storming(s, p, now):
    """True when the last so many alerts came within so long."""
    if s.alerts < p.storm_alerts:
        return False
    return now - s.alert_ts[(s.alerts - p.storm_alerts) % _RING] <= p.storm_ns


@kernel
def _due(s, p, now):
    """Return what is to hold by the levels as they are: (size factor, actions)."""
    raised, alerts, adverse = 0, 0, 0
    for k in range(STREAMS):
        if s.level[k] > NONE:
            raised += 1
        if s.level[k] == ALERT:
            alerts += 1
            if s.side[k] > 0:
                adverse += 1
    storm = _storming(s, p, now)
    actions = _FREEZE if raised > 0 or storm else 0
    factor = 1.0
    if alerts > 0:
        actions |= _SIZE
        factor = p.alert_factor
        others = alerts - (1 if s.level[_PSI] == ALERT else 0)
        if others > 0 and s.level[_PSI] == ALERT:
            factor = p.divergence_alert_factor
        elif others > 0 and s.level[_PSI] == WARN:
            factor = p.divergence_warn_factor
    if adverse >= 2 or storm:
        actions |= _REDUCE
    if storm:
        actions |= _PAGE
        if p.kill_opt_in != 0:
            actions |= _KILL
    return factor, actions


@hot
def _sd(n, total, squares):
    """Standard deviation of n values by their sum and sum of squares."""
    if n < 2:
        return 0.0
    return sqrt(max(squares - total * total / n, 0.0) / (n - 1))


@kernel
def _event(s, p, k, level, now):
    """Note a change of level of stream k (_ALL: of what holds), with what is due from it."""
    factor, actions = _due(s, p, now)
    s.pending = 1
    s.e_ts = now
    s.e_stream = k
    s.e_level = level
    s.e_size_before = s.size_factor
    s.e_size_after = factor
    s.e_action = actions | (_RELEASE if level == NONE else 0)
    s.e_change = s.seq
    s.e_statistic, s.e_threshold = 0.0, 0.0
    s.e_detector = 0
    s.e_mean_before, s.e_mean_after, s.e_sd_before, s.e_sd_after = 0.0, 0.0, 0.0, 0.0
    s.e_n_before, s.e_n_after = 0, 0
    s.told_factor = factor
    s.told_actions = actions


@kernel
def _explain(s, k):
    """Add to the event what the verdict on stream k rests on."""
    d = s.detectors[k]
    at, n, total, squares = change_of(d)
    mu, sigma = s.mu0[k], s.sigma0[k]
    after = d.n - n
    s.e_change = at
    s.e_statistic = d.statistic
    s.e_threshold = d.threshold
    s.e_detector = d.detector
    s.e_n_before = n
    s.e_n_after = after
    s.e_mean_before = mu + sigma * (total / n) if n > 0 else mu
    s.e_mean_after = mu + sigma * ((d.total - total) / after) if after > 0 else mu
    s.e_sd_before = sigma * _sd(n, total, squares) if n > 1 else sigma
    s.e_sd_after = sigma * _sd(after, d.total - total, d.squares - squares)


@kernel
def _raised(s, p, k, found, now):
    """Take a level that is higher than before, or another alert on top of one."""
    s.level[k] = found
    s.quiet[k] = 0
    d = s.detectors[k]
    if found == ALERT:
        s.side[k] = d.side * p.adverse[k]
        s.alert_ts[s.alerts % _RING] = now
        s.alerts += 1
    _event(s, p, k, found, now)
    _explain(s, k)
    if found == ALERT:
        restart(d, s.seq)


@kernel
def _released(s, p, k, now):
    s.level[k] = NONE
    s.quiet[k] = 0
    s.side[k] = 0
    restart(s.detectors[k], s.seq)
    _event(s, p, k, NONE, now)


@kernel
def _settle(s, p, k, found, now):
    """Move stream k's level by what its detectors found; return the level if it rose, else 0."""
    level = s.level[k]
    if found > level or (found == ALERT and level == ALERT):
        _raised(s, p, k, found, now)
        return found
    if level == NONE:
        return 0
    if found == NONE:
        s.quiet[k] += 1
        if s.quiet[k] >= p.release_n:
            _released(s, p, k, now)
        return 0
    s.quiet[k] = 0
    if level == ALERT:
        restart(s.detectors[k], s.seq)
    return 0


@kernel
def observe(s, p, stream, value, now_ns):
    """Take one value of a stream; return 1 when it raises a warning, 2 an alert, else 0.

    When s.pending is 1 afterwards, `take_event` gives the row to store. NaN and infinities are counted and left out.
    """
    k = stream
    if p.used[k] == 0:
        return 0
    if not (-INF < value < INF):
        s.masked[k] += 1
        return 0
    if s.ready[k] == 0:
        _collect(s, p, k, value)
        return 0
    z = (min(max(value, -_BOUND), _BOUND) - s.mu0[k]) / s.sigma0[k]
    found = detect(s.detectors[k], p.detector[0], z, p.adverse[k], p.two_sided[k], s.seq)
    return _settle(s, p, k, found, now_ns)


@kernel
def act(s, p, now_ns):
    """Make what is due hold from this decision on; return 1 when anything changed, then look at s.pending too."""
    factor, actions = _due(s, p, now_ns)
    if factor != s.told_factor or actions != s.told_actions:  # a storm has passed: no observation told of that
        _event(s, p, _ALL, NONE, now_ns)
    frozen = 1 if actions & _FREEZE else 0
    reduce_only = 1 if actions & _REDUCE else 0
    page = 1 if actions & _PAGE else 0
    kill = 1 if actions & _KILL else 0
    changed = factor != s.size_factor or frozen != s.frozen or reduce_only != s.reduce_only or page != s.page
    s.size_factor = factor
    s.frozen = frozen
    s.reduce_only = reduce_only
    s.page = page
    s.kill = kill
    return 1 if changed else 0


@kernel
def release(s, p, now_ns):
    """Release every stream by hand: levels, detectors and the count of alerts start anew, references stay."""
    for k in range(STREAMS):
        s.level[k] = NONE
        s.quiet[k] = 0
        s.side[k] = 0
        restart(s.detectors[k], s.seq)
    s.alerts = 0
    _event(s, p, _ALL, NONE, now_ns)


@kernel
def rebase(s, stream):
    """Forget the reference of a stream and collect a new one: what was drift is the new normal."""
    k = stream
    s.ready[k] = 0
    s.ref_n[k] = 0
    s.ref_mean[k] = 0.0
    s.ref_m2[k] = 0.0


@kernel
def take_event(s, row, instrument):
    """Write the pending event into a row of DRIFT_EVENT_DTYPE."""
    s.pending = 0
    row.seq = s.seq
    row.event_ts_ns = s.e_ts
    row.decision_id = s.decision_id
    row.change_seq = s.e_change
    row.statistic = s.e_statistic
    row.threshold = s.e_threshold
    row.mean_before = s.e_mean_before
    row.mean_after = s.e_mean_after
    row.n_before = s.e_n_before
    row.n_after = s.e_n_after
    row.size_before = s.e_size_before
    row.size_after = s.e_size_after
    row.instrument = instrument
    row.stream = s.e_stream
    row.detector = s.e_detector
    row.level = s.e_level
    row.action = s.e_action
