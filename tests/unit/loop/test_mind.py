"""The understanding loop inside the step: what each part changes, what is recorded, what a restart keeps."""

import itertools
import json
import time

import duckdb
import numpy as np
import pytest

from alphatrade_runtime.loop import engine as engines
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market.faults import InputError
from unit.loop import golden_columns
from unit.loop.mind_sessions import ALL, BELIEF, DRIFT, HMM, RULES, everything, minded, one, rows, three

LONG = 20_000  # rows: the loop comes up for air now and then
DECIDED = ("decisions", "orders", "fills")


@pytest.fixture(scope="module")
def whole():
    return Engine(everything()).replay(rows())


def columns(result, *streams, drop=()):
    found = {stream: golden_columns.columns(result.tables[stream]) for stream in streams}
    return {stream: {name: value for name, value in each.items() if name not in drop} for stream, each in found.items()}


def test_all_of_it_trades_and_writes_every_stream(whole):
    assert whole.violations == []
    assert whole.counts["plugin_faults"] == 0
    assert whole.counts["fills"] > 50
    for stream in ("belief_snapshots", "regimes", "probes", "routes"):
        assert whole.tables[stream].num_rows > 0, stream
    chosen = set(whole.tables["routes"]["chosen"].to_pylist())
    assert len(chosen & {0, 1, 2}) >= 2, "the router never changed its mind"


def test_the_same_tape_gives_the_same_bytes(whole):
    again = Engine(everything()).replay(rows())
    assert again.digests == whole.digests


@pytest.mark.parametrize("blocks", [{"probes": {}}, {"drift": DRIFT}], ids=["probes", "drift before its reference"])
def test_what_only_looks_on_changes_no_decision(blocks):
    """Digest of features apart: it is of the same features."""
    plain, watched = Engine(one()).replay(rows()), Engine(one(**blocks)).replay(rows())
    assert columns(watched, *DECIDED) == columns(plain, *DECIDED)
    assert set(watched.digests) - set(plain.digests) == {"mind"}


def test_a_belief_holds_orders_until_its_features_are_known_and_then_changes_nothing():
    plain, believing = Engine(one()).replay(rows()), Engine(one(belief=BELIEF)).replay(rows())
    first = believing.tables["orders"]["decision_id"][0].as_py()
    assert first > 200
    later = [
        {row["decision_id"]: row["target_lots"] for row in result.tables["decisions"].to_pylist() if row["kind"] == 1}
        for result in (plain, believing)
    ]
    both = [k for k in later[0] if k in later[1] and k > 1_000]
    assert len(both) > 20
    assert all(later[0][k] == later[1][k] for k in both)


def test_the_regime_map_lets_a_policy_trade_only_in_its_regimes():
    trend, revert, _ = three()
    trend["regimes"] = ["BullCalm", "BullNormal", "BullStorm", "BearCalm", "BearNormal", "BearStorm"]
    revert["regimes"] = ["NeutralCalm", "NeutralNormal", "NeutralStorm"]
    result = Engine(minded(policies=[trend, revert], regime=RULES)).replay(rows(6_000))
    routes = result.tables["routes"].to_pylist()
    assert {row["chosen"] for row in routes} == {0, 1, 255}
    for row in routes:
        allowed = {255: (9, 10), 0: (0, 1, 2, 6, 7, 8), 1: (3, 4, 5)}[row["chosen"]]
        assert row["regime"] in allowed


@pytest.mark.parametrize("regime", [RULES, HMM], ids=["rules", "hmm"])
def test_a_confirmed_regime_switches_the_topology_at_that_very_decision(regime):
    trend, revert, _ = three()
    trend["regimes"] = ["BullCalm", "BullNormal", "BullStorm", "BearCalm", "BearNormal", "BearStorm"]
    revert["regimes"] = ["NeutralCalm", "NeutralNormal", "NeutralStorm", "Uncertain", "Dislocated"]
    result = Engine(minded(policies=[trend, revert], regime=regime)).replay(rows(6_000))
    moves = result.tables["regimes"].to_pylist()
    by_decision = {row["decision_id"]: row for row in result.tables["decisions"].to_pylist() if row["kind"] == 1}
    seen = [by_decision[move["decision_id"]] for move in moves if move["decision_id"] in by_decision]
    assert len(seen) >= 5
    for row in seen:
        label = next(move["after"] for move in moves if move["decision_id"] == row["decision_id"])
        assert row["topology"] == (1 if label in (0, 1, 2, 6, 7, 8) else 2)


def test_every_order_resolves_to_its_route(whole):
    assert asked(whole, "SELECT count(*) AS n FROM decisions d WHERE kind = 1 AND action = 1 AND NOT EXISTS"
                " (SELECT 1 FROM routes r WHERE r.decision_id = d.decision_id AND r.instrument = d.instrument)") == [
        {"n": 0}
    ]  # fmt: skip


def asked(result, query):
    with duckdb.connect(":memory:") as connection:
        for stream, table in result.tables.items():
            connection.register(stream, table)
        return connection.sql(query).to_arrow_table().to_pylist()


def test_a_killed_run_goes_on_in_mid_learning_to_the_same_bytes(tmp_path, monkeypatch):
    whole = Engine(everything()).replay(rows(LONG))
    monkeypatch.setattr(time, "monotonic", itertools.count(0.0, 1.0).__next__)
    taken = []
    save = engines._Run.checkpoint

    def once(run):
        save(run)
        taken.append(True)
        if len(taken) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(engines._Run, "checkpoint", once)
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        Engine(everything()).replay(rows(LONG), folder, checkpoint_every_s=0.5)
    monkeypatch.setattr(engines._Run, "checkpoint", save)
    assert Engine(everything()).replay(rows(LONG), folder).digests == whole.digests


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    save = engines._Run.checkpoint

    def stop(run):
        save(run)
        raise KeyboardInterrupt

    monkeypatch.setattr(engines._Run, "checkpoint", stop)
    with pytest.raises(KeyboardInterrupt):
        Engine(everything()).replay(rows(LONG), folder, checkpoint_every_s=0.0)
    other = minded(("fast_weights", "linear_attention"), **{**ALL, "regime": RULES})
    with pytest.raises(InputError, match="another session"):
        Engine(other).replay(rows(LONG), folder)


@pytest.mark.parametrize(
    ("blocks", "flags", "text"),
    [
        ({"belief": {**BELIEF, "features": ["mid_tick"]}}, (), "unknown feature 'mid_tick'"),
    ],
)
def test_what_cannot_run_is_refused_by_name(blocks, flags, text):
    with pytest.raises(InputError, match=text):
        Engine(minded(flags, **blocks)).replay(rows(10))


def test_a_router_refuses_policies_whose_shadow_has_no_price():
    from unit.risk.law_session import quotes

    document = minded(
        ("linear_attention",), policies=[*three()[:1], quotes((1, 9_998, 3, 10_003, 3))], belief=BELIEF, regime=HMM
    )
    with pytest.raises(InputError, match="states quotes"):
        Engine(document).replay(rows(10))


def test_features_that_are_missing_or_explode_leave_everything_finite():
    made = {name: np.array(column) for name, column in rows()._asdict().items()}
    wild = np.arange(400, len(made["seq"]), 7)
    made["bid"][wild], made["ask"][wild] = 0, 0
    made["bid_size"][wild + 1 if wild[-1] + 1 < len(made["seq"]) else wild] = 10**12
    result = Engine(everything()).replay(type(rows())(**made))
    for stream in ("belief_snapshots", "routes"):
        for name in result.tables[stream].schema.names:
            values = json.dumps(result.tables[stream][name].to_pylist())
            assert "NaN" not in values, (stream, name)
            assert "Infinity" not in values, (stream, name)
    assert max(result.tables["routes"]["faults"].to_pylist()) > 0, "no feature was masked"
