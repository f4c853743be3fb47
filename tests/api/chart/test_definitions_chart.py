"""The chart of definitions and policies: kept when the release goes, and told who the operator is."""

import pytest
import yaml

from alphatrade_operator.admission.policies import expected
from alphatrade_operator.api_group import KINDS
from cluster.settings import ClusterError
from kube_fixtures import CHARTS

CHART = CHARTS / "alphatrade-crds"


def _rendered(cluster, *words):
    text = cluster.helm("template", "alphatrade-crds", CHART, "--kube-version", "1.32.0", *words)
    return [document for document in yaml.safe_load_all(text) if document]


def test_all_of_it_is_there_and_stays_when_the_release_goes(cluster):
    documents = _rendered(cluster)
    assert len(documents) == len(KINDS) + len(expected("any")) + 1
    assert all(one["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for one in documents)


@pytest.mark.parametrize("namespace", ["alphatrade-system", "desk-operators"])
def test_what_helm_makes_is_what_the_operator_expects(cluster, namespace):
    documents = _rendered(cluster, "--set", f"operator.namespace={namespace}")
    made = {(one["kind"], one["metadata"]["name"]): one["spec"] for one in documents if "spec" in one}
    for wanted in expected(namespace):
        assert made[wanted["kind"], wanted["metadata"]["name"]] == wanted["spec"]


@pytest.mark.parametrize(
    ("values", "namespace", "user"),
    [
        ((), "alphatrade-system", "system:serviceaccount:alphatrade-system:alphatrade-operator"),
        (("--set", "operator.namespace=ops"), "ops", "system:serviceaccount:ops:alphatrade-operator"),
        (("--set", "operator.user=operator@example.com"), "alphatrade-system", "operator@example.com"),
    ],
)
def test_who_the_operator_is(cluster, values, namespace, user):
    (law,) = [one for one in _rendered(cluster, *values) if one["kind"] == "ConfigMap"]
    assert law["metadata"] | {"labels": None, "annotations": None} == {
        "name": "alphatrade-law",
        "namespace": namespace,
        "labels": None,
        "annotations": None,
    }
    assert law["data"] == {"user": user}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("operator.user=*", "'/operator/user'"),
        ("operator.namespace=", "'/operator/namespace'"),
        ("operator.namespace=Desk", "'/operator/namespace'"),
        ("operator.name=x", "additional properties 'name' not allowed"),
        ("policies=false", "additional properties 'policies' not allowed"),
    ],
)
def test_a_value_that_is_refused_is_named(cluster, value, said):
    with pytest.raises(ClusterError) as refused:
        _rendered(cluster, "--set", value)
    assert said in str(refused.value)
