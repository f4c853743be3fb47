"""What a trained readout expects of the price, and how probable it makes a rise."""

from alphatrade_runtime.numerics.jit import hot, kernel
from alphatrade_runtime.numerics.math import exp_det
from alphatrade_runtime.perception.belief.shape import WIDTH

# Page (1977): the normal distribution function as a logistic one, within 1.4e-4 of it.
_LINEAR, _CUBIC = 1.5976, 0.070565
_FAR = 8.0  # standard deviations; beyond them exp would overflow and the odds are what they were


@kernel
def read_out(w, v):
    """Return the return in bps that is expected over the readout's horizon. w: of WEIGHTS_DTYPE.  v: float64[32]."""
    total = 0.0
    for d in range(WIDTH):
        total += w.readout[d] * v[d]
    return total + w.bias


@hot
def rise_probability(expected_bps, spread_bps):
    """Return how probable a return above 0 is when it is normal around what is expected. spread_bps: above 0."""
    x = min(max(expected_bps / spread_bps, -_FAR), _FAR)
    return 1.0 / (1.0 + exp_det(-(_LINEAR * x + _CUBIC * x * x * x)))
