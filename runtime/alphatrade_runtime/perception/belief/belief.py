"""Value, sparse code and latent of one instrument at one decision (semantics §2, §22).

v = LN(E_in z);  x = unit(TopK(ReLU(D_x v + b)));  y = ReLU(D_y LN(a)) * x;  v* = LN(E' y)
"""

import math
from typing import Any

import numpy as np

from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.perception.belief.norms import layer_norm
from alphatrade_runtime.perception.belief.shape import MAX_INPUTS, NEURONS, STORED, WIDTH

BELIEF_DTYPE = np.dtype(
    [
        ("v", "f8", (WIDTH,)), ("count", "i8"), ("idx", "i8", (NEURONS,)), ("val", "f8", (NEURONS,)),
        ("threshold", "f8"), ("centre", "f8", (MAX_INPUTS,)), ("spread", "f8", (MAX_INPUTS,)), ("surprise", "f8"),
        ("sparsity", "f8"), ("y", "f8", (NEURONS,)), ("z", "f8", (MAX_INPUTS,)), ("h", "f8", (NEURONS,)),
        ("read", "f8", (WIDTH,)), ("candidate", "i8", (NEURONS,)), ("order", "f8", (NEURONS,)),
    ],
    align=True,
)  # fmt: skip
"""v: value; idx, val: the first `count` hold the code, idx ascending, val > 0 of unit norm; threshold: where the
search for the largest starts; centre, spread: posterior mean and variance of z; surprise: mean z^2 / 2; sparsity: share
of active neurons; y: y[k] belongs to neuron idx[k]. From z on: scratch."""

NO_NEURON = 0xFFFF  # fills idx of a stored row behind its last active neuron
REGIMES = 4

BELIEF_SNAPSHOT_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("belief_id", "i8"), ("event_ts_ns", "i8"), ("instrument", "u2"), ("regime", "u1"),
        ("idx", "u2", (STORED,)), ("val", "f8", (STORED,)), ("v", "f8", (WIDTH,)), ("surprise", "f8"),
        ("sparsity", "f8"), ("rho_norm", "f8"), ("posterior", "f8", (REGIMES,)), ("features_digest", "u8"),
        ("mark2", "i8"), ("expected_bps", "f8"),
    ],
    align=True,
)  # fmt: skip

_TRIES = 16  # halvings of a step
_SLACK = 0.85  # of the least active value: 1.4 k candidates pass when h is Gaussian


def reset(record: Any) -> None:
    """Forget everything; standardised features are expected at mean 0 and variance 1."""
    for name in BELIEF_DTYPE.names or ():
        record[name] = 0
    record["spread"] = 1.0


@inlined
def _folded(a0, a1, a2, a3, a4, a5, a6, a7):
    return ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))


@kernel
def _value(w, s, n):
    """Set v to E_in z before its norm; z is 0 from feature n on."""
    e = w.e_in
    z = s.z
    v = s.v
    for d in range(WIDTH):
        a0, a1, a2, a3, a4, a5, a6, a7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(0, n, 8):
            a0 += e[d, j] * z[j]
            a1 += e[d, j + 1] * z[j + 1]
            a2 += e[d, j + 2] * z[j + 2]
            a3 += e[d, j + 3] * z[j + 3]
            a4 += e[d, j + 4] * z[j + 4]
            a5 += e[d, j + 5] * z[j + 5]
            a6 += e[d, j + 6] * z[j + 6]
            a7 += e[d, j + 7] * z[j + 7]
        v[d] = _folded(a0, a1, a2, a3, a4, a5, a6, a7)


@kernel
def _excite(w, s):
    """Set h to b + D_x v, four columns a pass, each neuron summed in the order of d."""
    h = s.h
    b = w.b
    dx = w.d_x
    for i in range(NEURONS):
        h[i] = b[i]
    for d in range(0, WIDTH, 4):
        v0, v1, v2, v3 = s.v[d], s.v[d + 1], s.v[d + 2], s.v[d + 3]
        for i in range(NEURONS):
            h[i] = (((h[i] + v0 * dx[d, i]) + v1 * dx[d + 1, i]) + v2 * dx[d + 2, i]) + v3 * dx[d + 3, i]


@kernel
def _compact(s, threshold):
    """List the neurons above the threshold, ascending; return how many. No branch: which fire is unforeseeable."""
    h = s.h
    candidate = s.candidate
    n = 0
    for i in range(NEURONS):
        candidate[n] = i
        n += 1 if h[i] > threshold else 0
    return n


@kernel
def _kth_largest(a, n, k):
    """Return the k-th largest (k from 1) of the first n of a, which it reorders (Hoare's FIND)."""
    left = 0
    right = n - 1
    at = k - 1
    while left < right:
        pivot = a[(left + right) >> 1]
        i = left
        j = right
        while i <= j:
            while a[i] > pivot:
                i += 1
            while a[j] < pivot:
                j -= 1
            if i <= j:
                a[i], a[j] = a[j], a[i]
                i += 1
                j -= 1
        if j < at:
            left = i
        if i > at:
            right = j
    return a[at]


@inlined
def _above(a, n, least):
    """Count the first n of a that are above least."""
    count = 0
    for c in range(n):
        count += 1 if a[c] > least else 0
    return count


@kernel
def _cut(a, n, k, threshold):
    """Look for a number that exactly k of the first n of a are above, near the last one; NaN when none is found."""
    t = threshold * (1.0 / _SLACK) if threshold > 0.0 else 1.0
    step = 0.25 * t
    for _ in range(_TRIES):
        above = _above(a, n, t)
        if above == k:
            return t
        t = t + step if above > k else t - step
        step *= 0.5
    return math.nan


@kernel
def _keep_above(s, n, cut):
    """Write the candidates above the cut to idx and val; return how many. No branch."""
    kept = 0
    for c in range(n):
        i = s.candidate[c]
        s.idx[kept] = i
        s.val[kept] = s.order[c]
        kept += 1 if s.order[c] > cut else 0
    return kept


@kernel
def _keep_largest(s, n, k):
    """Write the k largest of n > k candidates to idx and val; of equal ones the lower indices."""
    for c in range(n):
        s.order[c] = s.h[s.candidate[c]]
    cut = _cut(s.order, n, k, s.threshold)
    if cut == cut:
        s.threshold = _SLACK * cut
        return _keep_above(s, n, cut)
    return _keep_exactly(s, n, k)


@kernel
def _keep_exactly(s, n, k):
    """Do the same by order statistics: the way out when equal values straddle the cut."""
    least = _kth_largest(s.order, n, k)
    ties = k - _above(s.order, n, least)
    kept = 0
    for c in range(n):
        i = s.candidate[c]
        x = s.h[i]
        tie = x == least and ties > 0
        if tie:
            ties -= 1
        if tie or x > least:
            s.idx[kept] = i
            s.val[kept] = x
            kept += 1
    s.threshold = _SLACK * least
    return kept


@kernel
def _keep_all(s, n):
    for c in range(n):
        s.idx[c] = s.candidate[c]
        s.val[c] = s.h[s.candidate[c]]
    s.threshold = 0.0
    return n


@kernel
def _largest(s, k):
    """Write the k largest positive h to idx and val, or all if they are fewer; return how many.

    All above a threshold are a superset of the k largest once there are k of them, so where the search starts
    never shows in the result.
    """
    n = _compact(s, s.threshold)
    if n < k and s.threshold > 0.0:
        n = _compact(s, 0.0)
    return _keep_largest(s, n, k) if n > k else _keep_all(s, n)


@kernel
def _length(val, n):
    """Return the Euclidean length of the first n of val."""
    a0, a1, a2, a3, a4, a5, a6, a7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    whole = n - (n & 7)
    for k in range(0, whole, 8):
        a0 += val[k] * val[k]
        a1 += val[k + 1] * val[k + 1]
        a2 += val[k + 2] * val[k + 2]
        a3 += val[k + 3] * val[k + 3]
        a4 += val[k + 4] * val[k + 4]
        a5 += val[k + 5] * val[k + 5]
        a6 += val[k + 6] * val[k + 6]
        a7 += val[k + 7] * val[k + 7]
    for k in range(whole, n):
        a0 += val[k] * val[k]
    return math.sqrt(_folded(a0, a1, a2, a3, a4, a5, a6, a7))


@kernel
def believe(w, s, z, n, k):
    """Form the belief of this decision: v, idx, val, active, sparsity.

    w: WEIGHTS_DTYPE.  s: BELIEF_DTYPE.  z: float64[64], |z| <= 8; a NaN counts as 0.  n: features.
    k: most active neurons, 1 to 512; 512 is dense. Values too small to square are no belief.
    """
    for j in range(MAX_INPUTS):
        s.z[j] = z[j] if j < n and z[j] == z[j] else 0.0
    _value(w, s, n)
    layer_norm(s.v, s.v)
    _excite(w, s)
    count = _largest(s, k)
    length = _length(s.val, count)
    if length > 0.0:
        scale = 1.0 / length
        for c in range(count):
            s.val[c] *= scale
    else:
        count = 0
    s.count = count
    s.sparsity = count * (1.0 / NEURONS)


@kernel
def moments(s, z, n, alpha):
    """Move the posterior mean and variance of z, both at the rate alpha, and set the surprise.

    m += alpha (z - m);  S = (1 - alpha) (S + alpha (z - m)^2), with m from before.
    """
    total = 0.0
    for j in range(n):
        away = z[j] - s.centre[j]
        s.centre[j] += alpha * away
        s.spread[j] = (1.0 - alpha) * (s.spread[j] + alpha * away * away)
        total += z[j] * z[j]
    s.surprise = 0.5 * total / n if n > 0 else 0.0


@kernel
def _row_dot(rows, i, x):
    """Return row i of rows times x. rows: float64[512, 32].  x: float64[32]."""
    a0, a1, a2, a3, a4, a5, a6, a7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for d in range(0, WIDTH, 8):
        a0 += rows[i, d] * x[d]
        a1 += rows[i, d + 1] * x[d + 1]
        a2 += rows[i, d + 2] * x[d + 2]
        a3 += rows[i, d + 3] * x[d + 3]
        a4 += rows[i, d + 4] * x[d + 4]
        a5 += rows[i, d + 5] * x[d + 5]
        a6 += rows[i, d + 6] * x[d + 6]
        a7 += rows[i, d + 7] * x[d + 7]
    return _folded(a0, a1, a2, a3, a4, a5, a6, a7)


@kernel
def latent(w, s, a, out):
    """Set y of the active neurons and write v* = LN(E' y).

    a: float64[32], what the belief read from memory; all 0 gives v* = 0.  out: float64[32].
    """
    layer_norm(a, s.read)
    for d in range(WIDTH):
        out[d] = 0.0
    for k in range(s.count):
        i = s.idx[k]
        y = max(_row_dot(w.d_y, i, s.read), 0.0) * s.val[k]
        s.y[k] = y
        for d in range(WIDTH):
            out[d] += y * w.e[i, d]
    layer_norm(out, out)


@kernel
def snapshot(row, s):
    """Fill idx, val, v, surprise and sparsity of a stored row; of a denser code its 26 largest are kept.

    row: BELIEF_SNAPSHOT_DTYPE; idx is ascending and NO_NEURON behind the last. The caller's part of the row is not
    touched: seq, belief_id, event_ts_ns, instrument, regime, rho_norm, posterior, features_digest, mark2,
    expected_bps.
    """
    least = 0.0
    ties = 0
    if s.count > STORED:
        for k in range(s.count):
            s.order[k] = s.val[k]
        least = _kth_largest(s.order, s.count, STORED)
        ties = STORED - _above(s.order, s.count, least)
    kept = 0
    for k in range(s.count):
        tie = s.val[k] == least and ties > 0
        if tie:
            ties -= 1
        if tie or s.val[k] > least:
            row.idx[kept] = s.idx[k]
            row.val[kept] = s.val[k]
            kept += 1
    for k in range(kept, STORED):
        row.idx[k] = NO_NEURON
        row.val[k] = 0.0
    for d in range(WIDTH):
        row.v[d] = s.v[d]
    row.surprise = s.surprise
    row.sparsity = s.sparsity
