"""Read, write and guard the fast weights; read first, then write, so that a read is strictly of the past."""

import math

from alphatrade_runtime.adaptation.fast_weights.state import HEBB, NEURONS, WIDTH
from alphatrade_runtime.numerics.jit import kernel

ROWS = 16  # rows of the norm recomputed a decision
GOOD_EVERY = 4096  # decisions between two copies of the state for the way back
_LEAST_C = 1e-8
_TINY = 1e-100  # smaller than this is 0 after renormalising: squares of it would be subnormal, hence slow


@kernel
def _dot(x, y):
    a0, a1, a2, a3, a4, a5, a6, a7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(0, WIDTH, 8):
        a0 += x[i] * y[i]
        a1 += x[i + 1] * y[i + 1]
        a2 += x[i + 2] * y[i + 2]
        a3 += x[i + 3] * y[i + 3]
        a4 += x[i + 4] * y[i + 4]
        a5 += x[i + 5] * y[i + 5]
        a6 += x[i + 6] * y[i + 6]
        a7 += x[i + 7] * y[i + 7]
    return ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))


@kernel
def _sum(x):
    a0, a1, a2, a3, a4, a5, a6, a7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(0, WIDTH, 8):
        a0 += x[i]
        a1 += x[i + 1]
        a2 += x[i + 2]
        a3 += x[i + 3]
        a4 += x[i + 4]
        a5 += x[i + 5]
        a6 += x[i + 6]
        a7 += x[i + 7]
    return ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))


@kernel
def read(s, idx, val, count, a):
    """Write rho_true^T x of the first `count` active neurons into a. idx: int[count] < 512. a: float64[32]."""
    for j in range(WIDTH):
        a[j] = 0.0
    for k in range(count):
        i = idx[k]
        x = val[k] * s.c
        for j in range(WIDTH):
            a[j] += x * s.rho[i, j]


@kernel
def _restart_pass(s):
    s.cursor = 0
    for j in range(WIDTH):
        s.lanes[j] = 0.0


@kernel
def checkpoint(s):
    """Copy the state to the last good one."""
    for i in range(NEURONS):
        for j in range(WIDTH):
            s.good[i, j] = s.rho[i, j]
    s.good_c = s.c
    s.good_norm2 = s.norm2
    s.good_at = s.decisions


@kernel
def _fault(s):
    """Go back to the last good state and write no more."""
    for i in range(NEURONS):
        for j in range(WIDTH):
            s.rho[i, j] = s.good[i, j]
    s.c = s.good_c
    s.norm2 = s.good_norm2
    s.faults += 1
    s.frozen = 1
    _restart_pass(s)


@kernel
def _renormalise(s):
    for i in range(NEURONS):
        for j in range(WIDTH):
            x = s.rho[i, j] * s.c
            s.rho[i, j] = x if abs(x) > _TINY else 0.0
    s.c = 1.0
    _restart_pass(s)


@kernel
def _recompute(s, p):
    """Square 16 more rows; at the end of a pass take the exact norm, and now and then a copy."""
    for i in range(s.cursor, s.cursor + ROWS):
        for j in range(WIDTH):
            s.lanes[j] += s.rho[i, j] * s.rho[i, j]
    s.cursor += ROWS
    if s.cursor < NEURONS:
        return
    exact = _sum(s.lanes) * s.c * s.c
    _restart_pass(s)
    if not exact <= p.clamp * p.clamp * 1.0001:
        _fault(s)
        return
    s.norm2 = exact
    if s.decisions - s.good_at >= GOOD_EVERY:
        checkpoint(s)


@kernel
def _add_rows(s, idx, val, count, scale):
    """Add scale * x aim^T to the stored rows; rows already squared in this pass are squared anew."""
    for k in range(count):
        i = idx[k]
        x = val[k] * scale
        if i < s.cursor:
            for j in range(WIDTH):
                old = s.rho[i, j]
                new = old + x * s.aim[j]
                s.rho[i, j] = new
                s.lanes[j] += new * new - old * old
        else:
            for j in range(WIDTH):
                s.rho[i, j] += x * s.aim[j]


@kernel
def _learn(s, p, idx, val, count, v, a, gate):
    """Write one code; False when it would reach the bound or is not a number, then nothing is written."""
    step = p.step * min(gate, 1.0) if gate == gate else gate
    for j in range(WIDTH):
        s.aim[j] = v[j] if p.rule == HEBB else v[j] - a[j]
    xx = 0.0
    for k in range(count):
        xx += val[k] * val[k]
    limit = p.clamp * p.clamp
    after = p.decay * p.decay * s.norm2 + 2.0 * p.decay * step * _dot(a, s.aim) + step * step * _dot(s.aim, s.aim) * xx
    if not after < (limit if p.rule == HEBB else 4.0 * limit):
        return False
    s.c *= p.decay
    _add_rows(s, idx, val, count, step / s.c)
    s.norm2 = max(after, 0.0)
    if after > limit:
        s.c *= p.clamp / math.sqrt(after)
        s.norm2 = limit
    s.writes += 1
    return True


@kernel
def write(s, p, idx, val, count, v, a, gate):
    """Decay, then add step * gate * x v'^T. a: what `read` gave for this very code. gate: 0..1."""
    if s.frozen != 0:
        return
    s.decisions += 1
    if count == 0 or gate <= 0.0:
        s.c *= p.decay
        s.norm2 *= p.decay * p.decay
    elif not _learn(s, p, idx, val, count, v, a, gate):
        _fault(s)
        return
    if s.c < _LEAST_C:
        _renormalise(s)
    _recompute(s, p)


@kernel
def synapse(s, d_y, sources, n_sources, targets, n_targets):
    """Return the mean weight of D_y rho^T from source to target neurons; NaN without a pair. d_y: float64[512, 32]."""
    if n_sources == 0 or n_targets == 0:
        return math.nan
    total = 0.0
    for j in range(WIDTH):
        row = 0.0
        for k in range(n_sources):
            row += s.rho[sources[k], j]
        col = 0.0
        for k in range(n_targets):
            col += d_y[targets[k], j]
        total += row * col
    return s.c * total / (float(n_sources) * float(n_targets))
