"""How strongly a probe's neurons pull towards a policy: what links probe, neurons and policy in an attribution.

A neuron belongs to the feature that excites it most, |D_x E_in|, and so to each probe that lists this feature among its
tags. Its effective synapse to a policy is rho_i . u_j: what one more unit of the neuron adds to the policy's pull.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.perception.belief.shape import NEURONS, WIDTH
from alphatrade_runtime.reflection.probes.state import DOCS, PROBES, Probe


def tagged_neurons(weights: Any, features: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Return which neurons are each probe's, uint8[6, 512]: 1 it is. features: of the belief, in its order."""
    owner = np.array([_strongest(weights, i, len(features)) for i in range(NEURONS)])
    tagged = np.zeros((PROBES, NEURONS), np.uint8)
    for probe in Probe:
        own = [k for k, name in enumerate(features) if name in DOCS[probe].tags]
        tagged[probe] = np.isin(owner, own)
    return tagged


def _strongest(weights: Any, i: int, inputs: int) -> int:
    """Return the feature that excites neuron i most; sums are exact, so that every host agrees."""
    column, e_in = weights["d_x"][:, i], weights["e_in"]
    drive = [abs(math.fsum(float(column[d]) * float(e_in[d, k]) for d in range(WIDTH))) for k in range(inputs)]
    return drive.index(max(drive))


@kernel
def synapses(fast, u, j, tagged, out):
    """Write the mean effective synapse of each probe's neurons to policy j. fast: record.  u: float64[16, 32].

    tagged: uint8[6, 512].  out: float64[6]; NaN for a probe without neurons.
    """
    for p in range(PROBES):
        out[p] = 0.0
    for i in range(NEURONS):
        if fast.squares[i] != 0.0:
            pull = 0.0
            for d in range(WIDTH):
                pull += fast.rho[i, d] * u[j, d]
            for p in range(PROBES):
                if tagged[p, i] != 0:
                    out[p] += pull
    for p in range(PROBES):
        n = 0
        for i in range(NEURONS):
            n += tagged[p, i]
        out[p] = out[p] * fast.scale / n if n > 0 else math.nan
