import pytest

from alphatrade_runtime.report import figures


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (figures.money(123_456_789_000_000), "1,234,567.89"),
        (figures.money(-5 * 10**8), "−5.00"),
        (figures.money(5 * 10**8, sign=True), "+5.00"),
        (figures.money(-1, sign=True), "0.00"),
        (figures.bps(-12.34), "−12.3 bps"),
        (figures.bps(0.01, sign=True), "0.0 bps"),
        (figures.percent(0.206), "20.6%"),
        (figures.count(-1_234), "−1,234"),
        (figures.moment(1_767_592_800_999_999_999), "2026-01-05 06:00:00"),
        (figures.duration(850), "850 ns"),
        (figures.duration(20_300_000), "20.3 ms"),
        (figures.duration(90 * 10**9), "90 s"),
        (figures.duration(4 * 3_600 * 10**9), "4 h"),
        (figures.duration(30 * 86_400 * 10**9), "30.0 days"),
    ],
)
def test_numbers_are_written_for_people(text, expected):
    assert text == expected
