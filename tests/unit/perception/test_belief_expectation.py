"""Odds of a rise: the normal ones, whatever is expected."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.perception.belief.expectation import read_out, rise_probability
from alphatrade_runtime.perception.belief.shape import WIDTH
from alphatrade_runtime.perception.belief.weights import seeded_weights

BPS = st.floats(-1e6, 1e6)


@given(BPS, st.floats(1e-6, 1e6))
def test_odds_are_those_of_a_normal_return(expected, spread):
    exact = 0.5 * (1.0 + math.erf(expected / spread / math.sqrt(2.0)))
    assert rise_probability(expected, spread) == pytest.approx(exact, abs=1.5e-4)


@given(BPS, st.floats(1e-6, 1e6))
def test_a_fall_is_what_is_no_rise(expected, spread):
    assert rise_probability(expected, spread) + rise_probability(-expected, spread) == pytest.approx(1.0, abs=1e-12)


def test_it_reads_out_what_was_trained():
    weights = seeded_weights(1, 4)
    weights["readout"] = [0.0] * (WIDTH - 1) + [2.0]
    weights["bias"] = 0.5
    value = seeded_weights(2, 4)["e"][0]
    assert read_out.py_func(weights, value) == 0.5 + 2.0 * value[-1]
