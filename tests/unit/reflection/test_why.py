"""Why one policy and not another: parts that add up, the first constraint, the least flip, what came of it later."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.adaptation.router.attention import (
    ROUTER_DTYPE,
    ROUTER_PARAMS_DTYPE,
    choose,
    reset_router,
)
from alphatrade_runtime.adaptation.router.weighted import choose_by_weight
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.reflection.routes import NOBODY, Barred
from alphatrade_runtime.reflection.why import MOST, Roster, candidates, flip_of, sentence, why
from unit.loop.mind_sessions import FEATURES
from unit.reflection.minded_run import candidate, route, session

NAMES = tuple("abcdefgh")
ROSTER = Roster(NAMES, ((), ("BullCalm", "BullNormal")) + ((),) * 6, attention=True)
BY_WEIGHT = Roster(ROSTER.names, ROSTER.regimes, attention=False)


def flip(row, policy, roster=ROSTER):
    (found,) = [one for one in why(row, roster)["alternatives"] if one["policy"] == NAMES[policy]]
    return found["kept_out_by"], found["need"]


def test_the_roster_is_that_of_the_session():
    features = tuple(FEATURES)
    assert Roster.of(parse_session(session())) == Roster(("trend", "revert"), ((), ("NeutralCalm",)), True, features)
    assert not Roster.of(parse_session(session(attention=False))).attention


def test_the_parts_of_a_score_add_up():
    one = candidate(2, 0.75, base=0.5, attention=-0.1, bias=0.2, multiplier=1.25)
    row = route(1, candidate(0, 0.9), one, before=0)
    (other,) = why(row, ROSTER)["alternatives"]
    assert other["score"] == pytest.approx(
        {"base": 0.5, "attention": -0.1, "regime": 0.2, "fast_weight": 0.15, "total": 0.75, "multiplier": 1.25,
         "switch_cost_bps": 1.0}
    )  # fmt: skip
    assert sum(other["score"][name] for name in ("base", "attention", "regime", "fast_weight")) == pytest.approx(0.75)
    assert why(row, ROSTER)["score"]["switch_cost_bps"] == 0.0, "who trades already pays for no switch"


@pytest.mark.parametrize(
    ("weighed", "before", "policy", "expected"),
    [
        # cost 1 bps, 10 bps a score
        ([candidate(0, 0.5), candidate(2, 0.2)], 0, 2, ("score", 4.0)),  # 3 behind and the switch
        ([candidate(0, 0.5), candidate(2, 0.55)], 0, 2, ("switching cost", 0.5)),
        ([candidate(2, 0.5), candidate(0, 0.2)], 0, 0, ("score", 2.0)),  # who traded stays within the cost
        ([candidate(2, 0.5), candidate(0, 0.2), candidate(3, 0.4)], 0, 3, ("score", 1.0)),
        ([candidate(0, 0.5), candidate(2, 0.55), candidate(3, 0.51)], 0, 3, ("score", 0.9)),  # 2 is before it
        ([candidate(0, 0.5), candidate(2, 0.2)], NOBODY, 2, ("score", 3.0)),
        ([candidate(0, 0.5), candidate(1, 0.9, Barred.REGIME)], 0, 1, ("regime", None)),
        ([candidate(0, 0.5), candidate(1, 0.9, Barred.INSTRUMENT)], 0, 1, ("instrument", None)),
        ([candidate(0, 0.5), candidate(2, 0.2), candidate(1, 0.9, Barred.REGIME)], 1, 2, ("score", 3.0)),
    ],
)
def test_the_first_constraint_and_the_least_flip(weighed, before, policy, expected):
    found = flip(route(1, *weighed, before=before), policy)
    assert found == (expected[0], pytest.approx(expected[1]) if expected[1] is not None else None)


@pytest.mark.parametrize(
    ("weighed", "policy", "expected"),
    [
        ([candidate(0, 0.5), candidate(2, 0.3)], 2, ("weight", 5_001.0)),  # the first of equal weights is chosen
        ([candidate(2, 0.5), candidate(0, 0.3)], 0, ("weight", 5_000.0)),
        ([candidate(2, 0.5), candidate(1, 0.3, Barred.REGIME)], 1, ("regime", None)),
    ],
)
def test_without_attention_weight_is_what_lacked(weighed, policy, expected):
    assert flip(route(1, *weighed, sigma_bps=0.0, switch_cost_bps=0.0), policy, BY_WEIGHT) == expected


def test_no_weight_is_above_all_of_it():
    row = route(1, candidate(0, 1.0), candidate(2, 1.0), sigma_bps=0.0, switch_cost_bps=0.0)
    assert why(row, BY_WEIGHT)["alternatives"][0]["flips_when"] == "the chosen one's weight is lower"


def test_the_regimes_that_would_have_let_it_in_are_named():
    row = route(1, candidate(0, 0.5), candidate(1, 0.9, Barred.REGIME), blocked=2)
    found = why(row, ROSTER)
    assert found["blocked"] == ["b"]
    assert found["sentence"] == (
        "a trades in NeutralCalm (80% sure); not b: regime, unless the regime is one of BullCalm, BullNormal"
    )


def test_a_regime_that_is_off_is_not_named():
    found = why(route(1, candidate(0, 0.5), regime=NOBODY), ROSTER)
    assert found["regime"] is None
    assert found["sentence"] == "a trades"


def test_a_trial_has_an_incumbent_that_has_not_lost():
    weighed = candidate(2, 0.1), candidate(0, 0.5), candidate(3, 0.4)
    row = route(1, *weighed, before=0, incumbent=0, exploring=1, size_factor=0.5)
    assert flip(row, 0) == ("exploration", None)
    assert flip(row, 3) == ("score", pytest.approx(2.0)), "as if no trial were on: against the incumbent"
    assert why(row, ROSTER)["sentence"] == (
        "c trades in NeutralCalm (80% sure) on trial, within the exploration budget at 0.50 of its size; "
        "not a: exploration, unless the trial ends"
    )


def test_nobody_may_trade():
    found = why(route(1, chosen=NOBODY, size_factor=0.5, drift_level=2), ROSTER)
    assert found["chosen"] is None
    assert found["score"] is None
    assert found["sentence"] == "nobody trades in NeutralCalm (80% sure) at 0.50 of its size, drift alert"


def test_later_regret_is_of_shadows_since_then():
    row = route(5, candidate(0, 0.5, value_bps=10.0), candidate(2, 0.4, value_bps=7.0, position=-1.0, cost_bps=0.3))
    later = route(17, candidate(3, 0.9), candidate(0, value_bps=11.0), candidate(2, value_bps=12.5))
    (other,) = why(row, ROSTER, later)["alternatives"]
    assert other["regret"] == {"bps": pytest.approx(4.5), "decisions": 12}
    assert other["shadow"] == {"position_share": -1.0, "fill_cost_bps": 0.3}
    assert why(row, ROSTER, later)["sentence"].endswith("; it made 4.50 bps more in 12 decisions")


def test_regret_against_nobody_is_what_it_made():
    row = route(5, candidate(1, 0.4, Barred.REGIME, value_bps=7.0), chosen=NOBODY)
    (other,) = why(row, ROSTER, route(15, candidate(1, value_bps=6.0)))["alternatives"]
    assert other["regret"] == {"bps": -1.0, "decisions": 10}


@pytest.mark.parametrize(
    "later", [None, route(15, candidate(0)), route(15, candidate(2))], ids=["none", "no other", "no chosen"]
)
def test_regret_that_is_not_known_is_none(later):
    row = route(5, candidate(0, 0.5), candidate(2, 0.4))
    assert why(row, ROSTER, later)["alternatives"][0]["regret"] is None


def test_without_attention_nobody_has_a_shadow():
    row = route(5, candidate(0, 0.5), candidate(2, 0.4), sigma_bps=0.0)
    later = route(15, candidate(0, 0.5), candidate(2, 0.4), sigma_bps=0.0)
    assert why(row, BY_WEIGHT, later)["alternatives"][0]["regret"] is None


@given(st.text(min_size=1, max_size=300), st.floats(allow_nan=False), st.integers(0, 2))
def test_a_sentence_has_at_most_240_characters(name, need, level):
    roster = Roster((name, name), ((), ()), attention=True)
    row = route(1, candidate(0, 0.1), candidate(1, 0.0, value_bps=need), drift_level=level, size_factor=0.35)
    found = why(row, roster, route(12, candidate(0), candidate(1)))
    assert 0 < len(found["sentence"]) <= MOST
    assert sentence(found) == found["sentence"]


SCORES = st.lists(st.floats(-3, 3).map(lambda x: round(x, 3)), min_size=2, max_size=6)


def chosen_of(scores, allowed, before, sigma, cost):
    """What the router itself chooses when its scores are these."""
    params = np.zeros(1, ROUTER_PARAMS_DTYPE).view(np.recarray)[0]
    state = np.zeros(1, ROUTER_DTYPE).view(np.recarray)[0]
    reset_router(state)
    params.policies, params.kappa, params.switch_cost_bps = len(scores), 1.0, cost
    params.prior[: len(scores)] = scores
    state.current, state.decisions = before, 1
    return choose(state, params, allowed, np.ones(len(scores)), sigma)


@pytest.mark.twin
@given(SCORES, st.integers(1, 63), st.integers(-1, 5), st.sampled_from([0.5, 4.0, 30.0]), st.sampled_from([0.0, 1.5]))
def test_the_flip_is_the_least_that_changes_what_the_router_chooses(scores, mask, before, sigma, cost):
    n = len(scores)
    allowed = mask & ((1 << n) - 1) or 1
    before = before if before < n else -1
    chosen = chosen_of(scores, allowed, before, sigma, cost)
    order = sorted(range(n), key=lambda j: (j != chosen, j))
    weighed = [candidate(j, scores[j], 0 if allowed >> j & 1 else Barred.REGIME) for j in order]
    row = route(1, *weighed, before=before % 256, sigma_bps=sigma, switch_cost_bps=cost)
    for one in candidates(row)[1:]:
        j, found = one.policy, flip_of(one, row, ROSTER)
        if not allowed >> j & 1:
            assert found.constraint == "regime"
            continue
        assert found.need is not None
        assert found.need >= -1e-9
        for change, changes in ((1e-6, True), (-1e-6, False)):
            lifted = [s + (found.need + change) / sigma if k == j else s for k, s in enumerate(scores)]
            assert bool(chosen_of(lifted, allowed, before, sigma, cost) == j) is changes


@pytest.mark.twin
@given(st.lists(st.integers(0, 9_999), min_size=2, max_size=6))
def test_the_weight_that_it_needs_is_the_least(weights):
    chosen = choose_by_weight(-1, np.array(weights), len(weights))
    order = sorted(range(len(weights)), key=lambda j: (j != chosen, j))
    row = route(1, *[candidate(j, weights[j] / 10_000) for j in order], sigma_bps=0.0)
    for j in order[1:]:
        _, need = flip(row, j, BY_WEIGHT)
        for weight, changes in ((int(need), True), (int(need) - 1, False)):
            tried = np.array([weight if k == j else w for k, w in enumerate(weights)])
            assert bool(choose_by_weight(-1, tried, len(weights)) == j) is changes
