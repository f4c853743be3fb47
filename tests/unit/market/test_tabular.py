import os
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.importers.columns import RowFaults, UnitReader
from alphatrade_runtime.market.importers.options import ImportOptions
from alphatrade_runtime.market.importers.registry import IMPORTERS, import_file
from alphatrade_runtime.market.instrument import Instrument, plain
from alphatrade_runtime.market.schema import Flag, Kind
from alphatrade_runtime.market.tape import Tape

MS = 1_723_161_256_313
X = Instrument("X", Decimal("0.1"), Decimal("0.001"))
QUOTES = f"timestamp,bid,ask,bid_size,ask_size\n{MS},1.1,1.2,3,4\n{MS + 1},1.0,1.2,3,5.001\n"


def do_import(tmp_path, text, name="x.csv", **options):
    path = tmp_path / name
    if isinstance(text, str):
        path.write_text(text)
    else:
        pq.write_table(text, path)
    return import_file(path, tmp_path / "tape", ImportOptions(**options))


def rows_of(tmp_path, text, **options):
    do_import(tmp_path, text, **options)
    with Tape.open(tmp_path / "tape") as tape:
        return tape.rows()


def test_quotes(tmp_path):
    rows = rows_of(tmp_path, QUOTES)
    assert rows.bid.tolist() == [11, 10]
    assert rows.ask.tolist() == [12, 12]
    assert rows.ask_size.tolist() == [4000, 5001]
    assert rows.ts_event_ns.tolist() == [MS * 10**6, (MS + 1) * 10**6]
    assert rows.ts_init_ns.tolist() == [(MS + 1) * 10**6, (MS + 2) * 10**6]


def test_columns_are_mapped(tmp_path):
    text = f"a,b,c,d,e,f,g\n{MS},{MS + 7},1.1,1.2,3,4,ETH\n"
    names = {"ts": "a", "ts_init": "b", "bid": "c", "ask": "d", "bid_size": "e", "ask_size": "f", "symbol": "g"}
    manifest = do_import(tmp_path, text, columns=names, rows="quotes")
    assert manifest["instruments"][0]["symbol"] == "ETH"
    assert manifest["clock_shift_ns"] == {"ETH": 0}
    with Tape.open(tmp_path / "tape") as tape:
        assert tape.rows().ts_init_ns.tolist() == [(MS + 7) * 10**6]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_trades_with_other_delimiters(tmp_path, mark):
    text = "time,price,qty,side,trade_id\n2024-08-08T00:00:00Z,10.5,3,buy,1\n2024-08-08T00:00:01Z,10.5,3,S,2\n"
    rows = rows_of(tmp_path, text.replace(",", mark))
    assert rows.side.tolist() == [1, -1]
    assert (rows.flags & Flag.BUYER_MAKER != 0).tolist() == [False, True]
    assert rows.venue_seq.tolist() == [1, 2]
    assert set(rows.kind) == {Kind.TRADE}


def test_funding_rates_keep_their_time(tmp_path):
    rows = rows_of(tmp_path, "time,symbol,funding_rate\n2024-07-03T08:00Z,A,0.0001\n2024-07-03T16:00Z,B,-0.00012345\n")
    assert rows.price.tolist() == [10_000, -12_345]
    assert (rows.ts_init_ns == rows.ts_event_ns).all()
    assert rows.instrument.tolist() == [0, 1]


def parquet(**columns):
    return pa.table(columns)


def test_parquet_floats_are_their_shortest_decimals(tmp_path):
    times = pa.array([np.datetime64("2024-08-08", "ms")] * 3, pa.timestamp("ms"))
    table = parquet(ts=times, price=[61800.1, 61800.2, 61800.30000000001][:3], size=[1, 2, 3])
    with pytest.raises(
        InputError, match=r"row 3: tick_mismatch: 61800\.30000000001 is no multiple of the tick size 0\.1"
    ):
        do_import(tmp_path, table, name="x.parquet", tick_size="0.1", lot_size="1")
    rows = rows_of(tmp_path, table, name="x.parquet", tick_size="0.1", lot_size="1", round_to_units=True)
    assert rows.price.tolist() == [618_001, 618_002, 618_003]


def test_parquet_of_every_type(tmp_path):
    table = parquet(
        ts=pa.array([MS, MS + 1], pa.int64()),
        symbol=pa.array(["B", "A"]).dictionary_encode(),
        price=pa.array([Decimal("1.10"), Decimal("2.20")], pa.decimal128(9, 2)),
        size=pa.array([1, 2], pa.float32()),
        side=pa.array([1, -1], pa.int8()),
    )
    rows = rows_of(tmp_path, table, name="x.parquet")
    assert rows.price.tolist() == [11, 22]
    assert rows.side.tolist() == [1, -1]
    assert rows.instrument.tolist() == [1, 0]


@given(st.integers(1, 2**40), st.sampled_from(["0.1", "0.01", "0.25", "0.00001", "5", "0.3"]))
def test_floats_and_texts_are_read_alike(units, unit):
    text = plain(Decimal(unit) * units)
    reader, faults = UnitReader(Decimal(unit), "tick", False), RowFaults()
    rows = np.zeros(1, np.int64)
    assert reader.text(text, 0, faults) == units
    if abs(float(text)) < 2**49 and len(text.replace(".", "")) < 16:
        assert reader.floats(np.array([float(text)]), rows, faults).tolist() == [units]
        assert not faults.by_row
        reader.floats(np.array([np.nextafter(float(text), np.inf)]), rows, faults)
        assert faults.by_row[0].fault == "tick_mismatch"


def test_rounding_is_half_to_even_and_counted(tmp_path):
    text = f"ts,price,size\n{MS},1.05,1\n{MS + 1},1.15,1\n{MS + 2},1.1,1\n"
    manifest = do_import(tmp_path, text, tick_size="0.1", lot_size="1", round_to_units=True)
    assert manifest["quality"]["rounded"] == {"severity": "warn", "count": 2, "first": 1}
    with Tape.open(tmp_path / "tape") as tape:
        assert tape.rows().price.tolist() == [10, 12, 11]


HEAD = "timestamp,symbol,bid,ask,bid_size,ask_size,seq\n"
GOOD = f"{MS},X,1.1,1.2,3,4,5\n"
BAD_ROWS = [
    ("not_a_number", f"{MS + 1},X,NaN,1.2,3,4,6\n"),
    ("not_a_number", f"{MS + 1},X,,1.2,3,4,6\n"),
    ("not_a_number", f"{MS + 1},X,1.1,inf,3,4,6\n"),
    ("not_a_number", "yesterday,X,1.1,1.2,3,4,6\n"),
    ("not_a_number", f"{MS + 1},X,1.1,1.2,3,4,six\n"),
    ("too_large", f"{MS + 1},X,1.1,1.2,3,1e30,6\n"),
    ("unknown_instrument", f"{MS + 1},Y,1.1,1.2,3,4,6\n"),
    ("tick_mismatch", f"{MS + 1},X,1.15,1.2,3,4,6\n"),
    ("lot_mismatch", f"{MS + 1},X,1.1,1.2,3,0.0001,6\n"),
    ("price_not_positive", f"{MS + 1},X,0,1.2,3,4,6\n"),
    ("size_negative", f"{MS + 1},X,1.1,1.2,-3,4,6\n"),
    ("crossed_book", f"{MS + 1},X,1.3,1.2,3,4,6\n"),
    ("time_backwards", f"{MS - 1},X,1.1,1.2,3,4,6\n"),
    ("duplicate", f"{MS},X,1.1,1.2,3,4,5\n"),
    ("out_of_order", f"{MS},X,1.1,1.2,3,4,4\n"),
]


@pytest.mark.parametrize(("fault", "bad"), BAD_ROWS)
def test_each_bad_row_stops_a_strict_import_and_leaves_nothing(tmp_path, fault, bad):
    with pytest.raises(InputError, match=f"x.csv: row 2: {fault}: .*--tolerate {fault}") as caught:
        do_import(tmp_path, HEAD + GOOD + bad, instruments=(X,))
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["x.csv"]


@pytest.mark.parametrize(("fault", "bad"), BAD_ROWS)
def test_each_bad_row_is_counted_when_tolerated(tmp_path, fault, bad):
    text = HEAD + GOOD + bad + f"{MS + 2},X,1.1,1.2,3,4,7\n"
    manifest = do_import(tmp_path, text, instruments=(X,), tolerate=frozenset({fault}))
    assert manifest["counts"] == {"unit": "rows", "read": 3, "used": 2, "refused": {fault: 1}}
    assert manifest["rows"] == 2


def test_a_bad_side_is_refused(tmp_path):
    with pytest.raises(InputError, match="row 1: missing_field: side 'up' is neither buy nor sell"):
        do_import(tmp_path, f"ts,price,size,side\n{MS},1,1,up\n")


def test_the_earliest_row_at_fault_is_named(tmp_path):
    text = HEAD + f"{MS},X,1.3,1.2,3,4,5\n" + f"{MS + 1},X,NaN,1.2,3,4,6\n"
    with pytest.raises(InputError, match="row 1: crossed_book"):
        do_import(tmp_path, text, instruments=(X,))


def test_nulls_in_parquet_are_refused(tmp_path):
    times = pa.array([None, np.datetime64("2024-08-08", "ms")], pa.timestamp("ms"))
    with pytest.raises(InputError, match="row 1: not_a_number: ts is empty"):
        do_import(tmp_path, parquet(ts=times, price=[1.0, 1.0], size=[1, 1]), name="x.parquet")
    table = parquet(ts=[MS, MS + 1], price=[1.0, None], size=[1, 1])
    with pytest.raises(InputError, match="row 2: not_a_number"):
        do_import(tmp_path, table, name="x.parquet")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (QUOTES, {"columns": {"bid": "best"}}, "no column 'best' for bid; the file has timestamp"),
        (QUOTES, {"columns": {"bids": "bid"}}, "unknown name bids; choose from"),
        (QUOTES, {"rows": "trades"}, "no column for price, size; name it with --columns price="),
        (QUOTES, {"rows": "books"}, "--rows books: unknown"),
        (QUOTES, {"ts_unit": "weeks"}, "--ts-unit weeks: unknown"),
        (QUOTES, {"ts_unit": "s"}, "row 1: not_a_number: time '1723161256313' is outside"),
        (QUOTES, {"tick_size": "x"}, "tick_size is 'x'"),
        ("a,b\n1,2\n", {}, "columns a, b are no quotes, trades, bars or funding"),
        ("ts,price,size\n", {}, "the table has 0 rows"),
        ("ts,price,size,size\n1,2,3,4\n", {}, "column 'size' is there twice"),
        (f"ts,price,size\n{MS},1,1\n{MS},1\n", {}, "Row #3: Expected 3 columns, got 2"),
        (f"ts,price,size\n{MS},1.123456789,1\n", {}, "give --tick-size, and --round"),
        ("hello\n", {}, "the format is not recognised; give --format with one of binance-usdm, table"),
        ("", {}, "the file is empty"),
    ],
)
def test_each_unreadable_table_is_told_in_one_line(tmp_path, text, options, message):
    with pytest.raises(InputError, match=message) as caught:
        do_import(tmp_path, text, **options)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["x.csv"]


def test_a_cut_parquet_is_told(tmp_path):
    do_import(tmp_path, parquet(ts=[MS], price=[1.0], size=[1]), name="x.parquet")
    (tmp_path / "y.parquet").write_bytes((tmp_path / "x.parquet").read_bytes()[:-20])
    with pytest.raises(InputError, match=r"y\.parquet: cannot be read as a table"):
        import_file(tmp_path / "y.parquet", tmp_path / "other")


def test_blocks_of_a_long_table_keep_counting(tmp_path):
    n = 150_000
    body = "".join(f"{MS + i},{1 + i % 3}.1,2\n" for i in range(n)) + f"{MS + n},0,2\n"
    with pytest.raises(InputError, match=f"row {n + 1}: price_not_positive"):
        do_import(tmp_path, "ts,price,size\n" + body)
    text = "ts,price,size\n" + body
    manifest = do_import(tmp_path, text, tolerate=frozenset({"price_not_positive"}))
    assert manifest["counts"] == {"unit": "rows", "read": n + 1, "used": n, "refused": {"price_not_positive": 1}}


def test_formats_are_told_by_content(tmp_path):
    assert IMPORTERS["binance-usdm"].recognises(b"hello\n1723161255030314667 {")
    assert not IMPORTERS["binance-usdm"].recognises(QUOTES.encode())
    assert IMPORTERS["table"].recognises(QUOTES.encode())
    assert IMPORTERS["table"].recognises(b"PAR1")
    assert not IMPORTERS["table"].recognises(b'1723161255030314667 {"a": 1, "b": 2}')
    (tmp_path / "x.csv").write_text(QUOTES)
    with pytest.raises(InputError, match="--format xml: unknown; choose from binance-usdm, table"):
        import_file(tmp_path / "x.csv", tmp_path / "tape", format_name="xml")
