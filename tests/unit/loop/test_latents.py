"""Training on a session's own beliefs, and what a session makes of weights that were trained."""

import numpy as np
import pytest

from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.loop.latents import latents_of
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.loop.mind_link import mind_of
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.perception.belief.expectation import rise_probability
from alphatrade_runtime.perception.belief.shape import WIDTH
from alphatrade_runtime.perception.belief.train import Training, train_slow_weights
from alphatrade_runtime.reflection.drift.sentry import Stream
from unit.loop.mind_sessions import BELIEF, DRIFT, FEATURES, one, rows

HORIZON = 10


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Weights trained on one market: their block, and what was trained on."""
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    found = latents_of(Engine(one(belief=BELIEF)), rows(4_000))
    how = Training(HORIZON * 2)
    digest, _ = train_slow_weights(
        path, found.values, found.forward_returns(HORIZON), how, horizon=HORIZON, seed=1, inputs=len(FEATURES)
    )
    return {**BELIEF, "weights": {"path": str(path), "digest": digest}}, found


def minds(document, tape):
    """Replay; return the result and its understanding loop."""
    held = []
    result = Engine(document).replay(tape, prepare=lambda core: held.append((core, mind_of(core))))
    return result, held[0][1]


def loudly(document, tape):
    """Replay with every decision on record; return the result and its understanding loop."""
    held = []

    def every(core):
        mind = mind_of(core)
        assert isinstance(mind, Mind)
        mind.shared["every"] = 1
        held.append(mind)

    return Engine(document).replay(tape, prepare=every), held[0]


def test_every_decision_has_its_value_and_its_price(trained):
    _, found = trained
    result, _ = minds(one(belief=BELIEF), rows(4_000))
    assert len(found.values) == result.counts["decisions"] > 500
    assert found.values.shape[1] == WIDTH
    recorded = result.tables["belief_snapshots"].to_pylist()
    assert 0 < len(recorded) < len(found.values)
    known = {(tuple(value), mark2) for value, mark2 in zip(found.values.tolist(), found.mark2.tolist(), strict=True)}
    assert all((tuple(row["v"]), row["mark2"]) in known for row in recorded)


def test_returns_are_of_the_instrument_itself(trained):
    _, found = trained
    returns = found.forward_returns(HORIZON)
    for i in (0, 1):
        marks, own = found.mark2[found.instrument == i], returns[found.instrument == i]
        assert own[7] == pytest.approx((marks[7 + HORIZON] / marks[7] - 1.0) * 1e4)
        assert np.isnan(own[-HORIZON:]).all()


def test_recording_every_belief_changes_nothing_that_is_done():
    tape = rows(2_000)
    plain = Engine(one(belief=BELIEF)).replay(tape)
    loud, _ = loudly(one(belief=BELIEF), tape)
    for stream in ("orders", "fills", "decisions", "equity"):
        assert plain.tables[stream].equals(loud.tables[stream])
    assert loud.tables["belief_snapshots"].num_rows == loud.counts["decisions"]


def test_a_trained_session_records_what_it_expects_and_trades_as_before(trained):
    block, _ = trained
    tape = rows(4_000)
    with_it, _ = minds(one(belief=block, drift=DRIFT), tape)
    without, _ = minds(one(belief=BELIEF, drift=DRIFT), tape)
    assert with_it.tables["orders"].equals(without.tables["orders"])
    told = [row["expected_bps"] for row in with_it.tables["belief_snapshots"].to_pylist()]
    known = [value for value in told if value is not None and not np.isnan(value)]
    assert len(known) > 20
    assert np.ptp(known) > 0.0
    assert all(
        value is None or np.isnan(value) for value in without.tables["belief_snapshots"]["expected_bps"].to_pylist()
    )


def briers(block, tape):
    """Score the odds of every horizon anew, from beliefs and prices alone."""
    loud, mind = loudly(one(belief=block), tape)
    table = loud.tables["belief_snapshots"]
    spread = mind.shared["weights"][0]["spread_bps"][0]
    found = {}
    for i in (0, 1):
        mine = [row for row in table.to_pylist() if row["instrument"] == i]
        at, scores = None, []
        for k, row in enumerate(mine):
            expected = row["expected_bps"]
            if expected is None or np.isnan(expected) or (at is not None and k - at < HORIZON):
                continue
            if at is not None and row["mark2"] != mine[at]["mark2"]:
                rose = 1.0 if row["mark2"] > mine[at]["mark2"] else 0.0
                scores.append((rise_probability(mine[at]["expected_bps"], spread) - rose) ** 2)
            at = k
        found[i] = scores
    return found


def test_the_sentry_sees_the_score_of_every_horizon_once(trained):
    block, _ = trained
    tape = rows(4_000)
    _, mind = minds(one(belief=block, drift=DRIFT), tape)
    for i, scores in briers(block, tape).items():
        sentry = mind.symbols[i].sentry[0]
        assert sentry.ref_n[Stream.CALIBRATION] == len(scores) > 20
        assert sentry.ref_mean[Stream.CALIBRATION] == pytest.approx(np.mean(scores), rel=1e-9)


def test_nothing_is_watched_without_a_readout():
    _, mind = minds(one(belief=BELIEF, drift=DRIFT), rows(2_000))
    assert mind.symbols[0].sentry[0].ref_n[Stream.CALIBRATION] == 0


def test_who_cannot_be_trained_is_told_why(trained):
    block, _ = trained
    with pytest.raises(InputError, match="the session has no belief; add its block"):
        latents_of(Engine(one(drift=DRIFT)), rows(200))
    with pytest.raises(InputError, match=r"genotype\.belief\.weights: trained already; remove it"):
        latents_of(Engine(one(belief=block)), rows(200))
