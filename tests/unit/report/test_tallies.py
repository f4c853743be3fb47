import numpy as np
import pytest

from alphatrade_runtime.market.orders import OrderState as S
from alphatrade_runtime.report import tallies
from alphatrade_runtime.report.run_data import read_run_data
from alphatrade_runtime.report.trades import closed_trades
from unit.report.run_folder import write_run
from unit.risk.record_streams import INITIAL_CASH, Streams, clean_run


@pytest.fixture
def run(tmp_path):
    streams = Streams()
    streams.trade(0, 1, 10, price=600_003)  # the mid is 600,000.5 ticks
    order = streams.step().rest(1, -1, 8)
    streams.step().fill(order, 2)
    streams.step().tell(order, S.CANCELED)
    streams.step().tell(streams.step().send(2, 1, 5), S.REJECTED)
    denied = streams.step().rest(0, 1, 1)
    streams.rows["orders"] = streams.rows["orders"][:-3]
    streams.tell(denied, S.DENIED, code=6)
    streams.step().show()
    return read_run_data(write_run(tmp_path / "run", streams))


def test_slippage_is_against_the_mid_when_the_order_left(run):
    assert tallies.fill_slippage(run).tolist() == [25 * 10_000, 0]


def test_slippage_of_a_fill_without_order_is_not_known(run):
    run.streams["fills"]["order_id"] = run.streams["fills"]["order_id"] + 1_000
    assert tallies.fill_slippage(run).tolist() == [0, 0]


def test_costs_add_up(run):
    spent = tallies.costs(run, tallies.fill_slippage(run))
    fees = run.streams["fills"]["fee"]
    assert spent.taker_fees == fees[0] == 10 * 600_003 * 10_000 * 500 // 10**7
    assert spent.rebates == -fees[1] > 0
    assert spent.turnover == run.streams["equity"]["turnover"][-1]
    assert spent.maker_turnover == 2 * 30_000 * 2_000_000


def test_orders_are_told_by_how_they_ended(run):
    (line,) = tallies.by_topology(run)
    assert (line.sent, line.filled, line.canceled, line.rejected, line.denied, line.working) == (3, 1, 1, 1, 1, 0)
    assert line.fills == 2


def test_denials_and_near_misses_by_code(run):
    assert tallies.denials(run) == [("NOTIONAL", 1)]
    assert tallies.near_misses(run) == [("INVENTORY", 1)]


def test_instruments_account_for_the_whole_result(tmp_path):
    run = read_run_data(write_run(tmp_path / "run", clean_run(200)))
    slippage = tallies.fill_slippage(run)
    trades = closed_trades(run.streams["fills"], slippage, run.mults)
    lines = tallies.by_instrument(run, slippage, np.zeros(3, np.int64), np.zeros(3, np.int64))
    assert sum(line.net for line in lines) == run.streams["equity"]["nav"][-1] - INITIAL_CASH
    assert sum(line.fills for line in lines) == len(run.streams["fills"]["qty"])
    assert trades.slippage.sum() <= slippage.sum() or len(trades) > 0


def test_an_unknown_number_is_told_as_itself():
    assert tallies.name_of(S, 7) == "FILLED"
    assert tallies.name_of(S, 99) == "99"
