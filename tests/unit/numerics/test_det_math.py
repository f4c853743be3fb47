"""The deterministic functions: accuracy against 60-digit decimals, special values, the same bits uncompiled."""

import math
import os
import random
import subprocess
import sys
from decimal import Decimal, getcontext, localcontext

import numpy as np
import pytest

from alphatrade_runtime.numerics.math import (
    SINCOS_MAX,
    bits_float,
    exp_det,
    float_bits,
    log_det,
    normal_det,
    sincos_det,
    tanh_det,
)

INF = float("inf")
NAN = float("nan")
TINY = 5e-324
MAX_ULP = 2

getcontext().prec = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")


def ulp_error(got, exact):
    """Distance in units of the last place of the true value."""
    return abs(Decimal(got) - exact) / Decimal(math.ulp(float(exact)))


def taylor_sincos(x):
    with localcontext() as context:
        context.prec = 90
        turn = (Decimal(x) / (PI / 2)).to_integral_value()
        r = Decimal(x) - turn * (PI / 2)
        sin, cos, term = Decimal(0), Decimal(0), Decimal(1)
        for n in range(1, 60, 2):
            cos += term
            term = term * r / n
            sin += term
            term = -term * r / (n + 1)
        return ((sin, cos), (cos, -sin), (-sin, -cos), (-cos, sin))[int(turn) % 4]


def worst(pairs):
    return max(ulp_error(got, exact) for got, exact in pairs)


def spread(seed, n, *ranges):
    source = random.Random(seed)
    return [source.uniform(*ranges[i % len(ranges)]) for i in range(n)]


def test_exp_is_within_two_ulp():
    xs = [*spread(1, 1500, (-708, 709.7), (-1, 1), (-1e-9, 1e-9)), 1.0, 709.782712893384, -708.39]
    assert worst((exp_det(x), Decimal(x).exp()) for x in xs) <= MAX_ULP


def test_exp_is_within_two_ulp_among_subnormals():
    xs = spread(2, 300, (-745.1, -708.4))
    assert all(abs(Decimal(exp_det(x)) - Decimal(x).exp()) <= MAX_ULP * Decimal(TINY) for x in xs)


def test_log_is_within_two_ulp():
    source = random.Random(3)
    xs = [*spread(4, 800, (0.5, 2.0), (0.999, 1.001)), TINY, 2.2e-308, 1.7976931348623157e308]
    xs += [math.ldexp(source.uniform(0.5, 1), source.randint(-1073, 1024)) for _ in range(400)]
    assert worst((log_det(x), Decimal(x).ln()) for x in xs) <= MAX_ULP


def test_tanh_is_within_two_ulp():
    xs = spread(5, 1500, (-0.625, 0.625), (0.6, 2), (-23, 23), (-1e-8, 1e-8))
    exact = [((Decimal(x) * 2).exp() - 1) / ((Decimal(x) * 2).exp() + 1) for x in xs]
    assert worst(zip(map(tanh_det, xs), exact)) <= MAX_ULP


def test_sin_and_cos_are_within_two_ulp():
    near = [float(PI / 2 * k) for k in range(-40, 41) if k]  # where one of them all but vanishes
    xs = [*spread(6, 600, (-3, 3), (-1000, 1000), (-SINCOS_MAX, SINCOS_MAX)), *near, 6381956970095103 * 2.0**-33]
    for x in xs:
        sin, cos = sincos_det(x)
        exact_sin, exact_cos = taylor_sincos(x)
        assert ulp_error(sin, exact_sin) <= MAX_ULP, x
        assert ulp_error(cos, exact_cos) <= MAX_ULP, x


def test_normal_quantile_inverts_the_distribution():
    for p in [*spread(7, 500, (0.0, 1.0), (0.0, 1e-6), (1e-30, 1e-20)), 0.075, 0.925, 1e-300]:
        z = normal_det(p)
        back = 0.5 * math.erfc(-z / math.sqrt(2))
        assert back == pytest.approx(p, rel=1e-12 * (1 + z * z)), p
    assert normal_det(0.975) == pytest.approx(1.959963984540054, rel=1e-15)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (exp_det, 0.0, 1.0),
        (exp_det, -INF, 0.0),
        (exp_det, INF, INF),
        (exp_det, 709.7827128933841, INF),
        (exp_det, -745.2, 0.0),
        (exp_det, -745.13, TINY),
        (exp_det, NAN, NAN),
        (log_det, 1.0, 0.0),
        (log_det, 0.0, -INF),
        (log_det, -0.0, -INF),
        (log_det, -1.0, NAN),
        (log_det, -INF, NAN),
        (log_det, INF, INF),
        (log_det, NAN, NAN),
        (tanh_det, 0.0, 0.0),
        (tanh_det, INF, 1.0),
        (tanh_det, -INF, -1.0),
        (tanh_det, TINY, TINY),
        (tanh_det, NAN, NAN),
        (normal_det, 0.5, 0.0),
        (normal_det, 0.0, -INF),
        (normal_det, 1.0, INF),
        (normal_det, -0.1, NAN),
        (normal_det, 1.1, NAN),
        (normal_det, NAN, NAN),
    ],
)
def test_special_values(function, x, expected):
    got = function(x)
    assert math.isnan(got) if math.isnan(expected) else got == expected


def test_negative_zero_keeps_its_sign():
    assert math.copysign(1.0, tanh_det(-0.0)) == -1.0
    assert math.copysign(1.0, sincos_det(-0.0)[0]) == -1.0


@pytest.mark.parametrize("x", [NAN, INF, -INF, SINCOS_MAX * 1.001, -1e300])
def test_sincos_refuses_what_it_cannot_reduce(x):
    assert all(math.isnan(y) for y in sincos_det(x))


@pytest.mark.parametrize("x", [1, np.float32(0.5), np.float64(0.5), np.int64(3)])
def test_any_number_is_taken(x):
    assert exp_det(x) == exp_det(float(x))


@pytest.mark.parametrize("x", [0.0, -0.0, 1.0, -1.5, TINY, INF, 1.7976931348623157e308])
def test_bits_go_there_and_back(x):
    assert float_bits(bits_float(float_bits(x))) == float_bits(x)
    assert float_bits(1.0) == 0x3FF0000000000000


DIGEST_PROGRAM = """
import hashlib, random, struct
from alphatrade_runtime.numerics.math import exp_det, log_det, normal_det, sincos_det, tanh_det

source = random.Random(11)
digest = hashlib.sha256()
for i in range(20000):
    x = source.uniform(-1, 1) * 10 ** source.uniform(-12, 5)
    values = (exp_det(x), log_det(abs(x)), tanh_det(x), *sincos_det(x), normal_det(abs(x) % 1.0))
    digest.update(struct.pack("<6d", *values))
print(digest.hexdigest())
"""


def printed(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_bits_are_the_same_without_the_compiler():
    assert printed(DIGEST_PROGRAM) == printed(DIGEST_PROGRAM, NUMBA_DISABLE_JIT="1")
