"""The fast weights: bound, rules, causality, faults, restart; compiled and plain."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from alphatrade_runtime.adaptation.fast_weights.state import FAST_DTYPE, GOOD_EVERY, fast_params
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.belief.shape import NEURONS, WIDTH
from unit.adaptation import fast_weight_runs
from unit.adaptation.fast_weight_runs import CODE, events, memory, params, random_run, run, synapse

ROOT = math.sqrt(WIDTH)
MILLION = 1_000_000
ANY = st.floats()
EVENT = st.fixed_dictionaries(
    {
        "count": st.sampled_from([0, 1, 2, CODE, NEURONS]), "seed": st.integers(0, 50), "times": st.integers(1, 30),
        "of_value": st.one_of(st.just(1.0), ANY), "of_code": st.one_of(st.just(1.0), ANY), "entry": st.none() | ANY,
        "gate": st.one_of(st.just(1.0), ANY),
    }
)  # fmt: skip


def built(drawn):
    """Return the events of what hypothesis drew: each code and value, times any number, so often."""
    parts = []
    for one in drawn:
        idx, val, counts, v, gates = events(1, one["seed"], NEURONS)
        with np.errstate(all="ignore"):
            val, v = val * one["of_code"], v * one["of_value"]
        if one["entry"] is not None:
            v[0, 5] = one["entry"]
        counts[:], gates[:] = one["count"], one["gate"]
        parts.append([np.repeat(x, one["times"], axis=0) for x in (idx, val, counts, v, gates)])
    return [np.concatenate(each) for each in zip(*parts)]


def eager(events, keep, step, delta):
    """Return what was read at each event, and the weights, by the formula: decayed in full, dense."""
    rho, read = np.zeros((NEURONS, WIDTH)), []
    for idx, val, count, v, gate in zip(*events):
        x = np.zeros(NEURONS)
        x[idx[:count]] = val[:count]
        a = rho.T @ x
        read.append(a)
        aim = v - a if delta else v
        rho = keep * rho + step * min(max(gate, 0.0), 1.0) * np.outer(x, aim)
    return np.array(read), rho


def weights(s):
    return s.scale * s.rho


@pytest.mark.parametrize("rule", ["hebb", "delta"])
@given(drawn=st.lists(EVENT, min_size=1, max_size=12))
@how(max_examples=60)
def test_no_stream_of_whatever_values_brings_the_norm_to_its_bound(rule, drawn):
    s, p = memory(), params(rule, half_life=20)
    seen = run(s, p, built(drawn), every=1)
    assert (seen.norm < p.bound).all()
    assert (seen.exact < p.bound * (1 + 1e-9)).all()
    assert np.isfinite(s.rho).all()
    assert s.frozen == s.faults == seen.fault.sum() <= 1


def test_a_million_ordinary_events_never_fault_by_hebbs_rule_and_come_to_the_root_of_d():
    found, s = random_run("hebb", MILLION)
    assert (found.faults, found.broken, found.clamps) == (0, 0, 0)
    assert 0.99 * ROOT < found.top <= ROOT * (1 + 1e-9)
    assert s.decisions == MILLION


def test_ordinary_events_never_fault_by_the_delta_rule_either():
    found, _ = random_run("delta", MILLION // 4)
    assert (found.faults, found.broken, found.clamps) == (0, 0, 0)
    assert found.top > 1.0


@pytest.mark.parametrize(("rule", "n"), [("hebb", MILLION), ("delta", MILLION)])
def test_a_million_events_of_which_some_are_no_numbers_or_explode_stay_within_the_bound(rule, n):
    found, _ = random_run(rule, n, wild=0.002)
    assert found.broken == 0
    assert found.faults > 300
    assert found.clamps > 100 or rule == "hebb"


@pytest.mark.parametrize("half_life", [5, 700], ids=["put into the weights often", "default"])
@pytest.mark.parametrize("rule", ["hebb", "delta"])
def test_lazy_decay_and_sparse_writes_are_the_formula(rule, half_life):
    s, p = memory(), params(rule, half_life)
    made = events(800, 6)
    made[2][4::9] = 0
    made[4][2::5] = 0.3
    seen = run(s, p, made, every=1)
    keep = 2.0 ** (-1.0 / half_life)
    read, rho = eager(made, keep, 1.0 - keep if rule == "hebb" else 0.05, rule == "delta")
    np.testing.assert_allclose(seen.a, read, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(weights(s), rho, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(seen.norm, seen.exact, rtol=1e-10)
    assert s.norm == pytest.approx(np.linalg.norm(rho), rel=1e-10)
    assert (s.faults, s.clamps, s.writes) == (0, 0, np.count_nonzero(made[2]))


@pytest.mark.parametrize(
    ("gate", "counts"), [(0.5, 0.5), (0.0, 0.0), (-3.0, 0.0), (7.0, 1.0), (1e300, 1.0), (-1e300, 0.0)]
)
def test_a_gate_is_cut_to_its_range(gate, counts):
    made = events(1, 2)
    full, gated = memory(), memory()
    run(full, params(), made)
    made[4][:] = gate
    run(gated, params(), made)
    assert weights(gated) == pytest.approx(counts * weights(full))


def test_what_is_read_is_of_the_past_alone():
    made, other = events(40, 8), events(40, 9)
    changed = [x.copy() for x in made]
    changed[3][20:] = other[3][20:]
    one, two = run(memory(), params(), made).a, run(memory(), params(), changed).a
    assert np.array_equal(one[:21], two[:21])
    assert not np.array_equal(one[21:], two[21:])


def test_what_came_with_a_code_is_read_with_that_code_and_not_with_another():
    idx, val, counts, v, gates = events(2, 3)
    idx[1] = np.setdiff1d(np.arange(NEURONS), idx[0])[:CODE]
    s = memory()
    run(s, params(), [x[:1] for x in (idx, val, counts, v, gates)])
    seen = run(s, params(), [x[[0, 1]] for x in (idx, val, counts, v, gates)])
    assert np.corrcoef(seen.a[0], v[0])[0, 1] == pytest.approx(1.0)
    assert (seen.a[1] == 0).all()


def test_no_active_neuron_only_decays():
    s, p = memory(), params(half_life=10)
    run(s, p, events(30, 4))
    before = weights(s)
    empty = events(10, 5)
    empty[2][:] = 0
    seen = run(s, p, empty)
    assert (seen.a == 0).all()
    assert weights(s) == pytest.approx(before / 2)
    assert (s.writes, s.decisions) == (30, 40)


def test_a_code_that_never_changes_comes_to_the_bound_and_not_over_it():
    s = memory()
    same = [np.repeat(x, 20_000, axis=0) for x in events(1, 2)]
    top = run(s, params(), same).norm.max()
    assert 0.9999 * ROOT < top <= ROOT * (1 + 1e-9)
    assert s.faults == 0


@pytest.mark.parametrize("size", [1e3, 1e30, 1e150])
def test_the_delta_rule_is_scaled_back_to_its_bound(size):
    s, p = memory(), params("delta")
    made = events(900, 7)
    made[3][:] *= size
    seen = run(s, p, made, every=1)
    assert p.bound == pytest.approx(8 * ROOT)
    assert s.clamps > 100
    assert s.faults == 0
    assert (seen.norm < p.bound).all()
    assert seen.exact.max() == pytest.approx(p.bound)


@pytest.mark.parametrize("rule", ["hebb", "delta"])
@pytest.mark.parametrize(
    ("where", "bad"),
    [
        ("value", math.nan), ("value", math.inf), ("value", -math.inf), ("value", 1e200), ("code", math.nan),
        ("code", math.inf), ("code", 1e200), ("gate", math.nan), ("gate", math.inf), ("gate", -math.inf),
    ],
)  # fmt: skip
def test_a_bad_value_goes_back_to_the_last_good_copy_and_only_decays_from_then_on(rule, where, bad):
    made = events(1_200, 3)
    {"value": made[3][:, 7], "code": made[1][:, 2], "gate": made[4]}[where][1_100] = bad
    s, p = memory(), params(rule)
    seen = run(s, p, [x[:1_101] for x in made])
    assert seen.fault.tolist() == [0] * 1_100 + [1]
    assert (s.faults, s.frozen) == (1, 1)
    writes = s.writes
    good = memory()
    run(good, p, [x[: 1_100 // GOOD_EVERY * GOOD_EVERY] for x in made])
    assert weights(s).tobytes() == weights(good).tobytes()
    assert s.norm == good.norm
    run(s, p, [x[1_101:] for x in made])
    assert weights(s) == pytest.approx(weights(good) * p.keep**99)
    assert (s.faults, s.writes) == (1, writes)


def test_a_norm_at_the_bound_is_a_fault_of_hebbs_rule():
    made = events(600, 3)
    made[3][500:] *= 40.0
    s = memory()
    seen = run(s, params(half_life=20), made)
    assert s.faults == 1
    assert 500 <= np.flatnonzero(seen.fault)[0] < 510
    assert seen.norm.max() < 1.01 * ROOT


def test_weights_long_forgotten_are_zero_and_not_too_small_to_square():
    s, p = memory(), params(half_life=1)
    run(s, p, events(40, 4))
    later = [np.repeat(x, 600, axis=0) for x in events(1, 5)]
    run(s, p, later)
    old = np.delete(weights(s), later[0][0], axis=0)
    assert (old == 0).all()
    assert (np.delete(s.rho, later[0][0], axis=0) == 0).all()
    assert s.norm == pytest.approx(ROOT, rel=1e-6)


def test_a_synapse_is_the_mean_of_its_block_of_the_product_that_is_never_made():
    s = memory()
    run(s, params(), events(400, 9))
    d_y = np.random.default_rng(1).normal(size=(NEURONS, WIDTH))
    product = d_y @ weights(s).T  # from neuron (column) to neuron (row)
    sources, targets = np.array([3, 77, 500]), np.array([8, 9, 200, 511])
    assert synapse(s, d_y, sources, targets) == pytest.approx(product[np.ix_(targets, sources)].mean())
    assert synapse(s, d_y, sources[:0], targets) == 0.0
    assert synapse(s, d_y, sources, targets[:0]) == 0.0
    assert np.linalg.matrix_rank(product) == WIDTH - 1  # a layer norm has no mean


@pytest.mark.parametrize("rule", ["hebb", "delta"])
@pytest.mark.parametrize("cut", [1, 255, 256, 300, 700, 850], ids=lambda cut: f"after {cut}")
def test_a_restart_from_its_bytes_goes_on_to_the_same_bytes(rule, cut):
    made = events(900, 4)
    made[3][840, 1] = math.nan
    p = params(rule, half_life=10)
    whole, half = memory(), memory()
    run(whole, p, made)
    run(half, p, [x[:cut] for x in made])
    again = np.frombuffer(bytearray(half.tobytes()), FAST_DTYPE).view(np.recarray)[0]
    run(again, p, [x[cut:] for x in made])
    assert again.tobytes() == whole.tobytes()
    assert whole.faults == 1


@pytest.mark.parametrize("rule", ["hebb", "delta"])
def test_a_part_of_an_event_that_does_not_count_changes_no_byte(rule):
    """What lies behind the last active neuron is left from decisions before."""
    made = events(50, 4)
    made[2][:] = 20
    other = [x.copy() for x in made]
    other[0][:, 20:], other[1][:, 20:] = 511, math.nan
    one, two = memory(), memory()
    run(one, params(rule), made)
    run(two, params(rule), other)
    assert one.tobytes() == two.tobytes()


def test_compiled_and_plain_give_the_same_bytes():
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-W", "ignore", "-m", "unit.adaptation.fast_weight_runs"]
    plain = json.loads(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)
    compiled = fast_weight_runs.digests()
    assert plain == compiled
    assert compiled["hebb did"][0] == compiled["delta did"][0] == 1
    assert compiled["delta did"][1] > 10
    assert compiled["multiplier did"] == [67, compiled["multiplier did"][1]]
    assert compiled["multiplier did"][1] > 0


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"rule": "oja"}, "'oja' is unknown; give one of hebb, delta"), ({"half_life": 0}, "half_life of 1 or more"),
        ({"kappa": 1.0}, "kappa from 0"), ({"kappa": -0.1}, "kappa from 0"), ({"kappa": math.nan}, "kappa from 0"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings, text):
    with pytest.raises(InputError, match=text):
        fast_params(**{"rule": "hebb", "half_life": 700, "kappa": 0.35, **settings})
