"""What a route could not use is named, in the facts and in the sentence."""

import numpy as np
import pytest

from alphatrade_runtime.reflection.routes import NOBODY, ROUTE_DTYPE, Masked
from alphatrade_runtime.reflection.why import MOST, Roster, why

FEATURES = tuple(f"feature_{k}" for k in range(64))


def said(**columns):
    row = np.zeros(1, ROUTE_DTYPE)[0]
    row["candidates"], row["chosen"], row["before"], row["size_factor"] = NOBODY, NOBODY, NOBODY, 1.0
    for name, value in columns.items():
        row[name] = value
    return why({name: row[name].tolist() for name in ROUTE_DTYPE.names or ()}, Roster(("p",), ((),), False, FEATURES))


def test_nothing_is_said_where_nothing_was_masked():
    found = said()
    assert found["masked"] == {}
    assert "feature" not in found["sentence"]


@pytest.mark.parametrize(
    ("column", "word"), [("faults", "missing"), ("exploding", "exploding"), ("constant", "constant")]
)
def test_features_are_named_by_what_they_lacked(column, word):
    found = said(**{column: -(2**63) | 5})
    assert found["masked"] == {word: ["feature_0", "feature_2", "feature_63"]}
    assert f"{word}: feature_0 feature_2 feature_63" in found["sentence"]


def test_parts_are_named():
    found = said(masked=int(Masked.CROSSED_BOOK | Masked.FAST_WEIGHTS))
    assert found["masked"] == {"left_out": ["crossed_book", "fast_weights"]}
    assert "left out: crossed_book fast_weights" in found["sentence"]


def test_a_sentence_stays_short():
    assert len(said(faults=-1, constant=-1)["sentence"]) == MOST
