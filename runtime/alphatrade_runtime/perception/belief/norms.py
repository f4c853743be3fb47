"""Layer norm without affine, over the belief's width."""

import math

from alphatrade_runtime.numerics.jit import kernel
from alphatrade_runtime.perception.belief.shape import WIDTH

EPS = 1e-12
_SHARE = 1.0 / WIDTH  # a power of two: exact


@kernel
def _mean(x):
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
    return (((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))) * _SHARE


@kernel
def _variance(x, mean):
    a0, a1, a2, a3, a4, a5, a6, a7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(0, WIDTH, 8):
        a0 += (x[i] - mean) * (x[i] - mean)
        a1 += (x[i + 1] - mean) * (x[i + 1] - mean)
        a2 += (x[i + 2] - mean) * (x[i + 2] - mean)
        a3 += (x[i + 3] - mean) * (x[i + 3] - mean)
        a4 += (x[i + 4] - mean) * (x[i + 4] - mean)
        a5 += (x[i + 5] - mean) * (x[i + 5] - mean)
        a6 += (x[i + 6] - mean) * (x[i + 6] - mean)
        a7 += (x[i + 7] - mean) * (x[i + 7] - mean)
    return (((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))) * _SHARE


@kernel
def layer_norm(x, out):
    """Write (x - mean) / sqrt(variance + 1e-12) into out; a constant x gives 0.

    x, out: float64[32], finite, |x| < 1e150; they may be the same array.
    """
    mean = _mean(x)
    scale = 1.0 / math.sqrt(_variance(x, mean) + EPS)
    for i in range(WIDTH):
        out[i] = (x[i] - mean) * scale
