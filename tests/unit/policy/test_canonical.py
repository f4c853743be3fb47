"""Canonical JSON: one value, one sequence of bytes."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.policy.canonical import CanonicalError, canonical, read_canonical

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT.filter(str.isascii), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ({"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}'),
        (2**53 - 1, b"9007199254740991"),
        (2**53, b'"9007199254740992"'),
        (-(2**70), b'"-1180591620717411303424"'),
        (20.0, b"20"),
        (1e21, b"1e+21"),
        (0.1, b"0.1"),
        (-0.0, b"0"),
        (Decimal("0.10"), b'"0.1"'),
        (Decimal("1E+3"), b'"1000"'),
        (Decimal("-0.0"), b'"0"'),
        ({"s": {"b", "a", "10", "9"}}, b'{"s":["10","9","a","b"]}'),
        (frozenset({3, 20, 100}), b"[100,20,3]"),
        ("e\u0301", '"\u00e9"'.encode()),
        ({"e\u0301": 1}, '{"\u00e9":1}'.encode()),
        (("x", 1), b'["x",1]'),
        ("\u20ac\n", b'"\xe2\x82\xac\\n"'),
    ],
)
def test_the_form_of_a_value(value, data):
    assert canonical(value) == data


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, math.nan]}, r"\$\.a\[1\]: nan is not finite"),
        (math.inf, "inf is not finite"),
        (Decimal("NaN"), "NaN is not finite"),
        (Decimal("-Infinity"), "-Infinity is not finite"),
        ({1: 2}, "key 1 is not text"),
        ({"e\u0301": 1, "\u00e9": 2}, "two keys become"),
        (b"x", "bytes has no canonical form"),
        (object(), "object has no canonical form"),
        ("\ud800", "."),
    ],
)
def test_what_has_no_form_is_refused(value, message):
    with pytest.raises(CanonicalError, match=message):
        canonical(value)


@given(VALUES)
def test_bytes_read_back_give_the_same_bytes(value):
    data = canonical(value)
    assert canonical(read_canonical(data)) == data


@given(st.dictionaries(TEXT.filter(str.isascii), st.integers(), max_size=6), st.randoms())
def test_the_order_of_keys_changes_nothing(value, random):
    items = list(value.items())
    random.shuffle(items)
    assert canonical(dict(items)) == canonical(value)


@pytest.mark.parametrize("data", [b'{"b":1,"a":2}', b'{"a": 1}', b"1.0", b'{"a":1,"a":1}', b"NaN", b"", b"\xff"])
def test_bytes_that_are_not_canonical_are_refused(data):
    with pytest.raises(CanonicalError):
        read_canonical(data)
