import calendar

import pytest

from alphatrade_runtime.report.axes import plain_labels, ticks, time_ticks


def ns(*when):
    return calendar.timegm((*when, 0, 0, 0)[:6]) * 10**9


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 10.0, [0, 2, 4, 6, 8, 10]),
        (-0.3, 0.3, [-0.2, 0, 0.2]),
        (999_400.0, 1_000_050.0, [999_400, 999_600, 999_800, 1_000_000]),
        (5.0, 5.0, [5]),
        (float("nan"), 1.0, None),
    ],
)
def test_ticks_are_round(low, high, expected):
    found = ticks(low, high)
    assert len(found) == 1 if expected is None else found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (ns(2026, 1, 5, 6), ns(2026, 1, 5, 10), ["06:00", "07:00", "08:00", "09:00", "10:00"]),
        (
            ns(2026, 1, 5, 6),
            ns(2026, 1, 5, 6, 0, 2),
            ["06:00:00", "06:00:01", "06:00:02"],
        ),
        (ns(2026, 1, 1), ns(2026, 1, 9), ["01 Jan", "03 Jan", "05 Jan", "07 Jan", "09 Jan"]),
        (ns(2025, 11, 20), ns(2026, 6, 3), ["Jan 2026", "Mar 2026", "May 2026"]),
        (ns(1990, 5, 1), ns(2019, 12, 31), ["2000", "2010"]),
    ],
)
def test_times_are_round_in_utc(low, high, labels):
    found = time_ticks(low, high)
    assert [text for _, text in found] == labels
    assert all(low <= ts <= high for ts, _ in found)


def test_labels_have_the_decimals_that_tell_them_apart():
    assert plain_labels([-0.2, 0.0, 0.2]) == ["−0.2", "0.0", "0.2"]
    assert plain_labels([0.0, 1_000.0], "%") == ["0%", "1,000%"]
