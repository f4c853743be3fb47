"""A trading namespace and the product are given up: in order, all flat, and the ledger on a person's disk."""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator

import pytest

from alphatrade.names import DECOMMISSIONED
from alphatrade_operator.kubectl.main import call
from cluster.settings import ClusterError
from e2e.cluster import market
from e2e.cluster.books import journal, trades
from e2e.cluster.market import HOUSE
from e2e.cluster.place import Place
from kube_fixtures import SYSTEM_NAMESPACE, TRADING, Installed, upgrade

COMMAND = "kubectl alphatrade decommission"
DEFINITION = "strategies.alphatrade.io"


@pytest.fixture(scope="module")
def desk(installed: Installed) -> Iterator[Place]:
    """Make a namespace with a strategy that turns round all the time, seen to trade; what is left of it goes."""
    name = f"removal-{uuid.uuid4().hex[:6]}"
    kube = installed.kube
    kube.kubectl("create", "namespace", name)
    kube.kubectl("label", "namespace", name, *(f"{key}={value}" for key, value in TRADING.items()))
    place = Place(kube, name)
    try:
        place.apply(market.law(), market.house(), market.account(law=HOUSE), market.feed(), market.strategy("turns"))
        trades(place, "turns", 2)
        yield place
    finally:
        if kube.kubectl("get", "namespace", name, "--ignore-not-found").strip():
            place.kubectl("delete", "strategies,brokerconnections", "--all", "--timeout=120s")
            kube.kubectl("annotate", "namespace", name, f"{DECOMMISSIONED}={'0' * 64}", "--overwrite")
            kube.kubectl("delete", "namespace", name, "--timeout=120s")


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Name the file that the story's ledger goes to."""
    return tmp_path_factory.mktemp("exports") / "desk.jsonl"


def annotation(desk):
    return desk.kube.get("namespace", desk.namespace)["metadata"].get("annotations", {}).get(DECOMMISSIONED)


def test_before_it_is_given_up_the_namespace_is_not_deleted(desk):
    said = desk.kube.refused("delete", "namespace", desk.namespace, "--wait=false")
    assert f"{COMMAND} {desk.namespace}" in said
    desk.until_ready("Strategy", "turns")


def test_while_it_trades_it_is_not_given_up_unless_told_to_drain(desk, export, capsys):
    assert call(["decommission", desk.namespace, "--export", str(export), "--yes"]) == 1
    assert "Strategies hold or may take positions: turns (Trading" in capsys.readouterr().err
    assert not export.exists()
    desk.until_ready("Strategy", "turns")


def test_given_up_it_is_flat_exported_marked_and_closed(desk, export, capsys):
    desk.until("turns holds something", lambda: journal(desk, "turns").position)
    account = desk.pod("BrokerConnection", market.ACCOUNT)
    assert call(["decommission", desk.namespace, "--export", str(export), "--drain", "--yes"]) == 0
    out = capsys.readouterr().out
    assert out.index("strategies: 1 gone") < out.index("brokerconnections: 1 gone")
    assert desk.gone("Strategy", "turns")
    assert desk.gone("BrokerConnection", market.ACCOUNT)
    desk.until("the gateway is gone", lambda: desk.gone("pod", account))
    digest = hashlib.sha256(export.read_bytes()).hexdigest()
    assert annotation(desk) == digest
    assert json.loads(export.read_text().splitlines()[0])["namespace"] == desk.namespace
    for kind in ("MarketDataFeed", "RiskTemplate"):
        for one in desk.kube.get(f"{kind}.v1alpha1.alphatrade.io", namespace=desk.namespace)["items"]:
            assert not one["metadata"].get("finalizers"), "the operator may be gone when the namespace is deleted"


def test_closed_it_takes_no_strategy_until_that_is_undone(desk, capsys):
    again = json.dumps(market.strategy("turns", suspend=True))
    said = desk.kube.refused("apply", "-n", desk.namespace, "-f", "-", stdin=again)
    assert "decommissioned" in said
    assert call(["decommission", desk.namespace, "--undo"]) == 0
    assert annotation(desk) is None
    desk.apply(market.strategy("turns", suspend=True))
    desk.until("its law is kept again", lambda: desk.get("RiskTemplate", market.LAW)["metadata"].get("finalizers"))
    assert "can be traded in again" in capsys.readouterr().out


def test_given_up_again_the_namespace_is_deleted(desk, export):
    assert call(["decommission", desk.namespace, "--export", str(export), "--yes"]) == 0
    desk.kube.kubectl("delete", "namespace", desk.namespace, "--timeout=120s")


# Uninstalled in the wrong order: the definitions first


def test_definitions_first_are_kept_and_said_to_be_and_the_law_with_them(installed, capsys):
    kube = installed.kube
    before = kube.get("customresourcedefinitions", DEFINITION)["metadata"]["uid"]
    try:
        said = kube.helm("uninstall", "alphatrade-crds", "-n", SYSTEM_NAMESPACE)
        assert "kept due to the resource policy" in said
        assert re.search(r"CustomResourceDefinition\]? strategies\.alphatrade\.io", said)
        assert kube.get("customresourcedefinitions", DEFINITION)["metadata"]["uid"] == before
        assert kube.get("deployment", "alphatrade-operator", namespace=SYSTEM_NAMESPACE)["status"]["readyReplicas"] == 1
        with pytest.raises(ClusterError, match="decommission the trading namespaces"):
            kube.kubectl("delete", "crd", DEFINITION, "--wait=false", "--dry-run=server")
    finally:
        kube.helm(*upgrade("alphatrade-crds"))
