"""Read a mapping into a frozen dataclass: unknown names, wrong types and ranges are refused by name.

A field `x_ns` is written `x: "5s"` or, by another program, `x_ns: 5000000000`.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from alphatrade_runtime.market.faults import InputError

T = TypeVar("T")

_UNITS_NS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86400 * 10**9,
}
_DURATION = re.compile(r"(?:\d{1,12}(?:\.\d{1,9})?(?:ns|us|ms|min|s|m|h|d))+", re.ASCII)
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ns|us|ms|min|s|m|h|d)", re.ASCII)


def number(default: float, low: float, high: float, text: str) -> Any:
    """Declare a field that is a number in low..high; whole when the default is an int."""
    return field(default=default, metadata={"read": _number, "low": low, "high": high, "text": text})


def duration(default_ns: int, low_ns: int, high_ns: int, text: str) -> Any:
    """Declare a field that is a duration in low_ns..high_ns."""
    return field(default=default_ns, metadata={"read": _duration, "low": low_ns, "high": high_ns, "text": text})


def decimal(default: str, text: str) -> Any:
    """Declare a field that is a positive decimal written as text."""
    return field(default=Decimal(default), metadata={"read": _decimal, "text": text})


def choice(default: str, names: tuple[str, ...], text: str) -> Any:
    """Declare a field that is one of some names; with no names, any text."""
    return field(default=default, metadata={"read": _choice, "names": names, "text": text})


def nested(kind: type, default: Any, text: str) -> Any:
    """Declare a field that is a mapping of its own; None as default makes it optional."""
    return field(default=default, metadata={"read": _nested, "kind": kind, "text": text})


def listed(kind: type, default: tuple[Any, ...], text: str) -> Any:
    """Declare a field that is a list of mappings."""
    return field(default=default, metadata={"read": _listed, "kind": kind, "text": text})


def read(kind: type[T], given: object, path: str) -> T:
    """Build `kind` from a mapping. Raises InputError that names path and field."""
    if not isinstance(given, Mapping):
        raise InputError(f"{path}: {given!r} is no mapping; give field names and values")
    known: dict[str, Field[Any]] = {}
    for one in fields(kind):  # type: ignore[arg-type]
        known[one.name] = one
        known[one.name.removesuffix("_ns")] = one
    values: dict[str, Any] = {}
    for key, value in given.items():
        target = _known(known, str(key), path)
        if target.name in values:
            raise InputError(f"{path}.{target.name}: is given twice; keep one")
        values[target.name] = target.metadata["read"](target, value, f"{path}.{key}")
    for one in fields(kind):  # type: ignore[arg-type]
        if one.name not in values and one.default is MISSING:
            raise InputError(f"{path}.{one.name.removesuffix('_ns')}: is missing; {one.metadata['text']}")
    return kind(**values)


def _known(known: Mapping[str, Field[Any]], key: str, path: str) -> Field[Any]:
    if key in known:
        return known[key]
    names = [name for name in known if not name.endswith("_ns")]
    near = difflib.get_close_matches(key, names, n=1) or [", ".join(names)]
    raise InputError(f"{path}.{key}: unknown field; did you mean {near[0]}?")


def _number(spec: Field[Any], value: object, path: str) -> float:
    low, high = spec.metadata["low"], spec.metadata["high"]
    whole = isinstance(spec.default, int)
    right = isinstance(value, int) if whole else isinstance(value, int | float)
    if not right or isinstance(value, bool) or not low <= value <= high:
        sort = "a whole number" if whole else "a number"
        raise InputError(f"{path}: {value!r} is refused; give {sort} from {low} to {high} ({spec.metadata['text']})")
    return value if whole else float(value)  # type: ignore[return-value, arg-type]


def _duration(spec: Field[Any], value: object, path: str) -> int:
    low, high = spec.metadata["low"], spec.metadata["high"]
    if path.endswith("_ns") and isinstance(value, int) and not isinstance(value, bool):
        span_ns = value
    else:
        span_ns = parse_duration(value, path)
    if not low <= span_ns <= high:
        raise InputError(f"{path}: {value!r} is refused; give {write_duration(low)} to {write_duration(high)}")
    return span_ns


def parse_duration(value: object, path: str) -> int:
    """Return nanoseconds of a text such as "1m30s". Raises InputError."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise InputError(
            f'{path}: {value!r} is no duration; write a number with a unit, such as "250ms", "30s" or "4h"'
        )
    total = sum((Decimal(count) * _UNITS_NS[unit] for count, unit in _PART.findall(value)), Decimal(0))
    if total != total.to_integral_value():
        raise InputError(f"{path}: {value!r} is no whole number of nanoseconds; use a smaller unit")
    return int(total)


def write_duration(span_ns: int) -> str:
    """Write nanoseconds in the largest unit that divides them."""
    for unit in ("d", "h", "m", "s", "ms", "us"):
        if span_ns and span_ns % _UNITS_NS[unit] == 0:
            return f"{span_ns // _UNITS_NS[unit]}{unit}"
    return f"{span_ns}ns"


def _decimal(spec: Field[Any], value: object, path: str) -> Decimal:
    try:
        if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
            raise InvalidOperation
        result = Decimal(value)
        if not (result.is_finite() and result > 0):
            raise InvalidOperation
    except InvalidOperation:
        raise InputError(f"{path}: {value!r} is refused; give a positive decimal in quotes, such as '0.01'") from None
    return result


def _choice(spec: Field[Any], value: object, path: str) -> str:
    names = spec.metadata["names"]
    if not isinstance(value, str) or (names and value not in names):
        raise InputError(f"{path}: {value!r} is refused; give {', '.join(names) or spec.metadata['text']}")
    return value


def _nested(spec: Field[Any], value: object, path: str) -> Any:
    return spec.default if value is None else read(spec.metadata["kind"], value, path)


def _listed(spec: Field[Any], value: object, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{path}: {value!r} is no list")
    return tuple(read(spec.metadata["kind"], item, f"{path}[{i}]") for i, item in enumerate(value))
