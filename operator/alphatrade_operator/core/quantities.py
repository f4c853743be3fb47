"""Quantities as resources write them: text with a unit at the edge, exact integers and Decimals inside.

Durations are Kubernetes durations and become nanoseconds; rates and shares are whole numbers (bps);
money and sizes are decimals in quotes, because a YAML number is a binary fraction.
"""

import math
import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, Strict, StringConstraints, WithJsonSchema

MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MAX_SAFE_INTEGER = 2**53 - 1
MAX_LOTS = 2**48 - 1

DURATION_PATTERN = r"^([0-9]{1,12}(\.[0-9]{1,9})?(ns|us|ms|s|m|h))+$"
DECIMAL_PATTERN = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$"
_PART = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?(ns|us|ms|s|m|h)")
_DURATION = re.compile(DURATION_PATTERN, re.ASCII)
_DECIMAL = re.compile(DECIMAL_PATTERN, re.ASCII)
_UNITS_NS = {"h": HOUR, "m": MINUTE, "s": SECOND, "ms": MILLISECOND, "us": 1_000, "ns": 1}
_WRITE_DURATION = 'write a Kubernetes duration in quotes or plain, such as "100ms", "5s", "1m30s" or "1h"'


def parse_duration(value: object) -> int:
    """Return nanoseconds, exactly. Raises ValueError when the text is no Kubernetes duration."""
    if not isinstance(value, str) or len(value) > 32 or not _DURATION.fullmatch(value):
        raise ValueError(_WRITE_DURATION)
    total = Decimal(0)
    for whole, fraction, unit in _PART.findall(value):
        total += Decimal(f"{whole}.{fraction or 0}") * _UNITS_NS[unit]
    if total != total.to_integral_value():
        raise ValueError("write a duration of whole nanoseconds")
    return int(total)


def format_duration(duration_ns: int) -> str:
    """Write nanoseconds as a Kubernetes duration: largest units first, zeros left out."""
    parts, rest = [], duration_ns
    for unit, size in _UNITS_NS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def between(low_ns: int, high_ns: int) -> BeforeValidator:
    """Build the reader of a duration field whose value must lie in [low_ns, high_ns]."""

    def read(value: object) -> int:
        duration_ns = parse_duration(value)
        if not low_ns <= duration_ns <= high_ns:
            raise ValueError(f"write {format_duration(low_ns)} to {format_duration(high_ns)}")
        return duration_ns

    return BeforeValidator(read)


def _read_elapsed(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return max(0, value)
    return parse_duration(value)


def _text_between(low_ns: int, high_ns: int) -> WithJsonSchema:
    """Describe the text of a duration field, with the range as a rule that the API server holds."""
    low, high = format_duration(low_ns), format_duration(high_ns)
    rule = f"self >= duration('{low}') && self <= duration('{high}')"
    return WithJsonSchema(
        _DURATION_SCHEMA | {"x-kubernetes-validations": [{"rule": rule, "message": f"write {low} to {high}"}]}
    )


_DURATION_SCHEMA = {"type": "string", "format": "duration", "pattern": DURATION_PATTERN, "maxLength": 32}
_AS_DURATION = PlainSerializer(format_duration, return_type=str)

Age = Annotated[int, between(MILLISECOND, 31 * DAY), _AS_DURATION, _text_between(MILLISECOND, 31 * DAY)]
Staleness = Annotated[int, between(100 * MILLISECOND, HOUR), _AS_DURATION, _text_between(100 * MILLISECOND, HOUR)]
Latency = Annotated[int, between(0, MINUTE), _AS_DURATION, _text_between(0, MINUTE)]
Interval = Annotated[int, between(MILLISECOND, 31 * DAY), _AS_DURATION, _text_between(MILLISECOND, 31 * DAY)]
Timeout = Annotated[int, between(0, DAY), _AS_DURATION, _text_between(0, DAY)]
RepegAge = Annotated[int, between(100 * MILLISECOND, MINUTE), _AS_DURATION, _text_between(100 * MILLISECOND, MINUTE)]
SliceSpan = Annotated[int, between(MILLISECOND, DAY), _AS_DURATION, _text_between(MILLISECOND, DAY)]
Span = Annotated[int, between(SECOND, 40_000 * DAY), _AS_DURATION, _text_between(SECOND, 40_000 * DAY)]
PermitTtl = Annotated[int, between(SECOND, 10 * MINUTE), _AS_DURATION, _text_between(SECOND, 10 * MINUTE)]
ProposalTtl = Annotated[int, between(MINUTE, 30 * DAY), _AS_DURATION, _text_between(MINUTE, 30 * DAY)]
Deadline = Annotated[int, between(SECOND, 7 * DAY), _AS_DURATION, _text_between(SECOND, 7 * DAY)]
Retention = Annotated[int, between(0, 366 * DAY), _AS_DURATION, _text_between(0, 366 * DAY)]
Window = Annotated[int, between(MINUTE, 31 * DAY), _AS_DURATION, _text_between(MINUTE, 31 * DAY)]
Elapsed = Annotated[int, BeforeValidator(_read_elapsed), _AS_DURATION, WithJsonSchema(_DURATION_SCHEMA)]
"""A duration that was measured: written by the operator in ns, shown as a Kubernetes duration."""


def parse_decimal(value: object) -> Decimal:
    """Return the decimal, exactly. Raises ValueError when it is not one in quotes."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise ValueError('write a decimal number in quotes, such as "0.01"')
    return Decimal(value)


_SUFFIXES = {"": "1", "m": "0.001", "k": "1e3", "M": "1e6", "G": "1e9", "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def parse_quantity(text: str) -> Decimal:
    """Return a Kubernetes quantity such as 500m or 2Gi, exactly. Raises ValueError when it is none."""
    number = text.rstrip("kmKMGi")
    return parse_decimal(number) * Decimal(str(_SUFFIXES[text[len(number) :]]))


def plain(value: Decimal) -> str:
    """Write a decimal without exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _read_size(value: object) -> Decimal:
    size = parse_decimal(value)
    if size <= 0:
        raise ValueError('write a decimal above zero in quotes, such as "0.01"')
    return size


def _read_rate(value: object) -> Decimal:
    rate = parse_decimal(value)
    if abs(rate) > Decimal("0.1") or (rate * 10**7) % 1 != 0:
        raise ValueError('write a share of notional from "-0.1" to "0.1" with up to 7 decimals, such as "0.0005"')
    return rate


def _read_money(value: object) -> Decimal:
    money = parse_decimal(value)
    if not 0 < money <= 10**9 or (money * 10**8) % 1 != 0:
        raise ValueError('write an amount above zero in quotes, up to "1000000000", with up to 8 decimals')
    return money


def _read_fee(value: object) -> Decimal:
    fee = parse_decimal(value)
    if not 0 <= fee <= 10**6 or (fee * 10**8) % 1 != 0:
        raise ValueError('write an amount in quotes from "0" to "1000000", with up to 8 decimals')
    return fee


def _read_deviations(value: object) -> Decimal:
    deviations = parse_decimal(value)
    if not 0 < deviations <= 1_000 or (deviations * 10**4) % 1 != 0:
        raise ValueError('write standard deviations in quotes, above "0" and up to "1000", with up to 4 decimals')
    return deviations


def _read_cost(value: object) -> Decimal:
    cost = parse_decimal(value)
    if not 0 <= cost <= 1_000 or (cost * 10**4) % 1 != 0:
        raise ValueError('write bps in quotes from "0" to "1000", with up to 4 decimals, such as "0.5"')
    return cost


def _decimal_text(low: str, high: str, places: int, message: str) -> WithJsonSchema:
    """Describe the text of a decimal: its range as a rule, its decimals as a pattern. "0" excluded as `>0`."""
    above = f"quantity(self).compareTo(quantity('{low.lstrip('>')}')) {'>' if low.startswith('>') else '>='} 0"
    below = f"quantity(self).compareTo(quantity('{high}')) <= 0"
    return WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^-?[0-9]{{1,18}}(\.[0-9]{{1,{places}}}0{{0,{18 - places}}})?$",
            "maxLength": 38,
            "x-kubernetes-validations": [{"rule": f"{above} && {below}", "message": message}],
        }
    )


_AS_DECIMAL = PlainSerializer(plain, return_type=str)
_SIZE = _decimal_text(">0", "999999999999999999", 18, 'write a decimal above zero in quotes, such as "0.01"')
_RATE = _decimal_text("-0.1", "0.1", 7, 'write a share of notional from "-0.1" to "0.1"')
_FEE = _decimal_text("0", "1000000", 8, 'write an amount in quotes from "0" to "1000000"')
_MONEY = _decimal_text(">0", "1000000000", 8, 'write an amount above zero in quotes, up to "1000000000"')

_DEVIATIONS = _decimal_text(">0", "1000", 4, 'write standard deviations in quotes, above "0" and up to "1000"')
_COST = _decimal_text("0", "1000", 4, 'write bps in quotes from "0" to "1000"')

Size = Annotated[Decimal, BeforeValidator(_read_size), _AS_DECIMAL, _SIZE]
FeeRate = Annotated[Decimal, BeforeValidator(_read_rate), _AS_DECIMAL, _RATE]
FlatFee = Annotated[Decimal, BeforeValidator(_read_fee), _AS_DECIMAL, _FEE]
Money = Annotated[Decimal, BeforeValidator(_read_money), _AS_DECIMAL, _MONEY]
Deviations = Annotated[Decimal, BeforeValidator(_read_deviations), _AS_DECIMAL, _DEVIATIONS]
CostBps = Annotated[Decimal, BeforeValidator(_read_cost), _AS_DECIMAL, _COST]

ShareBps = Annotated[int, Strict(), Field(ge=1, le=10_000)]
ShareOrNoneBps = Annotated[int, Strict(), Field(ge=0, le=10_000)]
MultipleBps = Annotated[int, Strict(), Field(ge=1, le=10_000_000)]
MarginBps = Annotated[int, Strict(), Field(ge=0, le=1_000_000)]
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000)]
Lots = Annotated[int, Strict(), Field(ge=1, le=MAX_LOTS)]
Seed = Annotated[int, Strict(), Field(ge=0, le=MAX_SAFE_INTEGER)]
Switch = Annotated[bool, Strict()]

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
Name = Annotated[str, Strict(), StringConstraints(pattern=NAME_PATTERN, min_length=1, max_length=63)]
Identifier = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=63)]
Symbol = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Za-z0-9][-A-Za-z0-9._/:]*$", max_length=32)]
TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$"
SymbolOrAny = Annotated[str, Strict(), StringConstraints(pattern=r"^([A-Za-z0-9][-A-Za-z0-9._/:]*|\*)$", max_length=32)]
Time = Annotated[
    str,
    Strict(),
    StringConstraints(pattern=TIME_PATTERN, max_length=30),
    Field(json_schema_extra={"format": "date-time"}),
]
Prose = Annotated[str, Strict(), StringConstraints(pattern=r"\S", max_length=1_024)]
Amount = Annotated[str, Strict(), StringConstraints(pattern=DECIMAL_PATTERN, max_length=38)]
UserName = Annotated[str, Strict(), StringConstraints(pattern=r"^\S+$", max_length=256)]
Hash = Annotated[str, Strict(), StringConstraints(pattern=r"^[0-9a-f]{64}$", max_length=64)]
Digest = Annotated[str, Strict(), StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
FilePath = Annotated[str, Strict(), StringConstraints(pattern=r"^[^\x00-\x1f]+$", min_length=1, max_length=1024)]


def _read_number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("write a number")
    if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        raise ValueError("write a number below 2**53")
    if not math.isfinite(value):
        raise ValueError("write a finite number")
    return value


Number = Annotated[float, PlainValidator(_read_number), WithJsonSchema({"type": "number"})]
Parameters = Annotated[dict[Identifier, Number], Field(max_length=64)]
Settings = dict[str, Any]
