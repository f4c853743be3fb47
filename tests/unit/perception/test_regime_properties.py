"""What holds for regimes under any input: a posterior, a dwell, finite state, no look ahead, no switched states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.perception.regime.labels import Regime
from alphatrade_runtime.perception.regime.model import default_model
from alphatrade_runtime.perception.regime.state import REGIME_DTYPE, hmm_params, rules_params
from unit.perception.regime_runs import follow, noise, rough_tape, two_regimes

SHORT = {"warmup": 4}
PARAMS = {
    "rules": rules_params(2.0, 8.0, **SHORT),
    "hmm": hmm_params(default_model(2.0, 8.0), **SHORT),
}
ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)
LIKELY = st.sampled_from([0.0, 0.5, -0.5, 1.0, -20.0, 1e5, -1e5])
DECISION = st.tuples(st.one_of(ANY, LIKELY), st.one_of(ANY, LIKELY), st.sampled_from([0, 0, 0, 0, 1, 2, 4, 7]),
                     st.one_of(ANY, LIKELY))  # fmt: skip
TAPES = st.tuples(st.integers(0, 99), st.lists(DECISION, max_size=60))


def columns(tape):
    """A stretch of ordinary market, then what hypothesis made up, then ordinary market again."""
    seed, made = tape
    rows = np.array(made, np.float64).reshape(-1, 4)
    plain = (noise(seed, 30, 2.0), 1.0 + np.abs(noise(seed + 1, 30, 2.0)), np.zeros(30), np.ones(30))
    parts = [np.concatenate([column, rows[:, at], column]) for at, column in enumerate(plain)]
    return parts[0], parts[1], parts[2].astype(np.int64), parts[3]


@pytest.mark.parametrize("kind", PARAMS)
@settings(max_examples=150)
@given(tape=TAPES)
def test_under_any_input_the_state_is_finite_and_the_posterior_one(kind, tape):
    track = follow(PARAMS[kind], *columns(tape))
    assert np.isfinite(track.out).all()
    for name in REGIME_DTYPE.fields or ():
        assert np.isfinite(track.state[name]).all(), name
    assert (np.abs(track.posterior.sum(axis=1) - 1.0) <= 1e-12).all()
    assert (track.posterior >= 0.0).all()
    assert set(track.labels) <= set(Regime)
    assert ((track.confidence >= 0.0) & (track.confidence <= 1.0)).all()
    assert ((track.size_factor == 0.5) == (track.labels == Regime.UNCERTAIN)).all()
    assert (track.state[0].scales[:] >= PARAMS[kind][0].scale_floor).all()


@pytest.mark.parametrize("kind", PARAMS)
@settings(max_examples=100)
@given(tape=TAPES)
def test_no_label_gives_way_before_its_dwell_but_to_dislocation(kind, tape):
    track = follow(PARAMS[kind], *columns(tape))
    last = 0
    label = Regime.UNCERTAIN
    for t in range(len(track.labels)):
        if track.changed[t]:
            assert track.labels[t] != label
            assert track.previous[t] == label
            assert track.dwell[t] == t + 1 - last
            assert track.dwell[t] >= 5 or track.labels[t] == Regime.DISLOCATED
            last = t + 1
            label = track.labels[t]
        assert track.labels[t] == label
        assert track.since[t] == last


@pytest.mark.parametrize("kind", PARAMS)
@settings(max_examples=60)
@given(tape=TAPES, share=st.floats(0.0, 1.0))
def test_cutting_the_tape_changes_nothing_before_the_cut(kind, tape, share):
    whole = columns(tape)
    cut = int(share * len(whole[0]))
    part = follow(PARAMS[kind], *(column[:cut] for column in whole))
    assert part.out.tobytes() == follow(PARAMS[kind], *whole).out[:cut].tobytes()
    returns, spreads, trouble, raw = (column[cut:] for column in whole)
    rest = follow(PARAMS[kind], returns, spreads, trouble, raw, part.state)  # and it goes on from there
    assert rest.out.tobytes() == follow(PARAMS[kind], *whole).out[cut:].tobytes()


@settings(max_examples=100)
@given(tape=TAPES)
def test_states_keep_their_order_whatever_they_learn_from(tape):
    params = hmm_params(default_model(2.0, 8.0), learning_window=3.0, anchor=0.0, **SHORT)
    p = params[0]
    s = follow(params, *columns(tape)).state[0]
    assert ((s.means[:] >= p.low[:]) & (s.means[:] <= p.high[:])).all()  # and their labels stay true
    for j in range(4):
        for k in range(4):
            if j != k:
                apart = s.means[j, p.axis[j, k]] - s.means[k, p.axis[j, k]]
                assert apart * np.sign(p.gap[j, k]) >= abs(p.gap[j, k]) * (1.0 - 1e-12)


@pytest.mark.parametrize("kind", PARAMS)
@pytest.mark.parametrize("value", [0.0, 3.0, -1e4, 1e300])
def test_a_constant_input_is_survived_and_forgotten(kind, value):
    params = {"rules": rules_params(), "hmm": hmm_params(default_model())}[kind]
    constant = follow(params, np.full(3_000, value), np.full(3_000, 2.0))
    assert np.isfinite(constant.out).all()
    assert constant.changed[1_000:].sum() <= 3
    after = noise(4, 60_000)
    again = follow(params, after, np.full(len(after), 2.0), state=constant.state)
    fresh = follow(params, after, np.full(len(after), 2.0))
    if kind == "rules":
        assert (again.labels[-5_000:] == fresh.labels[-5_000:]).mean() > 0.95
    for name in ("square_slow", "spread_mean"):
        assert again.state[0][name] == pytest.approx(fresh.state[0][name], rel=0.05)
    assert again.state[0].scales == pytest.approx(fresh.state[0].scales, rel=0.25)
    assert again.state[0].means == pytest.approx(fresh.state[0].means, abs=0.15)


@pytest.mark.parametrize("kind", PARAMS)
def test_one_huge_print_moves_little(kind):
    params = {"rules": rules_params(), "hmm": hmm_params(default_model())}[kind]
    returns = noise(6, 4_000)
    hit = returns.copy()
    hit[2_000] = 1e9
    a, b = follow(params, returns), follow(params, hit)
    assert (a.labels[2_600:] == b.labels[2_600:]).mean() > 0.9


@pytest.mark.parametrize("kind", PARAMS)
def test_what_cannot_be_used_is_counted(kind):
    returns, spreads, trouble, raw = rough_tape(9, 500)
    track = follow(PARAMS[kind], returns, spreads, trouble, raw)
    limit = 2.0**48
    bad = (~(np.abs(returns) < limit)).sum() + (~np.isnan(spreads) & ~((spreads > 0) & (spreads < limit))).sum()
    assert track.masked[-1] == bad > 0


def test_a_checkpoint_goes_on_to_the_same_bytes():
    returns, _ = two_regimes(2, 3_000)
    params = PARAMS["hmm"]
    first = follow(params, returns[:1_234])
    restored = np.frombuffer(bytearray(first.state.tobytes()), REGIME_DTYPE).view(np.recarray)
    rest = follow(params, returns[1_234:], state=restored)
    whole = follow(params, returns)
    assert rest.state.tobytes() == whole.state.tobytes()
