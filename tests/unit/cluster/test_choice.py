"""Which backend tests get, and what is said when there is none."""

from typing import Any

import pytest

from cluster.backend import Way, choose, first_of, ways
from cluster.given import Given
from cluster.settings import ClusterError, State


def way(name, *faults):
    def make() -> Any:
        return name

    return Way(name, make, faults)


def test_the_first_without_a_fault_is_taken():
    chosen: Any = first_of([way("given", "not set"), way("kind"), way("local")])
    assert chosen == "kind"


def test_none_is_one_message_that_names_every_fault():
    with pytest.raises(ClusterError) as error:
        first_of([way("kind", "install Docker"), way("local node", "needs root", "needs Go")])
    assert str(error.value).splitlines() == [
        "no Kubernetes cluster can be had here. One of these would do:",
        "  kind: install Docker",
        "  local node: needs root; needs Go",
    ]


def test_order_of_the_ways(tmp_path):
    assert [way.name for way in ways({}, State(tmp_path))] == ["KUBECONFIG_TEST", "kind", "local node"]


def test_a_given_cluster_comes_before_all_others(tmp_path):
    backend = choose({"KUBECONFIG_TEST": str(tmp_path / "config")}, State(tmp_path))
    assert isinstance(backend, Given)
    assert backend.kubeconfig == tmp_path / "config"


def test_a_given_cluster_needs_an_image_that_it_can_pull(tmp_path):
    without = Given(State(tmp_path), tmp_path / "config", {})
    with pytest.raises(ClusterError, match="TEST_IMAGE must name an image"):
        without.build_image()
    named = Given(State(tmp_path), tmp_path / "config", {"TEST_IMAGE": "registry.example/alphatrade:1"})
    assert named.build_image() == "registry.example/alphatrade:1"


ASKED = [
    lambda given: given.daemon("etcd"),
    lambda given: given.audit_events(),
    lambda given: given.signal_container("containerd://abc", "KILL"),
    lambda given: given.power_cycle(),
]


@pytest.mark.parametrize("ask", ASKED)
def test_a_given_cluster_is_not_tampered_with(tmp_path, ask):
    with pytest.raises(ClusterError, match="KUBECONFIG_TEST names this cluster"):
        ask(Given(State(tmp_path), tmp_path / "config", {}))
