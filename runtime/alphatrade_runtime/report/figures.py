"""Write numbers for people: money, shares, times, durations. Display only; exact values are in the exports."""

from datetime import UTC, datetime

_QUANTA = 10**8


def money(quanta: float, sign: bool = False) -> str:
    """Return quanta of 1e-8 as an amount with thousands and two decimals."""
    return signed(quanta / _QUANTA, "{:,.2f}") if sign else _minus(f"{quanta / _QUANTA:,.2f}")


def signed(value: float, pattern: str) -> str:
    """Return a number with + or − in front; zero has neither."""
    text = pattern.format(abs(value))
    if not any(digit in text for digit in "123456789"):
        return text
    return ("+" if value > 0 else "−") + text


def bps(value: float, sign: bool = False) -> str:
    """Return basis points; from 1,000 on also as per cent would be read wrongly, so always bps."""
    return (signed(value, "{:,.1f}") if sign else _minus(f"{value:,.1f}")) + " bps"


def percent(value: float) -> str:
    """Return a share as per cent with one decimal."""
    return _minus(f"{value * 100:.1f}%")


def count(value: int) -> str:
    """Return a count with thousands."""
    return _minus(f"{value:,}")


def utc(ts_ns: int) -> datetime:
    """Return a time of day in UTC, cut to microseconds."""
    return datetime.fromtimestamp(ts_ns // 10**9, UTC).replace(microsecond=ts_ns % 10**9 // 1_000)


def moment(ts_ns: int) -> str:
    """Return date and time in UTC to the second."""
    return f"{utc(ts_ns):%Y-%m-%d %H:%M:%S}"


def duration(ns: float) -> str:
    """Return a duration in its natural unit."""
    for unit, size in (("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 60e9), ("h", 3_600e9)):
        following = {"ns": 1e3, "µs": 1e6, "ms": 1e9, "s": 120e9, "min": 7_200e9, "h": 172_800e9}[unit]
        if abs(ns) < following:
            return f"{ns / size:.3g} {unit}" if ns / size < 1_000 else f"{ns / size:,.0f} {unit}"
    return f"{ns / 86_400e9:,.1f} days"


def _minus(text: str) -> str:
    return text.replace("-", "−")
