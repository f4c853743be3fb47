"""Synapses between a probe's neurons and a policy, against a direct computation."""

import math

import numpy as np
import pytest

from alphatrade_runtime.adaptation.fast_weights import state as fast_weights
from alphatrade_runtime.loop.mind.synapse import synapses, tagged_neurons
from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.perception.belief.shape import NEURONS, WIDTH
from alphatrade_runtime.perception.belief.weights import seeded_weights
from alphatrade_runtime.reflection.probes.state import PROBES, Probe

FEATURES = ("spread_ticks", "order_flow_1s", "trade_flow_1s", "return_ticks")


@entry
def _ask(fast, u, j, tagged, out):
    synapses(fast[0], u, j, tagged, out)


def test_every_neuron_has_one_feature_and_so_the_probes_that_read_it():
    weights = seeded_weights(3, len(FEATURES))
    drive = np.abs(weights["d_x"].T @ weights["e_in"][:, : len(FEATURES)])
    owner = drive.argmax(axis=1)
    tagged = tagged_neurons(weights, FEATURES)
    assert np.array_equal(tagged[Probe.LIQUIDITY_GAP] == 1, owner == 0)
    assert np.array_equal(tagged[Probe.IMBALANCE_SURGE] == 1, owner == 1)
    assert np.array_equal(tagged[Probe.SWEEP_RISK] == 1, owner == 2)
    assert np.array_equal(tagged[Probe.TOXICITY], tagged[Probe.SWEEP_RISK])
    assert not tagged[Probe.OPENING_AUCTION].any()
    assert tagged.any(axis=0).all()


def test_the_mean_pull_of_a_probes_neurons_on_the_policy():
    rng = np.random.default_rng(4)
    fast = np.zeros(1, fast_weights.FAST_DTYPE).view(np.recarray)
    fast_weights.reset(fast[0])
    fast[0].rho[:] = rng.normal(size=(NEURONS, WIDTH))
    fast[0].rho[5] = 0.0
    fast[0].squares[:] = (fast[0].rho ** 2).sum(axis=1)
    fast[0].scale = 0.25
    u = rng.normal(size=(16, WIDTH))
    tagged = (rng.random((PROBES, NEURONS)) < 0.2).astype(np.uint8)
    tagged[Probe.OPENING_AUCTION] = 0
    out = np.zeros(PROBES)
    _ask(fast, u, 3, tagged, out)
    expected = 0.25 * (tagged @ (fast[0].rho @ u[3]))[1:] / tagged.sum(axis=1)[1:]
    assert math.isnan(out[Probe.OPENING_AUCTION])
    assert out[1:] == pytest.approx(expected)


def test_what_has_learnt_nothing_pulls_nowhere():
    fast = np.zeros(1, fast_weights.FAST_DTYPE).view(np.recarray)
    fast_weights.reset(fast[0])
    out = np.full(PROBES, 7.0)
    _ask(fast, np.ones((16, WIDTH)), 0, np.ones((PROBES, NEURONS), np.uint8), out)
    assert not out.any()
