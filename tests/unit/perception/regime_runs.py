"""Tapes of returns and spreads for the regime classifiers, and the loop that feeds them one decision at a time.

As a program, prints digests that the compiled kernels and plain Python must agree on.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.perception.regime.classify import classify
from alphatrade_runtime.perception.regime.fit import baum_welch, observations
from alphatrade_runtime.perception.regime.model import default_model, write_model
from alphatrade_runtime.perception.regime.state import REGIME_DTYPE, hmm_params, rules_params

COLUMNS = 17


@entry
def _feed(state, params, returns, spreads, trouble, raw, out):
    s = state[0]
    p = params[0]
    for t in range(len(returns)):
        out[t, 0] = classify(s, p, returns[t], spreads[t], trouble[t], raw[t])
        out[t, 1] = s.label
        out[t, 2] = s.previous
        out[t, 3] = s.since
        out[t, 4] = s.dwell
        out[t, 5] = s.candidate
        out[t, 6] = s.confidence
        out[t, 7] = s.size_factor
        out[t, 8] = s.trigger
        out[t, 9] = s.value
        out[t, 10] = s.threshold
        out[t, 11] = s.masked
        out[t, 12] = s.spread_median
        for k in range(4):
            out[t, 13 + k] = s.posterior[k]


@dataclass(frozen=True)
class Track:
    """What was seen after each decision, and the state that was left."""

    out: Any
    state: Any

    @property
    def changed(self):
        return self.out[:, 0].astype(int)

    @property
    def labels(self):
        return self.out[:, 1].astype(int)

    @property
    def previous(self):
        return self.out[:, 2].astype(int)

    @property
    def since(self):
        return self.out[:, 3].astype(int)

    @property
    def dwell(self):
        return self.out[:, 4].astype(int)

    @property
    def confidence(self):
        return self.out[:, 6]

    @property
    def size_factor(self):
        return self.out[:, 7]

    @property
    def trigger(self):
        return self.out[:, 8].astype(int)

    @property
    def value(self):
        return self.out[:, 9]

    @property
    def threshold(self):
        return self.out[:, 10]

    @property
    def masked(self):
        return self.out[:, 11].astype(int)

    @property
    def median(self):
        return self.out[:, 12]

    @property
    def posterior(self):
        return self.out[:, 13:]


def follow(params, returns, spreads=None, trouble=None, raw=None, state=None):
    """Classify a tape; spreads default to none, as on bars."""
    n = len(returns)
    state = np.zeros(1, REGIME_DTYPE).view(np.recarray) if state is None else state
    columns = (
        np.full(n, np.nan) if spreads is None else np.asarray(spreads, np.float64),
        np.zeros(n, np.int64) if trouble is None else np.asarray(trouble, np.int64),
        np.zeros(n) if raw is None else np.asarray(raw, np.float64),
    )
    out = np.zeros((n, COLUMNS))
    _feed(state, params, np.asarray(returns, np.float64), *columns, out)
    return Track(out, state)


def noise(seed, n, scale=10.0):
    return np.random.default_rng(seed).normal(0.0, scale, n)


def two_regimes(seed, n, switch=0.002, mean=0.45, deviation=0.2):
    """Returns around +mean or -mean, and which; `switch` is the probability of a change at a decision."""
    rng = np.random.default_rng(seed)
    side = np.where(np.cumsum(rng.random(n) < switch) % 2 == 0, 1, -1)
    return side * mean + rng.normal(0.0, deviation, n), side


def rough_tape(seed, n):
    """A tape with a bit of everything: drift, storm, wide spreads, halts, missing and senseless values."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0, 5.0, n)
    returns[n // 3 : n // 2] += 6.0
    returns[n // 2 : 2 * n // 3] *= 6.0
    spreads = 1.0 + rng.integers(0, 3, n)
    spreads[rng.random(n) < 0.01] = 40.0
    trouble = np.where(rng.random(n) < 0.01, rng.integers(1, 8, n), 0)
    raw = rng.exponential(1.0, n)
    for bad in (np.nan, np.inf, -np.inf, 1e300):
        returns[rng.integers(0, n, 2)] = bad
        spreads[rng.integers(0, n, 2)] = bad
    return returns, spreads, trouble, raw


def digests():
    found = {}
    returns, spreads, trouble, raw = rough_tape(3, 360)
    short = {"warmup": 20, "median_window": 1_024}
    for name, params in (
        ("rules", rules_params(8.0, 60.0, **short)),
        ("hmm", hmm_params(default_model(8.0, 60.0), **short)),
    ):
        track = follow(params, returns, spreads, trouble, raw)
        found[name] = {
            "out": hashlib.sha256(track.out.tobytes()).hexdigest(),
            "state": hashlib.sha256(track.state.tobytes()).hexdigest(),
            "params": hashlib.sha256(params.tobytes()).hexdigest(),
            "labels": sorted({int(label) for label in track.labels}),
            "changes": int(track.changed.sum()),
        }
    seen = observations(returns, spreads, 8.0, 60.0)
    model = baum_welch(seen, 3, 5, 3, fast_half_life=8.0, slow_half_life=60.0)
    found["fit"] = {"model": hashlib.sha256(write_model(model)).hexdigest()}
    return found


if __name__ == "__main__":
    print(json.dumps(digests()))
