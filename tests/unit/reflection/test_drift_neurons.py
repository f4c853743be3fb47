"""Which neurons are active more or less often than in the reference."""

import numpy as np

from alphatrade_runtime.reflection.drift.neurons import NEURON_SHIFT_DTYPE, count_neurons, reset, top_neurons
from unit.reflection.drift_streams import one


def counted(codes):
    s = one(NEURON_SHIFT_DTYPE)
    reset(s, reference_n=100, window=10)
    for code in codes:
        idx = np.zeros(512, np.int64)
        idx[: len(code)] = code
        count_neurons(s, idx, len(code))
    return s


def test_shares_are_of_the_reference_and_of_the_last_full_window():
    reference = [[1, 2, 511]] * 50 + [[2, 3]] * 50
    s = counted(reference + [[9]] * 10 + [[2, 3, 4]] * 5 + [[2, 511]] * 5 + [[7]] * 9)
    shifts = [(one.neuron, one.active_before, one.active_after) for one in top_neurons(s)]
    assert shifts == [(1, 0.5, 0.0), (4, 0.0, 0.5), (0, 0.0, 0.0), (2, 1.0, 1.0), (3, 0.5, 0.5)]


def test_before_a_full_window_no_neuron_is_named():
    assert top_neurons(counted([[1]] * 109)) == ()
    assert len(top_neurons(counted([[1]] * 110))) == 5
