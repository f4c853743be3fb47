"""Probe 1: an opening that trades more than openings do.

Volume of the first one to five whole minutes after the session's open, against a profile of earlier sessions: mean
and variance of ln(1 + lots) by minute. It fades out over the 25 minutes after. Tapes carry no auction imbalance, so
that half of the idea is not measured. Trades are counted by clock minute, as no trade says of which session it is.
"""

from math import sqrt

import numpy as np

from alphatrade_runtime.numerics.jit import entry, hot, kernel
from alphatrade_runtime.numerics.math import NAN, log_det

MINUTE_NS = 60_000_000_000
MINUTES = 5
_BINS = 64  # minutes remembered
_LATEST = 30  # minutes after the open at which an opening is over
_MOST_SESSIONS = 20.0  # a profile forgets older ones
_LEAST_SD = 0.3  # of ln volume

# lots: volume by clock minute, a ring; minute: which one each slot holds.  average, variance: profile of ln(1 + lots)
# of the first 1 to 5 minutes, over `sessions`.  open_ts: session of the latest decision.  z: of this session so far.
OPENING_DTYPE = np.dtype(
    [
        ("trades", "i8"), ("open_ts", "i8"), ("sessions", "i8"), ("minutes", "i8"), ("z", "f8"),
        ("lots", "i8", (_BINS,)), ("minute", "i8", (_BINS,)), ("average", "f8", (MINUTES,)),
        ("variance", "f8", (MINUTES,)),
    ],
    align=True,
)  # fmt: skip


@hot
def opening_on_trade(o, size, now):
    """Count a trade into its clock minute."""
    minute = now // MINUTE_NS
    slot = minute % _BINS
    if o.minute[slot] != minute:
        o.minute[slot] = minute
        o.lots[slot] = 0
    o.lots[slot] += size
    o.trades += 1


@hot
def _log_volume(o, open_minute, minutes):
    """Return ln(1 + lots) of the first so many minutes."""
    lots = 0
    for k in range(minutes):
        slot = (open_minute + k) % _BINS
        if o.minute[slot] == open_minute + k:
            lots += o.lots[slot]
    return log_det(1.0 + lots)


@kernel
def _learn(o, open_minute):
    """Add this session's first five minutes to the profile."""
    o.sessions += 1
    rate = 1.0 / min(float(o.sessions), _MOST_SESSIONS)
    for k in range(MINUTES):
        delta = _log_volume(o, open_minute, k + 1) - o.average[k]
        o.average[k] += rate * delta
        o.variance[k] = (1.0 - rate) * (o.variance[k] + rate * delta * delta)


@entry
def opening_score(o, now, open_ts, least_sessions, z_fire, fire):
    """Return the score, NaN while unavailable: 24/7 market (open_ts 0), no trades, no profile yet, first minute."""
    if open_ts <= 0 or now < open_ts or o.trades == 0:
        return NAN
    elapsed = (now - open_ts) // MINUTE_NS
    if open_ts != o.open_ts:
        o.open_ts = open_ts
        o.minutes = 0
        o.z = NAN
    known = o.sessions >= least_sessions
    minutes = min(elapsed, MINUTES)
    if minutes > o.minutes and elapsed <= _BINS - MINUTES:
        o.minutes = minutes
        k = minutes - 1
        if known:
            z = _log_volume(o, open_ts // MINUTE_NS, minutes) - o.average[k]
            o.z = z / max(sqrt(o.variance[k]), _LEAST_SD)
        if minutes == MINUTES:
            _learn(o, open_ts // MINUTE_NS)
    if not known or o.z != o.z:
        return NAN
    fade = min(max((_LATEST - elapsed) / (_LATEST - MINUTES), 0.0), 1.0)
    return min(max(o.z * fire / z_fire, 0.0), 1.0) * fade
