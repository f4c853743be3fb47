"""Bad input of the understanding loop: refused, or masked with a fault of its own; none is silent."""

import math
from typing import Any

import numpy as np
import pytest

from alphatrade_runtime.loop.checkpoint import restore, state_of
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.loop.mind import build
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Kind, rows_from_columns
from alphatrade_runtime.perception.belief.standardise import PATIENCE, UNMOVED
from alphatrade_runtime.perception.belief.weights import save_weights, seeded_weights
from alphatrade_runtime.perception.regime.labels import Regime, Trigger
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.reflection.probes.state import Probe
from alphatrade_runtime.reflection.routes import Masked
from unit.loop.mind_cores import core_of, fed
from unit.loop.mind_sessions import ALL, BELIEF, FEATURES, RULES, everything, minded, one, rows
from unit.risk.law_session import TapeByHand, targets

BAD = slice(1_500, 1_530)  # rows of a tape of 2,000 that are made bad
MAPPED = {"belief": BELIEF, "regime": RULES}
FLAGS = ("fast_weights", "linear_attention")


def bits(*names):
    return sum(1 << FEATURES.index(name) for name in names)


def spoilt(tape, where=BAD, **columns):
    """The tape with the quotes of a span changed. columns: from the rows' columns to the new one."""
    made = {name: np.array(column) for name, column in tape._asdict().items()}
    at = np.flatnonzero(made["kind"] == int(Kind.QUOTE))
    at = at[(at >= where.start) & (at < where.stop)]
    new = {name: change(made)[at] if callable(change) else change for name, change in columns.items()}
    for name, values in new.items():
        made[name][at] = values
    return rows_from_columns(made)


def routes(result, least=0):
    return [row for row in result.tables["routes"].to_pylist() if row["seq"] > least]


def seen(result, column):
    """All bits of a column of the routes."""
    return int(np.bitwise_or.reduce(result.tables["routes"][column].to_numpy()))


@pytest.fixture(scope="module")
def sound():
    return Engine(everything(1)).replay(rows(2_000, 1))


def test_a_sound_tape_has_no_fault(sound):
    assert sound.counts["fills"] > 20
    assert [seen(sound, column) for column in ("faults", "exploding", "constant", "masked")] == [0, 0, 0, 0]


def test_a_feature_that_never_comes_is_masked_in_every_row_and_holds_orders_for_a_while():
    features = [*FEATURES, "open_ticks"]
    result = Engine(one(belief={**BELIEF, "features": features})).replay(rows(3_000, 1))
    assert {row["faults"] for row in routes(result)} == {1 << len(FEATURES)}
    assert result.counts["fills"] > 20
    assert result.tables["orders"]["decision_id"][0].as_py() >= PATIENCE


def test_a_belief_without_any_input_never_trades_and_has_said_so():
    result = Engine(one(belief={**BELIEF, "features": ["open_ticks", "volume_lots"]})).replay(rows(2_000, 2))
    assert result.counts["orders"] == 0
    assert {row["instrument"]: row["faults"] for row in routes(result)} == {0: 3, 1: 3}


def test_a_market_that_stands_still_is_told_of_and_nothing_alerts():
    result = Engine(everything(1)).replay(TapeByHand().quotes(UNMOVED + 400).rows())
    assert result.counts["orders"] == 0
    told = [row for row in routes(result) if row["constant"]]
    assert [row["decision_id"] for row in told[:2]] == [UNMOVED, UNMOVED + 1]  # the spread is not 0 to begin with
    assert seen(result, "constant") == (1 << len(FEATURES)) - 1
    assert {row["surprise"] for row in told} == {0.0}
    assert result.tables["drift"].num_rows == 0


def test_a_feature_that_explodes_is_cut_told_of_and_dislocates_the_regime(sound):
    result = Engine(everything(1)).replay(spoilt(rows(2_000, 1), bid_size=10**12))
    first = next(row for row in routes(result) if row["exploding"])
    assert first["exploding"] & bits("order_flow_1s")
    assert BAD.start < first["seq"] <= BAD.stop + 1
    assert seen(result, "faults") == 0
    assert first["surprise"] <= 32.0  # half of the square of 8
    moved = next(row for row in result.tables["regimes"].to_pylist() if row["after"] == Regime.DISLOCATED)
    assert (moved["decision_id"], moved["trigger"]) == (first["decision_id"], Trigger.RAW)
    assert Regime.DISLOCATED not in sound.tables["regimes"]["after"].to_pylist()


BOOKS: dict[str, tuple[dict[str, Any], Masked, bool]] = {
    "empty": ({"bid": 0, "ask": 0, "bid_size": 0, "ask_size": 0}, Masked.EMPTY_BOOK, True),
    "one side": ({"bid": 0, "bid_size": 0}, Masked.EMPTY_BOOK, True),
    "no sizes": ({"bid_size": 0, "ask_size": 0}, Masked.EMPTY_BOOK, False),
    "crossed": ({"bid": lambda made: made["ask"] + 2}, Masked.CROSSED_BOOK, True),
    "locked": ({"bid": lambda made: made["ask"]}, Masked.CROSSED_BOOK, True),
}


@pytest.mark.parametrize("book", BOOKS)
def test_a_book_without_two_sides_is_told_of_at_its_first_decision(book):
    columns, bit, no_quote = BOOKS[book]
    result = Engine(everything(1)).replay(spoilt(rows(2_000, 1), **columns))
    assert seen(result, "masked") == bit
    first = next(row for row in routes(result) if row["masked"])
    assert BAD.start < first["seq"] <= BAD.start + 10
    assert bool(first["faults"] & bits("spread_ticks")) is no_quote
    dislocated = [row for row in result.tables["regimes"].to_pylist() if row["trigger"] == Trigger.FEED_FAULT]
    assert [row["decision_id"] for row in dislocated][:1] == ([first["decision_id"]] if no_quote else [])
    assert result.violations == []


@pytest.mark.parametrize(("book", "available"), [("empty", True), ("one side", True), ("crossed", False)])
def test_the_probe_of_gaps_fires_on_an_empty_book_and_is_unavailable_on_a_crossed_one(book, available):
    result = Engine(everything(1)).replay(spoilt(rows(2_000, 1), **BOOKS[book][0]))
    first = next(row for row in routes(result) if row["masked"])
    probed = {row["decision_id"]: row for row in result.tables["probes"].to_pylist()}[first["decision_id"]]
    assert bool(probed["available"][Probe.LIQUIDITY_GAP]) is available
    assert bool(probed["fired"][Probe.LIQUIDITY_GAP]) is available
    score = probed["score"][Probe.LIQUIDITY_GAP]
    assert score == 1.0 if available else score is None or math.isnan(score)


def routed(*phases):
    policies = [targets(*phases, name="a"), targets((1, 0.0), name="b")]
    return minded(("linear_attention",), 1, policies, **MAPPED)


@pytest.mark.parametrize("book", [{"bid": 0, "ask": 0}, {"bid": 10_003, "ask": 10_001}], ids=["empty", "crossed"])
def test_a_shadow_keeps_its_position_while_the_book_has_no_two_sides_and_pays_the_spread_behind_it(book):
    tape = TapeByHand().quotes(20).quote(**book)
    shadow = fed(routed((1, 1.0), (21, -1.0)), tape.rows()).symbols[0].shadow[0]
    assert shadow.decisions == 21
    assert shadow.tradable == 0
    assert shadow.position[0] == 1.0
    paid = float(shadow.value_bps[0])
    tape.quote()
    shadow = fed(routed((1, 1.0), (21, -1.0)), tape.rows()).symbols[0].shadow[0]
    assert shadow.position[0] == -1.0
    assert float(shadow.value_bps[0]) - paid == pytest.approx(2 * paid)  # as entered, twice the size
    assert all(np.isfinite(shadow[name]).all() for name in shadow.dtype.names)


@pytest.mark.parametrize("listed", [1, 2], ids=["one listed", "two listed, one on the tape"])
def test_a_probe_across_assets_is_unavailable_on_a_tape_of_one_instrument(listed):
    result = Engine(everything(listed)).replay(rows(2_000, 1))
    found = result.tables["probes"].to_pylist()
    assert len(found) > 20
    assert {row["available"][Probe.MOMENTUM_RESIDUAL] for row in found} == {0}
    assert all(math.isnan(row["score"][Probe.MOMENTUM_RESIDUAL] or math.nan) for row in found)
    assert 1 in {row["available"][Probe.IMBALANCE_SURGE] for row in found}


def test_it_is_available_where_there_are_two():
    found = Engine(everything(2)).replay(rows(3_000, 2)).tables["probes"].to_pylist()
    assert 1 in {row["available"][Probe.MOMENTUM_RESIDUAL] for row in found}


def configured(document):
    """A mind with the configuration of a session, none of it compiled."""
    session = parse_session(document)
    genes = session.policy.genotype
    assert genes.belief is not None
    instruments = [terms.symbol for terms in session.policy.envelope.instruments]
    mind = Mind(instruments, ("routes",), genes.belief.features, [gene.name for gene in genes.policies])
    mind.shared[0].parts = build.parts_of(session)
    build._set_policies(mind.shared[0], session)
    build._set_belief(mind, genes.belief)
    build._set_regime(mind, genes.regime)
    build._set_drift(mind, genes.drift)
    build._set_fast(mind, session)
    build._set_router(mind, session)
    return mind


OTHERS = {
    "features": (minded(FLAGS, **{**ALL, "belief": {**BELIEF, "features": FEATURES[::-1]}}), "input_ids"),
    "seed": (minded(FLAGS, **{**ALL, "belief": {**BELIEF, "seed": 2}}), "weights"),
    "classifier": (minded(FLAGS, **{**ALL, "regime": RULES}), "regime"),
    "part": (minded(FLAGS[:1], **ALL), "parts"),
    "rule": (minded(FLAGS, **ALL, fast_weights={"rule": "delta", "half_life": 700}), "fast"),
    "horizon": (minded(FLAGS, **ALL, router={"switching_cost_bps": "1", "horizon": 9, "half_life": 2_000}), "router"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_checkpoint_of_another_configuration_is_refused_by_name(other):
    document, name = OTHERS[other]
    with pytest.raises(InputError, match=f"understanding loop with other {name}; delete it"):
        configured(everything()).restore(configured(document).state())


def test_a_checkpoint_of_fewer_instruments_is_refused():
    with pytest.raises(InputError, match="another understanding loop"):
        configured(everything(2)).restore(configured(everything(1)).state())


def test_a_checkpoint_of_the_same_configuration_comes_back_to_the_byte():
    one_mind, same = configured(everything()), configured(everything())
    one_mind.symbols[1].decisions = 7
    same.restore(one_mind.state())
    assert np.array_equal(same.state(), one_mind.state())


def test_a_checkpoint_without_a_mind_is_refused_by_one_with_and_the_other_way_round():
    with_mind, without = core_of(everything()), core_of(minded())
    for core, state in ((with_mind, state_of(without)), (without, state_of(with_mind))):
        with pytest.raises(InputError, match="one of both has an understanding loop"):
            restore(core, state)


def weighted(path, digest):
    return Engine(one(belief={**BELIEF, "weights": {"path": str(path), "digest": digest}}))


def test_weights_with_another_digest_for_other_features_or_none_are_refused(tmp_path):
    path = tmp_path / "weights.npz"
    digest = save_weights(path, seeded_weights(1, len(FEATURES)), {"features": FEATURES})
    with pytest.raises(InputError, match=r"weights\.npz: digest is sha256:.* not sha256:0000"):
        weighted(path, "sha256:" + "0" * 64).replay(rows(10))
    digest = save_weights(path, seeded_weights(1, 4), {})
    with pytest.raises(InputError, match="trained on 4 features, the belief has 6"):
        weighted(path, digest).replay(rows(10))
    digest = save_weights(path, seeded_weights(1, len(FEATURES)), {"features": FEATURES[::-1]})
    with pytest.raises(InputError, match=r"trained on \['trade_flow_1s'"):
        weighted(path, digest).replay(rows(10))
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        weighted(path, digest).replay(rows(10))


def test_weights_of_its_own_features_run_as_those_of_their_seed(tmp_path):
    digest = save_weights(tmp_path / "w.npz", seeded_weights(1, len(FEATURES)), {"features": FEATURES})
    loaded = weighted(tmp_path / "w.npz", digest).replay(rows(1_000))
    assert loaded.tables["belief_snapshots"].equals(
        Engine(one(belief=BELIEF)).replay(rows(1_000)).tables["belief_snapshots"]
    )
