"""Ratios, slopes and the page say what the figures say."""

import math
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.growth import slope
from bench.measure import ratios
from bench.peers.process import Engine
from bench.pnl import fee_quanta, fills_sha256, pnl_quanta
from bench.table import markdown

FACTS: dict[str, Any] = {
    "command": "python tests/bench/run.py P1", "commit": "0123456789abcdef", "wall_s": 1.0,
    "machine": {"cpu": "a processor", "cores": 2, "python": "3.11", "numba": "0", "numpy": "2"},
}  # fmt: skip
ROW: dict[str, Any] = {
    "engine": "alphatrade", "version": "0.1.0", "events": 1_000_000, "median_s": 0.05, "min_s": 0.04, "max_s": 0.06,
    "events_per_s": 20_000_000, "warm_up_s": 2.0, "net": -622.205, "orders": 20_456,
}  # fmt: skip


def test_ratio_is_speed_over_speed_and_the_fastest_peer_gives_the_least() -> None:
    rows = [ROW, {**ROW, "engine": "a", "median_s": 0.1}, {**ROW, "engine": "b", "events": 500_000, "median_s": 0.5}]
    assert ratios(rows, "alphatrade", ["a", "b"]) == {"a": 2.0, "b": 20.0, "fastest_peer": 2.0}


def test_slope_of_a_power_is_its_exponent() -> None:
    xs = [10.0, 100.0, 1000.0]
    assert slope([math.log(x) for x in xs], [math.log(3 * x**1.5) for x in xs]) == pytest.approx(1.5)


@pytest.mark.parametrize(("met", "word"), [(True, "met."), (False, "**missed**")])
def test_page_shows_figures_and_verdict(met: bool, word: str) -> None:
    result = {"rows": [ROW], "ratio": {"a": 2.0, "fastest_peer": 2.0}, "target": ">= 2x", "met": met}
    page = markdown({"P1": {**result, "wall_s": 3.0, "facts": FACTS}})
    assert word in page
    assert "| alphatrade 0.1.0 | 1,000,000 | 0.05 | 0.04-0.06 | 20,000,000 | 2 | -622.205 | 20,456 |" in page
    assert "Ours against a 2.00x." in page


def test_money_of_fills_is_exact_and_fees_round_against_us() -> None:
    buy, sell = [1, 2, 1, 618_003, 1, 0], [3, 4, -1, 618_003, 1, 1]
    assert fee_quanta(buy) == -(-618_003 * 10_000 * 5_000 // 10_000_000)
    assert fee_quanta([1, 2, 1, 1, 1, 1]) == 2
    assert pnl_quanta([buy, sell], 618_000, 618_001) == -fee_quanta(buy) - fee_quanta(sell)
    assert pnl_quanta([[1, 2, 1, 100, 3, 1]], 101, 102) == 3 * 15_000 - fee_quanta([1, 2, 1, 100, 3, 1])
    assert fills_sha256([buy]) != fills_sha256([sell])


def test_an_engine_that_dies_is_an_error_that_names_it(capfd: pytest.CaptureFixture[str]) -> None:
    engine = Engine("nobody", Path(sys.executable), "bench.peers.no_such_module", ())
    with pytest.raises(RuntimeError, match=r"nobody: bench\.peers\.no_such_module ended with code 1"), engine:
        pass
    assert "no_such_module" in capfd.readouterr().err


def test_page_shows_what_each_part_adds() -> None:
    row = {**ROW, "engine": "and probes", "each_ns": 1234.5}
    result = {"rows": [row], "added_ns": {"belief": 900, "probes": 80}, "decision_over_bare": 3.2, "target": "<= 7 us"}
    page = markdown({"P4": {**result, "met": True, "wall_s": 3.0, "facts": FACTS}})
    assert "| 20,456 | 1,234.5 |" in page
    assert "added ns: belief 900, probes 80" in page
    assert "decision over bare: 3.2" in page
