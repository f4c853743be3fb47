"""A simulated tape says that it is one, tells what is planted in it, and is made in constant memory."""

import tracemalloc

import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.simulator import iterate, prepare, simulate
from alphatrade_runtime.market.simulator.examples import DAILY_BARS, FOUR_HOURS
from alphatrade_runtime.market.tape import Tape


def test_a_tape_says_it_is_simulated_and_what_is_planted(tmp_path):
    manifest = simulate(FOUR_HOURS, tmp_path / "tape")
    source = manifest["source"]
    assert source["type"] == "simulator"
    assert source["simulated"] is True
    assert source["seed"] == 7
    assert len(source["planted"]["storms"]) >= 2
    assert [one["instrument"] for one in source["planted"]["halts"]] == ["SIM-B"]
    assert [one["symbol"] for one in manifest["instruments"]] == ["SIM-A", "SIM-B", "SIM-C"]
    assert manifest["counts_by_kind"]["STATUS"] == 2
    assert manifest["rows"] == manifest["counts"]["used"] > 200_000


def test_a_tape_is_what_its_manifest_configures(tmp_path):
    first = simulate({**FOUR_HOURS, "duration": "10m"}, tmp_path / "a")
    again = simulate(first["source"]["config"], tmp_path / "b")
    assert again["digest"] == first["digest"]


def test_a_tape_reads_back_as_the_rows(tmp_path):
    config = {"duration": "1m"}
    simulate(config, tmp_path / "tape")
    rows = next(iter(iterate(config)))
    with Tape.open(tmp_path / "tape") as tape:
        assert len(tape) == len(rows.seq)


def test_a_bar_tape_keeps_its_calendar(tmp_path):
    manifest = simulate({**DAILY_BARS, "bars": {"duration": "1d", "calendar": "XNYS", "count": 250}}, tmp_path / "tape")
    assert manifest["calendar"] == "XNYS"
    assert manifest["counts_by_kind"] == {"BAR": 500}


def test_a_refused_configuration_leaves_nothing(tmp_path):
    with pytest.raises(InputError):
        simulate({"sed": 1}, tmp_path / "tape")
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_rows():
    chunks = prepare({"duration": "40d"}).chunks()
    peaks = []
    tracemalloc.start()
    try:
        for part in range(2):
            tracemalloc.reset_peak()
            for _ in range(10 if part == 0 else 40):
                next(chunks)
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000
    assert peaks[0] < 30_000_000
