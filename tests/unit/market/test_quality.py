import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market import quality
from alphatrade_runtime.market.fault_ledger import FaultLedger
from alphatrade_runtime.market.faults import FAULTS, InputError, Severity, check_tolerated, remedy
from alphatrade_runtime.market.schema import Flag, Kind, rows_from_columns
from alphatrade_runtime.market.stream_check import StreamCheck, joined

QUOTE = {"kind": Kind.QUOTE, "bid": 10, "ask": 12, "bid_size": 1, "ask_size": 1, "venue_seq": 5, "ts_init_ns": 100}
TRADE = {"kind": Kind.TRADE, "price": 11, "size": 2, "side": 1, "venue_seq": 7, "ts_init_ns": 100}
DEPTH = {"kind": Kind.DEPTH, "price": 9, "size": 0, "side": 1, "venue_seq": 9, "ts_init_ns": 100}
BAR = {"kind": Kind.BAR, "price": 11, "bid": 9, "ask": 12, "bid_size": 10, "size": 4, "venue_seq": 3, "ts_init_ns": 100}
TOLERANT = frozenset(name for name, fault in FAULTS.items() if fault.severity is Severity.STOP)


def table(*rows):
    names = {name for row in rows for name in row}
    columns: dict = {name: [row.get(name, 0) for row in rows] for name in names}
    return rows_from_columns({"seq": np.arange(len(rows)), **columns})


def run(*rows, tolerated=TOLERANT, lines=None):
    ledger = FaultLedger("data.gz", "line", tolerated)
    ledger.read = len(set(lines)) if lines else len(rows)
    numbers = np.array(lines or range(1, len(rows) + 1), np.int64)
    kept = StreamCheck(ledger).check(table(*rows), numbers)
    return kept, ledger


REFUSED = [
    ("price_not_positive", [{**QUOTE, "bid": 0}]),
    ("price_not_positive", [{**QUOTE, "ask": -3}]),
    ("price_not_positive", [{**TRADE, "price": 0}]),
    ("price_not_positive", [{**DEPTH, "price": 0}]),
    ("price_not_positive", [{**BAR, "bid": 0}]),
    ("size_negative", [{**QUOTE, "bid_size": -1}]),
    ("size_negative", [{**QUOTE, "ask_size": -1}]),
    ("size_negative", [{**TRADE, "size": 0}]),
    ("size_negative", [{**DEPTH, "size": -1}]),
    ("size_negative", [{**BAR, "size": -1}]),
    ("crossed_book", [{**QUOTE, "bid": 13}]),
    ("bar_range", [{**BAR, "price": 13}]),
    ("bar_range", [{**BAR, "bid_size": 8}]),
    ("time_backwards", [QUOTE, {**QUOTE, "venue_seq": 6, "ts_init_ns": 99}]),
    ("time_backwards", [{**TRADE, "instrument": 1}, {**QUOTE, "ts_init_ns": 99}]),
    ("duplicate", [QUOTE, QUOTE]),
    ("duplicate", [TRADE, QUOTE, TRADE]),
    ("duplicate", [BAR, BAR]),
    ("duplicate", [{**QUOTE, "venue_seq": 0}, {**QUOTE, "venue_seq": 0}]),
    ("out_of_order", [TRADE, {**TRADE, "venue_seq": 6}]),
    ("out_of_order", [DEPTH, {**DEPTH, "venue_seq": 8}]),
]
NOTICED = [
    ("locked_book", [{**QUOTE, "bid": 12}]),
    ("sequence_gap", [{"kind": Kind.GAP, "size": 3, "ts_init_ns": 100}]),
    ("price_jump", [{**QUOTE, "bid": 100, "ask": 102}, {**QUOTE, "bid": 106, "ask": 108, "venue_seq": 6}]),
    ("price_jump", [{**TRADE, "price": 100}, {**TRADE, "price": 94, "venue_seq": 8}]),
    ("stale_span", [QUOTE, {**QUOTE, "venue_seq": 6, "ts_init_ns": 101 + quality.STALE_NS}]),
    ("stuck_quote", [{**QUOTE, "venue_seq": i} for i in range(1, 51)]),
    ("missing_bar", [BAR, {**BAR, "venue_seq": 5, "ts_init_ns": 200}]),
]
FINE = [
    [QUOTE, {**QUOTE, "venue_seq": 6}],
    [QUOTE, {**QUOTE, "instrument": 1}],  # sequences are an instrument's own
    [QUOTE, {**TRADE, "venue_seq": 4}, {**DEPTH, "venue_seq": 1}],  # and a kind's own
    [{**DEPTH, "venue_seq": 5}, {**DEPTH, "venue_seq": 4, "flags": Flag.SNAPSHOT}],
    [{**TRADE, "venue_seq": 0}, {**TRADE, "venue_seq": 0}],  # two equal fills are no fault without numbers
    [{**QUOTE, "bid_size": 0, "ask_size": 0}],
    [{**TRADE, "price": 100}, {**TRADE, "price": 105, "venue_seq": 8}],  # 5% is no jump
    [QUOTE, {**QUOTE, "venue_seq": 6, "ts_init_ns": 100 + quality.STALE_NS}],
    [{**QUOTE, "venue_seq": i} for i in range(1, 50)],
    [BAR, {**BAR, "venue_seq": 4, "ts_init_ns": 10**18}],
    [{"kind": Kind.STATUS, "price": 2, "ts_init_ns": 100}],
    [{"kind": Kind.FUNDING, "price": -5, "ts_init_ns": 100}],
]


@pytest.mark.parametrize(("fault", "rows"), REFUSED)
def test_each_fault_keeps_its_row_out(fault, rows):
    kept, ledger = run(*rows)
    assert ledger.refused == {fault: 1}
    assert ledger.first == {fault: len(rows)}
    assert len(kept.seq) == len(rows) - 1 == ledger.used


@pytest.mark.parametrize(("fault", "rows"), REFUSED)
def test_each_fault_stops_a_strict_import(fault, rows):
    with pytest.raises(InputError, match=f"data.gz: line {len(rows)}: {fault}: .*--tolerate {fault}") as caught:
        run(*rows, tolerated=frozenset())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("fault", "rows"), NOTICED)
def test_each_oddity_is_kept_and_told(fault, rows):
    kept, ledger = run(*rows, tolerated=frozenset())
    assert ledger.noticed == {fault: 1}
    assert ledger.first == {fault: len(rows)}
    assert len(kept.seq) == len(rows)
    assert FAULTS[fault].severity is Severity.WARN


@pytest.mark.parametrize("rows", FINE)
def test_sound_rows_pass(rows):
    kept, ledger = run(*rows, tolerated=frozenset())
    assert ledger.quality() == {}
    assert len(kept.seq) == len(rows)


def test_sequences_are_remembered_over_blocks():
    ledger = FaultLedger("x", "line", TOLERANT)
    check = StreamCheck(ledger)
    check.check(table({**TRADE, "venue_seq": 9}, {**TRADE, "venue_seq": 5}), np.array([1, 2]))
    check.check(table({**TRADE, "venue_seq": 7}, {**TRADE, "venue_seq": 9}), np.array([3, 4]))
    assert ledger.refused == {"out_of_order": 2, "duplicate": 1}


def test_a_message_is_refused_whole():
    kept, ledger = run(DEPTH, {**DEPTH, "price": 0}, {**DEPTH, "venue_seq": 10}, lines=[1, 1, 2])
    assert kept.venue_seq.tolist() == [10]
    assert ledger.counts() == {"unit": "lines", "read": 2, "used": 1, "refused": {"price_not_positive": 1}}


def test_a_message_with_two_faults_is_counted_once():
    _, ledger = run({**QUOTE, "bid": 13, "ask": 0})
    assert ledger.refused == {"price_not_positive": 1}


def test_a_strict_import_names_the_first_line_at_fault():
    with pytest.raises(InputError, match="line 1: crossed_book"):
        run({**QUOTE, "bid": 13}, {**TRADE, "price": 0}, tolerated=frozenset())


def test_faults_of_tolerated_kinds_do_not_stop():
    with pytest.raises(InputError, match="line 2: price_not_positive"):
        run({**QUOTE, "bid": 13}, {**TRADE, "price": 0}, tolerated=frozenset({"crossed_book"}))


def test_every_severity_of_the_table_is_covered_by_a_case():
    row_faults = {"price_not_positive", "size_negative", "crossed_book", "bar_range"}
    assert {name for name, _ in quality.REFUSALS} == row_faults
    assert {name for name, _ in REFUSED} == row_faults | {"time_backwards", "duplicate", "out_of_order"}
    warned = {name for name, fault in FAULTS.items() if fault.severity is Severity.WARN}
    assert {name for name, _ in NOTICED} == warned - {"rounded"}  # seen by the table importer


@pytest.mark.parametrize("name", ["nonsense", "off_book_trade", "stale_span"])
def test_only_stopping_faults_can_be_tolerated(name):
    with pytest.raises(InputError, match=f"--tolerate {name}: no such fault; choose from.*crossed_book"):
        check_tolerated(frozenset({name}))


def test_every_fault_has_a_remedy():
    assert all("--tolerate" in remedy(name) for name in FAULTS)


def test_counts_that_do_not_add_up_are_an_error():
    ledger = FaultLedger("x", "line", frozenset(), read=3, used=1)
    with pytest.raises(ArithmeticError, match="read 3 != used 1"):
        ledger.counts()


row = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([Kind.QUOTE, Kind.TRADE, Kind.DEPTH]),
        "instrument": st.integers(0, 1),
        "side": st.sampled_from([-1, 1]),
        "price": st.integers(-1, 3),
        "size": st.integers(-1, 2),
        "bid": st.integers(0, 3),
        "ask": st.integers(0, 3),
        "bid_size": st.integers(-1, 1),
        "ask_size": st.integers(0, 1),
        "venue_seq": st.integers(0, 6),
        "ts_init_ns": st.integers(0, 3).map(lambda n: n * 4 * 10**9),
    }
)


@given(st.lists(row, min_size=1, max_size=30), st.lists(st.integers(1, 30), max_size=5), st.data())
def test_the_outcome_does_not_depend_on_blocks_and_adds_up(rows, cuts, data):
    lines = np.cumsum(np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(rows), max_size=len(rows)))))
    whole, parts = (FaultLedger("x", "line", TOLERANT, read=len(np.unique(lines))) for _ in range(2))
    kept = StreamCheck(whole).check(table(*rows), lines)
    check, pieces = StreamCheck(parts), table(*rows).slice(0, 0)
    ends = sorted({int(np.searchsorted(lines, lines[min(cut, len(rows)) - 1], "right")) for cut in cuts} | {len(rows)})
    start = 0
    for end in ends:
        if end > start:
            pieces = joined(pieces, check.check(table(*rows).slice(start, end), lines[start:end]))
            start = end
    assert whole.counts() == parts.counts()
    assert whole.quality() == parts.quality()
    assert [column.tolist() for column in kept] == [column.tolist() for column in pieces]
