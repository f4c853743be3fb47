"""P4's parts on their own: a belief step with fast weights, and the bare product of a matrix with a vector."""

import numpy as np

from alphatrade_runtime.adaptation.fast_weights import sigma
from alphatrade_runtime.adaptation.fast_weights.state import FAST_DTYPE, fast_params
from alphatrade_runtime.adaptation.fast_weights.state import reset as reset_fast
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.perception.belief import belief
from alphatrade_runtime.perception.belief.norms import layer_norm
from alphatrade_runtime.perception.belief.shape import MAX_INPUTS, NEURONS, STORED, WIDTH
from alphatrade_runtime.perception.belief.weights import seeded_weights
from bench.peers.serve import Run, timed
from bench.sessions import FEATURES

STEPS = 100_000
_INPUTS = 256  # different ones, a power of two, so that nothing can be worked out beforehand
_believe, _latent, _read, _write = belief.believe, belief.latent, sigma.read, sigma.write


@entry
def _steps(weights, state, fast, params, z, n, active, steps, a, out, la):
    """Do so many belief steps: value and code, read, latent, write (semantics §22)."""
    for t in range(steps):
        _believe(weights, state, z[t & (_INPUTS - 1)], n, active)
        _read(fast, state.idx, state.val, state.count, a)
        _latent(weights, state, a, out)
        layer_norm(a, la)
        _write(fast, params, state.idx, state.val, state.count, state.v, a, 1.0)


@entry
def _products(matrix, vectors, out, steps):
    """Multiply so many times. matrix: (32, 512), stored so that a pass over neurons is contiguous: the fast way."""
    for t in range(steps):
        for i in range(NEURONS):
            out[i] = 0.0
        for d in range(WIDTH):
            x = vectors[t & (_INPUTS - 1), d]
            for i in range(NEURONS):
                out[i] += matrix[d, i] * x


def belief_steps(_tape: str, _setting: str) -> Run:
    """Return a run of belief steps on normal numbers."""
    n = len(FEATURES)
    weights, draw = seeded_weights(1, n), np.random.default_rng(1)
    state = np.zeros(1, belief.BELIEF_DTYPE).view(np.recarray)[0]
    fast = np.zeros(1, FAST_DTYPE).view(np.recarray)[0]
    belief.reset(state)
    reset_fast(fast)
    params = fast_params(kappa=0.35)[0]
    z = np.zeros((_INPUTS, MAX_INPUTS))
    z[:, :n] = draw.standard_normal((_INPUTS, n))
    scratch = (np.zeros(WIDTH), np.zeros(WIDTH), np.zeros(WIDTH))
    return _run(lambda: _steps(weights, state, fast, params, z, n, STORED, STEPS, *scratch))


def products(_tape: str, _setting: str) -> Run:
    """Return a run of bare products."""
    draw = np.random.default_rng(1)
    matrix, vectors = draw.standard_normal((WIDTH, NEURONS)), draw.standard_normal((_INPUTS, WIDTH))
    out = np.zeros(NEURONS)
    return _run(lambda: _products(matrix, vectors, out, STEPS))


def _run(work) -> Run:
    def run():
        seconds, _ = timed(work)
        return {"seconds": seconds, "events": STEPS, "each_ns": 1e9 * seconds / STEPS}

    return run
