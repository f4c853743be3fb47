"""Stories by the wall clock: kill switch over a restart, a lost exchange, a heartbeat that shows a stopped process."""

import json
import os
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from alphatrade_runtime.execution.broker.exchange_log import read_reports
from alphatrade_runtime.loop.journal import RecordKind, read_records
from alphatrade_runtime.loop.live_control import request_kill
from alphatrade_runtime.loop.recovery import verify
from alphatrade_runtime.market.orders import Command, Purpose
from alphatrade_runtime.reflection.telemetry import HEARTBEAT_NS, read_telemetry
from e2e.live_story import NEW, Exchange, document, venue_positions, wait_until

CANCEL = int(Command.CANCEL)


def session_of(tmp_path, tape, **how):
    path = tmp_path / "session.json"
    path.write_text(json.dumps(document(tape, **how)))
    return path


def result_of(folder):
    return json.loads((folder / "result.json").read_text())


def traded(folder, orders):
    """True once a run has journaled so many commands."""
    if not list((folder / "journal").glob("journal-*.bin")):
        return False
    return sum(len(r.payload) for r in read_records(folder / "journal") if r.kind is RecordKind.COMMANDS) >= orders


def commands_after_kill(folder):
    """Return the commands journaled behind the first kill request."""
    killed, spans = False, []
    for record in read_records(folder / "journal"):
        killed = killed or (isinstance(record.payload, dict) and "control" in record.payload)
        if killed and record.kind is RecordKind.COMMANDS:
            spans.append(np.asarray(record.payload))
    assert killed, "the kill request is not in the journal"
    return np.concatenate(spans) if spans else np.zeros(0, [("command", "u1"), ("purpose", "u1")])


@pytest.mark.parametrize("mode", ["Reduce", "Halt", "Flatten"])
def test_kill_latches_over_a_restart(tmp_path, tape, runtimes, mode):
    session, folder = session_of(tmp_path, tape), tmp_path / "run"
    pid = runtimes.start(session, folder)
    wait_until(lambda: traded(folder, 40), 60)
    request = request_kill(folder, mode, "a test of the switch")
    wait_until(request.with_suffix(".taken").exists, 20)
    time.sleep(0.5)
    os.kill(pid, signal.SIGKILL if mode == "Halt" else signal.SIGTERM)
    runtimes.wait(pid)
    before = len(commands_after_kill(folder))
    again = runtimes.start(session, folder, duration_s=1.5)
    assert runtimes.wait(again) == 0
    result = result_of(folder)
    later = commands_after_kill(folder)
    if mode == "Reduce":
        assert result["kill"]["state"] == "TRIPPED"
    else:
        assert result["kill"]["state"] == "HALTED"
        entries = later[later["command"] == NEW]
        assert (entries["purpose"] == int(Purpose.FLATTEN)).all() if mode == "Flatten" else len(entries) == 0
    assert len(later) >= before
    assert result["violations"] == []
    verified = verify(folder)
    assert verified.agrees
    if mode == "Flatten":
        assert verified.positions == (0,)


def test_a_killed_exchange_leaves_orders_unknown_until_reconciled(tmp_path, tape, runtimes):
    session, folder = session_of(tmp_path, tape), tmp_path / "run"
    with tempfile.TemporaryDirectory(prefix="at") as short:
        socket = Path(short) / "x"
        exchange = Exchange(session, socket, tmp_path / "exchange")
        pid = runtimes.start(session, folder, broker=str(socket))
        wait_until(lambda: traded(folder, 20), 60)
        exchange.stop(signal.SIGKILL)
        socket.unlink()
        lost = Exchange(session, socket, tmp_path / "exchange")
        sent = len(np.fromfile(tmp_path / "exchange" / "commands.bin", "u1"))
        wait_until(lambda: len(np.fromfile(tmp_path / "exchange" / "commands.bin", "u1")) > sent, 60)
        os.kill(pid, signal.SIGTERM)
        assert runtimes.wait(pid) == 0
        lost.stop()
    result = result_of(folder)
    assert any("link lost" in note for note in result["notes"])
    assert not [note for note in result["notes"] if "disagree" in note]
    assert result["violations"] == []
    assert result["counts"]["breaks"] == 0
    verified = verify(folder)
    assert verified.agrees
    assert list(verified.positions) == venue_positions(tmp_path / "exchange")


def test_an_exchange_that_does_not_answer_counts_as_lost(tmp_path, tape, runtimes):
    session, folder = session_of(tmp_path, tape), tmp_path / "run"
    with tempfile.TemporaryDirectory(prefix="at") as short:
        exchange = Exchange(session, Path(short) / "x", tmp_path / "exchange")
        pid = runtimes.start(session, folder, broker=str(exchange.socket))
        wait_until(lambda: traded(folder, 20), 60)
        exchange.process.send_signal(signal.SIGSTOP)
        time.sleep(6)
        exchange.process.send_signal(signal.SIGCONT)
        answered = len(read_reports(tmp_path / "exchange"))
        wait_until(lambda: len(read_reports(tmp_path / "exchange")) > answered + 20, 60)
        os.kill(pid, signal.SIGTERM)
        assert runtimes.wait(pid) == 0
        exchange.stop()
    result = result_of(folder)
    assert any("no answer within" in note for note in result["notes"]), result["notes"]
    assert not [note for note in result["notes"] if "disagree" in note], result["notes"]
    assert result["violations"] == []
    verified = verify(folder)
    assert verified.agrees
    assert list(verified.positions) == venue_positions(tmp_path / "exchange")


def assert_counts_agree(telemetry):
    """Every event, decision, order and acknowledgement is in its histogram, once."""
    found = {stage: histogram.count for stage, histogram in telemetry.stages.items()}
    counts = telemetry.counts
    assert found["ingest_signal"] == counts["events"]
    assert found["signal_order"] == counts["decisions"]
    assert found["ingest_order"] == counts["orders"]
    assert found["order_ack"] == counts["acks"]
    assert min(counts.values()) > 0


def test_60_s_have_59_heartbeats_and_a_stop_shows_as_a_gap(tmp_path, tape, runtimes):
    session = session_of(tmp_path, tape, speed="Realtime")
    steady = runtimes.start(session, tmp_path / "steady", duration_s=60)
    stopped = runtimes.start(session, tmp_path / "stopped", duration_s=15)
    wait_until(lambda: traded(tmp_path / "stopped", 1), 30)
    os.kill(stopped, signal.SIGSTOP)
    time.sleep(5)
    os.kill(stopped, signal.SIGCONT)
    assert runtimes.wait(stopped) == 0
    assert runtimes.wait(steady) == 0
    beating = read_telemetry(tmp_path / "steady" / "telemetry.jsonl")
    assert beating.beats >= 59
    assert_counts_agree(beating)
    gapped = read_telemetry(tmp_path / "stopped" / "telemetry.jsonl")
    assert_counts_agree(gapped)
    longest = max(gapped.gaps, key=lambda gap: gap.end_ns - gap.start_ns)
    assert longest.missing >= 4
    assert longest.end_ns - longest.start_ns >= 5 * HEARTBEAT_NS - HEARTBEAT_NS // 2
    for name in ("steady", "stopped"):
        verified = verify(tmp_path / name)
        assert verified.agrees
        assert verified.digests == result_of(tmp_path / name)["digests"]
