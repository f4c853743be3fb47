"""From standardised features to a sparse code, and from what was read to the latent (semantics §2, §22).

v = LN(E_in z); h = D_x v + b; x = unit(TopK(ReLU(h))), ties by lower index. v* = LN(E' (ReLU(D_y LN(a)) * x)).
"""

import math

import numpy as np

from alphatrade_runtime.numerics.jit import inlined, kernel
from alphatrade_runtime.perception.belief.norms import layer_norm
from alphatrade_runtime.perception.belief.shape import MAX_INPUTS, NEURONS, STORED, WIDTH

_NARROW = 0.8  # of the least value that was taken last: what lies above it are this decision's candidates

# v: value.  h: of every neuron.  idx, val: the active neurons in rising order and their values, the first `count`.
# threshold: where to look for them.  fallbacks: decisions at which it was too high.
# centre, spread: mean and variance of z, the posterior.
BELIEF_DTYPE = np.dtype(
    [
        ("count", "i8"), ("fallbacks", "i8"), ("threshold", "f8"), ("surprise", "f8"), ("sparsity", "f8"),
        ("v", "f8", (WIDTH,)), ("h", "f8", (NEURONS,)), ("idx", "i8", (NEURONS,)), ("val", "f8", (NEURONS,)),
        ("top_idx", "i8", (NEURONS,)), ("top_val", "f8", (NEURONS,)),
        ("centre", "f8", (MAX_INPUTS,)), ("spread", "f8", (MAX_INPUTS,)),
    ],
    align=True,
)  # fmt: skip

# A belief as stored. belief_id: its decision.  idx, val: the active neurons, rising; 65535 and 0 where there are fewer.
BELIEF_SNAPSHOT_DTYPE = np.dtype(
    [
        ("seq", "i8"), ("belief_id", "i8"), ("event_ts_ns", "i8"), ("val", "f8", (STORED,)), ("v", "f8", (WIDTH,)),
        ("surprise", "f8"), ("sparsity", "f8"), ("rho_norm", "f8"), ("posterior", "f8", (4,)),
        ("features_digest", "u8"), ("idx", "u2", (STORED,)), ("instrument", "u2"), ("regime", "u1"),
    ],
    align=True,
)  # fmt: skip
_NOT_ACTIVE = 65_535


@inlined
def _embed(w, s, z, n):
    for d in range(WIDTH):
        total = 0.0
        for f in range(n):
            total += w.e_in[d, f] * z[f]
        s.v[d] = total
    layer_norm(s.v, s.v)


@inlined
def _excite(w, s):
    """h = D_x v + b, four values a pass: runs of neurons, which vectorise without changing the order of a sum."""
    for j in range(NEURONS):
        s.h[j] = w.b[j]
    for d in range(0, WIDTH, 4):
        v0, v1, v2, v3 = s.v[d], s.v[d + 1], s.v[d + 2], s.v[d + 3]
        for j in range(NEURONS):
            s.h[j] += (v0 * w.d_x[d, j] + v1 * w.d_x[d + 1, j]) + (v2 * w.d_x[d + 2, j] + v3 * w.d_x[d + 3, j])


@inlined
def _above(s, threshold):
    """Collect the neurons above a threshold in rising order; return how many."""
    n = 0
    for j in range(NEURONS):
        s.idx[n] = j
        s.val[n] = s.h[j]
        n += 1 if s.h[j] > threshold else 0
        if n == NEURONS:
            return n
    return n


@kernel
def _best(s, n, k):
    """Leave of n candidates the k largest, in rising order of neurons; of equal ones the lower."""
    kept = 0
    for c in range(n):
        x = s.val[c]
        if kept == k and not x > s.top_val[k - 1]:
            continue
        at = kept if kept < k else k - 1
        while at > 0 and s.top_val[at - 1] < x:
            s.top_val[at] = s.top_val[at - 1]
            s.top_idx[at] = s.top_idx[at - 1]
            at -= 1
        s.top_val[at] = x
        s.top_idx[at] = s.idx[c]
        kept = min(kept + 1, k)
    s.threshold = _NARROW * s.top_val[k - 1]
    for c in range(k):
        j = s.top_idx[c]
        x = s.top_val[c]
        at = c
        while at > 0 and s.idx[at - 1] > j:
            s.idx[at] = s.idx[at - 1]
            s.val[at] = s.val[at - 1]
            at -= 1
        s.idx[at] = j
        s.val[at] = x


@kernel
def _activate(s, k):
    """Take the k largest positive h; fewer when there are not as many."""
    n = _above(s, s.threshold) if s.threshold > 0.0 else 0
    if n < k:
        s.fallbacks += 1
        n = _above(s, 0.0)
    if n > k:
        _best(s, n, k)
        n = k
    s.count = n


@kernel
def believe(w, s, z, n, k):
    """Form the belief from z, the first n of float64[64]; k: most neurons that may be active, 512 is the dense code."""
    _embed(w, s, z, n)
    _excite(w, s)
    _activate(s, k)
    squares = 0.0
    for c in range(s.count):
        squares += s.val[c] * s.val[c]
    per = 1.0 / math.sqrt(squares) if squares > 0.0 else 0.0
    for c in range(s.count):
        s.val[c] *= per
    s.sparsity = s.count * (1.0 / NEURONS)


@kernel
def moments(s, z, n, rate):
    """Move mean and variance of z at one rate, and note the surprise: half its mean square."""
    squares = 0.0
    for f in range(n):
        off = z[f] - s.centre[f]
        s.spread[f] = (1.0 - rate) * (s.spread[f] + rate * off * off)
        s.centre[f] += rate * off
        squares += z[f] * z[f]
    s.surprise = 0.5 * squares / n if n > 0 else 0.0


@kernel
def latent(w, s, la, out):
    """Write v* into out, float64[32]. la: LN of what was read, float64[32]. Only the active rows of D_y are touched."""
    for d in range(WIDTH):
        out[d] = 0.0
    for c in range(s.count):
        i = s.idx[c]
        pull = 0.0
        for d in range(WIDTH):
            pull += w.d_y[i, d] * la[d]
        y = max(pull, 0.0) * s.val[c]
        for d in range(WIDTH):
            out[d] += y * w.e[i, d]
    layer_norm(out, out)


@kernel
def snapshot(row, s):
    """Fill in the belief's part of a row of BELIEF_SNAPSHOT_DTYPE: of a denser code its 26 largest."""
    n = 0
    if s.count <= STORED:
        n = s.count
        for c in range(n):
            row.idx[c] = s.idx[c]
            row.val[c] = s.val[c]
    else:
        n = _largest(row, s)
    for c in range(n, STORED):
        row.idx[c] = _NOT_ACTIVE
        row.val[c] = 0.0
    for d in range(WIDTH):
        row.v[d] = s.v[d]
    row.surprise = s.surprise
    row.sparsity = s.sparsity


@kernel
def _largest(row, s):
    """Store the 26 largest values in rising order of neurons; of equal ones the lower."""
    kept = 0
    for c in range(s.count):
        x = s.val[c]
        if kept == STORED and not x > s.top_val[STORED - 1]:
            continue
        at = kept if kept < STORED else STORED - 1
        while at > 0 and s.top_val[at - 1] < x:
            s.top_val[at] = s.top_val[at - 1]
            s.top_idx[at] = s.top_idx[at - 1]
            at -= 1
        s.top_val[at] = x
        s.top_idx[at] = s.idx[c]
        kept = min(kept + 1, STORED)
    for c in range(STORED):
        j = s.top_idx[c]
        x = s.top_val[c]
        at = c
        while at > 0 and row.idx[at - 1] > j:
            row.idx[at] = row.idx[at - 1]
            row.val[at] = row.val[at - 1]
            at -= 1
        row.idx[at] = j
        row.val[at] = x
    return STORED
