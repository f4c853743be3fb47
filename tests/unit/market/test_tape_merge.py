import os
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.market import tape_merge
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.importers.options import ImportOptions
from alphatrade_runtime.market.importers.registry import import_file
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import Kind, rows_from_columns
from alphatrade_runtime.market.tape import Tape, write_tape
from alphatrade_runtime.market.tape_merge import merge_tapes
from generated_capture import write_capture

A, B, C = (Instrument(symbol, Decimal("0.1"), Decimal("0.001")) for symbol in "ABC")
SOURCE = {"type": "test", "name": "test", "simulated": False}


def write(folder, times, instruments, which=None, **facts):
    n = len(times)
    columns = {"ts_init_ns": times, "kind": np.full(n, Kind.TRADE), "price": np.arange(1, n + 1), "size": np.ones(n)}
    rows = rows_from_columns({**columns, "instrument": which or np.zeros(n)})
    write_tape(folder, rows, instruments, source=SOURCE, **facts)
    return folder


def read(folder):
    with Tape.open(folder) as tape:
        rows = tape.rows()
        symbols = [tape.instruments[i].symbol for i in rows.instrument.tolist()]
    return list(zip(rows.ts_init_ns.tolist(), symbols, rows.price.tolist(), strict=True))


def test_rows_interleave_by_receive_time(tmp_path):
    one = write(tmp_path / "one", [1, 3, 3, 9], (A, B), [0, 1, 0, 1])
    two = write(tmp_path / "two", [0, 3, 4], (C, A), [0, 1, 0])
    manifest = merge_tapes(tmp_path / "both", [one, two])
    assert [each["symbol"] for each in manifest["instruments"]] == ["A", "B", "C"]
    expected = [(0, "C", 1), (1, "A", 1), (3, "B", 2), (3, "A", 3), (3, "A", 2), (4, "C", 3), (9, "B", 4)]
    assert read(tmp_path / "both") == expected
    assert len(manifest["source"]["tapes"]) == 2


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=12), min_size=2, max_size=4), st.integers(1, 4))
def test_a_merge_is_a_stable_sort_whatever_the_batches(tmp_path_factory, times, size):
    folder = tmp_path_factory.mktemp("merge")
    paths = [write(folder / str(i), sorted(each), (A,)) for i, each in enumerate(times)]
    everything = [(t, i, row) for i, each in enumerate(times) for row, t in enumerate(sorted(each))]
    sources = []
    for path in paths:
        with Tape.open(path) as tape:
            rows = tape.rows()
        parts = [rows.slice(at, at + size) for at in range(0, len(rows.seq), size)]
        sources.append(iter(parts))
    merged = [row for rows in tape_merge._merged(sources) for row in zip(rows.ts_init_ns, rows.price, strict=True)]
    assert merged == [(t, row + 1) for t, i, row in sorted(everything)]


def test_a_capture_and_its_funding(tmp_path):
    import_file(write_capture(tmp_path / "capture.gz", 2_000), tmp_path / "capture")
    (tmp_path / "rates.csv").write_text("time,symbol,rate\n2024-08-08T23:54:18Z,BTCUSDT,0.0001\n")
    sizes = ImportOptions(tick_size="0.1", lot_size="0.001")
    import_file(tmp_path / "rates.csv", tmp_path / "rates", sizes)
    manifest = merge_tapes(tmp_path / "both", [tmp_path / "capture", tmp_path / "rates"])
    assert manifest["counts_by_kind"]["FUNDING"] == 1
    assert len(manifest["instruments"]) == 1


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"instruments": (Instrument("A", Decimal("0.2"), Decimal("0.001")),)}, "two: A has other sizes"),
        ({"instruments": (A,), "calendar": "XNYS"}, "two: calendar XNYS, .*one has 24/7"),
    ],
)
def test_tapes_that_do_not_fit_are_refused(tmp_path, facts, message):
    one = write(tmp_path / "one", [1], (A,))
    two = write(tmp_path / "two", [1], **facts)
    with pytest.raises(InputError, match=message):
        merge_tapes(tmp_path / "both", [one, two])
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]


def test_one_tape_is_no_merge(tmp_path):
    with pytest.raises(InputError, match="two tapes or more"):
        merge_tapes(tmp_path / "both", [write(tmp_path / "one", [1], (A,))])
