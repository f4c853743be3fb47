"""Runs of sentry, probes and PSI that compiled kernels and plain Python must agree on; as a program, prints them."""

import hashlib
import json

import numpy as np

from alphatrade_runtime.reflection.drift.calibrate import Case, measure
from alphatrade_runtime.reflection.drift.psi import SHIFT_DTYPE, count_features, reset
from alphatrade_runtime.reflection.drift.sentry import Stream
from unit.reflection import probe_tapes
from unit.reflection.drift_streams import Watched, one

ROWS = 1_000


def _digest(*arrays):
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def sentry_run():
    """Every stream, a drift in each, odd values, shocks, releases."""
    w = Watched(given={Stream.EDGE: (0.0, 1.0), Stream.PSI: (0.0, 1.0)}, reference_n=1_000, release_n=40)
    rng = np.random.default_rng(1)
    for stream in Stream:
        if stream != Stream.ALL:
            values = rng.standard_t(4, 1_600)
            values[1_200:1_400] -= 1.5
            values[::97] = np.nan
            values[1_500] = -30.0 if stream in (Stream.EDGE, Stream.HIT_RATE) else 30.0
            w.see(stream, values)
    return {"state": _digest(w.s), "events": _digest(w.events), "n": len(w.events), "alerts": int(w.s.alerts)}


def probe_run():
    """Probes that are warm after 50 decisions, over quotes and trades."""
    events = probe_tapes.made_tape(ROWS)
    watch = probe_tapes.Watch(warm=50, opening_sessions=1, toxicity_buckets=2)
    found = watch.see(events)
    available = int(found.available.any(axis=0).sum())
    return {"state": _digest(watch.s), "found": _digest(found), "n": len(found), "available": available}


def psi_run():
    """PSI of three features."""
    s = one(SHIFT_DTYPE)
    reset(s, reference_n=300, window=100)
    z = np.random.default_rng(2).normal(size=(ROWS, 64))
    psi = np.array([count_features(s, row, 3) for row in z])
    return {"state": _digest(s), "psi": _digest(psi[~np.isnan(psi)])}


def digests():
    """All of them."""
    found = measure(Case("", cusum_alert=2.0, reference_n=20), 3_000, 1)
    return {
        "sentry": sentry_run(),
        "probes": probe_run(),
        "psi": psi_run(),
        "calibrate": {"mean": found.mean, "low": found.low, "alerts": found.alerts},
    }


if __name__ == "__main__":
    print(json.dumps(digests()))
