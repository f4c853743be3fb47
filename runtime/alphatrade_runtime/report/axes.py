"""Ticks of axes: round numbers, round times."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

_S = 10**9
_STEPS_S = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 2 * 86_400,
    7 * 86_400, 14 * 86_400,
)  # fmt: skip
_DAY_S = 86_400
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round values from low to high: 1, 2 or 5 times a power of ten apart."""
    span = high - low
    if not (span > 0 and math.isfinite(span)):
        return [low]
    rough = span / about
    power = 10 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= rough)
    first = math.ceil(low / step)
    return [k * step for k in range(first, math.floor(high / step) + 1)]


def time_ticks(low_ns: int, high_ns: int, about: int = 5) -> list[tuple[int, str]]:
    """Return (time, label) at round times in UTC; the label says as much as its neighbours differ in."""
    span_s = max((high_ns - low_ns) / _S, 1e-9)
    if span_s > about * 14 * _DAY_S:
        return _month_ticks(low_ns, high_ns, about)
    step_s = next((s for s in _STEPS_S if s >= span_s / about), 14 * _DAY_S)
    pattern = "%d %b" if step_s >= _DAY_S else "%H:%M" if step_s >= 60 else "%H:%M:%S"
    first = -(-low_ns // (step_s * _S))
    times = [k * step_s * _S for k in range(first, high_ns // (step_s * _S) + 1)]
    return [(t, _label(t, pattern)) for t in times]


def _month_ticks(low_ns: int, high_ns: int, about: int) -> list[tuple[int, str]]:
    months = (high_ns - low_ns) / _S / _DAY_S / 30.44
    step = next((m for m in _MONTHS if m >= months / about), _MONTHS[-1])
    start = datetime.fromtimestamp(low_ns // _S, UTC)
    number = -(-(start.year * 12 + start.month - 1) // step) * step
    out: list[tuple[int, str]] = []
    while True:
        ts = int(datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp()) * _S
        if ts > high_ns:
            return out
        if ts >= low_ns:
            out.append((ts, _label(ts, "%Y" if step >= 12 else "%b %Y")))
        number += step


def _label(ts_ns: int, pattern: str) -> str:
    return datetime.fromtimestamp(ts_ns // _S, UTC).strftime(pattern)


def decimals_for(values: list[float]) -> int:
    """Return how many decimals tell the values of an axis apart."""
    if len(values) < 2:
        return 2
    step = min(abs(b - a) for a, b in pairwise(values))
    return max(0, min(8, -math.floor(math.log10(step)))) if step > 0 else 2


def plain_labels(values: list[float], unit: str = "") -> list[str]:
    """Write the values of an axis with the decimals that tell them apart."""
    digits = decimals_for(values)
    return [f"{value:,.{digits}f}".replace("-", "−") + unit for value in values]


Labels = Callable[[list[float]], list[str]]
