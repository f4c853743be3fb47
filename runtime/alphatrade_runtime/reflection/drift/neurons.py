"""Which neurons of the belief are active more or less often than at first, counted over the spans of psi.py."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from alphatrade_runtime.numerics.jit import entry
from alphatrade_runtime.perception.belief.shape import NEURONS

# before, now: decisions at which each neuron was active, in the reference and in the window under way; latest: in the
# last full window.
NEURON_SHIFT_DTYPE = np.dtype(
    [
        ("reference_n", "i8"), ("window", "i8"), ("n_before", "i8"), ("n_now", "i8"), ("windows", "i8"),
        ("before", "i8", (NEURONS,)), ("now", "i8", (NEURONS,)), ("latest", "i8", (NEURONS,)),
    ],
    align=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NeuronShift:
    """One neuron: in how large a share of decisions it was active, in the reference and in the last full window."""

    neuron: int
    active_before: float
    active_after: float


def reset(s: Any, *, reference_n: int = 1_000, window: int = 100) -> None:
    """Fill a zeroed record of NEURON_SHIFT_DTYPE."""
    s.reference_n, s.window = reference_n, window


@entry
def count_neurons(s, idx, count):
    """Count one decision's active neurons. idx: int64 neurons, the first `count`."""
    if s.n_before < s.reference_n:
        for k in range(count):
            s.before[idx[k]] += 1
        s.n_before += 1
        return
    for k in range(count):
        s.now[idx[k]] += 1
    s.n_now += 1
    if s.n_now < s.window:
        return
    for i in range(NEURONS):
        s.latest[i] = s.now[i]
        s.now[i] = 0
    s.n_now = 0
    s.windows += 1


def top_neurons(s: Any, most: int = 5) -> tuple[NeuronShift, ...]:
    """Return the neurons whose share of active decisions moved furthest; none before there was a full window."""
    if s.windows == 0:
        return ()
    before = np.asarray(s.before) / int(s.n_before)
    after = np.asarray(s.latest) / int(s.window)
    order = np.argsort(-np.abs(after - before), kind="stable")[:most]
    return tuple(NeuronShift(int(i), float(before[i]), float(after[i])) for i in order)
