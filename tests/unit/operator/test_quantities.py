"""Durations, decimals, rates: exact, or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_operator.core.quantities import format_duration, parse_decimal, parse_duration, parse_quantity


@pytest.mark.parametrize(
    ("text", "duration_ns"),
    [
        ("100ms", 100_000_000),
        ("5s", 5_000_000_000),
        ("1m30s", 90_000_000_000),
        ("1h", 3_600_000_000_000),
        ("1.5s", 1_500_000_000),
        ("250us", 250_000),
        ("7ns", 7),
        ("0s", 0),
    ],
)
def test_a_kubernetes_duration_is_exact_nanoseconds(text, duration_ns):
    assert parse_duration(text) == duration_ns


@pytest.mark.parametrize("value", ["5 sec", 5, 5.0, "5", "", "-5s", "1d", "5S", "٥s", "0.5ns", None, True, "1s" * 40])
def test_anything_else_is_no_duration(value):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(value)


@given(st.integers(0, 10**18))
def test_a_duration_written_is_read_back(duration_ns):
    assert parse_duration(format_duration(duration_ns)) == duration_ns


@pytest.mark.parametrize("value", [0.1, 1, "1e3", "NaN", "0,1", " 1", "1.", ".5", "", "10bps", None, "1" * 19, "٣"])
def test_a_decimal_is_plain_digits_in_quotes(value):
    with pytest.raises(ValueError, match="decimal number in quotes"):
        parse_decimal(value)


def test_a_decimal_keeps_every_digit():
    assert parse_decimal("-0.000000000000000001") == Decimal("-1E-18")


@pytest.mark.parametrize(
    ("text", "value"),
    [("500m", "0.5"), ("2", "2"), ("1.5", "1.5"), ("512Mi", 512 << 20), ("1G", 10**9), ("3Ki", 3_072)],
)
def test_a_kubernetes_quantity_is_exact(text, value):
    assert parse_quantity(text) == Decimal(value)
