"""The ablation study, small: pairs, treatments, what is counted, and that a killed study goes on where it was."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market.schema import Rows, rows_from_columns
from alphatrade_runtime.reflection.routes import NOBODY
from studies import ablation
from studies.ablation import Plan, cell_key, study
from studies.cells import Treatment, net_of, replayed, run_cell, treatment_of
from studies.markets import CRUDE, INDICES, SIMULATED
from studies.paired import paired, written
from studies.tapes import DAY_NS, half_years, later_part
from studies.variants import FULL, VARIANTS, document_of

DECISIONS, DAYS = 3_000, 600  # a tape of each kind that the parts get going on
BY_NAME = {variant.name: variant for variant in VARIANTS}
SMALL = Plan(2, DECISIONS, DAYS, 200, (SIMULATED, INDICES), (BY_NAME["shuffled rho"], BY_NAME["probes off"]))


@pytest.fixture(scope="module")
def rows() -> Rows:
    return SIMULATED.rows(1, DECISIONS)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Any]]:
    work = tmp_path_factory.mktemp("ablation")
    assert study(SMALL, work, work / "ablation.json")
    return work, json.loads((work / "ablation.json").read_text())


def decided(variant: Any, rows: Rows) -> Any:
    """What came of a variant, and the understanding loop as it ended."""
    return replayed(Engine(document_of(SIMULATED, 1, variant)), treatment_of(variant, SIMULATED, 1), rows)


def test_each_row_is_a_difference_with_its_interval(done: tuple[Any, dict[str, Any]]) -> None:
    _, facts = done
    assert [(row["market"], row["variant"]) for row in facts["rows"]] == [
        ("simulated", "shuffled rho"), ("simulated", "probes off"),
        ("indices", "shuffled rho"), ("indices", "probes off"),
    ]  # fmt: skip
    for row in facts["rows"]:
        summed = row["full_minus_variant"]
        assert summed["low"] <= summed["mean"] <= summed["high"]
        assert summed["mean"] == pytest.approx(row["full_mean"] - row["variant_mean"])
        assert summed["n"] == len(row["differences"]) == 2  # tapes, and half-years
    assert facts["cells"] == 2 * 2 * 3
    assert all(system["means"]["fills"] > 10 for system in facts["systems"])


def test_probes_choose_nothing_and_shuffling_does(done: tuple[Any, dict[str, Any]]) -> None:
    _, facts = done
    for row in facts["rows"]:
        changed = any(difference != 0.0 for difference in row["differences"])
        if row["market"] == "simulated" or row["variant"] == "probes off":  # two years of days are too few to learn on
            assert changed == (row["variant"] == "shuffled rho"), row


def test_a_killed_study_goes_on_with_what_is_missing(
    done: tuple[Any, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    work, facts = done
    made = sorted((work / "ablation").rglob("*.json"))
    lost = made[3]
    before = json.loads(lost.read_text())
    lost.unlink()
    ran = []

    def run_and_count(*arguments: Any) -> Any:
        ran.append(arguments)
        return run_cell(*arguments)

    monkeypatch.setattr(ablation, "run_cell", run_and_count)
    study(SMALL, work, work / "again.json")
    assert len(ran) == 1
    assert {**json.loads(lost.read_text()), "wall_s": 0} == {**before, "wall_s": 0}
    assert json.loads((work / "again.json").read_text())["rows"] == facts["rows"]


def test_a_cell_is_of_its_document_treatment_length_and_seed() -> None:
    keys = [
        cell_key(document_of(SIMULATED, seed, variant), treatment_of(variant, SIMULATED, seed), SIMULATED, length)
        for variant in (FULL, *VARIANTS) for length in (100, 200) for seed in (1, 2)
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)


def test_spans_alone_change_nothing(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """A treatment that leaves every neuron where it is gives the bytes of no treatment."""
    monkeypatch.setattr(np.random, "default_rng", lambda seed: _Still())
    plain, _ = decided(FULL, rows)
    stirred, _ = decided(BY_NAME["shuffled rho"], rows)
    assert stirred.digests == plain.digests


class _Still:
    def permutation(self, n: int) -> Any:
        return np.arange(n)


def test_shuffling_keeps_what_rho_weighs(rows: Rows) -> None:
    _, mind = decided(BY_NAME["shuffled rho"], rows)
    assert mind is not None
    for fast in mind.symbols["fast"].view(np.ndarray)[:, 0]:
        assert fast["norm"] > 0.1
        assert fast["faults"] == 0
        assert np.sqrt((fast["rho"] ** 2).sum()) * fast["scale"] == pytest.approx(float(fast["norm"]), rel=1e-9)


def test_without_regimes_the_router_knows_none(rows: Rows) -> None:
    full, _ = decided(FULL, rows)
    without, mind = decided(BY_NAME["regimes off"], rows)
    assert mind is not None
    assert full.tables["regimes"].num_rows > 0
    assert without.tables["regimes"].num_rows == 0
    assert set(without.tables["routes"]["regime"].to_pylist()) == {NOBODY}
    assert len(set(without.tables["routes"]["chosen"].to_pylist())) > 1
    assert np.ptp(mind.symbols["regime"]["posterior"]) == 0.0


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_trades_and_keeps_its_own_rules(variant: Any, rows: Rows) -> None:
    document, treatment = document_of(SIMULATED, 1, variant), treatment_of(variant, SIMULATED, 1)
    cell = run_cell(document, treatment, rows, later_part(rows))
    assert cell["violations"] == cell["faults"] == 0
    assert cell["fills"] > 10


def test_the_net_of_all_of_a_tape_is_what_the_account_made(rows: Rows) -> None:
    document = document_of(SIMULATED, 1, FULL)
    engine = Engine(document)
    result, _ = replayed(engine, Treatment(), rows)
    first, middle, last = (int(rows.ts_init_ns[k]) for k in (0, len(rows.seq) // 2, -1))
    whole, early, late = net_of(result, engine.session, [(first, last), (first, middle), (middle, last)])
    made = result.money["nav"] - result.money["initial_cash"]
    marks = [mark for mark in result.tables["marks"].to_pylist() if mark["mark2"] > 0]
    at_first = {mark["instrument"]: mark["mark2"] for mark in reversed(marks)}
    at_middle = {mark["instrument"]: mark["mark2"] for mark in marks if mark["ts_ns"] <= middle}
    first_size, middle_size = (1_000 * 500_000 * sum(at.values()) for at in (at_first, at_middle))  # lots, quanta
    assert whole * first_size == pytest.approx(1e4 * made, rel=1e-9)
    assert early * first_size + late * middle_size == pytest.approx(1e4 * made, rel=1e-9)
    assert early != late


def test_folds_of_days_are_half_years_after_the_first_year() -> None:
    days = np.arange("1999-01-04", "2001-03-10", dtype="datetime64[D]").astype(np.int64)
    folds = half_years(rows_from_columns({"seq": days, "ts_init_ns": days * DAY_NS + DAY_NS // 2}))
    found = [tuple(str(np.datetime64(edge // DAY_NS, "D")) for edge in fold) for fold in folds]
    assert found == [("2000-01-01", "2000-07-01"), ("2000-07-01", "2001-01-01")]
    ending = days[days < np.datetime64("2001-01-01", "D").astype(np.int64)]
    whole = half_years(rows_from_columns({"seq": ending, "ts_init_ns": ending * DAY_NS + DAY_NS // 2}))
    assert whole == folds


@pytest.mark.parametrize(
    ("market", "bars", "folds", "years"), [(INDICES, 2 * 5_031, 38, 20), (CRUDE, 8_000, 64, 33)], ids=lambda v: str(v)
)
def test_daily_prices_are_all_that_is_shipped(market: Any, bars: int, folds: int, years: int) -> None:
    rows = market.rows(0, 100_000)
    assert len(rows.seq) >= bars
    assert len(market.folds(rows)) == folds
    assert years - 1 < (rows.ts_init_ns[-1] - rows.ts_init_ns[0]) / DAY_NS / 365.25 <= years


def test_an_interval_covers_what_it_says() -> None:
    """Of intervals of 95%, 89% to 100% hold the truth: 120 draws of 30, four standard errors."""
    draw = np.random.default_rng(3)
    holds = 0
    for k in range(120):
        summed = paired(draw.normal(0.4, 1.0, 30), seed=k, repetitions=400)
        holds += summed["low"] <= 0.4 <= summed["high"]
    assert holds >= 0.87 * 120


def test_equal_differences_are_their_own_interval_and_text_says_all() -> None:
    summed = paired([0.0] * 20, seed=1, repetitions=100)
    assert (summed["mean"], summed["low"], summed["high"], summed["seen"]) == (0.0, 0.0, 0.0, 0.0)
    summed = paired([1.0, 3.0, 2.0, 2.0], seed=1, repetitions=100)
    assert summed["error"] == pytest.approx(np.sqrt(2 / 3) / 2)
    assert summed["seen"] == pytest.approx(2.8 * summed["error"])
    assert written({"mean": 1.25, "low": -0.5, "high": 3.0}) == "+1.2 [-0.5, +3.0]"


def test_a_plan_names_what_it_cannot_find() -> None:
    with pytest.raises(SystemExit, match="unknown variant 'denser'; known: dense"):
        list(ablation.chosen(["denser"], VARIANTS, "variant"))
    assert dataclasses.replace(SMALL, seeds=3).numbers == range(1, 4)
