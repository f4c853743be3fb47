"""The fast weights: bound, norm, causality, faults, restart."""

import math

import numpy as np
import pytest

from alphatrade_runtime.adaptation.fast_weights.sigma import read, write
from alphatrade_runtime.adaptation.fast_weights.state import FAST_DTYPE, WIDTH, fast_params, reset
from alphatrade_runtime.numerics.jit import entry

K = 26


@entry
def drive(states, params, idx, val, v, a):
    s, p, top = states[0], params[0], 0.0
    for t in range(idx.shape[0]):
        read(s, idx[t], val[t], 26, a)
        write(s, p, idx[t], val[t], 26, v[t], a, 1.0)
        top = max(top, s.norm2)
    return top


def fresh():
    states = np.zeros(1, FAST_DTYPE).view(np.recarray)
    reset(states[0])
    return states


def events(n, seed):
    rng = np.random.default_rng(seed)
    idx = np.sort(np.argsort(rng.random((n, 512)), axis=1)[:, :K], axis=1)
    val = rng.random((n, K))
    val /= np.sqrt((val**2).sum(axis=1, keepdims=True))
    v = rng.normal(size=(n, WIDTH)) + 3.0 * rng.normal(size=WIDTH)
    v -= v.mean(axis=1, keepdims=True)
    return idx, val, v / v.std(axis=1, keepdims=True)


def exact(states):
    return states[0].c * math.sqrt((states[0].rho ** 2).sum())


@pytest.mark.parametrize(("rule", "bound"), [("hebb", math.sqrt(WIDTH)), ("delta", 8 * math.sqrt(WIDTH))])
def test_the_norm_is_exact_and_within_its_bound(rule, bound):
    states = fresh()
    top = drive(states, fast_params(rule), *events(20_000, 1), np.zeros(WIDTH))
    assert 0 < math.sqrt(top) <= bound
    assert states[0].faults == 0
    assert math.sqrt(states[0].norm2) == pytest.approx(exact(states), rel=1e-10)


def test_a_code_that_never_changes_comes_to_the_bound_and_not_over_it():
    idx, val, v = events(1, 2)
    n = 20_000
    same = [np.repeat(x, n, axis=0) for x in (idx, val, v)]
    states = fresh()
    top = drive(states, fast_params(), *same, np.zeros(WIDTH))
    assert 0.99 * WIDTH < top <= WIDTH * (1 + 1e-9)
    assert states[0].faults == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_a_bad_value_restores_the_last_good_state_and_freezes(bad):
    idx, val, v = events(6_000, 3)
    v[5_000] = bad
    states = fresh()
    drive(states, fast_params(), idx, val, v, np.zeros(WIDTH))
    s = states[0]
    assert (s.faults, s.frozen, s.writes) == (1, 1, 5_000)
    assert np.array_equal(s.rho, s.good)
    assert 4_096 <= s.good_at < 5_000
    assert np.isfinite(s.rho).all()


def test_a_restart_from_its_bytes_goes_on_with_the_same_bytes():
    data = events(5_000, 4)
    whole, half = fresh(), fresh()
    drive(whole, fast_params(), *data, np.zeros(WIDTH))
    drive(half, fast_params(), *(x[:3_000] for x in data), np.zeros(WIDTH))
    again = np.frombuffer(bytearray(half.tobytes()), FAST_DTYPE).view(np.recarray)
    drive(again, fast_params(), *(x[3_000:] for x in data), np.zeros(WIDTH))
    assert again.tobytes() == whole.tobytes()
