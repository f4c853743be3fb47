"""Canonical JSON: one value, one sequence of bytes, on every host (RFC 8785).

On top of the RFC: text in Unicode NFC, sets sorted, decimals as plain text, integers that a double
cannot hold as text, no NaN and no infinity.
"""

import json
import math
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import rfc8785

_MAX_SAFE = 2**53 - 1


class CanonicalError(ValueError):
    """A value that has no canonical form; the message names its path."""


def canonical(value: object) -> bytes:
    """Return the canonical bytes. Raises CanonicalError naming the path of what has none."""
    try:
        return rfc8785.dumps(_plain(value, "$"))
    except rfc8785.CanonicalizationError as error:
        raise CanonicalError(f"$: {error}") from None


def read_canonical(data: bytes) -> Any:
    """Return the value of canonical bytes. Raises CanonicalError when they are not canonical."""
    try:
        value = json.loads(data, parse_int=_read_int, object_pairs_hook=_read_object)
    except ValueError as error:
        raise CanonicalError(f"$: no JSON: {error}") from None
    if canonical(value) != data:
        raise CanonicalError("$: not canonical JSON; the bytes were changed after they were written")
    return value


def _read_int(text: str) -> int | float:
    """Integers beyond 2**53 are written as text, so a bare one was a double."""
    return int(text) if abs(int(text)) <= _MAX_SAFE else float(text)


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key is given twice")
    return dict(pairs)


def _plain(value: object, path: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, int):
        return int(value) if abs(value) <= _MAX_SAFE else str(int(value))
    if isinstance(value, (float, Decimal)):
        return _number(value, path)
    if isinstance(value, Mapping):
        return _object(value, path)
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item, f"{path}{{}}") for item in value), key=rfc8785.dumps)
    raise CanonicalError(f"{path}: {type(value).__name__} has no canonical form")


def _number(value: float | Decimal, path: str) -> float | str:
    if not math.isfinite(value):
        raise CanonicalError(f"{path}: {value} is not finite")
    if isinstance(value, float):
        return float(value)
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _object(value: Mapping[Any, Any], path: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise CanonicalError(f"{path}: key {key!r} is not text")
        name = unicodedata.normalize("NFC", key)
        if name in result:
            raise CanonicalError(f"{path}: two keys become {name!r} in Unicode NFC")
        result[name] = _plain(item, f"{path}.{name}")
    return result
