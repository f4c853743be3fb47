"""Fast weights: read what came with the active neurons so far, then write what comes with them now (semantics §3).

a = rho' x; rho <- keep rho + step gate x v''. Hebb's rule: v' = v, so ||rho|| <= max ||v|| = sqrt(32) for unit x and a
gate of at most 1. Delta rule: v' = v - a. Decay is lazy: one scale. Rows that are written have their squares computed
anew, so the norm is exact but for the rounding of one sum, which is made anew every 512 decisions.
"""

import math

from alphatrade_runtime.adaptation.fast_weights.state import DELTA, GOOD_EVERY
from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.perception.belief.shape import NEURONS, WIDTH

_LEAST_SCALE = 1e-8
_TINY = 1e-100  # a weight below it is 0 once renormalised: its square would be subnormal, hence slow


@kernel
def read(s, idx, val, count, a):
    """Write rho' x into a, float64[32]: strictly of the past. idx, val: active neurons, the first `count`."""
    for d in range(WIDTH):
        a[d] = 0.0
    for k in range(count):
        i = idx[k]
        weight = val[k]
        for d in range(WIDTH):
            a[d] += weight * s.rho[i, d]
    for d in range(WIDTH):
        a[d] *= s.scale


@kernel
def write(s, p, idx, val, count, v, a, gate):
    """Decay, then learn one decision. v, a: float64[32], the value now and what was read.  gate: in [0, 1].

    No active neuron: decay alone. A value that is not finite, or a norm at the bound, is a fault: rho goes back to its
    last good copy and only decays from then on. The delta rule may reach its bound, and is scaled back. Returns 1 at a
    fault.
    """
    s.decisions += 1
    s.scale *= p.keep
    if s.scale < _LEAST_SCALE:
        _renormalise(s)
    if s.frozen == 0 and count > 0:
        if not _finite(idx, val, count, v, a, gate):
            return _fault(s)
        _learn(s, p, idx, val, count, v, a, min(max(gate, 0.0), 1.0))
        s.writes += 1
    if s.decisions % NEURONS == 0:
        _sum_anew(s)
    s.norm = s.scale * math.sqrt(max(s.total, 0.0))
    if not s.norm < p.bound:
        if p.rule != DELTA or not s.norm < math.inf:
            return _fault(s)
        s.scale *= p.bound / s.norm * (1.0 - 1e-12)
        s.norm = s.scale * math.sqrt(max(s.total, 0.0))
        s.clamps += 1
    if s.decisions % GOOD_EVERY == 0 and s.frozen == 0:
        _keep_copy(s)
    return 0


@inlined
def _finite(idx, val, count, v, a, gate):
    total = gate
    for d in range(WIDTH):
        total += v[d] * 0.0 + a[d] * 0.0
    for k in range(count):
        total += val[k] * 0.0
    return total == total and abs(total) < math.inf


@inlined
def _learn(s, p, idx, val, count, v, a, gate):
    """Add the product to the active rows, and bring their squares up to date."""
    step = p.step * gate / s.scale
    back = 1.0 if p.rule == DELTA else 0.0
    for k in range(count):
        i = idx[k]
        weight = step * val[k]
        for d in range(WIDTH):
            s.rho[i, d] += weight * (v[d] - back * a[d])
        square = _square(s, i)
        s.total += square - s.squares[i]
        s.squares[i] = square


@inlined
def _square(s, i):
    """Return the sum of squares of a row: 8 accumulators, combined in pairs."""
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = 0.0
    for d in range(0, WIDTH, 8):
        a0 += s.rho[i, d] * s.rho[i, d]
        a1 += s.rho[i, d + 1] * s.rho[i, d + 1]
        a2 += s.rho[i, d + 2] * s.rho[i, d + 2]
        a3 += s.rho[i, d + 3] * s.rho[i, d + 3]
        a4 += s.rho[i, d + 4] * s.rho[i, d + 4]
        a5 += s.rho[i, d + 5] * s.rho[i, d + 5]
        a6 += s.rho[i, d + 6] * s.rho[i, d + 6]
        a7 += s.rho[i, d + 7] * s.rho[i, d + 7]
    return ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))


@kernel
def _sum_anew(s):
    total = 0.0
    for i in range(NEURONS):
        total += s.squares[i]
    s.total = total


@kernel
def _renormalise(s):
    """Put the scale into rho, which has become too small a number beside it."""
    for i in range(NEURONS):
        for d in range(WIDTH):
            weight = s.rho[i, d] * s.scale
            s.rho[i, d] = 0.0 if abs(weight) < _TINY else weight
        s.squares[i] = _square(s, i)
    s.scale = 1.0
    _sum_anew(s)


@kernel
def _keep_copy(s):
    s.good_scale = s.scale
    s.good_total = s.total
    for i in range(NEURONS):
        s.good_squares[i] = s.squares[i]
        for d in range(WIDTH):
            s.good[i, d] = s.rho[i, d]


@kernel
def _fault(s):
    """Go back to the last good copy, to learn no more."""
    s.faults += 1
    s.frozen = 1
    s.scale = s.good_scale
    s.total = s.good_total
    for i in range(NEURONS):
        s.squares[i] = s.good_squares[i]
        for d in range(WIDTH):
            s.rho[i, d] = s.good[i, d]
    s.norm = s.scale * math.sqrt(max(s.total, 0.0))
    return 1


@kernel
def synapse(s, d_y, sources, n_sources, targets, n_targets):
    """Return the mean effective synapse (D_y rho')_ij from source neurons j to target neurons i; 0 without any.

    d_y: (512, 32).  sources, targets: int64 neurons, the first n of each.
    """
    if n_sources == 0 or n_targets == 0:
        return 0.0
    total = 0.0
    for d in range(WIDTH):
        to = 0.0
        of = 0.0
        for k in range(n_targets):
            to += d_y[targets[k], d]
        for k in range(n_sources):
            of += s.rho[sources[k], d]
        total += to * of
    return total * s.scale / (n_sources * n_targets)
