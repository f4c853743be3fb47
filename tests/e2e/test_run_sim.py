"""`make run-sim`: what it must show, twice the same; and `make replay-capture` on a capture."""

import json
import re
import subprocess
import sys

import pytest

from e2e.command_line import ROOT, listing
from generated_capture import write_capture


def module(name, *arguments, cwd=ROOT):
    command = [sys.executable, "-m", f"alphatrade_runtime.cli.{name}", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)


def reports(text):
    return re.findall(r"^report (.+)/report\.html$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    base = tmp_path_factory.mktemp("run-sim")
    done = module("run_sim", "--artifacts", base)
    assert done.returncode == 0, done.stderr
    facts = [json.loads((base / folder / "run.json").read_text()) for folder in reports(done.stdout)]
    return base, done.stdout, facts


def test_the_simulated_part_shows_what_the_issue_asks_for(both):
    _, text, (simulated, _) = both
    line = re.search(r"^orders +([\d,]+): (.+)$", text, re.MULTILINE)
    assert line is not None
    assert int(line[1].replace(",", "")) >= 5_000
    assert len(line[2].split(", ")) >= 4
    assert len(simulated["counts"]["denials"]) >= 3
    assert simulated["violations"] == []
    assert simulated["counts"]["breaks"] == simulated["counts"]["plugin_faults"] == 0
    assert "the market data is simulated" in simulated["notes"]


def test_the_simulated_tape_holds_a_halt_and_the_orders_keep_out_of_it(both):
    base, _, (simulated, _) = both
    manifest = json.loads((base / "tapes" / simulated["tape"]["path"].rpartition("/")[2] / "manifest.json").read_text())
    assert manifest["counts_by_kind"]["STATUS"] >= 2
    assert len(manifest["source"]["planted"]["halts"]) >= 1


def test_the_real_part_says_that_drawdown_limits_are_off_and_meets_no_denial(both):
    _, text, (_, real) = both
    assert not real["tape"]["simulated"]
    assert real["tape"]["rows"] > 10_000
    assert "note          drawdown limits are off" in text
    assert "drawdown limits are off" in real["notes"]
    assert real["counts"]["denials"] == {}
    assert real["counts"]["fills"] > 100
    page = next(path for path in reports(text) if real["run_id"] in path)
    with open(f"{page}/report.html") as report:
        assert "drawdown limits are off" in report.read()


def test_the_second_time_prints_the_same_words(both, tmp_path):
    base, text, _ = both
    before = [name for name, _ in listing(base)]
    again = module("run_sim", "--artifacts", base, cwd=tmp_path)
    assert again.stdout == text
    assert [name for name, _ in listing(base)] == before


def test_a_capture_is_imported_whole_and_traded_by_both_strategies(tmp_path):
    capture = tmp_path / "small.gz"
    write_capture(capture, seed=5, lines=6_000)
    done = module("replay_capture", capture, "--artifacts", tmp_path / "artifacts")
    assert done.returncode == 0, done.stderr
    found = re.findall(r"^(lines read|used|refused) +([\d,]+)", done.stdout, re.MULTILINE)
    counts = {name: int(number.replace(",", "")) for name, number in found}
    assert counts["lines read"] == counts["used"] + counts["refused"] > 0
    assert re.search(r"^clock shift +BTCUSDT [\d,]+ ns$", done.stdout, re.MULTILINE)
    assert len(reports(done.stdout)) == 2
    assert len(re.findall(r"^(?:diary|fills|pnl) sha256:[0-9a-f]{64}$", done.stdout, re.MULTILINE)) == 6
