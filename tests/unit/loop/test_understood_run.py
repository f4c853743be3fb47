"""A real run on disk with all of the understanding loop on: what it left on record explains every order."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from alphatrade_runtime.loop.mind.state import STREAM_DTYPES
from alphatrade_runtime.reflection.diary import query
from alphatrade_runtime.reflection.diary.attribution import ATTRIBUTED, attribution
from alphatrade_runtime.reflection.diary.choices import explain_row
from alphatrade_runtime.reflection.routes import NOBODY
from alphatrade_runtime.reflection.why import MOST, candidates
from alphatrade_runtime.report.page import page
from alphatrade_runtime.report.run_data import read_run_data
from unit.loop.mind_sessions import RULES, everything, minded, three
from unit.loop.stored_runs import stored
from unit.risk.law_session import policy

QUIET_NAN = 0x7FF8000000000000
LISTS = {
    stream: [name for name in dtype.names or () if dtype[name].shape and dtype[name].base.kind == "f"]
    for stream, dtype in STREAM_DTYPES.items()
    if stream in ("belief_snapshots", "regimes", "probes", "routes")
}
PARTS = ("base", "attention", "regime", "fast_weight")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("understood") / "run", everything())


@pytest.fixture(scope="module")
def routes(run):
    return query.sql(run, "SELECT * FROM routes ORDER BY decision_id, instrument").to_pylist()


def test_the_chosen_policy_is_the_one_that_its_candidates_say(routes):
    """As the router decides: the best allowed, unless it does not exceed who trades by what a switch costs."""
    switches = 0
    for row in routes:
        allowed = [one for one in candidates(row) if one.barred == 0]
        best = max(allowed, key=lambda one: (one.score, -one.policy))
        trading = next((one for one in allowed if one.policy == row["before"]), None)
        expected = best
        if trading and not (best.score - trading.score) * row["sigma_bps"] > row["switch_cost_bps"]:
            expected = trading
        assert row["chosen"] == expected.policy
        assert row["incumbent"] == row["chosen"]
        switches += row["chosen"] != row["before"]
    assert len(routes) > 100
    assert switches >= 1


def test_every_candidate_is_there_once_with_parts_that_add_up(run, routes):
    for row in routes:
        weighed = candidates(row)
        assert {one.policy for one in weighed} == {0, 1, 2}
        assert weighed[0].policy == row["chosen"]
        for one in weighed:
            plain = one.base + one.attention + one.bias
            expected = plain * one.multiplier if plain >= 0.0 else plain / one.multiplier
            assert one.score == pytest.approx(expected)
            assert one.cost_bps >= -1e-9
    assert len({one.value_bps for row in routes for one in candidates(row)}) > 100


@pytest.fixture(scope="module")
def weighed(tmp_path_factory):
    """Of a run in which regime and weight chose."""
    trend, revert, third = three()
    trend["regimes"] = ["BullCalm", "BullNormal", "BullStorm", "BearCalm", "BearNormal", "BearStorm"]
    revert["weight_bps"], third["weight_bps"] = 6_000, 4_000
    document = minded(policies=[trend, revert, third], regime=RULES)
    return stored(tmp_path_factory.mktemp("weighed") / "run", document)


def test_every_transition_of_the_regime_is_on_record(tmp_path):
    """Each begins where the one before it ended, and between them lie as many decisions as it says."""
    slow = policy("breakout", {"window": 500, "exit_window": 400}, "market", name="slow")  # it hardly ever trades
    run = stored(tmp_path / "run", minded(policies=[slow], regime=RULES))
    for i in (0, 1):
        moves = query.sql(run, f"SELECT * FROM regimes WHERE instrument = {i} ORDER BY decision_id").to_pylist()
        since = query.sql(
            run,
            "SELECT g.decision_id, r.since FROM regimes g JOIN routes r ON r.decision_id = g.decision_id "
            f"AND r.instrument = g.instrument WHERE g.instrument = {i} ORDER BY 1",
        ).to_pylist()
        assert [row["decision_id"] for row in since] == [row["decision_id"] for row in moves]
        assert len(moves) > 4
        for earlier, later in pairwise(moves):
            assert earlier["after"] == later["before"]
        for (earlier, later), move in zip(pairwise(since), moves[1:], strict=True):
            assert later["since"] - earlier["since"] == move["dwell"]


def test_each_decision_is_on_record_once(run):
    for stream in ("routes", "belief_snapshots", "probes"):
        key = "belief_id" if stream == "belief_snapshots" else "decision_id"
        asked = f"SELECT count(*) AS n, count(DISTINCT ({key}, instrument)) AS once FROM {stream}"
        (found,) = query.sql(run, asked).to_pylist()
        assert found["n"] == found["once"] > 0


def test_what_a_probe_does_not_know_is_stored_as_nan_and_not_as_a_score(run):
    rows = query.sql(run, "SELECT * FROM probes").to_pylist()
    scores = np.array([row["score"] for row in rows])
    known = np.array([row["available"] for row in rows]) == 1
    assert known.any(axis=0).any()
    assert (~known).any()
    assert (np.isnan(scores) == ~known).all()
    for stream, names in LISTS.items():
        columns = query.sql(run, f"SELECT {', '.join(names)} FROM {stream}")
        for name in names:
            bits = np.array(columns[name].to_pylist()).view(np.int64)
            odd = bits[np.isnan(bits.view(np.float64))]
            assert set(odd.tolist()) <= {QUIET_NAN}, f"{stream}.{name} has a NaN that another host may write otherwise"


def test_attribution_is_what_a_count_without_sql_says(run):
    orders = query.sql(run, "SELECT * FROM orders WHERE event = 1 AND state = 2").to_pylist()
    routed = {(r["decision_id"], r["instrument"]): r for r in query.sql(run, "SELECT * FROM routes").to_pylist()}
    beliefs = {(r["belief_id"], r["instrument"]) for r in query.sql(run, "FROM belief_snapshots").to_pylist()}
    known = {
        (r["decision_id"], r["instrument"]): sum(r["available"]) for r in query.sql(run, "FROM probes").to_pylist()
    }
    linked: Counter[str] = Counter()
    for order in orders:
        key = order["decision_id"], order["instrument"]
        if key in routed and (routed[key]["belief_id"], key[1]) in beliefs and known.get(key, 0) >= 3:
            linked["orders"] += 1
            linked["notional"] += order["qty"] * order["price"] * 1_000_000
    found = attribution(run)
    assert found.total == len(orders) > 50
    assert found.orders[ATTRIBUTED] == linked["orders"] > 0
    assert found.notional[ATTRIBUTED] == linked["notional"]


def test_every_order_can_be_explained(run):
    sent = query.sql(run, "SELECT seq, order_id, instrument FROM orders WHERE event = 1 AND state = 2").to_pylist()
    for order in sent[:: max(len(sent) // 15, 1)]:
        found = explain_row(run, order["seq"])
        (choice,) = [one for one in found if order["order_id"] in {sent["order_id"] for sent in one["orders"]}]
        why = choice["why"]
        assert 0 < len(why["sentence"]) <= MOST
        assert len(why["alternatives"]) == 2
        for one in (why, *why["alternatives"]):
            assert sum(one["score"][part] for part in PARTS) == pytest.approx(one["score"]["total"])
        assert {one["kept_out_by"] for one in why["alternatives"]} <= {"score", "switching cost", "regime"}
        assert [action["explanation"] for action in choice["actions"]]
        assert len(choice["probes"]) == 6
        json.dumps(found)


def test_the_page_tells_of_all_parts(run):
    text = page(read_run_data(run))
    for said in ("Understanding", "Regimes, %", "Who trades", "Frobenius", "Probes", "Attribution", "made rows"):
        assert said in text, said


def test_a_run_chosen_by_weight_has_its_weights_and_regimes(weighed):
    for row in query.sql(weighed, "SELECT * FROM routes").to_pylist():
        allowed = [one for one in candidates(row) if one.barred == 0]
        assert row["chosen"] == max(allowed, key=lambda one: one.score).policy != NOBODY
        assert {one.policy: one.score for one in candidates(row)} == {0: 1.0, 1: 0.6, 2: 0.4}
        assert (row["sigma_bps"], row["candidate_position"]) == (0.0, [0.0] * 8)
    assert attribution(weighed).share == 0.0
    seq = query.sql(weighed, "SELECT max(seq) AS seq FROM actions WHERE action = 1").to_pylist()[0]["seq"]
    assert {one["kept_out_by"] for each in explain_row(weighed, seq) for one in each["why"]["alternatives"]} <= {
        "weight", "regime",
    }  # fmt: skip
