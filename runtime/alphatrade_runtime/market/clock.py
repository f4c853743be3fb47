"""Clock repair: make receive times comparable with the venue's times.

A recorder's clock may be seconds off the venue's, so that messages seem to arrive before they were
sent. One constant for the whole capture moves every receive time until the fastest message took
`base_latency_ns`; it never moves them back.
"""

import numpy as np
import numpy.typing as npt

BASE_LATENCY_NS = 1_000_000

Ints = npt.NDArray[np.int64]


def min_offset_ns(ts_init_ns: Ints, ts_event_ns: Ints) -> int:
    """Smallest receive time minus venue time. (n,) int64 each, n > 0."""
    return int((ts_init_ns - ts_event_ns).min())


def clock_shift_ns(offset_ns: int, base_latency_ns: int = BASE_LATENCY_NS) -> int:
    """Nanoseconds to add to every receive time, from the smallest offset of the capture; >= 0."""
    return max(0, base_latency_ns - offset_ns)


def repair(ts_init_ns: Ints, ts_event_ns: Ints, base_latency_ns: int = BASE_LATENCY_NS) -> tuple[Ints, int]:
    """Return (repaired receive times, shift) of a whole capture that fits in memory."""
    shift = clock_shift_ns(min_offset_ns(ts_init_ns, ts_event_ns), base_latency_ns)
    return ts_init_ns + shift, shift
