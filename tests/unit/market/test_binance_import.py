import gzip
import json
import os
import resource
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import FAULTS, InputError, RowFault, Severity
from alphatrade_runtime.market.importers.binance_usdm import BinanceUsdmParser, Units
from alphatrade_runtime.market.importers.options import ImportOptions
from alphatrade_runtime.market.importers.registry import import_file
from alphatrade_runtime.market.importers.row_buffer import RowBuffer
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import Flag, Kind
from alphatrade_runtime.market.tape import Tape
from generated_capture import START_MS, capture_lines, write_capture

REAL = Path(__file__).parents[4] / "shared" / "data" / "binance-usdm-btcusdt-20240808.gz"
BTC = Instrument("BTCUSDT", Decimal("0.1"), Decimal("0.001"))
NS = START_MS * 1_000_000
T = {"E": START_MS, "T": START_MS}
QUOTE = {"e": "bookTicker", "u": 10, "s": "BTCUSDT", "b": "100.10", "B": "2.5", "a": "100.20", "A": "1", **T}
TRADE = {"e": "trade", **T, "s": "BTCUSDT", "t": 7, "p": "100.10", "q": "0.006", "X": "MARKET", "m": True}
DEPTH = {"e": "depthUpdate", **T, "s": "BTCUSDT", "U": 5, "u": 8, "pu": 4, "b": [["99.0", "1"]], "a": [["101.0", "0"]]}
SNAPSHOT = {"lastUpdateId": 8, **T, "bids": [["99.00", "3"]], "asks": [["101.0", "4"], ["102.0", "5"]]}


def envelope(data, stream=None):
    name = {"bookTicker": "bookTicker", "trade": "trade", "depthUpdate": "depth@0ms"}[data["e"]]
    return {"stream": stream or f"btcusdt@{name}", "data": data}


def line(message, at=0):
    return f"{NS + at} {json.dumps(message if 'stream' in message or 'lastUpdateId' in message else envelope(message))}"


def do_import(tmp_path, lines, **options):
    path = tmp_path / "capture"
    path.write_text("".join(f"{each}\n" for each in lines))
    return import_file(path, tmp_path / "tape", ImportOptions(**{"instruments": (BTC,), **options}), "binance-usdm")


def rows_of(tmp_path, lines, **options):
    do_import(tmp_path, lines, **options)
    with Tape.open(tmp_path / "tape") as tape:
        rows = tape.rows()
    columns = {name: getattr(rows, name).tolist() for name in rows._fields}
    return [{name: column[i] for name, column in columns.items()} for i in range(len(rows.seq))]


def test_a_quote_becomes_a_row(tmp_path):
    (row,) = rows_of(tmp_path, [line(QUOTE)])
    expected = {"kind": Kind.QUOTE, "bid": 1001, "ask": 1002, "bid_size": 2500, "ask_size": 1000, "venue_seq": 10}
    assert {name: row[name] for name in expected} == expected
    assert row["ts_event_ns"] == NS
    assert row["ts_init_ns"] == NS + 1_000_000  # received at once: repaired to the base latency
    assert row["flags"] == Flag.LAST


@pytest.mark.parametrize(("maker", "side", "flags"), [(True, -1, Flag.BUYER_MAKER), (False, 1, 0)])
def test_a_trade_has_the_side_of_its_aggressor(tmp_path, maker, side, flags):
    (row,) = rows_of(tmp_path, [line({**TRADE, "m": maker})])
    assert (row["side"], row["price"], row["size"], row["venue_seq"]) == (side, 1001, 6, 7)
    assert row["flags"] == Flag.LAST | flags


def test_a_depth_update_is_a_row_a_level_and_one_step(tmp_path):
    rows = rows_of(tmp_path, [line(DEPTH), line(QUOTE, 1)])
    assert [(row["side"], row["price"], row["size"]) for row in rows[:2]] == [(1, 990, 1000), (-1, 1010, 0)]
    assert [row["flags"] for row in rows] == [0, Flag.LAST, Flag.LAST]


def test_an_old_snapshot_is_brought_up_to_date_by_the_updates_before_it(tmp_path):
    newer = {**DEPTH, "U": 9, "u": 12, "pu": 8, "b": [["99.0", "0"], ["98.0", "7"]], "a": [["101.0", "6"]]}
    rows = rows_of(tmp_path, [line(DEPTH), line(newer, 1), line(SNAPSHOT, 2)])
    snapshot = [row for row in rows if row["flags"] & Flag.SNAPSHOT]
    levels = [(row["side"], row["price"], row["size"]) for row in snapshot]
    assert levels == [(1, 980, 7000), (-1, 1010, 6000), (-1, 1020, 5000)]
    assert {row["venue_seq"] for row in snapshot} == {12}
    assert [row["kind"] for row in rows].count(Kind.GAP) == 0


def test_a_new_snapshot_is_taken_as_it_is(tmp_path):
    rows = rows_of(tmp_path, [line(DEPTH), line(SNAPSHOT, 1), line({**DEPTH, "U": 7, "u": 20, "pu": 6}, 2)])
    assert [(row["side"], row["price"], row["size"]) for row in rows[2:5]] == [
        (1, 990, 3000),
        (-1, 1010, 4000),
        (-1, 1020, 5000),
    ]
    assert [row["kind"] for row in rows].count(Kind.GAP) == 0


def test_missing_messages_leave_a_gap_row(tmp_path):
    lines = [line(DEPTH), line(TRADE, 1), line({**TRADE, "t": 10}, 2), line({**DEPTH, "U": 12, "u": 13, "pu": 11}, 3)]
    rows = rows_of(tmp_path, lines)
    gaps = [(row["ts_init_ns"], row["size"]) for row in rows if row["kind"] == Kind.GAP]
    assert gaps == [(NS + 1_000_000 + 2, 2), (NS + 1_000_000 + 3, 0)]
    with Tape.open(tmp_path / "tape") as tape:
        assert tape.manifest["quality"]["sequence_gap"] == {"severity": "warn", "count": 2, "first": 3}


def test_a_depth_update_without_levels_is_used(tmp_path):
    manifest = do_import(tmp_path, [line(QUOTE), line({**DEPTH, "b": [], "a": []})])
    assert manifest["counts"] == {"unit": "lines", "read": 2, "used": 2, "refused": {}}


GOOD = line(QUOTE)
BAD_LINES = [
    ("not_json", "hello"),
    ("not_json", f"{NS} {{"),
    ("not_json", f"{NS} [1]"),
    ("not_json", "{}"),
    ("not_json", f"{NS}"),
    ("not_json", f"{NS} " + "[" * 100_000),
    ("not_json", f"-{NS} {{}}"),
    ("not_a_number", f"{NS // 1_000_000} {{}}".replace("{}", json.dumps(envelope(QUOTE)))),
    ("unknown_stream", line(envelope(QUOTE, "btcusdt@kline_1m"))),
    ("unknown_stream", line(envelope(DEPTH, "btcusdt@depth20@100ms"))),
    ("unknown_stream", f"{NS} {{}}"),
    ("missing_field", line({k: v for k, v in QUOTE.items() if k != "B"})),
    ("missing_field", line({k: v for k, v in QUOTE.items() if k != "T"})),
    ("missing_field", line({**TRADE, "m": 1})),
    ("missing_field", line({**DEPTH, "b": [["99.0"]]})),
    ("missing_field", line({**DEPTH, "b": 5})),
    ("missing_field", f'{NS} {{"stream": "btcusdt@trade"}}'),
    ("missing_field", f'{NS} {{"stream": 5}}'),
    ("missing_field", line({**QUOTE, "s": ["x"]})),
    ("not_a_number", line({**QUOTE, "b": "NaN"})),
    ("not_a_number", line({**QUOTE, "b": "Infinity"})),
    ("not_a_number", line({**QUOTE, "b": float("nan")})),
    ("not_a_number", line({**QUOTE, "b": 100.1})),
    ("not_a_number", line({**QUOTE, "b": None})),
    ("not_a_number", line({**QUOTE, "T": 1.5})),
    ("not_a_number", line({**QUOTE, "T": START_MS // 1000})),
    ("not_a_number", line({**QUOTE, "u": -1})),
    ("not_a_number", line({**TRADE, "t": "7"})),
    ("too_large", line({**QUOTE, "b": "1" + "0" * 30})),
    ("unknown_instrument", line({**QUOTE, "s": "ETHUSDT"})),
    ("tick_mismatch", line({**QUOTE, "b": "100.15"})),
    ("lot_mismatch", line({**QUOTE, "B": "1.0001"})),
    ("price_not_positive", line({**QUOTE, "b": "0"})),
    ("price_not_positive", line({**TRADE, "p": "0.00"})),
    ("price_not_positive", line({**DEPTH, "b": [["-1", "1"]]})),
    ("size_negative", line({**QUOTE, "B": "-1"})),
    ("size_negative", line({**TRADE, "q": "0"})),
    ("crossed_book", line({**QUOTE, "b": "100.30"})),
    ("time_backwards", line({**QUOTE, "u": 11}, -1)),
    ("duplicate", line(QUOTE)),
    ("out_of_order", line({**QUOTE, "u": 9})),
]


@pytest.mark.parametrize(("fault", "bad"), BAD_LINES)
def test_each_bad_line_stops_a_strict_import_and_leaves_nothing(tmp_path, fault, bad):
    with pytest.raises(InputError, match=f"capture: line 2: {fault}: .*--tolerate {fault}") as caught:
        do_import(tmp_path, [GOOD, bad, line({**QUOTE, "u": 12}, 5)])
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["capture"]


@pytest.mark.parametrize(("fault", "bad"), BAD_LINES)
def test_each_bad_line_is_counted_when_tolerated(tmp_path, fault, bad):
    manifest = do_import(tmp_path, [GOOD, bad, line({**QUOTE, "u": 12}, 5)], tolerate=frozenset({fault}))
    assert manifest["counts"] == {"unit": "lines", "read": 3, "used": 2, "refused": {fault: 1}}
    assert manifest["quality"][fault] == {"severity": "stop", "count": 1, "first": 2}
    assert manifest["rows"] == 2


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("off_book_trade", line({**TRADE, "X": "INSURANCE_FUND"})),
        ("off_book_trade", line({**TRADE, "X": "NA", "p": "0", "q": "0"})),
        ("not_market_data", f'{NS} {{"result": null, "id": 1}}'),
        ("blank_line", ""),
    ],
)
def test_what_is_no_market_event_is_counted_and_left_out(tmp_path, fault, text):
    manifest = do_import(tmp_path, [GOOD, text, line({**QUOTE, "u": 12}, 5)])
    assert manifest["counts"]["refused"] == {fault: 1}
    assert manifest["rows"] == 2
    assert FAULTS[fault].severity is Severity.SKIP


def test_every_fault_of_the_table_has_a_case():
    here = {fault for fault, _ in BAD_LINES} | {"off_book_trade", "not_market_data", "blank_line"}
    elsewhere = {"bar_range", "not_a_session"}  # test_quality, test_bars
    warned = {name for name, fault in FAULTS.items() if fault.severity is Severity.WARN}
    assert here | elsewhere | warned == FAULTS.keys()


def test_the_earliest_fault_is_named_though_a_later_line_fails_sooner(tmp_path):
    with pytest.raises(InputError, match="line 1: crossed_book"):
        do_import(tmp_path, [line({**QUOTE, "b": "100.30"}), GOOD, "hello"])


def test_a_refused_line_changes_nothing_that_later_lines_see(tmp_path):
    trades = [line(TRADE), line({**TRADE, "t": 8, "p": "1.01"}, 1), line({**TRADE, "t": 9}, 2)]
    rows = rows_of(tmp_path, trades, tolerate=frozenset({"tick_mismatch"}))
    assert [row["kind"] for row in rows] == [Kind.TRADE, Kind.GAP, Kind.TRADE]  # the refused one is missing


def test_sizes_are_inferred_and_reported(tmp_path):
    manifest = do_import(tmp_path, [GOOD, line({**TRADE, "p": "100.125"}, 1)], instruments=())
    assert manifest["instruments"] == [
        {"symbol": "BTCUSDT", "tick_size": "0.001", "lot_size": "0.001", "multiplier": "1"}
    ]
    assert manifest["source"]["inferred"] == ["tick_size", "lot_size"]


def test_given_sizes_are_kept(tmp_path):
    manifest = do_import(tmp_path, [GOOD], instruments=(), tick_size="0.05", lot_size="0.01")
    assert manifest["instruments"][0]["tick_size"] == "0.05"
    assert manifest["source"]["inferred"] == []


def test_symbols_are_instruments_in_order(tmp_path):
    other = {**QUOTE, "s": "ADAUSDT", "b": "100", "a": "101"}
    manifest = do_import(tmp_path, [GOOD, line(other, 1)], instruments=())
    assert [each["symbol"] for each in manifest["instruments"]] == ["ADAUSDT", "BTCUSDT"]
    assert manifest["clock_shift_ns"] == {"ADAUSDT": 1_000_000, "BTCUSDT": 1_000_000}


def test_a_snapshot_among_several_symbols_is_refused(tmp_path):
    with pytest.raises(InputError, match="line 3: unknown_instrument: a depth snapshot names no symbol"):
        do_import(tmp_path, [GOOD, line({**QUOTE, "s": "ADAUSDT"}, 1), line(SNAPSHOT, 2)], instruments=())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["hello", "world"], "line 1: not_json"),
        ([line(envelope(QUOTE, "btcusdt@kline"))], "line 1: unknown_stream"),
        ([f'{NS} {{"id": 1}}'], "give --symbol"),
    ],
)
def test_a_file_without_a_symbol_says_why(tmp_path, lines, message):
    with pytest.raises(InputError, match=message):
        do_import(tmp_path, lines, instruments=())


def test_nothing_usable_is_a_tape_of_0_rows(tmp_path):
    with pytest.raises(InputError, match="0 rows"):
        do_import(tmp_path, ["hello"], tolerate=frozenset({"not_json"}))
    assert os.listdir(tmp_path) == ["capture"]


def test_options_of_other_formats_are_refused(tmp_path):
    with pytest.raises(InputError, match="--ts-unit: binance-usdm has no use for it"):
        do_import(tmp_path, [GOOD], ts_unit="ms")


def test_a_cut_gzip_leaves_nothing(tmp_path):
    path = write_capture(tmp_path / "capture.gz", 2_000)
    path.write_bytes(path.read_bytes()[:-5_000])
    with pytest.raises(InputError, match=r"capture.gz: line \d+: the gzip file is damaged after this line"):
        import_file(path, tmp_path / "tape")
    assert os.listdir(tmp_path) == ["capture.gz"]


@pytest.mark.parametrize("limit", [0, 100_000, 1_000_000])
def test_a_full_disk_leaves_nothing(tmp_path, limit):
    path = write_capture(tmp_path / "capture.gz", 10_000)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        with pytest.raises(InputError, match=r"tape: File too large; .* nothing was left behind"):
            import_file(path, tmp_path / "tape")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert os.listdir(tmp_path) == ["capture.gz"]


def check_capture(path, folder):
    """Import a capture and compare it with what json and Decimal say about every line."""
    manifest = import_file(path, folder)
    with gzip.open(path, "rt") as file:
        messages = [(int(text.split(" ", 1)[0]), json.loads(text.split(" ", 1)[1])) for text in file]
    counts = manifest["counts"]
    assert counts["read"] == len(messages) == counts["used"] + sum(counts["refused"].values())
    data = [(at, message.get("data", message)) for at, message in messages]
    shift = 1_000_000 - min(at - each["T"] * 1_000_000 for at, each in data)
    assert manifest["clock_shift_ns"] == {"BTCUSDT": max(0, shift)}
    with Tape.open(folder) as tape:
        rows = tape.rows()
    quotes = [each for _, each in data if each.get("e") == "bookTicker"]
    at = np.flatnonzero(rows.kind == Kind.QUOTE)
    for ours, theirs, unit in (
        ("bid", "b", "0.1"),
        ("ask", "a", "0.1"),
        ("bid_size", "B", "0.001"),
        ("ask_size", "A", "0.001"),
    ):
        assert getattr(rows, ours)[at].tolist() == [Decimal(each[theirs]) / Decimal(unit) for each in quotes]
    trades = [each for _, each in data if each.get("e") == "trade"]
    at = np.flatnonzero(rows.kind == Kind.TRADE)
    assert rows.venue_seq[at].tolist() == [each["t"] for each in trades]
    assert rows.price[at].tolist() == [Decimal(each["p"]) * 10 for each in trades]
    assert (np.diff(rows.ts_init_ns) >= 0).all()
    return manifest, rows


def book_at_quotes(rows):
    """Yield (best of the book rebuilt from DEPTH rows, best quoted last) after each depth message, once synced."""
    book: dict = {1: {}, -1: {}}
    synced, quote = False, None
    columns = (rows.kind, rows.flags, rows.side, rows.price, rows.size, rows.bid, rows.ask)
    for kind, flags, side, price, size, bid, ask in zip(*(column.tolist() for column in columns), strict=True):
        if kind == Kind.QUOTE:
            quote = (bid, ask)
        elif kind == Kind.DEPTH:
            if flags & Flag.SNAPSHOT and not synced:
                synced, book = True, {1: {}, -1: {}}
            book[side][price] = size
            if size == 0:
                del book[side][price]
            if flags & Flag.LAST and synced:
                yield (max(book[1]), min(book[-1])), quote


def test_the_generated_capture_imports_whole(tmp_path):
    path = write_capture(tmp_path / "capture.gz", 20_000)
    manifest, rows = check_capture(path, tmp_path / "tape")
    assert manifest["counts"] == {"unit": "lines", "read": 20_000, "used": 20_000, "refused": {}}
    assert manifest["quality"] == {}
    assert 1_190_000_000 < manifest["clock_shift_ns"]["BTCUSDT"] < 1_210_000_000
    pairs = list(book_at_quotes(rows))
    assert len(pairs) > 500
    assert all(book == quote for book, quote in pairs)


@pytest.mark.skipif(not REAL.exists(), reason="the real capture is not here")
def test_the_real_capture_imports_whole(tmp_path):
    manifest, rows = check_capture(REAL, tmp_path / "tape")
    assert manifest["counts"] == {"unit": "lines", "read": 93_954, "used": 93_954, "refused": {}}
    assert manifest["clock_shift_ns"] == {"BTCUSDT": 1_273_402_468}
    assert manifest["instruments"][0]["tick_size"] == "0.1"
    books = [book for book, _ in book_at_quotes(rows)]
    assert len(books) > 6_000
    assert all(bid < ask for bid, ask in books)  # an outdated snapshot would cross


def test_importing_twice_gives_the_same_bytes(tmp_path):
    path = write_capture(tmp_path / "capture.gz", 3_000)
    first, second = (import_file(path, tmp_path / name) for name in ("a", "b"))
    assert first == second


def test_the_generated_capture_is_seeded():
    assert list(capture_lines(500)) == list(capture_lines(500))
    assert list(capture_lines(500)) == list(capture_lines(1_000))[:500]
    assert list(capture_lines(500, seed=8)) != list(capture_lines(500))


@settings(max_examples=60)
@given(st.lists(st.integers(0, len(BAD_LINES)), max_size=12))
def test_whatever_is_refused_read_is_used_plus_refused(tmp_path_factory, picks):
    folder = tmp_path_factory.mktemp("import")
    lines = [
        line({**QUOTE, "u": 10 + i}, i) if pick == len(BAD_LINES) else BAD_LINES[pick][1]
        for i, pick in enumerate(picks)
    ]
    tolerated = frozenset(fault for fault, _ in BAD_LINES)
    manifest = do_import(folder, [GOOD, *lines], tolerate=tolerated)
    counts = manifest["counts"]
    assert counts["read"] == len(lines) + 1 == counts["used"] + sum(counts["refused"].values())


def fault_of(text):
    """Return (fault of a line or None, rows that it made)."""
    out = RowBuffer()
    try:
        BinanceUsdmParser((BTC,)).parse_line(1, text, out)
    except RowFault as fault:
        return fault, len(out)
    return None, len(out)


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text):
    for attempt in (text, f"{NS} {text}"):
        fault, rows = fault_of(attempt)
        assert fault is not None
        assert fault.fault in FAULTS
        assert "\n" not in str(fault)
        assert rows == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["1.0", "NaN", "", "BTCUSDT"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("bBaATupqtmsX"), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from([QUOTE, TRADE, DEPTH]), st.sampled_from(list("seEtTuUbBaApqmX") + ["pu"]), json_values)
def test_no_field_breaks_the_parser(data, name, value):
    fault, rows = fault_of(line({**data, name: value}) if name != "e" else line(data))
    assert fault is None or (fault.fault in FAULTS and rows == 0)


def test_remembered_units_are_bounded_and_exact(monkeypatch):
    from alphatrade_runtime.market.importers import binance_usdm

    monkeypatch.setattr(binance_usdm, "_MEMORY", 10)
    units = Units(Decimal("0.1"), "tick")
    assert [units[f"{i}.{i % 10}0"] for i in range(100)] == [i * 10 + i % 10 for i in range(100)]
    assert len(units) <= 10
