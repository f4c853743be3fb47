"""Without linear attention: of the policies that the regime lets trade, the highest weight does."""

from alphatrade_runtime.numerics.jit import inlined

NOBODY = -1


@inlined
def choose_by_weight(allowed, weights, n):
    """Return the allowed policy of the highest weight, the first of equal ones; -1 when none is allowed.

    allowed: int64, bit j set when policy j may trade.  weights: (>= n,) int64.
    """
    best = NOBODY
    for j in range(n):
        if (allowed >> j) & 1 and (best == NOBODY or weights[j] > weights[best]):
            best = j
    return best
