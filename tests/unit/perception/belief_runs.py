"""Runs of the belief's kernels for the tests; as a program, prints the digests of one run as JSON."""

import hashlib
import json

import numpy as np

from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.numerics.rng import normal, stream, uniform
from alphatrade_runtime.perception.belief import belief, standardise
from alphatrade_runtime.perception.belief.belief import believe, latent, moments, snapshot
from alphatrade_runtime.perception.belief.expectation import read_out
from alphatrade_runtime.perception.belief.norms import layer_norm
from alphatrade_runtime.perception.belief.shape import MAX_INPUTS, NEURONS, WIDTH
from alphatrade_runtime.perception.belief.weights import seeded_weights

_standardise = standardise.standardise
OUT_DTYPE = np.dtype(
    [
        ("faults", "i8"), ("exploding", "i8"), ("constant", "i8"), ("ready", "i8"), ("z", "f8", (MAX_INPUTS,)),
        ("raw", "f8", (MAX_INPUTS,)), ("count", "i8"),
        ("idx", "i8", (NEURONS,)), ("val", "f8", (NEURONS,)), ("h", "f8", (NEURONS,)), ("v", "f8", (WIDTH,)),
        ("centre", "f8", (MAX_INPUTS,)), ("spread", "f8", (MAX_INPUTS,)), ("surprise", "f8"), ("sparsity", "f8"),
        ("latent", "f8", (WIDTH,)), ("edge", "f8"),
    ],
    align=True,
)  # fmt: skip


def records(dtype, n=1):
    return np.zeros(n, dtype).view(np.recarray)


def standard(floors, half_life=2_000.0):
    state = records(standardise.STANDARD_DTYPE)[0]
    standardise.reset(state, floors, half_life)
    return state


def believer():
    record = records(belief.BELIEF_DTYPE)[0]
    belief.reset(record)
    return record


@entry
def _standards(state, x, n, out):
    for r in range(x.shape[0]):
        out[r].faults = _standardise(state, x[r], n, out[r].z, out[r].raw)
        out[r].exploding = state.exploding
        out[r].constant = state.constant
        out[r].ready = state.ready


def standards(state, x):
    """Run the standardiser over a table (rows, n <= 64)."""
    table, out = np.zeros((len(x), MAX_INPUTS)), records(OUT_DTYPE, len(x))
    table[:, : np.shape(x)[1]] = x
    _standards(state, table, np.shape(x)[1], out)
    return out


@entry
def _beliefs(w, s, z, n, k, alpha, out, rows):
    for r in range(z.shape[0]):
        believe(w, s, z[r], n, k)
        moments(s, z[r], n, alpha)
        latent(w, s, s.v, out[r].latent)  # as if what was read were the value itself
        snapshot(rows[r], s)
        out[r].edge = read_out(w, out[r].latent)
        out[r].count = s.count
        for c in range(NEURONS):
            out[r].h[c] = s.h[c]
            out[r].idx[c] = s.idx[c] if c < s.count else -1
            out[r].val[c] = s.val[c] if c < s.count else 0.0
        for j in range(MAX_INPUTS):
            out[r].centre[j] = s.centre[j]
            out[r].spread[j] = s.spread[j]
        for d in range(WIDTH):
            out[r].v[d] = s.v[d]
        out[r].surprise = s.surprise
        out[r].sparsity = s.sparsity


def beliefs(weights, record, z, k, alpha=0.01):
    """Form the beliefs of a table of z (rows, n <= 64). Returns what came of each, and the rows to be stored."""
    table, out = np.zeros((len(z), MAX_INPUTS)), records(OUT_DTYPE, len(z))
    rows = records(belief.BELIEF_SNAPSHOT_DTYPE, len(z))
    table[:, : np.shape(z)[1]] = z
    _beliefs(weights, record, table, np.shape(z)[1], k, alpha, out, rows)
    return out, rows


@entry
def _normed(x, out):
    layer_norm(x, out)


def normed(x):
    out = np.zeros(WIDTH)
    _normed(np.ascontiguousarray(x, np.float64), out)
    return out


@entry
def _draw(state, out):
    for k in range(out.size):
        out[k] = normal(state)
        if uniform(state) < 0.01:
            out[k] *= 1e6


def table(rows, columns, seed=1):
    """Draw features that explode now and then and are sometimes unknown, the same on every host."""
    x = np.zeros((rows, columns))
    _draw(stream(seed, "belief test"), x.reshape(-1))
    x[7::61, 2] = np.nan
    x[11::97, 1] = np.inf
    x[:, 4] = 3.5
    return x


def digests():
    """Digest all that a run of 600 rows writes, sparse and dense."""
    weights = seeded_weights(3, 9)
    weights["readout"] = np.linspace(-1.0, 1.0, WIDTH)
    found: dict[str, str | list[str]] = {"weights": hashlib.sha256(weights.tobytes()).hexdigest()}
    out = standards(standard([0.1] * 9, 50.0), table(600, 9))
    found["standards"] = hashlib.sha256(out.tobytes()).hexdigest()
    for name, k in (("sparse", 26), ("one", 1), ("dense", NEURONS)):
        record = believer()
        codes, rows = beliefs(weights, record, out["z"][200::4, :9], k)
        found[name] = [hashlib.sha256(a.tobytes()).hexdigest() for a in (codes, rows, record)]
    return found


if __name__ == "__main__":
    print(json.dumps(digests()))
