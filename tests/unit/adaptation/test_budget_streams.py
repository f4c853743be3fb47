"""The exploration share over streams of orders, checked in exact integers; and the plain twin."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.adaptation.exploration.budget import CADENCE, SHARES_BPS, WINDOW, rolling_share, share_of_day
from unit.adaptation import budget_streams
from unit.adaptation.budget_streams import DAY_NS, NOW, random_stream, sent

LOT = 10**12  # quanta


def check_share(share_bps, sizes, explored, now_ns):
    """Hold E <= X (E + N) at every prefix of each UTC day, in integers of any size."""
    day, exploring, normal = None, 0, 0
    for size, flag, now in zip(sizes.tolist(), explored.tolist(), now_ns.tolist()):
        if now // DAY_NS != day:
            day, exploring, normal = now // DAY_NS, 0, 0
        exploring, normal = (exploring + size, normal) if flag else (exploring, normal + size)
        assert exploring * 10_000 <= share_bps * (exploring + normal)


def check_count(share_bps, explored, window):
    """Hold the count in any `window` orders."""
    before = np.concatenate([[0], np.cumsum(explored)])
    counts = before[window:] - before[:-window] if len(explored) >= window else before[-1:]
    assert counts.max() * 10_000 <= share_bps * window


def check_cadence(offered, cadence):
    granted = np.flatnonzero(offered)
    assert len(granted) < 2 or np.diff(granted).min() >= cadence


@settings(max_examples=1_000)
@given(
    seed=st.integers(0, 2**32), share_bps=st.integers(1, 1_000), most=st.sampled_from([1, 7, 1_000, 10**12, 2**60]),
    window=st.integers(10, 200), cadence=st.integers(1, 60), n=st.integers(1, 400),
    step_ns=st.sampled_from([0, 10**9, DAY_NS // 50]),
)  # fmt: skip
def test_the_share_is_held_at_every_prefix_of_random_streams(seed, share_bps, most, window, cadence, n, step_ns):
    sizes, wants, frozen, now_ns = random_stream(seed, n, most, step_ns)
    explored, offered, state = sent(
        sizes, wants, frozen, now_ns, share_bps=share_bps, window=window, cadence=cadence
    )  # fmt: skip
    check_share(share_bps, sizes, explored, now_ns)
    check_count(share_bps, explored, window)
    check_cadence(offered, cadence)
    assert not (explored & frozen).any()
    assert state.breaches == 0


def sizes_of(kind, n):
    rng = np.random.default_rng(7)
    if kind == "equal":
        return np.full(n, LOT)
    return (LOT * (rng.uniform(0.1, 2.0, n) if kind == "mixed" else rng.lognormal(0.0, 1.0, n))).astype(np.int64)


@pytest.mark.parametrize("mode", ["Sim", "Paper"])
@pytest.mark.parametrize("kind", ["equal", "mixed", "heavy"])
def test_where_exploration_is_always_wanted_it_gets_most_of_its_share(mode, kind):
    n = 20_000
    sizes, ones, zeros, now_ns = sizes_of(kind, n), np.ones(n, np.int64), np.zeros(n, np.int64), np.full(n, NOW)
    explored, offered, state = sent(sizes, ones, zeros, now_ns, mode)
    check_share(SHARES_BPS[mode], sizes, explored, now_ns)
    check_count(SHARES_BPS[mode], explored, WINDOW)
    check_cadence(offered, CADENCE)
    share = float(sizes[explored == 1].sum() / sizes.sum())
    assert 0.8 * SHARES_BPS[mode] <= share * 10_000 <= SHARES_BPS[mode]
    assert share_of_day(state) == pytest.approx(share)
    last = slice(n - WINDOW, n)
    rolling = sizes[last][explored[last] == 1].sum() / sizes[last].sum()
    assert rolling_share(state) == pytest.approx(rolling)
    granted = np.flatnonzero(offered)
    assert np.diff(granted).max() <= 2 * CADENCE  # a slot comes each, and nothing else holds it up for long


@pytest.mark.parametrize("mode", ["Live", "LiveShadow"])
def test_nothing_is_explored_in_live_modes(mode):
    sizes, wants, frozen, now_ns = random_stream(1, 5_000, LOT, 10**9, want=1.0)
    explored, offered, state = sent(sizes, wants, frozen, now_ns, mode)
    assert explored.sum() == offered.sum() == 0
    assert state.tokens == 0


def test_a_smaller_permit_holds_the_share_too():
    sizes, wants, frozen, now_ns = random_stream(2, 5_000, LOT, 10**9, want=1.0)
    explored, _, _ = sent(sizes, wants, frozen, now_ns, permit_bps=200)
    check_share(200, sizes, explored, now_ns)
    assert explored.sum() > 0


def test_compiled_and_plain_give_the_same_bytes():
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-W", "ignore", "-m", "unit.adaptation.budget_streams"]
    plain = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    compiled = budget_streams.digests()
    assert json.loads(plain) == json.loads(json.dumps(compiled))
    assert compiled["explored"] > 20
    assert len(compiled["findings"]) >= 7
