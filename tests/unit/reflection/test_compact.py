"""Compaction keeps every hashed value, says what the values mean, and makes the same bytes again."""

import errno
import json
import os
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary.attach import attach, time_field
from alphatrade_runtime.reflection.diary.chain import columns_of
from alphatrade_runtime.reflection.diary.compact import compact, compact_stream
from alphatrade_runtime.reflection.diary.dictionary import Dictionary, read_run
from alphatrade_runtime.reflection.diary.record_log import RecordLog
from alphatrade_runtime.reflection.diary.segments import arrow_schema, record_batch
from alphatrade_runtime.risk.codes import Code
from unit.reflection.diary_rows import DTYPES, FACTS, make_rows, make_run, write_run

DICTIONARY = Dictionary.from_run(make_run({}))


def attached(stream, rows):
    columns = columns_of(rows)
    own = pa.Table.from_batches([record_batch(columns, arrow_schema(rows.dtype))])
    return attach(stream, own, columns, np.zeros(len(rows), np.int64), DICTIONARY)


@pytest.mark.parametrize("stream", sorted(DTYPES))
def test_the_hashed_columns_stay_as_they_were(tmp_path, stream):
    write_run(tmp_path, 150, segment_bytes=20_000)
    compact(tmp_path, DICTIONARY)
    rows, table = make_rows(stream, 150), pq.read_table(tmp_path / f"{stream}.parquet")
    for name in rows.dtype.names or ():
        assert table.column(name).to_pylist() == rows[name].tolist()
    assert list(tmp_path.glob("*.arrow")) == []
    assert table.schema.metadata[b"stream"] == stream.encode()


def test_the_same_rows_make_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_run(tmp_path / name, 150, segment_bytes=20_000)
        compact(tmp_path / name, DICTIONARY)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_groups_do_not_change_what_is_attached(tmp_path, monkeypatch):
    tables = []
    for name, rows in (("a", 65_536), ("b", 50)):
        monkeypatch.setattr("alphatrade_runtime.reflection.diary.segments.GROUP_ROWS", rows)
        write_run(tmp_path / name, 150)
        tables.append(pq.read_table(compact_stream(tmp_path / name, "decisions", DICTIONARY)))
    assert tables[0].cast(tables[1].schema).equals(tables[1])
    assert tables[0].column("batch").to_pylist() == [k // 8 for k in range(150)]


def test_compacting_again_does_nothing_and_ends_what_was_cut_short(tmp_path):
    write_run(tmp_path, 30)
    kept = (tmp_path / "fills-000000.arrow").read_bytes()
    compact(tmp_path, DICTIONARY)
    before = (tmp_path / "fills.parquet").read_bytes()
    (tmp_path / "fills-000000.arrow").write_bytes(kept)  # killed after the file was whole
    compact(tmp_path, DICTIONARY)
    assert (tmp_path / "fills.parquet").read_bytes() == before
    assert list(tmp_path.glob("*.arrow")) == []


def test_a_stream_of_no_rows_is_a_table_of_no_rows(tmp_path):
    for stream, dtype in DTYPES.items():
        RecordLog(tmp_path, stream, dtype, FACTS, time_field(stream)).close()
        table = pq.read_table(compact_stream(tmp_path, stream, DICTIONARY))
        assert table.num_rows == 0
        assert table.schema.names == attached(stream, make_rows(stream, 1)).schema.names


def test_what_was_not_closed_or_does_not_hold_is_refused_whole(tmp_path):
    write_run(tmp_path / "a", 30, close=False)
    with pytest.raises(InputError, match=r"\.chain\.jsonl: the stream was not closed"):
        compact(tmp_path / "a", DICTIONARY)
    write_run(tmp_path / "b", 30)
    path = tmp_path / "b" / "fills-000000.arrow"
    raw = bytearray(path.read_bytes())
    raw[-60] ^= 255
    path.write_bytes(raw)
    with pytest.raises(InputError, match="stream fills: batch 3 is not what was hashed"):
        compact_stream(tmp_path / "b", "fills", DICTIONARY)
    assert not (tmp_path / "b" / "fills.parquet").exists()
    assert path.exists()


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    write_run(tmp_path, 30)
    before = sorted(path.name for path in tmp_path.iterdir())

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match=r"fills\.parquet: No space left on device; free some space"):
        compact_stream(tmp_path, "fills", DICTIONARY)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_money_prices_and_sizes_are_exact_decimals():
    rows = make_rows("fills", 3)
    rows["instrument"] = [0, 1, 9]
    rows["price"], rows["qty"], rows["ref2"] = 618_100, 7, 1_236_201
    rows["fee"] = [-1, 2**63 - 1, -(2**63)]
    table = attached("fills", rows)
    assert table.column("fill_price").to_pylist() == [Decimal("61810.0000"), Decimal("309.0500"), None]
    assert table.column("mid_price").to_pylist() == [Decimal("61810.05000"), Decimal("309.05025"), None]
    assert table.column("qty_size").to_pylist() == [Decimal("0.007"), Decimal(70), None]
    fees = ["-0.00000001", "92233720368.54775807", "-92233720368.54775808"]
    assert table.column("fee_money").to_pylist() == [Decimal(fee) for fee in fees]
    assert table.column("value_money").to_pylist()[:2] == [Decimal("432.67"), Decimal("21633.5")]
    assert table.column("symbol").to_pylist() == ["SIM-A", "SIM-B", None]


def test_numbers_without_a_name_are_null():
    rows = make_rows("decisions", 2)
    rows["kind"], rows["topology"], rows["policy"] = [1, 200], [1, 0], [0, 255]
    table = attached("decisions", rows)
    assert table.column("kind_name").to_pylist() == ["ACTION", None]
    assert table.column("exec_topology").to_pylist() == ["market", None]
    assert table.column("policy_name").to_pylist() == ["trend", None]


def test_guardrails_list_the_checks_in_use():
    rows = make_rows("decisions", 3)
    rows["util"] = 0
    rows["util"][0, Code.RATE], rows["util"][0, Code.KILL], rows["util"][2, Code.DUP] = 4500, 1, 65_535
    expected = [[{"code": "KILL", "util": 1}, {"code": "RATE", "util": 4500}], [], [{"code": "DUP", "util": 65_535}]]
    assert attached("decisions", rows).column("guardrails").to_pylist() == expected


def test_an_order_s_code_is_ours_when_denied_and_the_venue_s_otherwise():
    rows = make_rows("orders", 2)
    rows["state"], rows["code"], rows["event"] = [1, 4], [7, 1], [1, 102]
    table = attached("orders", rows)
    assert table.column("code_name").to_pylist() == ["PRICE_BAND", None]
    assert table.column("reason_name").to_pylist() == [None, "POST_ONLY_WOULD_TAKE"]
    assert table.column("event_name").to_pylist() == ["NEW", "REPORT_REJECTED"]


def test_a_run_without_a_needed_field_is_named(tmp_path):
    run = make_run({})
    del run["instruments"]
    with pytest.raises(InputError, match=r"run\.json: field 'instruments' is missing"):
        Dictionary.from_run(run)
    for text, match in ((None, "no such file"), ("{", "not JSON"), ("[]", "no JSON object")):
        if text is not None:
            (tmp_path / "run.json").write_text(text)
        with pytest.raises(InputError, match=rf"run\.json: {match}"):
            read_run(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(make_run({})))
    assert Dictionary.from_run(read_run(tmp_path)) == DICTIONARY
