"""Elementary functions that give the same bits on every host and without the compiler.

libm differs between hosts, so everything that reaches a decision or a digest uses these:
only + - * / sqrt and exact work on the bits of a float64. At most 2 ulp from the true value.
NaN gives NaN; nothing raises and nothing warns. Coefficients: fdlibm (exp, log, sin, cos),
Cephes (tanh), Wichura AS241 PPND16 (normal).
"""

import math
import struct
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic, overload

from alphatrade_runtime.numerics.jit import entry, inlined

INF = float("inf")
NAN = float("nan")
NAN_BITS = 0x7FF8000000000000  # what every NaN counts as in a digest
SINCOS_MAX = 1048576.0  # 2^20: beyond it the three-part reduction below loses bits

_EXPONENT = 0x7FF
_MANTISSA = 0x000FFFFFFFFFFFFF

_LN2_HI = 6.93147180369123816490e-01
_LN2_LO = 1.90821492927058770002e-10
_INV_LN2 = 1.44269504088896338700e00
_ROUND = 6755399441055744.0  # 1.5 * 2^52: adding and subtracting it rounds to an integer

_EXP_OVERFLOW = 7.09782712893383973096e02
_EXP_UNDERFLOW = -7.45133219101941108420e02
_TWO_54 = 18014398509481984.0
_TWO_M54 = 5.5511151231257827e-17

_SQRT_HALF_BITS = 0x3FE6A09E00000000
_ONE_BITS = 0x3FF0000000000000

_PIO2_INV = 6.36619772367581382433e-01
_PIO2_1 = 1.57079632673412561417e00  # first 33 bits of pi/2, then the next 33, and so on
_PIO2_1T = 6.07710050650619224932e-11
_PIO2_2 = 6.07710050630396597660e-11
_PIO2_2T = 2.02226624879595063154e-21
_PIO2_3 = 2.02226624871116645580e-21
_PIO2_3T = 8.47842766036889956997e-32


def float_bits(x: float) -> int:
    """Give the IEEE 754 bits of x as a signed 64-bit integer."""
    return struct.unpack("<q", struct.pack("<d", x))[0]


def bits_float(bits: int) -> float:
    """Give the float64 whose IEEE 754 bits are the signed 64-bit integer."""
    return struct.unpack("<d", struct.pack("<q", bits))[0]


@intrinsic
def _bitcast_to_int(typingctx: Any, x: Any) -> tuple[Signature, Any]:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _bitcast_to_float(typingctx: Any, bits: Any) -> tuple[Signature, Any]:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), generate


@overload(float_bits, inline="always")
def _float_bits_compiled(x: Any) -> Any:
    def compiled(x: Any) -> Any:
        return _bitcast_to_int(x)

    return compiled


@overload(bits_float, inline="always")
def _bits_float_compiled(bits: Any) -> Any:
    def compiled(bits: Any) -> Any:
        return _bitcast_to_float(bits)

    return compiled


@entry
def exp_det(x: float) -> float:
    """Give e**x; inf above 709.78, subnormal and then 0 below -708.4 and -745.13."""
    x = float(x)
    if x != x:
        return x
    if x > _EXP_OVERFLOW:
        return INF
    if x < _EXP_UNDERFLOW:
        return 0.0
    k_float = (x * _INV_LN2 + _ROUND) - _ROUND
    high = x - k_float * _LN2_HI
    low = k_float * _LN2_LO
    r = high - low
    t = r * r
    p = 4.13813679705723846039e-08
    p = t * p - 1.65339022054652515390e-06
    p = t * p + 6.61375632143793436117e-05
    p = t * p - 2.77777777770155933842e-03
    p = t * p + 1.66666666666666019037e-01
    c = r - t * p
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    k = int(k_float)
    if k > 1023:
        return y * 2.0 * bits_float((k + 1022) << 52)
    if k < -1021:
        return y * bits_float((k + 1077) << 52) * _TWO_M54
    return y * bits_float((k + 1023) << 52)


@entry
def log_det(x: float) -> float:
    """Give ln(x); -inf at 0, NaN below 0, inf at inf."""
    x = float(x)
    if not x > 0.0:
        return -INF if x == 0.0 else NAN
    if x == INF:
        return x
    k = 0
    if x < 2.2250738585072014e-308:
        x = x * _TWO_54
        k = -54
    bits = float_bits(x) + (_ONE_BITS - _SQRT_HALF_BITS)
    k += (bits >> 52) - 1023
    f = bits_float((bits & _MANTISSA) + _SQRT_HALF_BITS) - 1.0
    half_square = 0.5 * f * f
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = 1.818357216161805012e-01 + w * 1.479819860511658591e-01
    odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * odd))
    k_float = float(k)
    tail = s * (half_square + (odd + even)) + k_float * _LN2_LO
    return tail - half_square + f + k_float * _LN2_HI


@entry
def tanh_det(x: float) -> float:
    """Give tanh(x); -1 and 1 at the infinities."""
    x = float(x)
    size = -x if x < 0.0 else x
    if size == 0.0:
        return x  # keeps the sign of -0.0
    if not size >= 0.625:  # NaN too
        z = x * x
        p = (-9.64399179425052238628e-01 * z - 9.92877231001918586564e01) * z - 1.61468768441708447952e03
        q = ((z + 1.12811678491632931402e02) * z + 2.23548839060100448583e03) * z + 4.84406305325125486048e03
        return x + x * z * (p / q)
    y = 1.0 if size > 22.0 else 1.0 - 2.0 / (exp_det(2.0 * size) + 1.0)
    return -y if x < 0.0 else y


@inlined
def _sin_kernel(x: float, tail: float) -> float:
    """Give sin(x + tail) for |x| <= pi/4."""
    z = x * x
    w = z * z
    r = 8.33333333332248946124e-03 + z * (-1.98412698298579493134e-04 + z * 2.75573137070700676789e-06)
    r = r + z * w * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
    v = z * x
    return x - ((z * (0.5 * tail - v * r) - tail) - v * -1.66666666666666324348e-01)


@inlined
def _cos_kernel(x: float, tail: float) -> float:
    """Give cos(x + tail) for |x| <= pi/4."""
    z = x * x
    w = z * z
    r = z * (4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 + z * 2.48015872894767294178e-05))
    q = -2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
    r = r + w * w * q
    half = 0.5 * z
    lead = 1.0 - half
    return lead + (((1.0 - lead) - half) + (z * r - x * tail))


@inlined
def _exponent(x: float) -> int:
    """Give the biased exponent of x."""
    return (float_bits(x) >> 52) & _EXPONENT


@inlined
def _reduce(x: float, quarter: float) -> tuple[float, float]:
    """Give x - quarter * pi/2 as a high and a low part, exact to about 2^-118."""
    size = _exponent(x)
    r = x - quarter * _PIO2_1
    w = quarter * _PIO2_1T
    y = r - w
    if size - _exponent(y) > 16:
        t = r
        w = quarter * _PIO2_2
        r = t - w
        w = quarter * _PIO2_2T - ((t - r) - w)
        y = r - w
        if size - _exponent(y) > 49:
            t = r
            w = quarter * _PIO2_3
            r = t - w
            w = quarter * _PIO2_3T - ((t - r) - w)
            y = r - w
    return y, (r - y) - w


@entry
def sincos_det(x: float) -> tuple[float, float]:
    """Give (sin x, cos x); NaN for an infinity and for |x| > 2^20, where the caller must reduce first."""
    x = float(x)
    if not (-SINCOS_MAX <= x <= SINCOS_MAX):
        return NAN, NAN
    quarter = (x * _PIO2_INV + _ROUND) - _ROUND
    y, tail = _reduce(x, quarter)
    s = _sin_kernel(y, tail)
    c = _cos_kernel(y, tail)
    turn = int(quarter) & 3
    if turn == 0:
        return s, c
    if turn == 1:
        return c, -s
    if turn == 2:
        return -s, -c
    return -c, s


@inlined
def _normal_centre(q: float) -> float:
    """Give the normal quantile of 0.5 + q for |q| <= 0.425."""
    r = 0.180625 - q * q
    p = 2.5090809287301226727e3 * r + 3.3430575583588128105e4
    p = (p * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4
    p = (p * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3
    p = (p * r + 1.3314166789178437745e2) * r + 3.3871328727963666080e0
    d = 5.2264952788528545610e3 * r + 2.8729085735721942674e4
    d = (d * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4
    d = (d * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2
    d = (d * r + 4.2313330701600911252e1) * r + 1.0
    return q * p / d


@inlined
def _normal_tail(r: float) -> float:
    """Give minus the normal quantile of a tail of probability exp(-r*r), r <= 5."""
    r = r - 1.6
    p = 7.74545014278341407640e-4 * r + 2.27238449892691845833e-2
    p = (p * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0
    p = (p * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0
    p = (p * r + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
    d = 1.05075007164441684324e-9 * r + 5.47593808499534494600e-4
    d = (d * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1
    d = (d * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0
    d = (d * r + 2.05319162663775882187e0) * r + 1.0
    return p / d


@inlined
def _normal_far_tail(r: float) -> float:
    """Give minus the normal quantile of a tail of probability exp(-r*r), r > 5."""
    r = r - 5.0
    p = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
    p = (p * r + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2
    p = (p * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0
    p = (p * r + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
    d = 2.04426310338993978564e-15 * r + 1.42151175831644588870e-7
    d = (d * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4
    d = (d * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1
    d = (d * r + 5.99832206555887937690e-1) * r + 1.0
    return p / d


@entry
def normal_det(p: float) -> float:
    """Give the standard normal quantile of p (relative error about 1e-15); infinities at 0 and 1, NaN outside."""
    p = float(p)
    q = p - 0.5
    if -0.425 <= q <= 0.425:
        return _normal_centre(q)
    tail = p if q < 0.0 else 1.0 - p
    if not tail > 0.0:
        if tail == 0.0:
            return -INF if q < 0.0 else INF
        return NAN
    r = math.sqrt(-log_det(tail))
    z = _normal_tail(r) if r <= 5.0 else _normal_far_tail(r)
    return -z if q < 0.0 else z
