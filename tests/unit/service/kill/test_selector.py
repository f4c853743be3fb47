"""Selectors match as Kubernetes' own do: a second reading of its documentation says the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_operator.core.selector import LabelSelector
from alphatrade_runtime.service.kill.selector import Unreadable, read_selector

KEYS = st.sampled_from(["team", "env", "alphatrade.io/desk", "app.kubernetes.io/name"])
VALUES = st.sampled_from(["", "a", "b", "prod", "v1.2_x"])
LABELS = st.dictionaries(KEYS, VALUES)
WITH_VALUES = st.builds(
    lambda key, operator, values: {"key": key, "operator": operator, "values": values},
    KEYS,
    st.sampled_from(["In", "NotIn"]),
    st.lists(VALUES, min_size=1, max_size=3),
)
WITHOUT = st.builds(
    lambda key, operator: {"key": key, "operator": operator}, KEYS, st.sampled_from(["Exists", "DoesNotExist"])
)
SELECTORS = st.fixed_dictionaries(
    {}, optional={"matchLabels": LABELS, "matchExpressions": st.lists(WITH_VALUES | WITHOUT, max_size=4)}
)


def as_documented(selector, labels):
    """Kubernetes' documentation, word for word: all of both parts must be satisfied."""
    for key, value in selector.get("matchLabels", {}).items():
        if key not in labels or labels[key] != value:
            return False
    for expression in selector.get("matchExpressions", []):
        key, operator = expression["key"], expression["operator"]
        if operator == "In" and not any(key in labels and labels[key] == value for value in expression["values"]):
            return False
        if operator == "NotIn" and any(key in labels and labels[key] == value for value in expression["values"]):
            return False
        if operator == "Exists" and key not in labels:
            return False
        if operator == "DoesNotExist" and key in labels:
            return False
    return True


@given(SELECTORS, LABELS)
def test_it_matches_as_documented(selector, labels):
    assert read_selector(selector).matches(labels) == as_documented(selector, labels)


@given(SELECTORS, LABELS)
def test_the_operator_reads_it_in_the_same_sense(selector, labels):
    theirs = LabelSelector.model_validate(selector)
    assert theirs.matches(labels) == read_selector(selector).matches(labels)


@given(SELECTORS, LABELS, KEYS)
def test_a_condition_more_never_matches_more(selector, labels, key):
    narrower = {
        **selector,
        "matchExpressions": [*selector.get("matchExpressions", []), {"key": key, "operator": "Exists"}],
    }
    assert not read_selector(narrower).matches(labels) or read_selector(selector).matches(labels)


@given(LABELS)
def test_nothing_asked_matches_everything(labels):
    everything: tuple[Any, ...] = (None, {}, {"matchLabels": {}}, {"matchExpressions": []}, {"matchLabels": None})
    for selector in everything:
        assert read_selector(selector).matches(labels)


@pytest.mark.parametrize(
    ("selector", "says"),
    [
        ([], "matchLabels and matchExpressions only"),
        ({"matchNames": {}}, "matchLabels and matchExpressions only"),
        ({"matchLabels": []}, None),  # an empty list holds no condition either
        ({"matchLabels": ["a"]}, "matchLabels must be a map"),
        ({"matchExpressions": {"a": 1}}, "matchExpressions a list"),
        ({"matchExpressions": ["a"]}, "each must be a map"),
        ({"matchLabels": {"a b": "c"}}, "no label key"),
        ({"matchLabels": {"": "c"}}, "no label key"),
        ({"matchLabels": {"/a": "c"}}, "no label key"),
        ({"matchLabels": {"UPPER/a": "c"}}, "no label key"),
        ({"matchLabels": {"a" * 64: "c"}}, "no label key"),
        ({"matchLabels": {"a\n": "c"}}, "no label key"),
        ({"matchLabels": {"a": "-c"}}, "no label value"),
        ({"matchLabels": {"a": "c" * 64}}, "no label value"),
        ({"matchLabels": {"a": 1}}, "no label value"),
        ({"matchExpressions": [{"operator": "Exists"}]}, "None is no label key"),
        ({"matchExpressions": [{"key": "a", "operator": "exists"}]}, "unknown operator"),
        ({"matchExpressions": [{"key": "a", "operator": ["In"]}]}, "unknown operator"),
        ({"matchExpressions": [{"key": "a", "operator": "In"}]}, "need values"),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": []}]}, "need values"),
        ({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}, "take none"),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": "b"}]}, "need values"),
    ],
)
def test_what_kubernetes_would_refuse_is_refused(selector, says):
    if says is None:
        assert read_selector(selector).matches({})
        return
    with pytest.raises(Unreadable, match=says):
        read_selector(selector)
