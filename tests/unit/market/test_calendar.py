import numpy as np
import pytest

from alphatrade_runtime.market.calendar import DAY_NS, Calendar, check_duration
from alphatrade_runtime.market.faults import InputError


def ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


@pytest.fixture(scope="module")
def xnys():
    return Calendar.load("XNYS", ns("2024-01-01"), ns("2024-12-31"))


def test_always_open_has_a_session_a_utc_day():
    calendar = Calendar.load("24/7", ns("2024-08-08T12:00"), ns("2024-08-08T13:00"))
    assert calendar.session_ordinal(ns("2024-08-08T12:00")) == ns("2024-08-08") // DAY_NS
    assert calendar.is_open([ns("2024-08-08T00:00"), ns("2024-08-08T23:59:59.999999999")]).all()
    assert calendar.bar_ordinal(ns("2024-08-08T12:05"), 300 * 10**9) == ns("2024-08-08T12:05") // (300 * 10**9)
    assert (np.diff(calendar.open_ns) == DAY_NS).all()


@pytest.mark.parametrize(
    ("time", "is_open"),
    [
        ("2024-07-03T13:29:59", False),
        ("2024-07-03T13:30:00", True),
        ("2024-07-03T16:59:59.999999999", True),
        ("2024-07-03T17:00:00", False),  # early close before Independence Day
        ("2024-07-04T15:00:00", False),
        ("2024-07-06T15:00:00", False),
        ("2024-01-03T14:30:00", True),  # winter time
    ],
)
def test_exchange_hours(xnys, time, is_open):
    assert bool(xnys.is_open(ns(time))) is is_open


def test_a_holiday_is_no_session_and_ordinals_skip_it(xnys):
    third, fourth, fifth = (ns(f"2024-07-0{day}") // DAY_NS for day in (3, 4, 5))
    index = xnys.session_of_date([third, fourth, fifth])
    assert index[1] == -1
    assert index[2] - index[0] == 1


def test_a_trading_day_lasts_to_the_next_open(xnys):
    before, after = ns("2024-07-05T13:29:59.999999999"), ns("2024-07-05T13:30:00")
    assert xnys.session_ordinal(after) - xnys.session_ordinal(before) == 1
    assert xnys.session_ordinal(before) == xnys.session_ordinal(ns("2024-07-03T13:30"))


def test_ordinals_do_not_depend_on_the_range(xnys):
    other = Calendar.load("XNYS", ns("2024-07-01"), ns("2024-07-05"))
    older = Calendar.load("XNYS", ns("1950-01-05"), ns("2024-07-05"))
    for duration in (DAY_NS, 300 * 10**9):
        expected = xnys.bar_ordinal(ns("2024-07-05T15:00"), duration)
        assert other.bar_ordinal(ns("2024-07-05T15:00"), duration) == expected
        assert older.bar_ordinal(ns("2024-07-05T15:00"), duration) == expected


def test_intraday_bars_count_on_over_sessions(xnys):
    hour = 3600 * 10**9
    last, first = xnys.bar_ordinal([ns("2024-07-03T16:30"), ns("2024-07-05T13:30")], hour)
    assert first - last == 1
    opened, closed = xnys.bar_span([ns("2024-07-03T16:40"), ns("2024-07-03T13:31")], hour)
    assert closed.tolist() == [ns("2024-07-03T17:00"), ns("2024-07-03T14:30")]
    assert opened.tolist() == [ns("2024-07-03T16:30"), ns("2024-07-03T13:30")]


def test_a_midday_break_splits_the_session():
    calendar = Calendar.load("XHKG", ns("2024-07-02"), ns("2024-07-03"))
    assert not calendar.is_open(ns("2024-07-02T04:30"))
    assert calendar.is_open([ns("2024-07-02T03:59"), ns("2024-07-02T05:00")]).all()
    assert (calendar.open_ns[1:] >= calendar.close_ns[:-1]).all()


def test_dates_are_local():
    calendar = Calendar.load("XNZE", ns("2024-07-02"), ns("2024-07-05"))
    index = int(calendar.session_of_date([ns("2024-07-03") // DAY_NS])[0])
    assert calendar.day_start_ns[index] == ns("2024-07-02T22:00")  # 10:00 on 3 July in Wellington


@pytest.mark.parametrize(
    ("name", "first", "last", "message"),
    [
        ("XNYZ", "2024-01-01", "2024-01-02", "unknown; did you mean.*XNYS"),
        ("nowhere at all", "2024-01-01", "2024-01-02", "unknown; did you mean"),
        ("XHKG", "1950-01-01", "2024-01-02", "knows 1960-01-01 to 2049-12-31, the data span 1950-01-01"),
        ("XHKG", "2024-01-01", "2060-01-02", "cut the data"),
    ],
)
def test_unknown_names_and_ranges_are_refused(name, first, last, message):
    with pytest.raises(InputError, match=message):
        Calendar.load(name, ns(first), ns(last))


def test_margins_stop_at_the_bounds():
    calendar = Calendar.load("XHKG", ns("2049-12-20"), ns("2049-12-31"))
    assert calendar.dates[-1] <= ns("2049-12-31") // DAY_NS


def test_a_time_before_the_first_session_is_refused(xnys):
    with pytest.raises(InputError, match="before its first session"):
        xnys.session_index(ns("1960-01-01"))


@pytest.mark.parametrize("duration", [0, -1, 7 * 10**9, 2 * DAY_NS])
def test_bars_must_divide_a_day(duration):
    with pytest.raises(InputError, match="divides a day"):
        check_duration(duration)
