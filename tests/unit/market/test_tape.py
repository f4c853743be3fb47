import hashlib
import json
import os
import resource
from decimal import Decimal

import numpy as np
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import Flag, Kind, rows_from_columns
from alphatrade_runtime.market.tape import BATCH_ROWS, Tape, TapeWriter, info, utc, write_tape

BTC = (Instrument("BTCUSDT", Decimal("0.1"), Decimal("0.001")),)
SOURCE = {"type": "test", "name": "test", "simulated": True}


def quotes(n, start=0, per_step=1):
    number = np.arange(start, start + n)
    ts = number // per_step
    prices = {"bid": 100 + number % 7, "ask": 110 + number % 7, "bid_size": number % 5, "ask_size": number % 3}
    return rows_from_columns({"ts_event_ns": ts, "ts_init_ns": ts, "kind": np.full(n, Kind.QUOTE), **prices})


def test_what_is_written_is_read(tmp_path):
    n = 2 * BATCH_ROWS + 5
    manifest = write_tape(tmp_path / "tape", quotes(n), BTC, source=SOURCE)
    with Tape.open(tmp_path / "tape") as tape:
        assert len(tape) == manifest["rows"] == n
        assert [len(chunk.seq) for chunk in tape.chunks()] == [BATCH_ROWS, BATCH_ROWS, 5]
        for start, stop in ((0, n), (BATCH_ROWS - 2, BATCH_ROWS + 2), (5, 9), (7, 7), (n, n), (n - 1, n)):
            rows = tape.rows(start, stop)
            assert rows.seq.tolist() == list(range(start, stop))
            for name in ("ts_init_ns", "bid", "ask", "bid_size", "ask_size"):
                assert (getattr(rows, name) == getattr(quotes(n), name)[start:stop]).all()
        assert tape.instruments[0].mult == 10_000
    assert manifest["counts_by_kind"] == {"QUOTE": n}
    assert manifest["counts"] == {"unit": "rows", "read": n, "used": n, "refused": {}}


def test_behind_the_last_row_is_none(tmp_path):
    write_tape(tmp_path / "tape", quotes(BATCH_ROWS), BTC, source=SOURCE)
    with Tape.open(tmp_path / "tape") as tape:
        assert len(tape.rows(BATCH_ROWS, BATCH_ROWS).seq) == 0
        assert len(tape.rows(BATCH_ROWS, BATCH_ROWS + 10).seq) == 0


def test_views_are_of_one_type_and_read_only(tmp_path):
    write_tape(tmp_path / "tape", quotes(BATCH_ROWS + 5), BTC, source=SOURCE)
    with Tape.open(tmp_path / "tape") as tape:
        for rows in (tape.rows(0, 5), tape.rows(BATCH_ROWS - 1, BATCH_ROWS + 1), next(tape.chunks())):
            assert all(not column.flags.writeable and column.flags.c_contiguous for column in rows)
        first = next(tape.chunks())
        assert not first.bid.flags.owndata


def test_last_marks_the_last_row_of_each_receive_time(tmp_path):
    rows = quotes(10, per_step=3)
    write_tape(tmp_path / "tape", rows, BTC, source=SOURCE)
    with Tape.open(tmp_path / "tape") as tape:
        flags = tape.rows().flags
    assert (flags & Flag.LAST != 0).tolist() == [False, False, True] * 3 + [True]


def test_last_is_right_where_appends_and_batches_meet(tmp_path):
    n = BATCH_ROWS + 7
    rows = quotes(n, per_step=3)
    write_tape(tmp_path / "whole", rows, BTC, source=SOURCE)
    with TapeWriter(tmp_path / "parts", BTC, source=SOURCE) as writer:
        for start, stop in ((0, 1), (1, 5), (5, 5), (5, BATCH_ROWS - 1), (BATCH_ROWS - 1, BATCH_ROWS), (BATCH_ROWS, n)):
            writer.append(rows.slice(start, stop))
        writer.finish()
    whole, parts = (json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("whole", "parts"))
    assert whole == parts  # the same bytes, however they came


def test_the_digest_is_of_the_columns_only(tmp_path):
    first = write_tape(tmp_path / "a", quotes(100), BTC, source=SOURCE)
    second = write_tape(tmp_path / "b", quotes(100), BTC, source={**SOURCE, "name": "other"})
    third = write_tape(tmp_path / "c", quotes(100, start=1), BTC, source=SOURCE)
    assert first["digest"] == second["digest"] != third["digest"]
    with Tape.open(tmp_path / "a") as tape:
        rows = tape.rows()
    total = hashlib.sha256()
    for name in rows._fields:
        column = getattr(rows, name)
        little = column.astype(column.dtype.newbyteorder("<"))
        total.update(name.encode() + b"\0" + hashlib.sha256(little.tobytes()).digest())
    assert first["digest"] == "sha256:" + total.hexdigest()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("bid", 0, "tape row 3: a price is zero or negative"),
        ("ask", -5, "tape row 3: a price is zero or negative"),
        ("bid_size", -1, "tape row 3: a size is negative"),
        ("kind", 0, "tape row 3: kind is unknown"),
        ("kind", 99, "tape row 3: kind is unknown"),
        ("instrument", 1, "tape row 3: instrument is not among the 1"),
        ("ts_init_ns", 1, "tape row 3: ts_init_ns goes backwards"),
    ],
)
def test_an_unsound_row_is_named_and_nothing_is_left(tmp_path, column, value, message):
    rows = quotes(10)
    changed = getattr(rows, column).copy()
    changed[3] = value
    with pytest.raises(InputError, match=message):
        write_tape(tmp_path / "tape", rows._replace(**{column: changed}), BTC, source=SOURCE)
    assert os.listdir(tmp_path) == []


def test_time_may_not_go_back_between_appends(tmp_path):
    with TapeWriter(tmp_path / "tape", BTC, source=SOURCE) as writer:
        writer.append(quotes(10))
        with pytest.raises(InputError, match="tape row 10: ts_init_ns goes backwards"):
            writer.append(quotes(10))


def test_a_writer_cleans_up_without_with(tmp_path):
    writer = TapeWriter(tmp_path / "tape", BTC, source=SOURCE)
    writer.append(quotes(10))
    with pytest.raises(InputError, match="tape row 10"):
        writer.append(quotes(10))
    assert os.listdir(tmp_path) == []


def test_a_tape_of_no_rows_is_refused(tmp_path):
    with pytest.raises(InputError, match="0 rows"):
        write_tape(tmp_path / "tape", quotes(10).slice(0, 0), BTC, source=SOURCE)
    assert os.listdir(tmp_path) == []


def test_an_exception_leaves_nothing(tmp_path):
    def fail():
        with TapeWriter(tmp_path / "tape", BTC, source=SOURCE) as writer:
            writer.append(quotes(10))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert os.listdir(tmp_path) == []


def edit_data(folder):
    data = bytearray((folder / "tape.arrow").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "tape.arrow").write_bytes(data)


def edit_manifest(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"0.1"', '"0.2"'))


def cut_data(folder):
    os.truncate(folder / "tape.arrow", 1000)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (edit_data, "tape.arrow: edited after its manifest"),
        (cut_data, "tape.arrow: edited after its manifest"),
        (edit_manifest, "manifest.json: edited after the tape"),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json: missing"),
        (lambda folder: (folder / "tape.arrow").unlink(), "tape.arrow: missing"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json: no JSON"),
        (lambda folder: (folder / "manifest.json").write_text('{"kind": "x"}'), "no manifest of a tape"),
        (
            lambda folder: (folder / "manifest.json").write_text('{"kind": "tape", "schema_version": 0}'),
            "schema_version",
        ),
    ],
)
def test_each_damage_is_told_in_one_line(tmp_path, damage, message):
    folder = tmp_path / "tape"
    write_tape(folder, quotes(1000), BTC, source=SOURCE)
    damage(folder)
    with pytest.raises(InputError, match=message) as caught:
        Tape.open(folder)
    assert "\n" not in str(caught.value)


def test_a_cut_tape_is_refused_even_unverified(tmp_path):
    folder = tmp_path / "tape"
    write_tape(folder, quotes(1000), BTC, source=SOURCE)
    cut_data(folder)
    with pytest.raises(InputError, match=r"tape\.arrow"):
        Tape.open(folder, verify=False)


def test_a_manifest_of_0_rows_is_refused(tmp_path):
    from alphatrade_runtime.market.manifest import read_manifest, write_manifest

    folder = tmp_path / "tape"
    manifest = write_tape(folder, quotes(1000), BTC, source=SOURCE)
    write_manifest(folder, {**manifest, "rows": 0})
    with pytest.raises(InputError, match="the tape has 0 rows"):
        read_manifest(folder)


def test_an_existing_folder_is_replaced_only_when_asked_and_a_tape(tmp_path):
    folder = tmp_path / "tape"
    write_tape(folder, quotes(10), BTC, source=SOURCE)
    with pytest.raises(InputError, match="exists already"):
        write_tape(folder, quotes(20), BTC, source=SOURCE)
    assert write_tape(folder, quotes(20), BTC, source=SOURCE, replace=True)["rows"] == 20
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="no tape, so it is not replaced"):
        write_tape(folder, quotes(20), BTC, source=SOURCE, replace=True)
    assert os.listdir(tmp_path) == ["tape"]


@pytest.mark.parametrize("limit", [0, 4096, 3 * 2**20])
def test_a_full_disk_leaves_nothing(tmp_path, limit):
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        with pytest.raises(InputError, match=r"tape: File too large; .* nothing was left behind") as caught:
            write_tape(tmp_path / "tape", quotes(BATCH_ROWS), BTC, source=SOURCE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert os.listdir(tmp_path) == []
    assert "\n" not in str(caught.value)


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def test_reading_keeps_memory_constant(tmp_path):
    with TapeWriter(tmp_path / "tape", BTC, source=SOURCE) as writer:
        for start in range(0, 1_000_000, 100_000):
            writer.append(quotes(100_000, start))
        writer.finish()
    with Tape.open(tmp_path / "tape") as tape:
        chunks = tape.chunks()
        seen = sum(int(column.sum() != 0) for column in next(chunks))
        before = resident_bytes()
        for chunk in chunks:
            seen += sum(int(column.sum() != 0) for column in chunk)
        grown = resident_bytes() - before
    assert seen > 0
    assert grown < 8 * 2**20  # the file has 85 MB


def test_views_survive_their_pages_being_dropped(tmp_path):
    write_tape(tmp_path / "tape", quotes(2 * BATCH_ROWS), BTC, source=SOURCE)
    with Tape.open(tmp_path / "tape") as tape:
        first, second = tape.chunks()
        assert first.seq[0] == 0
        assert first.ask[-1] == quotes(BATCH_ROWS).ask[-1]
        assert second.seq[-1] == 2 * BATCH_ROWS - 1


def test_info_is_plain_values(tmp_path):
    write_tape(tmp_path / "tape", quotes(10), BTC, source=SOURCE)
    facts = info(tmp_path / "tape")
    assert facts["rows"] == 10
    assert facts["simulated"] is True
    assert facts["first"] == "1970-01-01T00:00:00.000000000Z"
    assert facts["instruments"][0]["quanta_per_tick_lot"] == 10_000
    json.dumps(facts)


def test_utc_keeps_nanoseconds():
    assert utc(1_723_161_256_313_000_001) == "2024-08-08T23:54:16.313000001Z"


@pytest.mark.parametrize(
    ("instruments", "message"),
    [((), "no instruments"), (BTC + BTC, "BTCUSDT is named twice")],
)
def test_instruments_must_be_some_and_distinct(tmp_path, instruments, message):
    with pytest.raises(InputError, match=message):
        TapeWriter(tmp_path / "tape", instruments, source=SOURCE)
