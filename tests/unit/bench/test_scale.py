"""P9's sides have the same to write, and its verdict needs all that the target names."""

import json

import pytest

from bench.on_cluster import strategy_document, surroundings
from bench.same_children import SYSTEM, templates
from bench.scale import QUIET, verdict

NAMESPACE, STRATEGY = "benchpeers-scale-000000", "bench-00000"


@pytest.fixture(scope="module")
def children():
    documents = [*surroundings(QUIET), strategy_document(STRATEGY, QUIET, suspend=True)]
    return templates(NAMESPACE, documents, STRATEGY, "localhost/alphatrade:1")


def test_the_peer_makes_the_children_of_a_suspended_strategy(children):
    where = sorted((child["kind"], child["metadata"]["namespace"]) for child in children)
    assert where == [
        ("ConfigMap", NAMESPACE),
        ("RoleBinding", NAMESPACE),
        ("RoleBinding", SYSTEM),
        ("Secret", NAMESPACE),
        ("Service", NAMESPACE),
        ("ServiceAccount", NAMESPACE),
        ("StatefulSet", NAMESPACE),
    ]
    (stateful_set,) = [child for child in children if child["kind"] == "StatefulSet"]
    assert stateful_set["spec"]["replicas"] == 0


def test_nothing_of_it_looks_as_ours(children):
    text = json.dumps(children)
    assert "alphatrade" not in text
    assert "@NAME@" in text
    assert "@UID@" in text


def rows(ours_s, theirs_s):
    return [
        {"engine": name, "median_s": at_s, "writes_per_s": 100.0} for name, at_s in (("a", ours_s), ("b", theirs_s))
    ]


AT_REST = {"rss_mib": 300.0, "idle_cpu_pct": 1.5, "writes_after_restart": 0.0}


def test_all_of_the_target_counts():
    assert verdict(rows(20.0, 10.0), AT_REST)["met"]
    assert verdict(rows(20.0, 10.0), AT_REST)["limited_by"] == {"a": "CPU", "b": "CPU"}
    assert not verdict(rows(20.1, 10.0), AT_REST)["met"]
    for name, value in (("rss_mib", 401.0), ("idle_cpu_pct", 2.1), ("writes_after_restart", 1.0)):
        assert not verdict(rows(20.0, 10.0), {**AT_REST, name: value})["met"]
