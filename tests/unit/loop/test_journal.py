"""What was flushed is there after any kill; a torn end is cut, damage is refused, a full disk stops trading."""

import errno
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.loop import frames
from alphatrade_runtime.loop import journal as journal_module
from alphatrade_runtime.loop.journal import Journal, JournalStalled, RecordKind, input_rows, read_records
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import COMMAND_DTYPE
from alphatrade_runtime.market.schema import Kind, Rows, rows_from_columns

FACTS = {"session": "s1", "policy_hash": "aa"}


def tape(start, n):
    seq = np.arange(start, start + n)
    columns = {"seq": seq, "ts_init_ns": seq * 7, "kind": seq % 12, "side": -(seq % 2), "instrument": seq % 65536}
    return rows_from_columns({**columns, "price": seq - 3, "venue_seq": -seq, "flags": seq % 256})


def commands(first, n):
    made = np.zeros(n, COMMAND_DTYPE)
    made["order_id"], made["decision_id"] = np.arange(first, first + n), 100 + np.arange(first, first + n)
    return made


def fill(journal, groups, start=0):
    for k in range(start, start + groups):
        journal.append_rows(tape(10 * k, 3))
        journal.append_commands(commands(k, 1))
        journal.flush()


def order_ids(records):
    return [int(i) for r in records if r.kind is RecordKind.COMMANDS for i in r.payload["order_id"]]


def same_rows(left: Rows, right: Rows) -> bool:
    pairs = zip(map(np.asarray, left), map(np.asarray, right), strict=True)
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)


def test_what_was_written_is_read(tmp_path):
    journal = Journal.create(tmp_path, FACTS)
    journal.append_rows(tape(5, 4))
    journal.append_commands(commands(1, 2))
    journal.append_meta({"note": "é"})
    journal.close()
    meta, rows, orders, note = read_records(tmp_path)
    assert [r.number for r in (meta, rows, orders, note)] == [0, 1, 2, 3]
    assert isinstance(meta.payload, dict)
    assert meta.payload["facts"] == FACTS
    assert isinstance(rows.payload, Rows)
    assert same_rows(rows.payload, tape(5, 4))
    assert np.array_equal(np.asarray(orders.payload), commands(1, 2))
    assert note.payload == {"note": "é"}


def test_rows_of_a_journal_are_rows_of_a_tape(tmp_path):
    journal = Journal.create(tmp_path, FACTS)
    journal.append_rows(tape(5, 4))
    journal.close()
    recorded = next(r.payload for r in read_records(tmp_path) if isinstance(r.payload, Rows))
    for rows in (next(input_rows(tmp_path)), recorded):
        assert same_rows(rows, tape(5, 4))
        for column in map(np.asarray, rows):
            assert column.flags.aligned
            assert not column.flags.writeable


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 20))
@settings(max_examples=30)
def test_input_comes_back_in_spans_with_its_seq(tmp_path_factory, sizes, at_least):
    folder = tmp_path_factory.mktemp("j")
    journal, start = Journal.create(folder, FACTS, segment_bytes=1000), 0
    for size in sizes:
        journal.append_rows(tape(start, size))
        journal.append_commands(commands(0, 1))
        journal.flush()
        start += size
    journal.close()
    spans = list(input_rows(folder, at_least))
    assert all(len(span.seq) >= at_least for span in spans[:-1])
    assert [int(s) for span in spans for s in span.seq] == list(range(start))


def test_nothing_is_in_the_file_before_flush_and_all_of_it_after(tmp_path):
    journal = Journal.create(tmp_path, FACTS)
    journal.append_commands(commands(1, 1))
    assert order_ids(read_records(tmp_path)) == []
    assert order_ids(journal.recover()) == []
    journal.flush()
    assert order_ids(read_records(tmp_path)) == [1]
    journal.abandon()


def test_recovering_ends_where_the_journal_was_when_it_began(tmp_path):
    journal = Journal.create(tmp_path, FACTS)
    fill(journal, 3)
    records = journal.recover()
    fill(journal, 2, start=3)
    assert order_ids(records) == [0, 1, 2]
    journal.close()


def test_opening_goes_on_with_the_numbers_and_the_last_segment(tmp_path):
    journal = Journal.create(tmp_path, FACTS, segment_bytes=2000)
    fill(journal, 10)
    journal.close()
    journal = Journal.open(tmp_path, segment_bytes=2000)
    assert (journal.next_number, journal.lost_bytes) == (21, 0)
    fill(journal, 10, start=10)
    journal.close()
    assert order_ids(read_records(tmp_path)) == list(range(20))
    assert len(list(tmp_path.glob("*.bin"))) > 3


@given(st.data())
@settings(max_examples=80)
def test_cut_at_any_byte_it_recovers_every_whole_group_before(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("j")
    journal, ends = Journal.create(folder, FACTS), []
    path = folder / "journal-000000.bin"
    first = path.stat().st_size
    for k in range(5):
        fill(journal, 1, start=k)
        ends.append(path.stat().st_size)
    journal.abandon()
    cut = data.draw(st.integers(first, ends[-1]))
    garbage = data.draw(st.binary(max_size=40))
    path.write_bytes(path.read_bytes()[:cut] + garbage)
    journal = Journal.open(folder)
    kept = order_ids(journal.recover())
    assert kept == list(range(sum(end <= cut for end in ends)))
    assert path.stat().st_size == cut + len(garbage) - journal.lost_bytes
    fill(journal, 1, start=77)
    journal.close()
    assert order_ids(read_records(folder)) == [*kept, 77]


@given(st.data())
@settings(max_examples=80)
def test_a_changed_byte_is_refused_with_its_offset_or_is_the_torn_end(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("j")
    journal = Journal.create(folder, FACTS)
    fill(journal, 4)
    journal.close()
    path, starts = folder / "journal-000000.bin", [0]
    for frame in frames.read_frames(folder):
        starts.append(frame.end)
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    hit = max(k for k, start in enumerate(starts) if start <= at)
    if hit < len(starts) - 2:
        for read in (lambda: Journal.open(folder), lambda: list(read_records(folder))):
            with pytest.raises(InputError, match=rf"journal-000000\.bin: damaged at byte {starts[hit]}: "):
                read()
    else:
        journal = Journal.open(folder)
        assert journal.lost_bytes == starts[-1] - starts[-2]
        journal.abandon()


def rolled(folder):
    journal = Journal.create(folder, FACTS, segment_bytes=1500)
    fill(journal, 12)
    journal.close()
    assert len(list(folder.glob("*.bin"))) == 4


def test_a_missing_segment_is_named(tmp_path):
    rolled(tmp_path)
    (tmp_path / "journal-000001.bin").unlink()
    with pytest.raises(InputError, match=r"journal-000001\.bin: missing"):
        Journal.open(tmp_path)


def without_a_frame(data):
    ends = [at for at in range(len(data)) if data[at : at + 4] == frames.MAGIC]
    return data[: ends[1]] + data[ends[2] :]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data[:-400],
        lambda data: data + b"more",
        without_a_frame,
        lambda data: data + data,
        lambda data: b"",
    ],
)
def test_a_change_in_the_middle_is_damage(tmp_path, change):
    rolled(tmp_path)
    path = tmp_path / "journal-000001.bin"
    path.write_bytes(change(path.read_bytes()))
    for read in (lambda: Journal.open(tmp_path), lambda: list(read_records(tmp_path))):
        with pytest.raises(InputError, match="damaged at byte"):
            read()


def test_a_segment_that_was_only_begun_is_no_damage(tmp_path):
    rolled(tmp_path)
    (tmp_path / "journal-000004.bin").touch()
    journal = Journal.open(tmp_path)
    assert journal.lost_bytes == 0
    fill(journal, 1, start=12)
    journal.close()
    assert order_ids(read_records(tmp_path)) == list(range(13))


def test_a_journal_is_neither_started_over_nor_opened_where_there_is_none(tmp_path):
    with pytest.raises(InputError, match="no journal here"):
        Journal.open(tmp_path)
    Journal.create(tmp_path, FACTS).close()
    with pytest.raises(InputError, match="a journal is there already"):
        Journal.create(tmp_path, FACTS)
    Journal.open(tmp_path).close()


def test_two_runtimes_cannot_hold_one_journal(tmp_path):
    journal = Journal.create(tmp_path, FACTS)
    with pytest.raises(InputError, match=rf"journal\.lock: another runtime \(process {os.getpid()}\) holds"):
        Journal.open(tmp_path)
    journal.close()
    Journal.open(tmp_path).close()


def test_another_version_s_journal_is_refused(tmp_path, monkeypatch):
    Journal.create(tmp_path, FACTS).close()
    monkeypatch.setitem(journal_module._LAYOUT, "journal", 2)
    with pytest.raises(InputError, match="of another version"):
        Journal.open(tmp_path)


@pytest.mark.parametrize("part", [0, 10, 10_000])
def test_a_full_disk_stalls_for_good_and_leaves_no_half_group(tmp_path, monkeypatch, part):
    journal = Journal.create(tmp_path, FACTS)
    fill(journal, 3)
    size, real = (tmp_path / "journal-000000.bin").stat().st_size, os.pwrite
    calls = []

    def full(fd, data, offset):
        calls.append(1)
        if part and len(calls) == 1:
            return real(fd, data[: min(part, len(data) - 1)], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(JournalStalled, match=r"journal-000000\.bin: .*No space left.*trading stops: free space"):
        fill(journal, 1, start=3)
    monkeypatch.undo()
    with pytest.raises(JournalStalled):
        journal.flush()
    with pytest.raises(JournalStalled):
        journal.close()
    assert (tmp_path / "journal-000000.bin").stat().st_size == size
    assert order_ids(read_records(tmp_path)) == [0, 1, 2]


def test_a_full_disk_at_the_start_leaves_nothing(tmp_path, monkeypatch):
    def full(fd, data, offset):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(frames, "encode", lambda *a: b"x" * 100)
    monkeypatch.setattr(Journal, "_write", lambda self, data: full(0, 0, 0))
    with pytest.raises(OSError, match="No space"):
        Journal.create(tmp_path, FACTS)
    assert list(tmp_path.glob("*.bin")) == []


def test_fsync_is_before_the_send_and_group_is_behind(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: synced.append(fd))
    journal = Journal.create(tmp_path / "a", FACTS, "fsync")
    before = len(synced)
    fill(journal, 3)
    assert len(synced) == before + 3
    journal.close()
    journal = Journal.create(tmp_path / "b", FACTS, "group")
    before = len(synced)
    fill(journal, 1)
    _until(lambda: len(synced) > before)
    journal.close()


def test_a_disk_that_falls_behind_stalls_trading(tmp_path, monkeypatch):
    now, disk = [0], threading.Event()
    disk.set()
    monkeypatch.setattr(os, "fdatasync", lambda fd: disk.wait())
    journal = Journal.create(tmp_path, FACTS, clock_ns=lambda: now[0])
    disk.clear()
    fill(journal, 1)
    now[0] = 900_000_000
    fill(journal, 1, start=1)
    now[0] = 1_100_000_000
    with pytest.raises(JournalStalled, match="the disk is more than 1 s behind"):
        fill(journal, 1, start=2)
    disk.set()
    with pytest.raises(JournalStalled):
        journal.close()


def test_a_process_that_was_stopped_does_not_blame_the_disk_at_once(tmp_path, monkeypatch):
    now, disk = [0], threading.Event()
    disk.set()
    monkeypatch.setattr(os, "fdatasync", lambda fd: disk.wait())
    journal = Journal.create(tmp_path, FACTS, clock_ns=lambda: now[0])
    disk.clear()
    fill(journal, 1)
    now[0] = 5_000_000_000
    fill(journal, 1, start=1)
    now[0] = 5_900_000_000
    fill(journal, 1, start=2)
    now[0] = 6_100_000_000
    with pytest.raises(JournalStalled, match="the disk is more than 1 s behind"):
        fill(journal, 1, start=3)
    disk.set()
    with pytest.raises(JournalStalled):
        journal.close()


def test_a_sync_that_fails_behind_stops_trading(tmp_path, monkeypatch):
    def broken(fd):
        raise OSError(errno.EIO, "Input/output error")

    journal = Journal.create(tmp_path, FACTS)
    monkeypatch.setattr(os, "fdatasync", broken)
    fill(journal, 1)
    _until(lambda: journal._syncer._error is not None)
    with pytest.raises(JournalStalled, match="Input/output error"):
        journal.flush()
    journal.abandon()


def test_a_small_disk_stops_trading(small_disk):
    journal = Journal.create(small_disk, FACTS)
    with pytest.raises(JournalStalled, match="free space on the disk, then start again"):
        fill(journal, 10_000)
    journal.abandon()
    whole = order_ids(read_records(small_disk))
    assert len(whole) > 100
    assert whole == list(range(len(whole)))


WRITER = """
import sys
from pathlib import Path
import numpy as np
from alphatrade_runtime.loop.journal import Journal
from alphatrade_runtime.market.orders import COMMAND_DTYPE
folder = Path(sys.argv[1])
journal = Journal.open(folder) if any(folder.glob("*.bin")) else Journal.create(folder, {}, segment_bytes=20_000)
first = sum(len(r.payload) for r in journal.recover() if r.kind == 3)
print("ready", flush=True)
for k in range(first, 10**9):
    made = np.zeros(1, COMMAND_DTYPE)
    made["order_id"] = k
    journal.append_commands(made)
    journal.flush()
    print(k, flush=True)
"""


def test_an_order_that_left_is_in_the_journal_after_any_kill(tmp_path):
    chance, sent = random.Random(3), []
    for _ in range(8):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.05))
        child.kill()
        sent += [int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        child.wait()
        child.stdout.close()
        ids = order_ids(read_records(tmp_path))
        assert ids == list(range(len(ids)))
        assert set(sent) <= set(ids)
    assert len(sent) > 100


def _until(done):
    for _ in range(500):
        if done():
            return
        time.sleep(0.01)
    raise AssertionError("did not happen within 5 s")


def test_execution_reports_and_controls_are_input(tmp_path):
    rows = rows_from_columns({"seq": [1, 2], "kind": [Kind.EXEC_REPORT, Kind.CONTROL], "bid": [99, 0], "price": [5, 2]})
    journal = Journal.create(Path(tmp_path), FACTS)
    journal.append_rows(rows)
    journal.close()
    assert same_rows(next(input_rows(tmp_path)), rows)
