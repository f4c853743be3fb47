import os
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.importers.bars import write_bars
from alphatrade_runtime.market.importers.options import ImportOptions
from alphatrade_runtime.market.importers.registry import import_file
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import Kind
from alphatrade_runtime.market.tape import Tape

SPX = Instrument("SPX", Decimal("0.01"), Decimal(1))
NDX = Instrument("NDX", Decimal("0.01"), Decimal(1))
HEAD = "date,open,high,low,close,volume\n"


def ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


def rows_of(tmp_path, text, **options):
    path = tmp_path / "x.csv"
    path.write_text(text)
    manifest = import_file(path, tmp_path / "tape", ImportOptions(**{"calendar": "XNYS", **options}))
    with Tape.open(tmp_path / "tape") as tape:
        return manifest, tape.rows()


def test_a_daily_bar_opens_and_closes_with_its_session(tmp_path):
    text = HEAD + "2024-07-02,1.1,1.4,1.0,1.2,10\n2024-07-03,1.2,1.3,1.1,1.2,11\n2024-07-05,1.2,1.3,1.2,1.3,12\n"
    manifest, rows = rows_of(tmp_path, text)
    assert rows.ts_event_ns.tolist() == [ns("2024-07-02T13:30"), ns("2024-07-03T13:30"), ns("2024-07-05T13:30")]
    assert rows.ts_init_ns.tolist() == [ns("2024-07-02T20:00"), ns("2024-07-03T17:00"), ns("2024-07-05T20:00")]
    assert np.diff(rows.venue_seq).tolist() == [1, 1]  # the holiday is no missing bar
    assert manifest["quality"] == {}
    assert manifest["clock_shift_ns"] == {"X": 0}
    columns = (rows.bid_size, rows.ask, rows.bid, rows.price, rows.size)  # open, high, low, close, volume
    assert [column[0] for column in columns] == [11, 14, 10, 12, 10]
    assert set(rows.kind) == {Kind.BAR}


def test_a_bar_that_the_data_has_not_is_told(tmp_path):
    manifest, _ = rows_of(tmp_path, HEAD + "2024-07-02,1,1,1,1,1\n2024-07-05,1,1,1,1,1\n")
    assert manifest["quality"] == {"missing_bar": {"severity": "warn", "count": 1, "first": 2}}


def test_bars_on_utc_days(tmp_path):
    _, rows = rows_of(tmp_path, HEAD + "2024-07-06,1,1,1,1,1\n2024-07-07,1,1,1,1,1\n", calendar="24/7")
    assert rows.ts_event_ns.tolist() == [ns("2024-07-06"), ns("2024-07-07")]
    assert rows.ts_init_ns.tolist() == [ns("2024-07-07"), ns("2024-07-08")]


@pytest.mark.parametrize(("label", "times"), [("open", ("13:30", "13:35")), ("close", ("13:35", "13:40"))])
def test_intraday_bars_by_open_or_close(tmp_path, label, times):
    text = HEAD + "".join(f"2024-07-03T{time}Z,1,1,1,1,1\n" for time in times)
    _, rows = rows_of(tmp_path, text, bar_duration="5min", bar_label=label)
    assert rows.ts_event_ns.tolist() == [ns("2024-07-03T13:30"), ns("2024-07-03T13:35")]
    assert rows.ts_init_ns.tolist() == [ns("2024-07-03T13:35"), ns("2024-07-03T13:40")]
    assert np.diff(rows.venue_seq).tolist() == [1]


def test_symbols_in_one_file_are_sorted_by_close_and_share_a_step(tmp_path):
    head = "date,symbol,open,high,low,close,volume\n"
    days = ("2024-07-02", "2024-07-03")
    text = head + "".join(f"{day},{symbol},1,1,1,1,1\n" for symbol in "BA" for day in days)
    _, rows = rows_of(tmp_path, text)
    assert rows.instrument.tolist() == [0, 1, 0, 1]
    assert (rows.flags & 2 != 0).tolist() == [False, True, False, True]


BAD = [
    ("not_a_session", "2024-07-04,1,1,1,1,1\n", {}),
    ("not_a_session", "2024-07-06,1,1,1,1,1\n", {}),
    ("not_a_session", "2024-07-05T12:00,1,1,1,1,1\n", {}),
    ("time_backwards", "2024-07-01,1,1,1,1,1\n", {}),
    ("duplicate", "2024-07-02,1,1,1,1,1\n", {}),
    ("bar_range", "2024-07-05,1,1,1,2,1\n", {}),
    ("bar_range", "2024-07-05,3,2,1,2,1\n", {}),
    ("price_not_positive", "2024-07-05,1,1,0,1,1\n", {}),
    ("size_negative", "2024-07-05,1,1,1,1,-1\n", {}),
    ("not_a_number", "2024-07-05,1,1,1,NaN,1\n", {}),
    ("tick_mismatch", "2024-07-05,1,1.5,1,1,1\n", {"tick_size": "1"}),
]


@pytest.mark.parametrize(("fault", "bad", "options"), BAD)
def test_each_bad_bar_stops_or_is_counted(tmp_path, fault, bad, options):
    text = HEAD + "2024-07-02,1,1,1,1,1\n" + bad
    with pytest.raises(InputError, match=f"x.csv: row 2: {fault}: ") as caught:
        rows_of(tmp_path, text, **options)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["x.csv"]
    manifest, rows = rows_of(tmp_path, text, tolerate=frozenset({fault}), **options)
    assert manifest["counts"] == {"unit": "rows", "read": 2, "used": 1, "refused": {fault: 1}}
    assert len(rows.seq) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"calendar": "XNYZ"}, "calendar 'XNYZ' is unknown; did you mean"),
        ({"calendar": "XHKG"}, "knows 1960-01-01"),
        ({"bar_duration": "1w"}, "--bar-duration 1w"),
        ({"bar_duration": "7h"}, "divides a day"),
        ({"bar_duration": "1h", "bar_label": "date"}, "only bars of 1d have a date"),
        ({"bar_label": "noon"}, "--bar-label noon: unknown"),
    ],
)
def test_each_wrong_option_is_told_in_one_line(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        rows_of(tmp_path, HEAD + "1928-01-03,1,1,1,1,1\n", **options)
    assert os.listdir(tmp_path) == ["x.csv"]


def frame(days, close=(1.234567, 2.0)):
    price = np.array(close)
    return pd.DataFrame(
        {"Open": price, "High": price, "Low": price, "Close": price, "Volume": [1, 2]},
        index=pd.DatetimeIndex(days),
    )


def test_frames_become_a_tape(tmp_path):
    frames = {"SPX": frame(["2024-07-02", "2024-07-03"]), "NDX": frame(["2024-07-03", "2024-07-05"])}
    manifest = write_bars(tmp_path / "tape", frames, (SPX, NDX), name="daily", calendar="XNYS", round_to_units=True)
    assert manifest["counts"] == {"unit": "rows", "read": 4, "used": 4, "refused": {}}
    assert manifest["quality"]["rounded"] == {"severity": "warn", "count": 2, "first": 1}
    with Tape.open(tmp_path / "tape") as tape:
        rows = tape.rows()
    assert rows.instrument.tolist() == [0, 0, 1, 1]
    assert rows.price.tolist() == [123, 200, 123, 200]


def test_frames_are_exact_unless_rounding_is_asked(tmp_path):
    with pytest.raises(
        InputError, match=r"daily: row 1: tick_mismatch: SPX: 1.234567 is no multiple of the tick size 0.01"
    ):
        write_bars(
            tmp_path / "tape", {"SPX": frame(["2024-07-02", "2024-07-03"])}, (SPX,), name="daily", calendar="XNYS"
        )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ({"DAX": frame(["2024-07-02", "2024-07-03"])}, "daily: symbol 'DAX' is not among"),
        ({"SPX": frame(["2024-07-02", "2024-07-03"]).drop(columns="Low")}, "daily: SPX has no column low"),
        ({"SPX": frame(["2024-07-02", "2024-07-03"], (1.0, np.nan))}, "daily: row 2: not_a_number: SPX"),
        ({"SPX": frame(["2024-07-02", "2024-07-03"], (1.0, -2.0))}, "daily: row 2: price_not_positive"),
        ({"SPX": frame(["2024-07-02", "2024-07-04"], (1.0, 2.0))}, "daily: row 2: not_a_session"),
        ({"SPX": frame(["2024-07-02", "2024-07-03"]).iloc[:0]}, "0 rows"),
    ],
)
def test_each_bad_frame_is_told_in_one_line(tmp_path, frames, message):
    with pytest.raises(InputError, match=message):
        write_bars(tmp_path / "tape", frames, (SPX,), name="daily", calendar="XNYS", round_to_units=True)
    assert os.listdir(tmp_path) == []


def test_installed_daily_prices_import_whole(tmp_path):
    data = pytest.importorskip("arch.data.sp500")
    manifest = write_bars(
        tmp_path / "tape", {"SPX": data.load()}, (SPX,), name="sp500", calendar="XNYS", round_to_units=True
    )
    counts = manifest["counts"]
    assert counts["read"] == counts["used"] == 5_031
    assert "missing_bar" not in manifest["quality"]
