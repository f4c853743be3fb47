"""The loop's latency histograms as Prometheus histograms: read at a scrape, never counted twice."""

from collections.abc import Mapping

import numpy as np

from alphatrade.metrics import STEP_EXPONENTS
from alphatrade.telemetry import ReadBuckets, Registry
from alphatrade_runtime.reflection.telemetry import BUCKETS, Histogram, bucket_bounds, bucket_of

_EDGES = np.array([bucket_of(1 << exponent) for exponent in STEP_EXPONENTS], np.int64)
_MIDDLE_S = np.array([sum(bucket_bounds(bucket)) for bucket in range(BUCKETS)], np.float64) * 0.5e-9


def export_stages(registry: Registry, stages: Mapping[str, Histogram]) -> None:
    """Export histograms of nanoseconds by stage. They are read while they are written: a scrape may miss the last."""
    for stage, histogram in stages.items():
        registry.read_histogram("alphatrade_stage_latency_seconds", _reader(histogram), stage=stage)


def _reader(histogram: Histogram) -> ReadBuckets:
    def read() -> tuple[list[int], float]:
        counts = histogram.counts.copy()
        below = np.concatenate(([0], np.cumsum(counts)))
        return [*below[_EDGES].tolist(), int(below[-1])], float((counts * _MIDDLE_S).sum())

    return read
