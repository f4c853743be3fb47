"""Exploration in the step: its share at every prefix, its slots, its freezes, its code, and what it leaves alone."""

import itertools
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphatrade_runtime.adaptation.exploration.budget import (
    FREEZE_ALERT,
    FREEZE_DRAWDOWN,
    FREEZE_GUARD,
    FREEZE_WARNING,
    Verdict,
)
from alphatrade_runtime.adaptation.exploration.counterfactual import Finding
from alphatrade_runtime.loop import engine as engines
from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import Command, OrderState
from alphatrade_runtime.market.schema import ALL_INSTRUMENTS, Control, Kind
from alphatrade_runtime.reflection.diary.chain import MIND_STREAMS
from alphatrade_runtime.reflection.explorations import Ending, Event
from alphatrade_runtime.reflection.why import Roster, why
from alphatrade_runtime.risk.codes import Code, Guard
from unit.loop import explored_runs, golden_columns
from unit.loop.mind_sessions import ALL, DRIFT, exploring, minded, rows, three
from unit.risk.law_session import TICK_LOT, quotes, targets

DECIDED = ("decisions", "orders", "fills")
LONG = 20_000
WHOLE = ("exploration", "fast_weights", "linear_attention")


@pytest.fixture(scope="module")
def explored():
    return Engine(exploring()).replay(rows(4_000))


def columns(result, drop=()):
    found = {stream: golden_columns.columns(result.tables[stream]) for stream in DECIDED}
    return {stream: {name: value for name, value in each.items() if name not in drop} for stream, each in found.items()}


def listed(result, stream, **wanted):
    return [row for row in result.tables[stream].to_pylist() if all(row[k] == v for k, v in wanted.items())]


def sent(result):
    """Return (order id, quanta, whether it explored) of each new order that left, in their order, from the records."""
    trying = {(row["decision_id"], row["instrument"]) for row in listed(result, "routes", exploring=1)}
    return [
        (row["order_id"], row["qty"] * row["price"] * TICK_LOT, (row["decision_id"], row["instrument"]) in trying)
        for row in listed(result, "orders", event=int(Command.NEW), state=int(OrderState.IN_FLIGHT_NEW))
    ]


def check_share(result, share_bps):
    """Hold E <= X (E + N) at every prefix, in integers, and the count in any 1,000 orders; return the share in bps."""
    exploring_flow = normal = 0
    flags = []
    for _, notional, explores in sent(result):
        flags.append(explores)
        exploring_flow, normal = exploring_flow + notional * explores, normal + notional * (not explores)
        assert exploring_flow * 10_000 <= share_bps * (exploring_flow + normal)
    for first in range(max(len(flags) - 999, 1)):
        assert sum(flags[first : first + 1_000]) * 10_000 <= share_bps * 1_000
    return 10_000 * exploring_flow / max(exploring_flow + normal, 1)


def test_it_tries_the_second_best_and_most_of_its_share_gets_through(explored):
    assert explored.violations == []
    assert check_share(explored, 1_000) > 200
    begun = listed(explored, "explorations", event=int(Event.BEGUN))
    assert len(begun) > 5
    assert {row["policy"] for row in begun} == {1}, "by weight the second of equal ones is the second best"
    assert {row["incumbent"] for row in begun} == {0}
    assert {row["verdict"] for row in begun} == {int(Verdict.GRANTED)}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**20), share_bps=st.integers(1, 1_000), cadence=st.sampled_from([1, 7, 50]),
    order=st.permutations([0, 1, 2]), n=st.integers(1, 3),
)  # fmt: skip
def test_the_share_is_held_at_every_prefix_of_random_markets(seed, share_bps, cadence, order, n):
    policies = [three()[k] for k in order]
    document = exploring(n=n, policies=policies, budget={"share_bps": share_bps, "cadence": cadence})
    result = Engine(document).replay(rows(1_000, n, seed))
    check_share(result, share_bps)
    assert result.violations == []


def test_slots_keep_their_cadence(explored):
    begun = [row["decision_id"] for row in listed(explored, "explorations", event=int(Event.BEGUN))]
    assert min(b - a for a, b in itertools.pairwise(begun)) >= 50
    offered = [row["decision_id"] for row in explored.tables["explorations"].to_pylist() if row["event"] != Event.ENDED]
    assert min(b - a for a, b in itertools.pairwise(offered)) >= 50
    assert {row["instrument"] for row in listed(explored, "explorations", event=int(Event.BEGUN))} == {0, 1}


def test_every_trial_has_a_beginning_and_one_end(explored):
    under_way = {}
    for row in explored.tables["explorations"].to_pylist():
        if row["event"] == Event.BEGUN:
            assert row["instrument"] not in under_way
            under_way[row["instrument"]] = row["policy"]
        elif row["event"] == Event.ENDED:
            assert row["ending"] != Ending.NONE
            assert under_way.pop(row["instrument"]) == row["policy"]


def test_a_candidate_stays_within_its_bounds_against_the_incumbent(explored):
    for row in listed(explored, "explorations", event=int(Event.BEGUN)):
        assert row["finding"] <= Finding.CLIP_COST
        assert abs(row["share"]) - abs(row["incumbent_share"]) <= 0.2 + 1e-9
        along = 1 if row["incumbent_share"] >= 0 else -1
        assert (row["share"] - row["incumbent_share"]) * along >= -0.35 - 1e-9
        assert row["cost_gap_bps"] <= row["cost_bound_bps"] or row["cross"] == 0
        assert 0.0 <= row["passive_fill_probability"] <= 1.0
        assert row["aggressive_cost_bps"] >= row["passive_cost_bps"]
        assert row["aggressive_fee_bps"] == pytest.approx(0.45)


def test_a_candidate_that_raises_the_risk_belongs_to_paper():
    policies = [targets((1, 0.1), name="a"), targets((1, 0.9), name="b")]
    result = Engine(exploring(policies=policies, budget={"cadence": 5})).replay(rows(300))
    found = result.tables["explorations"].to_pylist()
    assert len(found) > 5
    for row in found:
        assert (row["event"], row["finding"], row["verdict"]) == (Event.REFUSED, Finding.PAPER_SIZE, 255)
        assert row["share"] == row["incumbent_share"]
    assert listed(result, "routes", exploring=1) == []


def test_an_order_beyond_the_budget_is_denied_with_its_code_and_ends_the_trial(explored):
    result = explored
    denied = listed(result, "orders", state=int(OrderState.DENIED), code=int(Code.BUDGET))
    assert result.counts["denials"]["BUDGET"] == len(denied) > 0
    told = {row["order_id"]: row for row in listed(result, "decisions", code=int(Code.BUDGET))}
    ended = listed(result, "explorations", event=int(Event.ENDED), ending=int(Ending.BUDGET))
    assert [row["decision_id"] for row in ended] == [row["decision_id"] for row in denied]
    assert {row["verdict"] for row in ended} <= {Verdict.TOKENS, Verdict.SHARE, Verdict.COUNT}
    for row in denied:
        assert told[row["order_id"]]["util"][Code.BUDGET] > 10_000
        assert listed(result, "routes", decision_id=row["decision_id"], exploring=1)


def test_only_exploring_orders_answer_to_the_budget(explored):
    used = {row["decision_id"] for row in explored.tables["decisions"].to_pylist() if row["util"][Code.BUDGET] > 0}
    trying = {row["decision_id"] for row in listed(explored, "routes", exploring=1)}
    assert used
    assert used <= trying


@pytest.mark.parametrize("policies", [None, [targets((1, 0.5), name="a"), targets((1, 0.25), name="b")]])
def test_a_budget_without_its_flag_changes_nothing(policies):
    plain = Engine(minded(policies=policies)).replay(rows(1_500))
    budgeted = Engine(exploring((), policies=policies)).replay(rows(1_500))
    assert columns(budgeted) == columns(plain)
    assert set(budgeted.digests) == set(plain.digests)


@pytest.mark.parametrize("mode", ["Live", "LiveShadow"])
def test_nothing_explores_in_live_modes(mode):
    def replayed(flags):
        document = exploring(flags)
        document["policy"]["mode"] = mode
        return Engine(document).replay(rows(1_500))

    off, on = replayed(()), replayed(("exploration",))
    assert columns(on) == columns(off)
    refused = [row for row in on.tables["explorations"].to_pylist() if row["verdict"] != 255]
    assert refused
    assert {(row["event"], row["verdict"]) for row in refused} == {(Event.REFUSED, Verdict.LIVE)}


def test_no_share_explores_nothing():
    plain, none = (
        Engine(exploring(flags, budget={"share_bps": 0})).replay(rows(1_500)) for flags in ((), ("exploration",))
    )
    assert columns(none) == columns(plain)


def poor(**budget):
    document = exploring(budget=budget)
    document["policy"]["initial_cash"] = "20000"
    return document


def test_a_drawdown_freezes_until_it_has_been_quiet_for_long():
    free = Engine(poor()).replay(rows(4_000))
    frozen = Engine(poor(freeze_drawdown_bps=5, quiet_decisions=1_000_000)).replay(rows(4_000))
    begun = [listed(run, "explorations", event=int(Event.BEGUN)) for run in (free, frozen)]
    assert len(begun[1]) < len(begun[0])
    first = next(row for row in frozen.tables["explorations"].to_pylist() if row["frozen"])
    assert first["frozen"] == FREEZE_DRAWDOWN
    assert all(row["decision_id"] < first["decision_id"] for row in begun[1])
    refused = listed(frozen, "explorations", event=int(Event.REFUSED), verdict=int(Verdict.FROZEN))
    assert refused


def halted(tape, k):
    """The same rows with a clock step at row k, over after five more rows and three good quotes."""
    made = {name: np.array(column) for name, column in tape._asdict().items()}
    for row, control in ((k, Control.CLOCK_STEP), (k + 5, Control.RECONCILED)):
        made["kind"][row], made["price"][row] = int(Kind.CONTROL), int(control)
        made["instrument"][row] = ALL_INSTRUMENTS
    return type(tape)(**made)


def test_a_guard_freezes_and_lets_go_after_the_quiet_time():
    tape = halted(rows(2_000), 600)
    held, let_go = (Engine(exploring(budget={"quiet_decisions": n})).replay(tape) for n in (1_000_000, 100))
    (released,) = listed(let_go, "decisions", guard=int(Guard.RELEASED))
    begun = [
        [row["decision_id"] for row in listed(run, "explorations", event=int(Event.BEGUN)) if row["seq"] > 600]
        for run in (held, let_go)
    ]
    assert begun[0] == []
    assert begun[1][0] >= released["decision_id"] + 100
    refused = listed(let_go, "explorations", event=int(Event.REFUSED), verdict=int(Verdict.FROZEN))
    assert {row["frozen"] for row in refused} == {FREEZE_GUARD}


def test_another_cause_within_the_quiet_time_begins_it_anew():
    result = Engine(exploring(budget={"quiet_decisions": 100})).replay(halted(halted(rows(2_000), 600), 680))
    first, second = listed(result, "decisions", guard=int(Guard.RELEASED))
    assert second["decision_id"] < first["decision_id"] + 100
    begun = [row for row in listed(result, "explorations", event=int(Event.BEGUN)) if row["seq"] > 600]
    assert begun[0]["decision_id"] >= second["decision_id"] + 100


JUMPY = {
    **DRIFT, "reference": 40, "page_hinkley": {"delta": "0.25", "warn": "2", "alert": "500"},
    "cusum": {"slack": "0.5", "warn": "1.5", "alert": "500"}, "shock": "900",
}  # fmt: skip
ALARMED = {**JUMPY, "page_hinkley": {"delta": "0.25", "warn": "2", "alert": "3"}, "shock": "4"}


@pytest.mark.parametrize(
    ("drift", "level", "cause"), [(JUMPY, 1, FREEZE_WARNING), (ALARMED, 2, FREEZE_ALERT)], ids=["warn", "alert"]
)
def test_drift_freezes_at_the_next_decision(drift, level, cause):
    result = Engine(exploring(drift=drift, budget={"quiet_decisions": 1_000_000})).replay(rows(4_000))
    event = next(row for row in result.tables["drift"].to_pylist() if row["level"] > 0)
    trials = result.tables["explorations"].to_pylist()
    begun = [row["decision_id"] for row in trials if row["event"] == Event.BEGUN]
    assert begun, "nothing was tried before"
    assert max(begun) <= event["decision_id"]
    later = [row for row in trials if row["decision_id"] > event["decision_id"]]
    assert {row["event"] for row in later} <= {Event.REFUSED, Event.ENDED}
    assert {row["ending"] for row in later if row["event"] == Event.ENDED} <= {Ending.BARRED}
    assert max(row["level"] for row in result.tables["drift"].to_pylist()) == level
    assert later[-1]["frozen"] & cause


def test_a_warning_that_is_to_freeze_nothing_does_not():
    options = {"drift": JUMPY, "budget": {"quiet_decisions": 1_000_000, "freeze_on_warning": False}}
    result = Engine(exploring(**options)).replay(rows(4_000))
    event = next(row for row in result.tables["drift"].to_pylist() if row["level"] > 0)
    begun = [row["decision_id"] for row in listed(result, "explorations", event=int(Event.BEGUN))]
    assert max(begun) > event["decision_id"]


def test_with_attention_the_second_best_is_by_score():
    result = Engine(exploring(WHOLE, budget={"cadence": 20}, **ALL)).replay(rows(4_000))
    check_share(result, 1_000)
    begun = listed(result, "explorations", event=int(Event.BEGUN))
    assert len({(row["policy"], row["incumbent"]) for row in begun}) > 1
    by_decision = {(row["decision_id"], row["instrument"]): row for row in result.tables["routes"].to_pylist()}
    shown = [row for row in begun if (row["decision_id"], row["instrument"]) in by_decision]
    assert shown
    for row in shown:
        route = by_decision[row["decision_id"], row["instrument"]]
        assert (route["chosen"], route["incumbent"], route["exploring"]) == (row["policy"], row["incumbent"], 1)


def test_it_is_said_why_the_incumbent_does_not_trade(explored):
    route = listed(explored, "routes", exploring=1)[0]
    said = why(route, Roster(("trend", "revert", "breakout"), ((), (), ()), attention=False))
    assert said["exploring"]
    kept_out = {one["policy"]: one["kept_out_by"] for one in said["alternatives"]}
    assert kept_out == {"trend": "exploration", "breakout": "weight"}
    assert said["sentence"].startswith("revert trades on trial, within the exploration budget")
    assert "not trend: exploration, unless the trial ends" in said["sentence"]


def test_who_states_quotes_is_neither_tried_nor_replaced():
    quoting = quotes((1, 9_990, 3, 10_010, 3), name="q")
    for policies in ([three()[0], quoting], [quoting, three()[0]]):
        result = Engine(exploring(policies=policies)).replay(rows(1_500))
        assert result.tables["explorations"].num_rows == 0


def test_a_killed_run_goes_on_in_mid_trial_to_the_same_bytes(tmp_path, monkeypatch):
    whole = Engine(exploring()).replay(rows(LONG))
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
        Engine(exploring()).replay(rows(LONG), folder, checkpoint_every_s=0.5)
    monkeypatch.setattr(engines._Run, "checkpoint", save)
    assert Engine(exploring()).replay(rows(LONG), folder).digests == whole.digests


def test_compiled_and_plain_give_the_same_bytes():
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-W", "ignore", "-m", "unit.loop.explored_runs"]
    plain = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    compiled = explored_runs.digests()
    assert json.loads(plain) == json.loads(json.dumps(compiled))
    alarmed = compiled["alarmed"]
    assert set(alarmed["digests"]) == {"diary", "fills", "pnl", "mind"}
    assert {stream for stream in MIND_STREAMS if alarmed["recorded"][stream] < 2} == set()
    assert min(alarmed["recorded"][stream] for stream in ("decisions", "orders", "fills")) > 20


@pytest.mark.parametrize(
    ("budget", "policies", "text"),
    [
        ({"share_bps": 1_001}, None, "maxFlowShareBps: 1001 lies outside 0..1000, the most in Sim"),
        ({"window": 1_001}, None, "windowDecisions: 1001 lies outside 1..1000"),
        ({}, three()[:1], "it tries the second best of 2 to 16 policies, not 1"),
        ({"cadence": 0}, None, "exploration.cadence: 0 is refused"),
    ],
)
def test_what_cannot_explore_is_refused_by_name(budget, policies, text):
    with pytest.raises(InputError, match=text):
        Engine(exploring(policies=policies, budget=budget)).replay(rows(10))


def test_the_flag_without_a_budget_is_refused():
    with pytest.raises(InputError, match="it spends a budget"):
        Engine(minded(("exploration",)))
