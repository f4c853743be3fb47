"""P10: time and memory of P1 at 10^5, 10^6 and 10^7 quotes."""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import engines
from bench.measure import interleave, row
from bench.tapes import quotes_tape

SIZES = (100_000, 1_000_000, 10_000_000)
MAX_SLOPE = 1.05
MAX_KIB_PER_MILLION = 1024.0


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Least-squares slope of y on x."""
    mean_x, mean_y = statistics.fmean(xs), statistics.fmean(ys)
    across = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return across / sum((x - mean_x) ** 2 for x in xs)


def growth(scratch: Path, runs: int) -> dict[str, Any]:
    """Run each size in a process of its own; log-log slope of time, slope of peak memory from a mapped tape."""
    everyone = [engines.ours("growth", str(quotes_tape(scratch, n)), name=f"alphatrade {n:,}") for n in SIZES]
    interleave(everyone, runs)
    rows = [row(engine) for engine in everyone]
    time_slope = slope([math.log(n) for n in SIZES], [math.log(r["median_s"]) for r in rows])
    memory_slope = slope([n / 1e6 for n in SIZES], [float(r["rss_kib"]) for r in rows])
    return {
        "rows": rows,
        "log_log_slope": round(time_slope, 4),
        "rss_kib_per_million": round(memory_slope, 1),
        "target": "log-log slope <= 1.05, peak memory <= 1 MiB per 10^6 events",
        "met": time_slope <= MAX_SLOPE and memory_slope <= MAX_KIB_PER_MILLION,
    }
