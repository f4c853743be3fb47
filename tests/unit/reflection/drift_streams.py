"""Streams of numbers given to detectors and to a sentry, compiled."""

import numpy as np

from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.reflection.drift import detectors, sentry
from alphatrade_runtime.reflection.drift.detectors import DETECTOR_DTYPE, DETECTOR_PARAMS_DTYPE
from alphatrade_runtime.reflection.drift.sentry import DRIFT_EVENT_DTYPE, SENTRY_DTYPE, SENTRY_PARAMS_DTYPE

detect, change_of = detectors.detect, detectors.change_of
observe, act, take_event, release, rebase = (
    sentry.observe, sentry.act, sentry.take_event, sentry.release, sentry.rebase,
)  # fmt: skip
SECOND = 10**9


@entry
def detect_all(d, p, values, adverse, two_sided, levels):
    for k in range(len(values)):
        levels[k] = detect(d, p, values[k], adverse, two_sided, k)


@entry
def observe_all(s, p, stream, values, step_ns, levels, events, n):
    """Observe and decide, value by value; return the number of events so far."""
    for k in range(len(values)):
        s.seq += 1
        s.decision_id = s.seq
        now = s.seq * step_ns
        levels[k] = observe(s, p, stream, values[k], now)
        if s.pending != 0:
            take_event(s, events[n], 3)
            n += 1
        act(s, p, now)
        if s.pending != 0:
            take_event(s, events[n], 3)
            n += 1
    return n


@entry
def observe_one(s, p, stream, value, now):
    s.seq += 1
    return observe(s, p, stream, value, now)


@entry
def decide_at(s, p, now):
    return act(s, p, now)


@entry
def release_all(s, p, now):
    release(s, p, now)
    act(s, p, now)


@entry
def rebase_stream(s, stream):
    rebase(s, stream)


def one(dtype):
    return np.zeros(1, dtype).view(np.recarray)[0]


def detected(values, *, adverse=-1, two_sided=1, **changes):
    """The levels of a stream of standardised values, and the detector's record."""
    d, p = one(DETECTOR_DTYPE), one(DETECTOR_PARAMS_DTYPE)
    detectors.set_params(p, **changes)
    levels = np.zeros(len(values), np.int64)
    detect_all(d, p, np.asarray(values, float), adverse, two_sided, levels)
    return levels, d


class Watched:
    """A sentry with what it said."""

    def __init__(self, step_ns=SECOND, **changes):
        self.s, self.p, self.step_ns = one(SENTRY_DTYPE), one(SENTRY_PARAMS_DTYPE), step_ns
        sentry.prepare(self.p, **changes)
        sentry.reset(self.s, self.p)
        self._events = np.zeros(10_000, DRIFT_EVENT_DTYPE).view(np.recarray)
        self._n = 0

    def see(self, stream, values):
        """Observe; return the levels that were raised."""
        levels = np.zeros(len(values), np.int64)
        values = np.asarray(values, float)
        self._n = observe_all(self.s, self.p, int(stream), values, self.step_ns, levels, self._events, self._n)
        return levels

    @property
    def events(self):
        return self._events[: self._n]

    @property
    def holds(self):
        """What the loop reads: (frozen, size factor, reduce-only, page)."""
        s = self.s
        return int(s.frozen), float(s.size_factor), int(s.reduce_only), int(s.page)
