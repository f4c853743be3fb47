"""The engine reaches the answers that the peers gave: P1's net to the cent, P2's fills one by one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.market.tape import Tape
from bench import make_tape, pnl, reference, reference_p2, sessions, strategies  # noqa: F401 (declares signals)
from bench.engines import STRATEGIES
from bench.fills import canonical
from bench.make_reference import MARKETS, P1_FILE, P2_FILE
from bench.tapes import CaptureTape, capture_tape, columns_sha256, generated_capture

P1 = json.loads(P1_FILE.read_text())
P2 = json.loads(P2_FILE.read_text())["tapes"]
CAPTURE = Path(__file__).resolve().parents[4] / "shared" / "data" / "binance-usdm-btcusdt-20240808.gz"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> CaptureTape:
    return generated_capture(tmp_path_factory.mktemp("generated"))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> CaptureTape:
    if not CAPTURE.exists():
        pytest.skip("no recorded capture beside the repository")
    return capture_tape(tmp_path_factory.mktemp("recorded"), CAPTURE, "capture")


@pytest.mark.parametrize("market", MARKETS)
def test_the_tape_is_the_one_the_peers_traded(market: make_tape.Market) -> None:
    n = 100_000
    assert columns_sha256(make_tape.quote_columns(n, market)) == P1["quotes"][market][str(n)]["columns_sha256"]
    assert P1["quotes"][market]["1000000"]["orders"] >= 15_000


@pytest.mark.parametrize("market", MARKETS)
def test_a_shorter_tape_is_the_head_of_a_longer_one(market: make_tape.Market) -> None:
    short, long = make_tape.quote_columns(999, market), make_tape.quote_columns(2_000, market)
    assert all(np.array_equal(short[name], long[name][:999]) for name in short)
    spread = long["ask"] - long["bid"]
    assert (spread.min(), spread.max()) == (1, 3)


@pytest.mark.parametrize("market", MARKETS)
def test_plain_answer_agrees_with_every_peer(market: make_tape.Market) -> None:
    known = P1["quotes"][market]["100000"]
    q = make_tape.quote_columns(100_000, market)
    answer = reference.quotes_answer(
        q["bid"].tolist(), q["ask"].tolist(), make_tape.MULT_QUANTA, make_tape.FEE_PER_ORDER_QUANTA
    )
    assert tuple(answer) == (known["net_quanta"], known["orders"], known["position"])
    assert len(known["peer_nets"]) == 3
    assert all(abs(net - answer.net_quanta / 1e8) < 0.005 for net in known["peer_nets"].values())


@pytest.mark.parametrize("market", MARKETS)
def test_net_of_quotes_equals_the_peers(market: make_tape.Market) -> None:
    known = P1["quotes"][market]["100000"]
    result = Engine(sessions.quotes_session()).replay(make_tape.quote_rows(100_000, market))
    assert result.money["nav"] - result.money["initial_cash"] == known["net_quanta"]
    assert result.counts["orders"] == known["orders"]
    assert not result.counts["denials"]
    assert not result.breached


def test_net_of_bars_equals_the_peers() -> None:
    known = P1["bars"]["100000"]
    result = Engine(sessions.bars_session()).replay(make_tape.bar_rows(100_000))
    assert result.money["nav"] - result.money["initial_cash"] == known["net_quanta"]
    assert result.counts["orders"] == known["orders"]


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_fills_of_the_generated_capture_equal_the_peers(generated: CaptureTape, strategy: str) -> None:
    _assert_parity(generated, strategy)


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_fills_of_the_recorded_capture_equal_the_peers(recorded: CaptureTape, strategy: str) -> None:
    _assert_parity(recorded, strategy)


def _assert_parity(tape: CaptureTape, strategy: str) -> None:
    known, every = P2[tape.name], STRATEGIES[strategy]
    columns = dict(np.load(tape.columns))
    assert columns_sha256(columns) == known["columns_sha256"]
    fills, result = _replayed(tape, strategy, every)
    expected = reference_p2.fills_of({name: column.tolist() for name, column in columns.items()}, every)
    assert fills == expected
    assert pnl.fills_sha256(fills) == known["strategies"][strategy]["fills_sha256"]
    assert len(fills) == known["strategies"][strategy]["fills"] >= 500
    assert {fill[5] for fill in fills} == {1 if strategy == "passive" else 0}
    assert result.money["nav"] - result.money["initial_cash"] == known["strategies"][strategy]["pnl_quanta"]
    assert not result.breached


def _replayed(tape: CaptureTape, strategy: str, every: int) -> tuple[list[list[int]], Any]:
    with Tape.open(tape.folder) as opened:
        rows: Rows = opened.rows()
        result = Engine(sessions.capture_session(strategy, every)).replay(rows)
        return canonical(result.tables["fills"], int(rows.ts_init_ns[-1])), result
