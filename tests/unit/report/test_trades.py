import random

import numpy as np
import pytest

from alphatrade_runtime.report.trades import closed_trades, open_trades
from unit.risk.record_streams import INITIAL_CASH, INSTRUMENTS, Streams

MULTS = np.array([i.mult for i in INSTRUMENTS])


def paired(streams, slippage=None):
    fills = streams.arrays()["fills"]
    columns = {name: fills[name] for name in fills.dtype.names}
    cost = np.zeros(len(fills), np.int64) if slippage is None else np.array(slippage)
    return closed_trades(columns, cost, MULTS), columns


def test_a_round_trip_is_one_trade():
    streams = Streams()
    streams.trade(0, 1, 10, price=600_000)
    streams.step().trade(0, 1, 5, price=600_100)
    streams.step().trade(0, -1, 15, price=600_300)
    trades, fills = paired(streams, [1, 2, 3])
    assert len(trades) == 1
    assert (trades.side[0], trades.lots[0], trades.fills[0], trades.slippage[0]) == (1, 15, 3, 6)
    assert trades.gross[0] == (10 * 300 + 5 * 200) * 10_000
    assert trades.fees[0] == fills["fee"].sum()
    assert (trades.opened_ns[0], trades.closed_ns[0]) == (fills["ts_ns"][0], fills["ts_ns"][2])


def test_a_short_earns_when_the_price_falls():
    streams = Streams()
    streams.trade(1, -1, 10, price=30_000)
    streams.step().trade(1, 1, 10, price=29_990)
    trades, _ = paired(streams)
    assert (trades.instrument[0], trades.side[0], trades.gross[0]) == (1, -1, 10 * 10 * 2_000_000)


def test_a_flip_closes_one_trade_and_opens_the_next():
    streams = Streams()
    streams.trade(0, 1, 10, price=600_000)
    streams.step().trade(0, -1, 25, price=600_010)
    streams.step().trade(0, 1, 15, price=600_000)
    trades, fills = paired(streams, [0, 25, 0])
    assert trades.side.tolist() == [1, -1]
    assert trades.lots.tolist() == [10, 15]
    assert trades.gross.tolist() == [10 * 10 * 10_000, 15 * 10 * 10_000]
    assert trades.fees.sum() == fills["fee"].sum()
    assert trades.slippage.tolist() == [10, 15]


def test_an_open_position_is_no_closed_trade():
    streams = Streams()
    streams.trade(0, 1, 10)
    streams.step().trade(1, 1, 4)
    streams.step().trade(1, -1, 4)
    trades, fills = paired(streams)
    assert trades.instrument.tolist() == [1]
    assert open_trades(fills, 3) == 1


def test_a_position_carried_in_has_no_known_entry():
    streams = Streams(position=[5, 0, 0])
    streams.trade(0, -1, 5)
    streams.step().trade(0, 1, 3)
    streams.step().trade(0, -1, 3)
    trades, _ = paired(streams)
    assert trades.lots.tolist() == [3]


def test_no_fills_give_no_trades():
    trades, fills = paired(Streams())
    assert len(trades) == 0
    assert open_trades(fills, 3) == 0


@pytest.mark.parametrize("seed", range(5))
def test_closed_trades_account_for_every_quantum_of_a_flat_run(seed):
    rng = random.Random(seed)
    streams = Streams()
    for _ in range(300):
        i = rng.randrange(3)
        order = streams.step().send(
            i, rng.choice([1, -1]), rng.randrange(2, 20), price=streams.mid2[i] // 2 + rng.randrange(-9, 9)
        )
        first = rng.randrange(1, order.qty)
        streams.step().fill(order, first, maker=rng.randrange(2))
        streams.step().fill(order, order.qty - first, maker=rng.randrange(2))
    for i, lots in enumerate(list(streams.position)):
        if lots:
            streams.step().trade(i, -1 if lots > 0 else 1, abs(lots))
    trades, fills = paired(streams)
    assert trades.net.sum() == streams.cash - INITIAL_CASH
    assert (np.diff(trades.closed_ns) >= 0).all()
    assert (trades.opened_ns <= trades.closed_ns).all()
    assert open_trades(fills, 3) == 0
