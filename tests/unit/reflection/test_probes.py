"""Each probe fires on what it is for, planted as market events, and hardly ever on a calm market."""

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.features import NAMES
from alphatrade_runtime.reflection.probes.imbalance_surge import SURGE_DTYPE, surge_score
from alphatrade_runtime.reflection.probes.state import DOCS, PROBES, Probe
from unit.reflection import probe_tapes as tapes

SEEDS = range(20)
MOST_BY_CHANCE = 0.01
EACH = pytest.mark.parametrize("which", Probe, ids=lambda p: p.name.lower())


def outcome(seed):
    """(decisions fired, asked) of each probe on the control; of each planted tape whether control and it fired."""
    market = tapes.calm_market(seed)
    start = tapes.start_of(market)
    split = int(np.searchsorted(market["ts"], start))
    before = tapes.Watch()
    early = before.see(market[:split])
    late = before.copy().see(market[split:])
    planted = []
    for plant in tapes.PLANTS:
        events, first, last = plant(market)
        assert (events[:split] == market[:split]).all()
        seen = before.copy().see(events[split:])
        fired = [
            one.fired[(one.ts >= first) & (one.ts <= last + 10 * tapes.SECOND)].any(axis=0) for one in (late, seen)
        ]
        planted.append(fired)
    counts = [early[name].sum(axis=0) + late[name].sum(axis=0) for name in ("fired", "available")]
    return *counts, planted


@pytest.fixture(scope="module")
def outcomes():
    return {seed: outcome(seed) for seed in SEEDS}


@EACH
def test_a_probe_hardly_ever_fires_on_a_calm_market(which, outcomes):
    fired = sum(int(one[0][which]) for one in outcomes.values())
    asked = sum(int(one[1][which]) for one in outcomes.values())
    assert asked > 50_000
    assert fired / asked <= MOST_BY_CHANCE


@EACH
def test_a_probe_fires_on_its_own_tape(which, outcomes):
    missed = [seed for seed, one in outcomes.items() if not one[2][which][1][which]]
    assert missed == []


@EACH
def test_the_same_stretch_without_the_plant_does_not_fire(which, outcomes):
    by_chance = [seed for seed, one in outcomes.items() if one[2][which][0][which]]
    assert len(by_chance) <= 2


@pytest.fixture(scope="module")
def market():
    return tapes.calm_market(3, minutes=20)


def test_what_a_market_lacks_makes_a_probe_unavailable_and_its_score_nan(market):
    found = tapes.watched(market, session_ns=0, alone=True)
    assert not found.available[:, [Probe.OPENING_AUCTION, Probe.MOMENTUM_RESIDUAL]].any()
    assert found.available[-1, [Probe.SWEEP_RISK, Probe.IMBALANCE_SURGE, Probe.LIQUIDITY_GAP]].all()
    assert (np.isnan(found.score) == (found.available == 0)).all()


def test_without_trades_only_quotes_tell(market):
    found = tapes.watched(market[market["kind"] == tapes.QUOTE])
    available = [Probe(k) for k in range(PROBES) if found.available[:, k].any()]
    assert available == [Probe.IMBALANCE_SURGE, Probe.LIQUIDITY_GAP, Probe.MOMENTUM_RESIDUAL]


def test_scores_stay_between_0_and_1_and_firing_lasts_three_decisions(market):
    events, first, _ = tapes.plant_sweep(market)
    found = tapes.watched(events)
    known = found.score[found.available == 1]
    assert ((known >= 0) & (known <= 1)).all()
    hit = found.score[:, Probe.SWEEP_RISK] >= 0.7
    expected = hit | np.r_[False, hit[:-1]] | np.r_[False, False, hit[:-2]]
    assert (found.fired[:, Probe.SWEEP_RISK].astype(bool) == expected).all()
    assert hit[found.ts >= first].any()


def test_an_empty_side_is_a_gap_and_a_crossed_quote_no_gap_but_unknown(market):
    q = tapes.quote_at(market, market["ts"][-1])
    last = int(market["ts"][-1])
    empty = (last + 1, tapes.QUOTE, 0, 0, 0, 0, int(q["bid"]), 0, int(q["bid_size"]), 0)
    crossed = (last + 2, tapes.QUOTE, 0, 0, 0, 0, int(q["ask"]), int(q["bid"]), 5, 5)
    found = tapes.watched(np.concatenate([market, np.array([empty, crossed], tapes.EVENT)]))
    assert found.score[-2, Probe.LIQUIDITY_GAP] == 1.0
    assert found.available[-1, Probe.LIQUIDITY_GAP] == 0


def test_trades_at_rising_prices_that_take_less_than_was_displayed_are_no_sweep(market):
    events, first, _ = tapes.plant_sweep(market)
    planted = (events["kind"] == tapes.TRADE) & (events["ts"] >= first) & (events["ts"] < first + tapes.SECOND // 5)
    events["lots"][planted] = 1
    found = tapes.watched(events)
    assert not found.fired[found.ts >= first, Probe.SWEEP_RISK].any()


def test_a_flicker_of_the_book_is_no_gap(market):
    events, first, _ = tapes.plant_gap(market)
    lasting = tapes.within(events, first, first + 20 * tapes.SECOND, tapes.QUOTE)
    assert tapes.watched(events).fired[:, Probe.LIQUIDITY_GAP].any()
    one = np.flatnonzero(lasting)[5]
    events = market.copy()
    for name in ("bid_size", "ask_size"):
        events[name][one] = 1
    assert not tapes.watched(events).fired[:, Probe.LIQUIDITY_GAP].any()


@pytest.mark.parametrize(("one", "ten", "expected"), [
    (8.0, 8.0, 1.0), (-8.0, -8.0, 1.0), (-8.0, 8.0, 0.0), (5.0, 5.0, 0.7), (0.0, 9.0, 0.0),
])  # fmt: skip
def test_order_flow_must_lean_to_one_side_over_both_spans(one, ten, expected):
    s = np.zeros(1, SURGE_DTYPE).view(np.recarray)[0]
    s.quotes, s.decisions, s.square_1s, s.square_10s, s.order_1s, s.order_10s = 1, 500, 1.0, 1.0, one, ten
    assert surge_score(s, 0, 200, 5.0, 0.7) == pytest.approx(expected)


def test_toxicity_is_a_percentile_where_it_is_ordinary(market):
    found = tapes.watched(market)
    scores = found.score[found.available[:, Probe.TOXICITY] == 1, Probe.TOXICITY]
    assert np.median(scores) < 0.35
    assert (scores == 0).mean() > 0.25  # below the median it is no risk


@pytest.mark.parametrize("size", [-5, 0, 2**62])
def test_trades_that_make_no_sense_poison_nothing(market, size):
    last = int(market["ts"][-1])
    odd = np.array([(last + k, tapes.TRADE, 0, 1, 10_000, size, 0, 0, 0, 0) for k in range(3)], tapes.EVENT)
    after = market.copy()
    after["ts"] += last - int(market["ts"][0]) + tapes.SECOND
    found = tapes.watched(np.concatenate([market, odd, after]))
    known = found.score[found.available == 1]
    assert ((known >= 0) & (known <= 1)).all()
    assert found.available[-1, [Probe.SWEEP_RISK, Probe.TOXICITY]].all()


@pytest.mark.parametrize(("ret", "volatility", "market_ret"), [
    (np.nan, 1.0, 0.0), (1.0, np.nan, 0.0), (1.0, 1.0, np.nan), (np.inf, 1.0, 0.0), (1.0, -1.0, 0.0),
])  # fmt: skip
def test_an_input_that_is_not_known_masks_the_residual_for_that_decision_only(ret, volatility, market_ret):
    s, p = tapes.records()
    tapes.ask_many(s, p, 300, 0.1, 1.0, 0.1)
    before = s.momentum[0].tobytes()
    tapes.ask_many(s, p, 1, ret, volatility, market_ret)
    assert s.available[Probe.MOMENTUM_RESIDUAL] == 0
    assert s.momentum[0].tobytes() == before
    tapes.ask_many(s, p, 1, 0.1, 1.0, 0.1)
    assert s.available[Probe.MOMENTUM_RESIDUAL] == 1


@pytest.mark.parametrize(("ret", "volatility"), [(0.0, 0.0), (1e300, 1.0), (5.0, 0.0)])
def test_constant_and_exploding_returns_give_a_score(ret, volatility):
    s, p = tapes.records()
    tapes.ask_many(s, p, 500, ret, volatility, 0.0)
    assert 0.0 <= s.scores[Probe.MOMENTUM_RESIDUAL] <= 1.0


def test_a_state_restored_from_its_bytes_goes_on_as_it_would_have(market):
    half = len(market) // 2
    whole = tapes.Watch()
    whole.see(market[:half])
    restored = whole.copy()
    assert whole.see(market[half:]).tobytes() == restored.see(market[half:]).tobytes()
    assert whole.s.tobytes() == restored.s.tobytes()


@pytest.mark.parametrize("given", [{"fire": 1.0}, {"gap_spread": 1.0}, {"surge_z": 0.0}])
def test_thresholds_without_meaning_are_refused(given):
    with pytest.raises(InputError, match=next(iter(given))):
        tapes.records(**given)


def test_every_probe_is_documented_and_tagged_with_features_that_exist():
    assert set(DOCS) == set(Probe)
    for doc in DOCS.values():
        assert doc.inputs
        assert set(doc.tags) <= set(NAMES)
