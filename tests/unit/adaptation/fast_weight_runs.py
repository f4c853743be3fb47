"""Runs of the fast weights' kernels for the tests; as a program, prints the digests of a run of each as JSON."""

import hashlib
import json
import math

import numpy as np

from alphatrade_runtime.adaptation.fast_weights import multiplier, sigma, state
from alphatrade_runtime.adaptation.fast_weights.multiplier import MULTIPLIER_DTYPE, learn, multipliers
from alphatrade_runtime.adaptation.fast_weights.state import FAST_DTYPE, fast_params
from alphatrade_runtime.numerics.jit import entry, kernel
from alphatrade_runtime.numerics.rng import below, stream, uniform
from alphatrade_runtime.perception.belief.norms import layer_norm
from alphatrade_runtime.perception.belief.shape import NEURONS, WIDTH

CODE = 26
PHASE = 5_000  # random events of one kind
SEEN_DTYPE = np.dtype([("a", "f8", (WIDTH,)), ("fault", "i8"), ("norm", "f8"), ("exact", "f8")], align=True)
FOUND_DTYPE = np.dtype([("top", "f8"), ("faults", "i8"), ("clamps", "i8"), ("broken", "i8")], align=True)


def record(dtype):
    return np.zeros(1, dtype).view(np.recarray)[0]


def params(rule="hebb", half_life=700, kappa=0.35):
    return fast_params(rule, half_life, kappa=kappa)[0]


def memory():
    s = record(FAST_DTYPE)
    state.reset(s)
    return s


def learner():
    s = record(MULTIPLIER_DTYPE)
    multiplier.reset(s)
    return s


@kernel
def _exact(s):
    total = 0.0
    for i in range(NEURONS):
        for d in range(WIDTH):
            total += s.rho[i, d] * s.rho[i, d]
    return s.scale * math.sqrt(total)


@entry
def drive(s, p, idx, val, counts, v, gates, every, seen):
    """Read, then write, each event. every: events between two norms summed anew into `exact`, which is NaN between."""
    for t in range(len(counts)):
        row = seen[t]
        sigma.read(s, idx[t], val[t], counts[t], row.a)
        row.fault = sigma.write(s, p, idx[t], val[t], counts[t], v[t], row.a, gates[t])
        row.norm = s.norm
        row.exact = _exact(s) if every > 0 and t % every == 0 else math.nan


def run(s, p, events, every=0):
    """Drive a memory through events, see `events`. Returns a row of what was seen for each."""
    idx, val, counts, v, gates = events
    seen = np.zeros(len(counts), SEEN_DTYPE).view(np.recarray)
    drive(s, p, idx, val, counts, v, gates, every, seen)
    return seen


def events(n, seed, code=CODE):
    """Draw codes of unit length, values of a layer norm about a mean of their own, and gates of 1."""
    rng = np.random.default_rng(seed)
    idx = np.sort(np.argsort(rng.random((n, NEURONS)), axis=1)[:, :code], axis=1)
    val = rng.random((n, code))
    val /= np.sqrt((val**2).sum(axis=1, keepdims=True))
    return idx, val, np.full(n, code), normed(rng.normal(size=(n, WIDTH)) + 3.0 * rng.normal(size=WIDTH)), np.ones(n)


def normed(x):
    x = x - x.mean(axis=-1, keepdims=True)
    return x / x.std(axis=-1, keepdims=True)


@kernel
def _draw_code(rng, idx, val, count):
    """Draw a code of unit length: an odd stride never comes twice to a neuron."""
    at = below(rng, NEURONS)
    stride = 2 * below(rng, NEURONS // 2) + 1
    total = 0.0
    for k in range(count):
        idx[k] = at
        at = (at + stride) % NEURONS
        val[k] = uniform(rng) + 1e-6
        total += val[k] * val[k]
    for k in range(count):
        val[k] /= math.sqrt(total)


@kernel
def _draw_value(rng, v):
    for d in range(WIDTH):
        v[d] = uniform(rng) - 0.5
    layer_norm(v, v)


@kernel
def _spoil(rng, val, v):
    """Put something no belief would say into the event; return its gate."""
    kind = below(rng, 8)
    bad = math.nan
    if kind == 1:
        bad = math.inf
    elif kind == 2:
        bad = -1e308
    elif kind > 2:
        bad = 10.0 ** float(below(rng, 400) - 100)
    where = below(rng, 3)
    if where == 0:
        v[below(rng, WIDTH)] = bad
    elif where == 1:
        val[below(rng, CODE)] = bad
    return bad if where == 2 else 1.0


@kernel
def _forget(s):
    for i in range(NEURONS):
        s.squares[i] = s.good_squares[i] = 0.0
        for d in range(WIDTH):
            s.rho[i, d] = s.good[i, d] = 0.0
    s.scale = s.good_scale = 1.0
    s.total = s.good_total = 0.0
    s.frozen = 0


@entry
def random_events(s, p, rng, n, wild, idx, val, v, a, found):
    """Drive n random events, in phases: all of it new, the same code, the same value, nothing new, the value's sign.

    wild: share of the events that are spoiled; after a fault the memory begins anew. found: FOUND_DTYPE; broken counts
    norms that are not below the bound or not those of the weights.
    """
    for t in range(n):
        kind = t // PHASE % 5
        first = t % PHASE == 0
        if first or wild > 0.0 or kind == 0 or kind == 2:
            _draw_code(rng, idx, val, CODE if kind < 4 else 1)
        if first or wild > 0.0 or kind < 2:
            _draw_value(rng, v)
        elif kind == 4:
            for d in range(WIDTH):
                v[d] = -v[d]
        gate = _spoil(rng, val, v) if uniform(rng) < wild else 1.0
        count = 0 if t % 11 == 10 and kind != 3 else CODE if kind < 4 else 1
        sigma.read(s, idx, val, count, a)
        found.faults += sigma.write(s, p, idx, val, count, v, a, gate)
        found.top = max(found.top, s.norm)
        if not s.norm < p.bound:
            found.broken += 1
        if t % 499 == 0 and not abs(_exact(s) - s.norm) < 1e-9 * p.bound:
            found.broken += 1
        if s.frozen != 0:
            _forget(s)
    found.clamps = s.clamps


def random_run(rule, n, wild=0.0, half_life=700):
    """Return what random events came to, and the memory."""
    s, found = memory(), record(FOUND_DTYPE)
    scratch = np.zeros(CODE, np.int64), np.zeros(CODE), np.zeros(WIDTH), np.zeros(WIDTH)
    random_events(s, params(rule, half_life), stream(1, f"fast weights {rule}"), n, wild, *scratch, found)
    return found, s


@entry
def synapse(s, d_y, sources, targets):
    return sigma.synapse(s, d_y, sources, len(sources), targets, len(targets))


@entry
def teach(s, j, first, horizon, la, rewards, seen):
    """Offer a reward a decision, from decision `first` on. seen: int64 (n, 2): whether taken, whether trusted then."""
    for t in range(len(rewards)):
        seen[t, 0] = learn(s, j, first + t, horizon, la[t], rewards[t])
        seen[t, 1] = s.trusted[j]


def taught(s, la, rewards, j=0, first=0, horizon=1):
    """Return which rewards were taken, and at which decisions the policy was trusted."""
    seen = np.zeros((len(rewards), 2), np.int64)
    teach(s, j, first, horizon, la, rewards, seen)
    return seen[:, 0], seen[:, 1]


@entry
def _ask(s, p, la, policies, out):
    multipliers(s, p, la, policies, out)


def asked(s, p, la, policies):
    out = np.full(multiplier.MAX_POLICIES, -1.0)
    _ask(s, p, np.asarray(la, np.float64), policies, out)
    return out[:policies].tolist()


def digests():
    """Digest all that runs over good input and bad leave behind."""
    found: dict[str, list[object]] = {}
    for rule in ("hebb", "delta"):
        s = memory()
        p = params(rule, half_life=5)  # so that the scale is put into the weights now and then
        idx, val, counts, v, gates = events(300, 3, code=4)
        counts[5::17], gates[3::7] = 0, 0.25
        v[270:] *= 1e3  # Hebb's rule faults, the other scales back
        v[290, 3] = np.nan
        seen = run(s, p, (idx, val, counts, v, gates))
        found[rule] = [hashlib.sha256(each.tobytes()).hexdigest() for each in (s, seen)]
        found[f"{rule} did"] = [int(s.faults), int(s.clamps), int(s.writes), int(s.frozen)]
    s = learner()
    rng = np.random.default_rng(4)
    la, rewards = normed(rng.normal(size=(70, WIDTH))), 0.1 * rng.normal(size=70)
    rewards += la[:, 2]
    la[7], la[40], rewards[50] = 0.0, np.nan, np.inf
    taken, trusted = taught(s, la, rewards)
    out = asked(s, params(), la[3], 1)
    found["multiplier"] = [hashlib.sha256(s.tobytes()).hexdigest(), [x.hex() for x in out]]
    found["multiplier did"] = [int(taken.sum()), int(trusted.sum())]
    return found


if __name__ == "__main__":
    print(json.dumps(digests()))
