"""Free-form settings: a map whose names another part checks, bounded here in depth, size and types."""

from collections.abc import Iterator

from alphatrade_operator.core.explain import shown
from alphatrade_operator.core.quantities import MAX_SAFE_INTEGER

_MAX_DEPTH = 6
_MAX_VALUES = 1_000
_MAX_TEXT = 256
Finding = tuple[str, str]


def check_settings(settings: object) -> list[Finding]:
    """Return what is wrong as (path, text); empty when the settings are acceptable."""
    findings: list[Finding] = []
    count = 0
    for path, value, depth in _walk("", settings, 0):
        count += 1
        text = _fault(value, depth)
        if text:
            findings.append((path, text))
    if count > _MAX_VALUES:
        findings.append(("", f"{count} values; at most {_MAX_VALUES}"))
    return findings


def _walk(path: str, value: object, depth: int) -> Iterator[tuple[str, object, int]]:
    yield path, value, depth
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(f"{path}.{key}".lstrip("."), item, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(f"{path}.{index}".lstrip("."), item, depth + 1)


def _fault(value: object, depth: int) -> str | None:
    if depth > _MAX_DEPTH:
        return f"nested deeper than {_MAX_DEPTH} levels; make it flatter"
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        return f"{shown(value)} is not accepted: at most {_MAX_TEXT} characters"
    if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        return f"{value} is not accepted: write a number below 2**53"
    return None
