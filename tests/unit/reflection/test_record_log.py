"""A record stream is the same however it was handed over, and after any kill; a full disk stops it."""

import errno
import json
import os
import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary.chain import columns_of, genesis, link
from alphatrade_runtime.reflection.diary.record_log import BATCH_ROWS, DiaryStalled, RecordLog
from alphatrade_runtime.reflection.diary.segments import read_manifest, record_batch
from unit.reflection.diary_rows import DTYPES, FACTS, make_rows

DECISIONS = DTYPES["decisions"]


def new_log(folder, span_ns=5_000_000_000, **options):
    return RecordLog(folder, "decisions", DECISIONS, FACTS, "event_ts_ns", span_ns, **options)


def resumed(folder, state, span_ns=5_000_000_000, facts=FACTS, **options):
    return RecordLog.resume(folder, "decisions", DECISIONS, facts, "event_ts_ns", state, span_ns, **options)


def rows_at(times):
    rows = make_rows("decisions", len(times))
    rows["event_ts_ns"] = times
    return rows


def append_in(log, rows, cuts):
    edges = [0, *sorted(cut % (len(rows) + 1) for cut in cuts), len(rows)]
    for start, stop in pairwise(edges):
        log.append(rows[start:stop])
        log.flush()


def batches_twin(times, span_ns):
    """Cut rows into batches one row at a time."""
    sizes = []
    first = None
    for t in times:
        if first is None or sizes[-1] == BATCH_ROWS or (span_ns is not None and t - first >= span_ns):
            sizes.append(0)
            first = t
        sizes[-1] += 1
    return sizes


TIMES = st.lists(st.integers(-2, 12), max_size=60).map(lambda steps: np.cumsum([s * 500_000_000 for s in steps]))


@given(TIMES, st.lists(st.integers(0, 100), max_size=6))
def test_chunks_do_not_change_the_chain(times, cuts):
    rows, whole, parts = rows_at(times), new_log(None), new_log(None)
    whole.append(rows)
    append_in(parts, rows, cuts)
    assert whole.close() == parts.close()


@given(TIMES, st.sampled_from([None, 1_000_000_000, 5_000_000_000]))
def test_batches_close_where_the_rule_says(times, span_ns):
    rows, log = rows_at(times), new_log(None, span_ns)
    log.append(rows)
    head, start = genesis("decisions", DECISIONS, FACTS), 0
    for size in batches_twin(times.tolist(), span_ns):
        head = link(head, columns_of(rows[start : start + size]), size)
        start += size
    assert log.close().head == head.hex()


@pytest.mark.parametrize("step_ns", [1_000, 2_500_000, 50_000_000])  # batches of 4,096, 2,000 and 100 rows
@pytest.mark.parametrize("piece", [999, 2_049, 40_000])
def test_more_rows_than_wait_at_once_are_all_written(tmp_path, step_ns, piece):
    rows, log = make_rows("decisions", 40_000, step_ns=step_ns), new_log(tmp_path)
    for start in range(0, len(rows), piece):
        log.append(rows[start : start + piece])
        assert log.rows == min(start + piece, len(rows))
    digest, heads = log.close(), [genesis("decisions", DECISIONS, FACTS)]
    edges = np.cumsum([0, *batches_twin(rows["event_ts_ns"].tolist(), 5_000_000_000)])
    for start, stop in pairwise(edges):
        heads.append(link(heads[-1], columns_of(rows[start:stop]), stop - start))
    assert (digest.head, digest.batches, digest.rows) == (heads[-1].hex(), len(edges) - 1, 40_000)
    entries = read_manifest(tmp_path, "decisions").entries
    assert [(e.prev, e.hash) for e in entries] == list(pairwise(head.hex() for head in heads))
    assert [(e.first_seq, e.last_seq) for e in entries] == [
        (rows["seq"][start], rows["seq"][stop - 1]) for start, stop in pairwise(edges)
    ]
    table = pa.ipc.open_stream(tmp_path / "decisions-000000.arrow").read_all()
    assert table.equals(pa.Table.from_batches([record_batch(columns_of(rows), table.schema)]))


def test_a_batch_holds_4096_rows_and_a_bar_tape_closes_by_rows_only():
    log = new_log(None, None)
    log.append(make_rows("decisions", 2 * BATCH_ROWS + 5, step_ns=86_400_000_000_000))
    assert log.close().batches == 3


def test_no_rows_close_with_the_header_s_hash(tmp_path):
    log = new_log(tmp_path)
    digest = log.close()
    assert (digest.head, digest.batches, digest.rows) == (genesis("decisions", DECISIONS, FACTS).hex(), 0, 0)
    assert pa.ipc.open_stream(tmp_path / "decisions-000000.arrow").read_all().num_rows == 0


def test_disk_and_memory_hold_the_rows_and_the_same_hash(tmp_path):
    rows = make_rows("decisions", 9_000, step_ns=1_000)
    rows["score"][7] = np.nan
    kept, written = new_log(None), new_log(tmp_path)
    for log in (kept, written):
        log.append(rows)
    assert kept.close() == written.close()
    table = pa.ipc.open_stream(tmp_path / "decisions-000000.arrow").read_all()
    assert table.equals(kept.table())
    assert table.column("seq").to_pylist() == rows["seq"].tolist()
    assert table.column("util").to_pylist()[8_999] == rows["util"][8_999].tolist()
    assert table.column("score").null_count == 1


def test_the_log_does_not_read_its_callers_buffer_later():
    rows = make_rows("decisions", 10)
    log, copy = new_log(None), rows.copy()
    log.append(rows)
    rows["seq"] = -1
    log.close()
    assert log.table().column("seq").to_pylist() == copy["seq"].tolist()


def test_segments_roll_and_each_is_a_whole_arrow_stream(tmp_path):
    rows, log = make_rows("decisions", 300), new_log(tmp_path, segment_bytes=30_000)
    append_in(log, rows, range(0, 300, 20))
    log.close()
    paths = sorted(tmp_path.glob("*.arrow"))
    assert len(paths) > 2
    assert all(path.stat().st_size <= 30_100 for path in paths)
    tables = [pa.ipc.open_stream(path).read_all() for path in paths]
    assert pa.concat_tables(tables).column("seq").to_pylist() == rows["seq"].tolist()


def test_memory_stays_as_it_was(tmp_path):
    log, rows = new_log(tmp_path), make_rows("decisions", 5_000, step_ns=1_000)
    log.append(rows)
    held = pa.total_allocated_bytes()
    for _ in range(20):
        log.append(rows)
    assert pa.total_allocated_bytes() <= held
    log.close()


def test_a_killed_log_leaves_whole_batches(tmp_path):
    log = new_log(tmp_path)
    log.append(make_rows("decisions", 100))
    log.flush()
    log.abandon()
    manifest = read_manifest(tmp_path, "decisions")
    assert manifest.closed is None
    assert sum(entry.rows for entry in manifest.entries) == 96  # 8 rows are 5 s; the open batch is in no file
    with pa.ipc.open_stream(tmp_path / "decisions-000000.arrow") as reader:
        assert sum(batch.num_rows for batch in reader) == 96


@settings(max_examples=60)
@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 2**32), st.sampled_from([20_000, 10**8]))
def test_killed_after_any_row_and_resumed_anywhere_it_ends_the_same(tmp_path_factory, at, lost, seed, segment_bytes):
    folder, rows = tmp_path_factory.mktemp("log"), make_rows("decisions", 400)
    whole, cut = new_log(None), random.Random(seed)
    whole.append(rows)
    log = new_log(folder, segment_bytes=segment_bytes)
    append_in(log, rows[:at], [cut.randrange(401) for _ in range(3)])
    state = log.state()
    log.append(rows[at : at + lost])
    log.abandon()
    for path in folder.iterdir():  # what a kill leaves of a write under way
        path.write_bytes(path.read_bytes() + bytes(cut.randrange(300)))
    log = resumed(folder, state, segment_bytes=segment_bytes)
    log.append(rows[at:])
    assert log.close() == whole.close()
    tables = [pa.ipc.open_stream(path).read_all() for path in sorted(folder.glob("*.arrow"))]
    assert pa.concat_tables(tables).column("seq").to_pylist() == rows["seq"].tolist()


def test_a_resumed_log_leaves_the_same_files(tmp_path):
    rows = make_rows("decisions", 200)
    for name, kill in (("a", False), ("b", True)):
        log = new_log(tmp_path / name)
        log.append(rows[:90])
        state = log.state()
        if kill:
            log.append(rows[90:150])
            log.abandon()
            log = resumed(tmp_path / name, state)
        log.append(rows[90:])
        log.close()
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_resumed_log_forgets_what_came_after_its_state(tmp_path):
    rows = make_rows("decisions", 300)
    for name, lost in (("a", 0), ("b", 210)):
        log = new_log(tmp_path / name, segment_bytes=20_000)
        log.append(rows[:90])
        state = log.state()
        append_in(log, rows[90 : 90 + lost], range(0, lost, 20))
        log.abandon()
        resumed(tmp_path / name, state, segment_bytes=20_000).close()
    names = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in "ab"]
    assert names[0] == names[1]
    for name in names[0]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_short_writes_are_gone_on_with(tmp_path, monkeypatch):
    real, rows, whole = os.pwrite, make_rows("decisions", 100), new_log(None)
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: real(fd, data[:1000], offset))
    log = new_log(tmp_path)
    for each in (log, whole):
        each.append(rows)
    assert log.close() == whole.close()
    assert pa.ipc.open_stream(tmp_path / "decisions-000000.arrow").read_all().equals(whole.table())


def test_resume_refuses_another_header_and_short_files(tmp_path):
    log = new_log(tmp_path)
    log.append(make_rows("decisions", 100))
    state = log.state()
    log.abandon()
    with pytest.raises(InputError, match="checkpoint is of another header"):
        resumed(tmp_path, state, facts={"tape": "other"})
    os.truncate(tmp_path / "decisions-000000.arrow", 100)
    with pytest.raises(InputError, match=r"decisions-000000\.arrow: shorter than the checkpoint"):
        resumed(tmp_path, state)
    (tmp_path / "decisions-000000.arrow").unlink()
    with pytest.raises(InputError, match="missing, yet the checkpoint needs it"):
        resumed(tmp_path, state)


def test_a_stream_is_never_started_over(tmp_path):
    new_log(tmp_path).close()
    with pytest.raises(InputError, match=r"decisions\.chain\.jsonl: the stream exists"):
        new_log(tmp_path)


def test_a_closed_log_takes_nothing(tmp_path):
    log = new_log(tmp_path)
    log.close()
    with pytest.raises(ValueError, match="is closed"):
        log.append(make_rows("decisions", 1))


@pytest.mark.parametrize("after", [0, 1, 2, 3, 10])
def test_a_full_disk_stalls_the_diary_and_leaves_it_resumable(tmp_path, monkeypatch, after):
    rows, log = make_rows("decisions", 400), new_log(tmp_path)
    log.append(rows[:20])
    state, real, calls = log.state(), os.pwrite, []

    def full(fd, data, offset):
        calls.append(1)
        if len(calls) <= after:
            return real(fd, data, offset)
        if len(calls) == after + 1:
            return real(fd, data[: len(data) // 2], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(DiaryStalled, match=r"decisions.*No space left.*trading stops.*free space on it"):
        append_in(log, rows[20:], range(0, 380, 40))
    with pytest.raises(DiaryStalled):
        log.append(rows[:1])
    with pytest.raises(DiaryStalled):
        log.close()
    log.abandon()
    monkeypatch.undo()
    log, whole = resumed(tmp_path, state), new_log(None)
    log.append(rows[20:])
    whole.append(rows)
    assert log.close() == whole.close()


def test_a_small_disk_says_what_to_do(small_disk):
    log = new_log(small_disk)
    with pytest.raises(DiaryStalled, match="the disk is full; free space on it, then resume the run") as stalled:
        log.append(make_rows("decisions", 100 * BATCH_ROWS, step_ns=1))
    assert "\n" not in str(stalled.value)
    log.abandon()
    assert all(json.loads(line) for line in (small_disk / "decisions.chain.jsonl").read_text().splitlines()[:-1])
