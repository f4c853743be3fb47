"""Read times of tables as int64 ns since 1970 UTC."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from alphatrade_runtime.market.calendar import DAY_NS
from alphatrade_runtime.market.faults import InputError, RowFault
from alphatrade_runtime.market.instrument import parse_decimal

SCALES = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
TS_UNITS = (*SCALES, "iso", "date")
_EPOCH = date(1970, 1, 1).toordinal()
_RANGE_NS = 2**62
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(?:(Z)|([+-])(\d\d):?(\d\d))?", re.ASCII
)


def reader(unit: str) -> Callable[[str], int]:
    """Return the function from text to ns for a unit of TS_UNITS; it raises RowFault not_a_number."""
    if unit in SCALES:
        scale = SCALES[unit]
        return lambda text: scaled(text, scale)
    if unit in ("iso", "date"):
        return iso_ns
    raise InputError(f"--ts-unit {unit}: unknown; choose from {', '.join(TS_UNITS)}")


def scaled(text: str, scale: int) -> int:
    """Read a count of `scale` ns each, exact to the nanosecond. Raises RowFault."""
    if text.isascii() and text.isdigit() and len(text) < 20:
        ns = int(text) * scale
    else:
        exact = parse_decimal(text) * Decimal(scale)
        if exact != exact.to_integral_value():
            raise RowFault("not_a_number", f"time {text[:40]!r} is finer than a nanosecond")
        ns = int(exact)
    return _in_range(ns, text)


def iso_ns(text: str) -> int:
    """Read an ISO 8601 date or time; without an offset it is UTC. Raises RowFault."""
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise RowFault("not_a_number", f"time {text[:40]!r} is no ISO 8601 time such as 2024-08-08T23:54:15.030Z")
    year, month, day, hour, minute, second, fraction, _, sign, off_hour, off_minute = match.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    except ValueError:
        raise RowFault("not_a_number", f"time {text[:40]!r} has no such day") from None
    h, m, s = int(hour or 0), int(minute or 0), int(second or 0)
    if h > 23 or m > 59 or s > 59:
        raise RowFault("not_a_number", f"time {text[:40]!r} has no such hour, minute or second")
    offset_s = (int(off_hour) * 3600 + int(off_minute) * 60) * (-1 if sign == "-" else 1) if sign else 0
    ns = (h * 3600 + m * 60 + s - offset_s) * 10**9 + int((fraction or "0").ljust(9, "0"))
    return _in_range(days * DAY_NS + ns, text)


def _in_range(ns: int, text: str) -> int:
    if not -_RANGE_NS < ns < _RANGE_NS:
        raise RowFault("not_a_number", f"time {text[:40]!r} is outside the years 1824 to 2116; check --ts-unit")
    return ns


def guess_unit(text: str) -> str:
    """Tell the unit of a time by its digits: 10 s, 13 ms, 16 us, 19 ns; anything else is ISO 8601."""
    digits = text.partition(".")[0]
    return {10: "s", 13: "ms", 16: "us", 19: "ns"}.get(len(digits), "iso") if digits.isdigit() else "iso"


def arrow_ns(column: Any) -> Any | None:
    """Convert an Arrow timestamp or date column to int64 ns (nulls stay null); None for other types."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    if not pa.types.is_timestamp(column.type):
        return None
    return column.cast(pa.timestamp("ns", tz=column.type.tz)).cast(pa.int64())


_DURATION = re.compile(r"(\d{1,6})\s*(d|h|min|m|s|ms)", re.ASCII)
_DURATION_NS = {"d": DAY_NS, "h": 3600 * 10**9, "min": 60 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6}


def duration_ns(text: str) -> int:
    """Read a duration such as 1d, 1h, 5min, 30s. Raises InputError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise InputError(f"--bar-duration {text}: give a number and d, h, min, s or ms, such as 1d or 5min")
    return int(match[1]) * _DURATION_NS[match[2]]
