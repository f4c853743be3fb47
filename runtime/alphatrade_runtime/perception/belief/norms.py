"""Layer norm of a value: mean 0, variance 1, no parameters."""

import math

from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.perception.belief.shape import WIDTH

_EPSILON = 1e-12


@kernel
def layer_norm(x, out):
    """Write LN(x) into out, both float64[32], maybe the same. A constant x gives zeros."""
    total = 0.0
    for d in range(WIDTH):
        total += x[d]
    mean = total * (1.0 / WIDTH)
    squares = 0.0
    for d in range(WIDTH):
        squares += (x[d] - mean) * (x[d] - mean)
    per = 1.0 / math.sqrt(squares * (1.0 / WIDTH) + _EPSILON)
    for d in range(WIDTH):
        out[d] = (x[d] - mean) * per
