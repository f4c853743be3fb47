"""Stories of the command line: run, run again, compare, ask, verify; at every speed, and out of a notebook."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from e2e.command_line import EXAMPLES, ROOT, alphatrade, digests, listing, run_folder


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """Run the quickstart once; return (artifacts, what it printed)."""
    base = tmp_path_factory.mktemp("quickstart")
    done = alphatrade("run", "-f", EXAMPLES / "quickstart", "--artifacts", base)
    assert done.returncode == 0, done.stderr
    return base, done.stdout


def test_a_run_prints_its_table_and_digests_and_leaves_a_whole_folder(quickstart):
    base, text = quickstart
    for label in ("strategy", "orders", "denials", "net PnL", "fees", "max drawdown", "kill state", "violations"):
        assert f"\n{label}" in f"\n{text}"
    folder = run_folder(text)
    facts = json.loads((folder / "run.json").read_text())
    assert facts["digests"] == digests(text)
    assert "the market data is simulated" in facts["notes"]
    assert facts["counts"]["orders"] > 0
    names = {path.name for path in folder.iterdir()}
    assert names >= {"run.json", "report.html", "decisions.parquet", "orders.parquet", "fills.parquet", "exports"}
    assert not [path for path in base.rglob("*") if "partial" in path.name or path.name == ".unfinished"]


def test_another_process_elsewhere_gives_the_same_bytes_and_takes_the_place(quickstart, tmp_path):
    base, text = quickstart
    before = [name for name, _ in listing(base)]
    env = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LANG": "C"}
    again = alphatrade("run", "-f", EXAMPLES / "quickstart", "--artifacts", base, cwd=tmp_path, env=env)
    assert digests(again.stdout) == digests(text)
    assert len(digests(text)) == 3
    assert [name for name, _ in listing(base)] == before
    assert "\x1b" not in again.stdout + again.stderr


def test_two_runs_are_compared_to_the_first_row_that_differs(quickstart, tmp_path):
    base, text = quickstart
    same = alphatrade("compare", run_folder(text), run_folder(text))
    assert same.returncode == 0, same.stdout + same.stderr
    for file in (EXAMPLES / "quickstart").glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text().replace("fast: 20", "fast: 21"))
    other = alphatrade("run", "-f", tmp_path, "--artifacts", base)
    differs = alphatrade("compare", run_folder(text), run_folder(other.stdout))
    assert differs.returncode == 1
    assert "first differing row" in differs.stdout


def test_the_diary_is_verified_shown_and_asked(quickstart):
    base, text = quickstart
    run = run_folder(text)
    verified = alphatrade("diary", "verify", run.name, "--artifacts", base)
    assert (verified.returncode, verified.stderr) == (0, "")
    shown = alphatrade("diary", "show", run, "--tail", 3)
    assert "for trend: position" in shown.stdout
    count = alphatrade("diary", "sql", run, "SELECT count(*) AS n FROM fills", "--form", "json")
    assert json.loads(count.stdout)["n"] == json.loads((run / "run.json").read_text())["counts"]["fills"]
    table = alphatrade("diary", "sql", run, "SELECT * FROM actions LIMIT 2", "--form", "csv")
    assert table.stdout.count("\n") == 3
    refused = alphatrade("diary", "sql", run, "DROP TABLE fills")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: sql: ")


def test_an_edited_diary_is_a_breach(quickstart, tmp_path):
    _, text = quickstart
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", run_folder(text), copy], check=True)
    chain = copy / "fills.chain.jsonl"
    chain.write_text(chain.read_text().replace('"rows":', '"rows":1', 1))
    found = alphatrade("diary", "verify", copy)
    assert found.returncode == 3
    assert "fills" in found.stdout


def test_the_report_is_written_anew(quickstart):
    _, text = quickstart
    page = run_folder(text) / "report.html"
    before = page.read_text()
    page.write_text("gone")
    done = alphatrade("report", run_folder(text))
    assert done.returncode == 0, done.stderr
    assert page.read_text() == before
    assert "http://" not in before.replace("http://www.w3.org", "")


def test_a_killed_run_goes_on_from_its_checkpoint_to_the_same_digests(tmp_path):
    session = tmp_path / "session"
    session.mkdir()
    for file in (EXAMPLES / "quickstart").glob("*.yaml"):
        (session / file.name).write_text(file.read_text().replace("duration: 10m", "duration: 6h"))
    whole = alphatrade("run", "-f", session, "--artifacts", tmp_path / "whole")
    arguments = ["run", "-f", session, "--artifacts", tmp_path / "killed", "--checkpoint-every", "0.01"]
    process = subprocess.Popen([sys.executable, "-m", "alphatrade_runtime.cli", *map(str, arguments)], cwd=ROOT)
    deadline = time.monotonic() + 300
    while not list((tmp_path / "killed").glob("sim/.unfinished/*/checkpoint.npz")):
        assert process.poll() is None, "it ended before its first checkpoint; make the session longer"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    again = alphatrade(*arguments)
    assert "going on from the checkpoint" in again.stderr
    assert digests(again.stdout) == digests(whole.stdout)
    assert not (tmp_path / "killed" / "sim" / ".unfinished").exists()


def test_a_run_by_the_wall_clock_is_verified_from_its_journal(tmp_path):
    done = alphatrade(
        "run", "-f", EXAMPLES / "quickstart", "--speed", "Realtime", "--duration", "3", "--artifacts", tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "wall clock, Realtime" in done.stdout
    folder = run_folder(done.stdout)
    assert (folder / "telemetry.jsonl").exists()
    assert "there is no latency to measure" not in (folder / "report.html").read_text()
    found = alphatrade("verify", folder)
    assert found.returncode == 0, found.stdout + found.stderr
    assert digests(found.stdout) == digests(done.stdout)
    assert alphatrade("diary", "verify", folder).returncode == 0


def test_a_multiple_of_real_time_gives_the_digests_of_max(quickstart, tmp_path):
    _, fastest = quickstart
    done = alphatrade("run", "-f", EXAMPLES / "quickstart", "--speed", "500x", "--artifacts", tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(digests(done.stdout)) == 3
    assert digests(done.stdout) == digests(fastest)
    assert ("Simulated Max" in fastest, "Simulated 500x" in done.stdout) == (True, True)
    folder = run_folder(done.stdout)
    facts = json.loads((folder / "run.json").read_text())
    assert (facts["kind"], facts["speed"]) == ("paper", "Simulated 500x")
    page = (folder / "report.html").read_text()
    assert "Simulated 500x" in page
    assert "there is no latency to measure" in page
    found = alphatrade("verify", folder)
    assert found.returncode == 0, found.stdout + found.stderr
    assert digests(found.stdout) == digests(fastest)
    assert alphatrade("diary", "verify", folder).returncode == 0
    assert alphatrade("compare", run_folder(fastest), folder).returncode == 0


def started(speed, artifacts, *more):
    """Start the quickstart; return its process once it runs, and the folder that it runs in."""
    arguments = ["run", "-f", EXAMPLES / "quickstart", "--speed", speed, "--artifacts", artifacts, *more]
    command = [sys.executable, "-m", "alphatrade_runtime.cli", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not list(artifacts.glob("paper/.unfinished/*/telemetry.jsonl")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (running,) = artifacts.glob("paper/.unfinished/*")
    return process, running


def test_a_session_that_was_stopped_and_killed_goes_on_to_the_digests_of_max(quickstart, tmp_path):
    _, fastest = quickstart
    process, running = started("100x", tmp_path)
    wait_for_bytes(running / "exchange" / "commands.bin", 1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"the same command goes on with the run in {running}" in said
    process, _ = started("100x", tmp_path)
    wait_for_bytes(running / "exchange" / "commands.bin", 1 + (running / "exchange" / "commands.bin").stat().st_size)
    process.kill()
    process.communicate()
    done = alphatrade("run", "-f", EXAMPLES / "quickstart", "--speed", "100x", "--artifacts", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "going on with" in done.stderr
    assert digests(done.stdout) == digests(fastest)
    assert alphatrade("verify", run_folder(done.stdout)).returncode == 0
    assert not (tmp_path / "paper" / ".unfinished").exists()


def wait_for_bytes(path, size):
    """Return once a file is so long."""
    deadline = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < deadline, f"{path} did not grow"
        time.sleep(0.01)


@pytest.mark.parametrize("speed", ["20x", "Realtime"])
def test_the_kill_switch_reaches_a_running_session(tmp_path, speed):
    process, running = started(speed, tmp_path, "--duration", "6")
    asked = alphatrade("kill", running.name, "--mode", "Halt", "--reason", "a test", "--artifacts", tmp_path)
    assert asked.returncode == 0, asked.stderr
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    facts = json.loads((run_folder(text) / "run.json").read_text())
    assert facts["kill"]["state"] == "HALTED"
    assert any("a test" in note for note in facts["notes"])
    assert alphatrade("verify", run_folder(text)).returncode == 0


def test_a_notebook_gets_arrow_tables(tmp_path):
    code = f"""
from pathlib import Path
from alphatrade_runtime.cli.feeds import open_tape
from alphatrade_runtime.cli.session import read_plan

plan = read_plan(Path({str(EXAMPLES / "quickstart")!r}))
result = plan.engine().replay(open_tape(plan, Path({str(tmp_path)!r})))
print(result.tables["fills"].num_rows, result.counts["fills"], result.breached)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    rows, fills, breached = done.stdout.split()
    assert rows == fills != "0"
    assert breached == "False"
