"""The router on planted tapes, 20 seeds of 20,000 decisions, costs paid; and its plain twin.

Policies: always long, always short, against the last return, with it. A lower bound at 95% is Student's, one-sided.
"""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from unit.adaptation import router_tapes
from unit.adaptation.router_tapes import BEAR, BULL, LONG, NOISE, REVERT, REVERTING, SHORT, routed, tape

SEEDS = range(20)
DECISIONS = 20_000
T95 = 1.729  # Student's t, 19 degrees of freedom


def lower_bound(x):
    return float(np.mean(x) - T95 * np.std(x, ddof=1) / math.sqrt(len(x)))


def advantage(fixed=-1, foreign=False, **settings):
    """Return by seed the router's net bps a decision beyond the best fixed policy in hindsight."""
    found = []
    for seed in SEEDS:
        seen = tape(DECISIONS, 1_000 + seed)[0] if foreign else None
        own, others, _, _ = routed(DECISIONS, seed, fixed, seen, **settings)
        found.append(own - others.max())
    return np.array(found)


@pytest.fixture(scope="module")
def three_regimes():
    return advantage()


def test_it_beats_the_best_fixed_policy_where_three_regimes_change(three_regimes):
    assert lower_bound(three_regimes) > 0.0


def test_it_does_not_with_the_regimes_of_another_tape(three_regimes):
    control = advantage(foreign=True)
    assert np.mean(control) < 0.25 * np.mean(three_regimes)  # what is left is that the latest rewards weigh most
    assert lower_bound(three_regimes - control) > 0.0


@pytest.mark.parametrize("regime", [BULL, BEAR, REVERTING, NOISE])
def test_it_loses_at_most_a_tenth_of_a_bps_a_decision_where_one_regime_lasts(regime):
    assert np.mean(advantage(regime)) >= -0.1


def test_each_regime_gets_its_policy():
    good = {BULL: LONG, BEAR: SHORT, REVERTING: REVERT}
    hits = []
    for seed in SEEDS:
        _, regimes = tape(DECISIONS, seed)
        _, _, chosen, _ = routed(DECISIONS, seed)
        late = slice(DECISIONS // 4, None)
        hits.append(np.mean([good[int(r)] == j for r, j in zip(regimes[late], chosen[late])]))
    assert np.mean(hits) > 0.8


def test_compiled_and_plain_give_the_same_bytes():
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-W", "ignore", "-m", "unit.adaptation.router_tapes"]
    plain = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    compiled = router_tapes.digests()
    assert json.loads(plain) == json.loads(json.dumps(compiled))
    assert len(compiled["choices"]) >= 3
