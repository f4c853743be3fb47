"""A wall-clock session in one process: clock step, full disk, an end in order, a folder of another session."""

import json
import time

import numpy as np
import pytest

from alphatrade_runtime.loop.journal import JournalStalled, input_rows
from alphatrade_runtime.loop.live import LiveOptions, LiveProgress, run_live
from alphatrade_runtime.loop.live_clock import Clocks
from alphatrade_runtime.loop.recovery import verify
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Control, Kind
from alphatrade_runtime.reflection.diary.record_log import DiaryStalled
from alphatrade_runtime.reflection.telemetry import read_telemetry
from alphatrade_runtime.risk.auditor import Auditor
from alphatrade_runtime.risk.codes import Guard
from e2e.live_story import document, make_tape


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    return make_tape(tmp_path_factory.mktemp("tape") / "tape", 600)


def options(**how):
    return LiveOptions(loop=True, signals=False, **how)


def controls(folder):
    return [
        Control(int(p)).name
        for span in input_rows(folder / "journal")
        for p in span.price[span.kind == int(Kind.CONTROL)]
    ]


def test_a_session_closes_in_order_and_verifies(tmp_path, tape):
    seen: list[LiveProgress] = []
    result = run_live(document(tape), tmp_path, options(duration_s=1.5, progress=seen.append))
    assert result.ended_by == "time is up"
    assert result.run.counts["orders"] > 10
    assert not result.breached
    assert seen
    assert seen[-1].linked
    assert verify(tmp_path).agrees
    found = read_telemetry(tmp_path / "telemetry.jsonl")
    assert found.counts["orders"] == result.run.counts["orders"] == found.stages["ingest_order"].count


def test_a_clock_step_halts_until_good_quotes_and_a_clean_reconcile(tmp_path, tape):
    class Stepped:
        def __init__(self):
            self.offset, self.started = 0, time.monotonic()

        def stop(self):
            if time.monotonic() - self.started > 0.7:
                self.offset = 250_000_000
            return False

    host = Stepped()
    clocks = Clocks(wall_ns=lambda: time.time_ns() + host.offset)
    result = run_live(document(tape), tmp_path, options(duration_s=2, clocks=clocks, stop=host.stop))
    assert any("the time of day was set by +0.250 s" in note for note in result.notes)
    asked = controls(tmp_path)
    assert asked == ["LINK_LOST", "RECONCILED", "CLOCK_STEP", "RECONCILED"]
    found = verify(tmp_path)
    assert found.agrees
    guards = [g for g in guard_rows(tmp_path) if g in (Guard.CLOCK_STEP, Guard.RELEASED)]
    assert guards == [Guard.RELEASED, Guard.CLOCK_STEP, Guard.RELEASED]


def test_the_auditors_first_violation_latches_a_halt(tmp_path, tape, monkeypatch):
    feed = Auditor.feed

    def feed_a_wrong_fill(auditor, **streams):
        fills = streams["fills"].copy()
        if len(fills) and not auditor.violations:
            fills["cash_after"][-1] += 1
        return feed(auditor, **{**streams, "fills": fills})

    monkeypatch.setattr(Auditor, "feed", feed_a_wrong_fill)
    result = run_live(document(tape), tmp_path, options(duration_s=2))
    assert result.breached
    assert result.run.kill["state"] == "HALTED"
    assert any(note.startswith("auditor: ") for note in result.notes)
    assert controls(tmp_path) == ["LINK_LOST", "RECONCILED", "HALT"]


def guard_rows(folder):
    import pyarrow as pa

    tables = [pa.ipc.open_stream(str(path)).read_all() for path in sorted(folder.glob("decisions-*.arrow"))]
    guards = pa.concat_tables(tables)["guard"].to_numpy()
    return [Guard(int(g)) for g in guards if g]


def test_a_full_disk_stops_trading(small_disk, tape):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes((1 << 20) * 7 // 10))
    with pytest.raises((JournalStalled, DiaryStalled), match="trading stops"):
        run_live(document(tape, speed="400x"), small_disk / "run", options(duration_s=60))


@pytest.mark.parametrize(("change", "named"), [("speed", "session document"), ("loop", "--loop")])
def test_a_folder_of_another_session_is_refused(tmp_path, tape, change, named):
    run_live(document(tape), tmp_path, options(duration_s=0.2))
    other = document(tape, speed="41x") if change == "speed" else document(tape)
    with pytest.raises(InputError, match=f"its journal is of another {named}"):
        run_live(other, tmp_path, LiveOptions(signals=False, loop=change != "loop", duration_s=0.2))


def test_max_speed_is_no_wall_clock(tmp_path, tape):
    with pytest.raises(InputError, match=r"feed\.speed Max"):
        run_live(document(tape, speed="Max"), tmp_path / "run", options(duration_s=0.2))
    assert not (tmp_path / "run" / "journal").exists()


def test_what_is_journaled_is_what_a_tape_may_hold(tmp_path, tape):
    run_live(document(tape), tmp_path, options(duration_s=0.5))
    rows = list(input_rows(tmp_path / "journal"))
    times = np.concatenate([span.ts_init_ns for span in rows])
    seqs = np.concatenate([span.seq for span in rows])
    assert (np.diff(times) >= 0).all()
    assert seqs.tolist() == list(range(len(seqs)))
    assert json.dumps(document(tape))
