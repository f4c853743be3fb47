"""Bad input at the command line: one line that names file, row or field, exit code 2, and no file or folder more."""

import gzip
import json

import pytest

from e2e.command_line import EXAMPLES, alphatrade, digests, listing
from small_disk import small_disk_at

AT_MS = 1_723_161_256_000
QUOTE = {"e": "bookTicker", "u": 10, "s": "BTCUSDT", "b": "100.1", "B": "2.5", "a": "100.2", "A": "1"}
TRADE = {"e": "trade", "s": "BTCUSDT", "t": 7, "p": "100.1", "q": "0.006", "X": "MARKET", "m": True}
SIZES = ("--symbol", "BTCUSDT", "--tick-size", "0.1", "--lot-size", "0.001")


def line(data, stream=None, at_ns=0):
    """Write one recorded message."""
    at_ms = AT_MS + at_ns // 1_000_000
    name = stream or f"btcusdt@{data['e']}"
    return f"{AT_MS * 1_000_000 + at_ns} {json.dumps({'stream': name, 'data': {**data, 'E': at_ms, 'T': at_ms}})}\n"


GOOD = line(QUOTE)
NEXT = {**QUOTE, "u": 11}

# name -> (lines of a capture, what the message says beside file and line, number of the line)
CAPTURES = {
    "not_json": (GOOD + "1723161256000000001 {broken\n", "no JSON", 2),
    "unknown_stream": (GOOD + line(NEXT, "btcusdt@markPrice", 1), "markPrice", 2),
    "price_zero": (GOOD + line({**NEXT, "b": "0"}, at_ns=1), "zero or negative", 2),
    "negative_size": (GOOD + line({**NEXT, "B": "-1"}, at_ns=1), "negative", 2),
    "crossed_book": (GOOD + line({**NEXT, "b": "100.3"}, at_ns=1), "above", 2),
    "time_backwards": (line(QUOTE, at_ns=5_000_000) + line(NEXT), "before", 2),
    "duplicate": (GOOD + line(QUOTE, at_ns=1), "before", 2),
    "nan": (GOOD + line({**NEXT, "b": "NaN"}, at_ns=1), "number", 2),
    "unknown_instrument": (GOOD + line({**NEXT, "s": "ETHUSDT"}, at_ns=1), "ETHUSDT", 2),
    "tick_mismatch": (GOOD + line({**NEXT, "b": "100.15"}, at_ns=1), "100.15", 2),
    "lot_mismatch": (GOOD + line({**TRADE, "q": "0.0005"}, at_ns=1), "0.0005", 2),
}


def refused(done, *words):
    """Assert that a command said one line with these words and ended with 2."""
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("compiling the trading loop")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    for word in words:
        assert str(word) in lines[0]


@pytest.mark.parametrize("name", CAPTURES)
def test_a_faulty_message_stops_a_strict_import(tmp_path, name):
    text, said, number = CAPTURES[name]
    path = tmp_path / "capture.txt"
    path.write_text(text)
    before = listing(tmp_path)
    refused(alphatrade("import", path, "--out", tmp_path / "tape", *SIZES), path, f"line {number}", said)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("name", ["price_zero", "crossed_book", "nan"])
def test_the_fault_is_counted_when_it_is_tolerated(tmp_path, name):
    path = tmp_path / "capture.txt"
    path.write_text(CAPTURES[name][0])
    fault = {"price_zero": "price_not_positive", "nan": "not_a_number"}.get(name, name)
    done = alphatrade("import", path, "--out", tmp_path / "tape", *SIZES, "--tolerate", fault)
    assert done.returncode == 0, done.stderr
    assert f"refused       1, {fault} 1" in done.stdout


def test_a_truncated_gzip_names_the_last_good_line(tmp_path):
    path = tmp_path / "capture.gz"
    lines = [line({**QUOTE, "u": 10 + k, "A": str(1 + k % 7)}, at_ns=k * 1_000_000) for k in range(5_000)]
    path.write_bytes(gzip.compress("".join(lines).encode())[:-2_000])
    before = listing(tmp_path)
    refused(alphatrade("import", path, "--out", tmp_path / "tape", *SIZES), path, "line", "damaged", "fetch")
    assert listing(tmp_path) == before


def test_a_file_without_a_row_makes_no_tape(tmp_path):
    path = tmp_path / "quotes.csv"
    path.write_text("ts,bid,ask,bid_size,ask_size\n")
    before = listing(tmp_path)
    options = ("--symbol", "X", "--tick-size", "0.01", "--lot-size", "1")
    refused(alphatrade("import", path, "--out", tmp_path / "tape", *options), "0 rows")
    assert listing(tmp_path) == before


@pytest.fixture
def tape(tmp_path):
    """Import a small sound capture; return its folder."""
    path = tmp_path / "sound.txt"
    lines = [line({**QUOTE, "u": 10 + k, "A": str(1 + k % 7)}, at_ns=k * 1_000_000) for k in range(200)]
    path.write_text("".join(lines))
    folder = tmp_path / "tape"
    done = alphatrade("import", path, "--out", folder, *SIZES)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("file", ["tape.arrow", "manifest.json"])
def test_a_tape_edited_after_its_manifest_is_not_traded(tmp_path, tape, file):
    data = bytearray((tape / file).read_bytes())
    data[len(data) // 2] ^= 1
    (tape / file).write_bytes(data)
    before = listing(tmp_path)
    done = alphatrade(
        "replay", tape, "-f", EXAMPLES / "capture", "--strategy", "capture-flow", "--artifacts", tmp_path / "runs"
    )
    refused(done, tape / file, "import the data again")
    assert listing(tmp_path) == before


def test_a_tape_of_other_instruments_is_not_traded(tmp_path, tape):
    before = listing(tmp_path)
    done = alphatrade("replay", tape, "-f", EXAMPLES / "quickstart", "--artifacts", tmp_path / "runs")
    refused(done, "BTCUSDT")
    assert listing(tmp_path) == before


RESOURCES = {
    "unknown_field": ("maxNotionalBps: 500 ", "maxNotionalBips: 500 ", "maxNotionalBps"),
    "wrong_unit": ("orderEntryLatency: 10ms", "orderEntryLatency: 10", "duration"),
    "float_money": ('initialCash: "1000000"', "initialCash: 1000000.5", "initialCash"),
    "limits_out_of_order": ("dayBps: 500 ", "dayBps: 5000 ", "maxBps"),
    "order_above_position": ("maxOrderLots: 400", "maxOrderLots: 4000", "maxPositionLots"),
    "unknown_signal": ("ref: ema_cross ", "ref: ema_cros ", "ema_cross"),
    "parameter_out_of_bounds": ("fast: 20", "fast: 1", "fast"),
    "unmet_reference": (
        "riskTemplateRef: {name: default}\n  genotype",
        "riskTemplateRef: {name: none}\n  genotype",
        "none",
    ),
    "no_such_flag": ("decisionClock:", "featureFlags: {exploration: true}\n  decisionClock:", "exploration"),
    "simulator_field": ("strength: 0.2", "strenght: 0.2", "strenght"),
    "live_mode": ("mode: Paper", "mode: Live", "Live"),
    "no_yaml": ("kind: Strategy", "kind: [Strategy", "strategy.yaml"),
}


@pytest.mark.parametrize("name", RESOURCES)
def test_a_faulty_resource_is_refused_before_anything_is_written(tmp_path, name):
    old, new, said = RESOURCES[name]
    session = tmp_path / "session"
    session.mkdir()
    texts = {file.name: file.read_text() for file in (EXAMPLES / "quickstart").glob("*.yaml")}
    assert sum(old in text for text in texts.values()) >= 1
    for file, text in texts.items():
        (session / file).write_text(text.replace(old, new))
    before = listing(tmp_path)
    refused(alphatrade("run", "-f", session, "--artifacts", tmp_path / "runs"), said)
    assert listing(tmp_path) == before


@pytest.fixture
def full_disk(tmp_path):
    """Mount a tmpfs of 64 KiB, where the host lets us."""
    with small_disk_at(tmp_path / "small", "64k") as folder:
        yield folder


def test_a_full_disk_ends_an_import_and_leaves_nothing(tmp_path, full_disk):
    path = tmp_path / "capture.txt"
    lines = [line({**QUOTE, "u": 10 + k, "A": str(1 + k % 7)}, at_ns=k * 1_000_000) for k in range(5_000)]
    path.write_text("".join(lines))
    refused(alphatrade("import", path, "--out", full_disk / "tape", *SIZES), full_disk, "space")
    assert listing(full_disk) == []


def test_a_full_disk_ends_a_simulation_and_leaves_nothing(full_disk):
    refused(alphatrade("run", "-f", EXAMPLES / "quickstart", "--artifacts", full_disk), full_disk, "space")
    assert listing(full_disk) == []


def test_a_full_disk_ends_a_run_and_leaves_nothing(tmp_path, tape, full_disk):
    done = alphatrade(
        "replay", tape, "-f", EXAMPLES / "capture", "--strategy", "capture-quotes", "--artifacts", full_disk
    )
    refused(done, full_disk, "space")
    assert listing(full_disk) == []


def test_a_full_disk_stops_a_session_that_goes_on_when_there_is_space(tmp_path):
    arguments = ["run", "-f", EXAMPLES / "quickstart", "--speed", "500x", "--artifacts"]
    whole = alphatrade(*arguments, tmp_path / "runs")
    with small_disk_at(tmp_path / "small", "20m") as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(20 * 2**20 - 900_000))  # the tape has room, and half of the journal
        done = alphatrade(*arguments, disk)
        assert done.returncode == 2
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, done.stderr
        assert "trading stops: free space on the disk, then start again" in errors[0]
        ballast.unlink()
        again = alphatrade(*arguments, disk)
        assert "going on with" in again.stderr
        assert len(digests(whole.stdout)) == 3
        assert digests(again.stdout) == digests(whole.stdout)
