"""Whatever is changed in a run after it was written, verify says where."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary.compact import compact
from alphatrade_runtime.reflection.diary.dictionary import Dictionary
from alphatrade_runtime.reflection.diary.segments import read_manifest
from alphatrade_runtime.reflection.diary.verify import verify
from unit.reflection.diary_rows import FACTS, write_run


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    write_run(folder, 120, segment_bytes=12_000)
    return folder


@pytest.fixture(scope="module")
def compacted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compacted")
    compact(folder, Dictionary.from_run(write_run(folder, 120)))
    return folder


@pytest.fixture
def run(live, tmp_path):
    return shutil.copytree(live, tmp_path / "run")


@pytest.fixture
def parquet_run(compacted, tmp_path):
    return shutil.copytree(compacted, tmp_path / "compacted")


def faults(folder):
    return [(finding.stream, finding.fault) for finding in verify(folder)]


def edit_line(folder, stream, number, **values):
    path = folder / f"{stream}.chain.jsonl"
    lines = path.read_text().splitlines()
    lines[number] = json.dumps({**json.loads(lines[number]), **values})
    path.write_text("\n".join(lines) + "\n")


def drop_line(folder, stream, number):
    path = folder / f"{stream}.chain.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    del lines[number]
    path.write_text("".join(lines))


def test_an_untouched_run_has_no_finding(run, parquet_run):
    assert verify(run) == verify(parquet_run) == []


@settings(max_examples=60)
@given(st.data())
def test_any_changed_byte_is_found_in_its_message(live, data):
    entries = read_manifest(live, "fills").entries
    entry = data.draw(st.sampled_from(entries))
    path = live / entry.segment
    raw = path.read_bytes()
    at = data.draw(st.integers(entry.offset, entry.end - 1))
    try:
        path.write_bytes(raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :])
        found = verify(live)
    finally:
        path.write_bytes(raw)
    # what is between the buffers of an Arrow message (padding, names of the layout) is no row
    message = [f"batch {e.batch} (seq {e.first_seq} to" for e in entries if e.offset == entry.offset]
    assert all(f.stream == "fills" and any(where in f.message for where in message) for f in found)


@settings(max_examples=40)
@given(st.data())
def test_any_changed_value_is_found_in_its_batch(live, data):
    entry = data.draw(st.sampled_from(read_manifest(live, "equity").entries))
    raw = (live / entry.segment).read_bytes()
    seq = data.draw(st.integers(entry.first_seq, entry.last_seq).filter(lambda s: s % 3 == 1))
    body = raw.find(entry.first_ts.to_bytes(8, "little"), entry.offset)
    at = raw.find(seq.to_bytes(8, "little"), body)
    try:
        (live / entry.segment).write_bytes(raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :])
        found = verify(live)
    finally:
        (live / entry.segment).write_bytes(raw)
    assert [(f.stream, f.fault) for f in found] == [("equity", "data")]
    assert f"equity: batch {entry.batch} (seq {entry.first_seq} to {entry.last_seq}, {entry.rows} rows): expected" in (
        found[0].message
    )


def test_the_first_broken_link_is_named(run):
    edit_line(run, "orders", 4, prev="0" * 64)
    edit_line(run, "orders", 6, prev="0" * 64)
    links = [f for f in verify(run) if f.fault == "link"]
    assert len(links) == 1
    assert links[0].message.startswith("orders: batch 3 (seq 73 to 94, 8 rows): follows 0000")


def test_a_batch_taken_out_of_the_manifest_is_named(run):
    drop_line(run, "orders", 3)
    assert "orders: batch 2 is missing, the next line is batch 3" in [f.message for f in verify(run)]


def test_a_forged_chain_still_differs_from_the_digest(run):
    """Someone who rewrites rows, hashes and manifest alike is found out by run.json's digests."""
    other = run.parent / "other"
    facts = write_run(other, 119)
    for path in [*run.glob("fills*")]:
        path.unlink()
    for path in other.glob("fills*"):
        shutil.copy(path, run / path.name)
    messages = [f.message for f in verify(run)]
    said = json.loads((run / "run.json").read_text())["digests"]["fills"]
    assert messages == [f"run.json: fills digest is {said}, the chains give {facts['digests']['fills']}"]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda r: edit_line(r, "marks", 0, facts={**FACTS, "tape": "x"}), ("marks", "header")),
        (lambda r: edit_line(r, "marks", 0, facts={**FACTS, "code_hash": "x"}), ("marks", "run")),
        (lambda r: (r / "decisions-000001.arrow").unlink(), ("decisions", "missing")),
        (lambda r: shutil.copy(r / "fills-000000.arrow", r / "fills-000099.arrow"), ("fills", "extra")),
        (lambda r: (r / "equity.chain.jsonl").unlink(), ("equity", "missing")),
        (lambda r: edit_line(r, "expost", -1, rows=3), ("expost", "close")),
        (lambda r: edit_line(r, "expost", 2, rows=7), ("expost", "data")),
        (lambda r: edit_line(r, "expost", 2, first_seq=7), ("expost", "data")),
        (lambda r: drop_line(r, "expost", -1), ("expost", "unclosed")),
        (lambda r: _lengthen(r / "fills-000000.arrow"), ("fills", "tail")),
        (lambda r: _cut(r / "fills-000000.arrow", 3), ("fills", "tail")),
        (lambda r: _cut(r / "fills-000000.arrow", 300), ("fills", "data")),
        (lambda r: _cut(r / "fills.chain.jsonl", 5), ("fills", "unclosed")),
        (lambda r: _cut(r / "fills.chain.jsonl", 5), ("fills", "tail")),
    ],
)
def test_each_damage_has_its_finding(run, damage, expected):
    damage(run)
    assert expected in faults(run)
    assert all("\n" not in finding.message for finding in verify(run))


def _lengthen(path):
    path.write_bytes(path.read_bytes() + b"more")


def _cut(path, n):
    path.write_bytes(path.read_bytes()[:-n])


def test_a_killed_run_is_told_apart_from_a_damaged_one(tmp_path):
    write_run(tmp_path, 50, close=False)
    (tmp_path / "run.json").unlink()
    assert {finding.fault for finding in verify(tmp_path)} == {"unclosed"}


def rewrite(folder, stream, change):
    path = folder / f"{stream}.parquet"
    pq.write_table(change(pq.read_table(path)), path)


def replaced(table, name, row, value):
    values = table.column(name).to_pylist()
    values[row] = value
    index, field = table.schema.get_field_index(name), table.schema.field(name)
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    return table.set_column(index, field.with_type(kind), pa.array(values, kind))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: replaced(t, "qty", 17, 5), ("decisions", "data")),
        (lambda t: t.slice(0, 100), ("decisions", "data")),
        (lambda t: pa.concat_tables([t, t.slice(0, 1)]), ("decisions", "data")),
        (lambda t: t.drop_columns(["nav"]), ("decisions", "data")),
        (lambda t: replaced(t, "explanation", 17, "nothing to see"), ("decisions", "attached")),
        (lambda t: replaced(t, "strategy_id", 3, "another"), ("decisions", "attached")),
        (lambda t: t.append_column("pnl", t.column("nav")), ("decisions", "attached")),
    ],
)
def test_each_change_of_a_parquet_file_is_found(parquet_run, change, expected):
    rewrite(parquet_run, "decisions", change)
    assert faults(parquet_run) == [expected]


def test_a_parquet_file_that_cannot_be_read_is_named(parquet_run):
    _cut(parquet_run / "fills.parquet", 10)
    (finding,) = verify(parquet_run)
    assert finding.message.startswith("fills: fills.parquet cannot be read")


def test_a_folder_without_diary_and_an_unreadable_manifest_are_refused(run, tmp_path):
    with pytest.raises(InputError, match="no diary here"):
        verify(tmp_path / "nothing")
    path = run / "fills.chain.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"[" + lines[2][1:], *lines[3:]]))
    with pytest.raises(InputError, match=r"fills\.chain\.jsonl: line 3 is no manifest line"):
        verify(run)
