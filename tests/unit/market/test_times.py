from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError, RowFault
from alphatrade_runtime.market.importers import times


def ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


@pytest.mark.parametrize(
    ("unit", "text", "expected"),
    [
        ("ns", "1723161256313000001", 1_723_161_256_313_000_001),
        ("us", "1723161256313000", 1_723_161_256_313_000_000),
        ("ms", "1723161256313", 1_723_161_256_313_000_000),
        ("ms", "1723161256313.000001", 1_723_161_256_313_000_001),
        ("s", "1723161256", 1_723_161_256_000_000_000),
        ("s", "1723161256.313000001", 1_723_161_256_313_000_001),
        ("s", "-1", -(10**9)),
        ("iso", "2024-08-08T23:54:16.313Z", ns("2024-08-08T23:54:16.313")),
        ("iso", "2024-08-08 23:54:16.123456789", ns("2024-08-08T23:54:16.123456789")),
        ("iso", "2024-08-09T01:54:16+02:00", ns("2024-08-08T23:54:16")),
        ("iso", "2024-08-08T19:54:16-0400", ns("2024-08-08T23:54:16")),
        ("iso", "2024-08-08T23:54Z", ns("2024-08-08T23:54")),
        ("date", "2024-08-08", ns("2024-08-08")),
        ("date", "1928-01-03", ns("1928-01-03")),
    ],
)
def test_times_are_exact(unit, text, expected):
    assert times.reader(unit)(text) == expected


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)))
def test_iso_agrees_with_numpy(moment):
    assert times.iso_ns(moment.isoformat()) == ns(moment.isoformat())


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("iso", "2024-02-30"),
        ("iso", "2024-01-01T25:00:00"),
        ("iso", "2024-01-01T00:00:60"),
        ("iso", "08/08/2024"),
        ("iso", "1723161256"),
        ("iso", "0001-01-01"),
        ("ns", "NaN"),
        ("ns", ""),
        ("ns", "1.5"),
        ("s", "1723161256313"),
        ("ms", "1e400"),
    ],
)
def test_bad_times_are_refused(unit, text):
    with pytest.raises(RowFault) as caught:
        times.reader(unit)(text)
    assert caught.value.fault == "not_a_number"


@pytest.mark.parametrize(
    ("text", "unit"),
    [("1723161256", "s"), ("1723161256.3", "s"), ("1723161256313", "ms"), ("1723161256313000", "us")]
    + [("1723161256313000001", "ns"), ("2024-08-08", "iso"), ("20240808", "iso")],
)
def test_units_are_guessed_by_digits(text, unit):
    assert times.guess_unit(text) == unit


def nanoseconds(column):
    converted = times.arrow_ns(column)
    assert converted is not None
    return converted.to_pylist()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_arrow_timestamps_need_no_unit(unit):
    column = pa.array([np.datetime64("2024-08-08T23:54:16", unit)], pa.timestamp(unit))
    assert nanoseconds(column) == [ns("2024-08-08T23:54:16")]


def test_arrow_dates_and_zones():
    assert nanoseconds(pa.array([19_943], pa.date32())) == [19_943 * 86_400 * 10**9]
    zoned = pa.array([10**9], pa.timestamp("ns", tz="America/New_York"))
    assert nanoseconds(zoned) == [10**9]
    assert times.arrow_ns(pa.array(["x"])) is None


@pytest.mark.parametrize(("text", "expected"), [("1d", 86_400 * 10**9), ("5min", 300 * 10**9), ("1 h", 3600 * 10**9)])
def test_durations(text, expected):
    assert times.duration_ns(text) == expected


@pytest.mark.parametrize("text", ["", "5", "1w", "-1d", "1.5h"])
def test_bad_durations_are_refused(text):
    with pytest.raises(InputError, match="such as 1d or 5min"):
        times.duration_ns(text)


def test_an_unknown_unit_is_refused():
    with pytest.raises(InputError, match="--ts-unit fortnights: unknown; choose from ns"):
        times.reader("fortnights")
