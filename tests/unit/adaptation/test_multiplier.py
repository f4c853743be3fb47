"""Multipliers of policies: only what predicts out of sample is trusted, and few are boosted."""

import math

import numpy as np
import pytest

from alphatrade_runtime.adaptation.fast_weights.multiplier import MULTIPLIER_DTYPE, learn, multipliers, reset
from alphatrade_runtime.adaptation.fast_weights.state import WIDTH, fast_params
from alphatrade_runtime.numerics.jit import entry


@entry
def drive(states, la, rewards):
    trusted = 0
    for t in range(la.shape[0]):
        learn(states[0], 0, la[t], rewards[t])
        trusted += states[0].trusted[0]
    return trusted


@entry
def ask(states, params, la, policies, out):
    multipliers(states[0], params[0], la, policies, out)


def fresh():
    states = np.zeros(1, MULTIPLIER_DTYPE).view(np.recarray)
    reset(states[0])
    return states


def inputs(seed, n=3_000):
    rng = np.random.default_rng(seed)
    la = rng.normal(size=(n, WIDTH))
    la -= la.mean(axis=1, keepdims=True)
    return rng, la / la.std(axis=1, keepdims=True)


def trusted_share(edge):
    shares = []
    for seed in range(20):
        rng, la = inputs(seed)
        states = fresh()
        rewards = edge * la[:, 3] + rng.normal(size=len(la))
        shares.append((states[0].trusted[0] if drive(states, la, rewards) else 0, states))
    return sum(int(t) for t, _ in shares) / 20, shares


def test_a_planted_direction_is_trusted_and_boosted_and_no_edge_is_not():
    planted, runs = trusted_share(0.4)
    assert planted == 1.0
    out = np.ones(16)
    la = np.where(np.arange(WIDTH) == 3, 4.0, -4.0 / 31)
    ask(runs[0][1], fast_params(kappa=0.35), la, 1, out)
    assert out[0] == 1.35
    assert trusted_share(0.0)[0] <= 0.05


def test_bad_input_and_a_constant_never_poison():
    states = fresh()
    la = np.ones((50_000, WIDTH))
    la[::7] = math.nan
    la[1::7] = 1e200
    drive(states, la, np.full(50_000, 9.0))
    s = states[0]
    assert s.refused[0] > 14_000
    assert np.isfinite(s.u).all()
    assert np.trace(s.P[0]) < 1.0
    assert s.resets[0] == 0
    assert np.array_equal(s.P[0], s.P[0].T)


@pytest.mark.parametrize(("kappa", "expected"), [(0.0, [1.0] * 5), (0.35, [1.35, 1.35, 1.05, 1.0, 1.05])])
def test_few_are_boosted_ties_by_policy_id(kappa, expected):
    states = fresh()
    states[0].trusted[:] = 1
    states[0].trusted[3] = 0
    states[0].u[:, 0] = 5.0
    out = np.zeros(16)
    la = np.zeros(WIDTH)
    la[0] = 1.0
    ask(states, fast_params(kappa=kappa), la, 5, out)
    assert list(out[:5]) == expected
