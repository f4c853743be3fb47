"""Each probe fires on what it is for, planted as market events, and hardly ever on a calm market."""

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.features import NAMES
from alphatrade_runtime.reflection.probes.state import DOCS, PROBE_ROW_DTYPE, PROBES, Probe, prepare
from unit.reflection import probe_tapes as tapes

SEEDS = range(20)
MOST_BY_CHANCE = 0.01


@pytest.fixture(scope="module")
def markets():
    return {seed: tapes.calm_market(seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def controls(markets):
    return {seed: tapes.watched(events) for seed, events in markets.items()}


@pytest.mark.parametrize("which", Probe, ids=lambda p: p.name.lower())
def test_a_probe_hardly_ever_fires_on_a_calm_market(which, controls):
    fired = sum(int(found.fired[:, which].sum()) for found in controls.values())
    asked = sum(int(found.available[:, which].sum()) for found in controls.values())
    assert asked > 100_000
    assert fired / asked <= MOST_BY_CHANCE


@pytest.mark.parametrize("which", Probe, ids=lambda p: p.name.lower())
def test_a_probe_fires_on_its_own_tape(which, markets):
    for seed, events in markets.items():
        planted, first, last = tapes.PLANTS[which](events)
        found = tapes.watched(planted)
        during = (found.ts >= first) & (found.ts <= last + tapes.MINUTE)
        assert found.fired[during, which].any(), seed
        assert not found.fired[(found.ts >= first - tapes.SECOND) & (found.ts < first), which].any(), seed
