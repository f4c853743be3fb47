"""`alphatrade explain RUN SEQ`: the choice in words and as JSON; what it cannot explain is refused in one line."""

import json

import pytest

from alphatrade_runtime.cli.main import call
from alphatrade_runtime.cli.summary import print_summary
from alphatrade_runtime.market.orders import OrderState
from alphatrade_runtime.reflection.records import DiaryKind
from alphatrade_runtime.reflection.routes import Barred
from unit.reflection.minded_run import action, belief, candidate, order, probe, route, session, write

TREND = candidate(0, 0.5, attention=0.2, base=0.3, position=1.0, cost_bps=0.4, value_bps=3.0)
REVERT = candidate(1, 0.55, base=0.55, value_bps=1.0)
SOONER = route(14, candidate(0, value_bps=90.0), candidate(1, value_bps=-90.0))  # short of the horizon of 10
LATER = route(15, candidate(0, value_bps=4.0), candidate(1, value_bps=5.0))
SENT, DENIED = order(1, 5, 10, 600_000), order(2, 6, 10, 600_000, state=int(OrderState.DENIED), code=7)
LAST = order(3, 20, 10, 600_000)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    rows = {
        "orders": [SENT, {**SENT, "seq": 51, "event": 104, "state": int(OrderState.FILLED)}, DENIED, LAST],
        "decisions": [action(SENT), action(DENIED, kind=int(DiaryKind.DENIAL), code=7), action(LAST)],
        "routes": [
            route(5, TREND, REVERT, before=0), route(6, TREND, candidate(1, 0.9, Barred.REGIME), before=0),
            route(6, candidate(0), instrument=1), SOONER, LATER, route(20, candidate(0)),
        ],
        "belief_snapshots": [belief(5)],
        "probes": [probe(5, 4, fired=1), probe(6, 0)],
    }  # fmt: skip
    return write(tmp_path_factory.mktemp("explain") / "run", rows)


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    return write(tmp_path_factory.mktemp("plain") / "run", {"orders": [SENT], "decisions": [action(SENT)]})


def told(capsys, *arguments):
    assert call(["explain", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_an_order_is_explained_in_words(run, capsys):
    shown = told(capsys, run, 50)
    assert shown.startswith(
        "AAA: trend trades in NeutralCalm (80% sure); not revert: switching cost, unless it promises 0.50 bps more; "
        "it made 3.00 bps more in 10 decisions\n"
    )
    assert "BUY 0.010 AAA at 60000.0" in shown
    assert "order 1 came to FILLED" in shown
    assert "probes: opening_auction of opening_auction, sweep_risk, imbalance_surge, liquidity_gap" in shown
    (ours,) = [line.split() for line in shown.splitlines() if line.startswith("trend")]
    assert ours == ["trend", "0.300", "0.200", "0.000", "0.000", "0.500", "0.000", "1.000", "0.400", "chosen"]


def test_as_json_it_says_all_of_it(run, capsys):
    (found,) = json.loads(told(capsys, run, 50, "--json"))
    assert found["symbol"] == "AAA"
    (other,) = found["why"]["alternatives"]
    assert (other["policy"], other["kept_out_by"], other["need"]) == ("revert", "switching cost", pytest.approx(0.5))
    assert other["regret"] == {"bps": 3.0, "decisions": 10}
    assert found["orders"] == [
        {"order_id": 1, "side": "BUY", "size": "0.010", "limit_price": "60000.000", "time_in_force": "GTC",
         "state": "FILLED"}
    ]  # fmt: skip
    assert [probe["available"] for probe in found["probes"]] == [True] * 4 + [False] * 2
    assert [probe["score"] for probe in found["probes"]] == [0.5] * 4 + [None] * 2
    assert {probe["synapse"] for probe in found["probes"]} == {0.0}


def test_without_fast_weights_there_are_no_synapses(tmp_path, capsys):
    rows = {"routes": [route(5, TREND)], "probes": [probe(5, 6)]}
    (found,) = json.loads(told(capsys, write(tmp_path / "run", rows, session(attention=False)), 50, "--json"))
    assert [probe["synapse"] for probe in found["probes"]] == [None] * 6


def test_a_row_that_is_no_order_says_so_for_each_instrument(run, capsys):
    shown = told(capsys, run, 60)
    assert "AAA: trend trades" in shown
    assert "not revert: regime, unless the regime is one of NeutralCalm" in shown
    assert "DENIED" in shown
    assert "BBB: trend trades" in shown
    assert shown.count("no order left at row 60") == 2
    assert "none available, so the order is not attributed" in shown


@pytest.mark.parametrize(
    ("seq", "said"),
    [
        (0, "no choice is on record at row 0; the nearest at which an order left: 50"),
        (55, "no choice is on record at row 55; the nearest at which an order left: 50 and 200"),
        (9_999_999, "no choice is on record at row 9999999; the nearest at which an order left: 200"),
        ("ten", "SEQ"),
        (-1, "-1"),
    ],
)
def test_a_row_without_a_choice_is_refused_by_name(run, seq, said, capsys):
    refused(["explain", str(run), str(seq)], said, capsys)


def refused(arguments, said, capsys):
    assert call(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    assert said in shown.err


def test_a_run_that_is_not_there_is_refused(capsys, tmp_path):
    refused(["explain", "no-such-run", "1", "--artifacts", str(tmp_path)], "no-such-run: no such folder", capsys)


def test_a_folder_that_is_no_run_is_refused(capsys, tmp_path):
    refused(["explain", str(tmp_path), "1"], "run.json: no such file", capsys)


def test_a_run_without_an_understanding_loop_is_refused(without, capsys):
    refused(["explain", str(without), "50"], "belief, regime, probes, drift and router of its strategy are all", capsys)


def test_a_run_whose_session_is_gone_is_refused(tmp_path, capsys):
    folder = write(tmp_path / "run", {"routes": [route(5, TREND)]})
    (folder / "run.json").write_text('{"run_id": "x"}')
    refused(["explain", str(folder), "50"], "session is missing", capsys)


def test_a_run_in_which_weight_chose(tmp_path, capsys):
    rows = {"routes": [route(5, candidate(0, 0.9), candidate(1, 1.0, Barred.REGIME), sigma_bps=0.0)]}
    folder = write(tmp_path / "run", rows, session(attention=False))
    shown = told(capsys, folder, 50)
    assert "not revert: regime" in shown
    assert "probes" not in shown


def test_the_runs_table_says_the_attributed_share_of_a_minded_run_only(run, without, capsys):
    print_summary(run)
    said = "attribution   50.0% of orders and 50.0% of notional resolve to belief, probes and explanation "
    assert said + "(simulated tape, by hand, n = 2)" in capsys.readouterr().out
    print_summary(without)
    assert "attribution" not in capsys.readouterr().out
