"""`helm uninstall` while something could still trade: the guard refuses, says what remains and how to remove it."""

import hashlib
import json
from collections.abc import Iterator

import pytest

from alphatrade.names import DECOMMISSIONED
from alphatrade_operator.kube.resources import OURS
from alphatrade_operator.kubectl.evidence import OPERATOR
from alphatrade_operator.kubectl.kubectl import Kubectl
from alphatrade_operator.kubectl.main import call
from alphatrade_operator.kubectl.uninstall import SUMS, trading
from cluster.settings import ClusterError
from e2e.cluster.place import Place
from kube_fixtures import SYSTEM_NAMESPACE, Installed, settings, trading_namespace, upgrade, wait_for_the_last

GUARD = "alphatrade-operator-uninstall-guard"
OBJECTS = ("serviceaccount", "role", "rolebinding", "job", "pod")
CLUSTER_OBJECTS = ("clusterrole", "clusterrolebinding")


@pytest.fixture
def alone_here(installed: Installed) -> Iterator[Place]:
    """Make a namespace that the installed operator, and so its guard, looks at alone; in the end it is as it was."""
    repository, _, tag = installed.image.rpartition(":")
    again = (*upgrade("alphatrade"), *settings(repository, tag), "--reset-values", "--wait", "--timeout", "180s")
    with trading_namespace(installed.kube, "guarded") as name:
        try:
            installed.kube.helm(*again, "--set", f"operator.namespaces={{{name}}}")
            yield Place(installed.kube, name)
        finally:
            definitions = [f"{resource.plural}.alphatrade.io" for resource in OURS]
            installed.kube.helm(*upgrade("alphatrade-crds"))
            installed.kube.kubectl("annotate", "customresourcedefinitions", *definitions, f"{DECOMMISSIONED}-")
            taken_back(installed.kube)
            installed.kube.helm(*again)


def taken_back(kube):
    """Let Helm know a release as deployed again whose uninstalling was refused, as docs/operations.md says."""
    history = kube.helm("list", "-a", "-n", SYSTEM_NAMESPACE, "--filter", "^alphatrade$", "-o", "json")
    for one in json.loads(history):
        if one["status"] == "uninstalling":
            kube.helm("rollback", "alphatrade", one["revision"], "-n", SYSTEM_NAMESPACE, "--wait")


def uninstall(place):
    return place.kube.helm("uninstall", "alphatrade", "-n", SYSTEM_NAMESPACE, "--timeout", "300s")


def upgraded(installed, place):
    repository, _, tag = installed.image.rpartition(":")
    words = (*upgrade("alphatrade"), *settings(repository, tag), "--set", f"operator.namespaces={{{place.namespace}}}")
    installed.kube.helm(*words, "--wait", "--timeout", "180s")


def left(place):
    """Return what is there of the guard."""
    found = place.kube.kubectl("get", ",".join(OBJECTS), "-n", SYSTEM_NAMESPACE, "-o", "name").split()
    found += place.kube.kubectl("get", ",".join(CLUSTER_OBJECTS), "-o", "name").split()
    return sorted(name for name in found if GUARD in name)


def operator_pods(place):
    found = place.kube.get("pods", "-l", "app.kubernetes.io/component=operator", namespace=SYSTEM_NAMESPACE)["items"]
    return [pod["metadata"]["uid"] for pod in found]


def resource(kind, name, spec):
    return {"apiVersion": "alphatrade.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def idle():
    """Return a Strategy that refers to nothing that is there, so that it has no pod, and an account."""
    policy = {"name": "p", "signal": {"ref": "ema_cross"}, "executionTopology": {"type": "Market"}}
    spec = {"mode": "Paper", "suspend": True, "genotype": {"policies": [policy]}}
    references = {f"{name}Ref": {"name": "none"} for name in ("marketDataFeed", "brokerConnection", "riskTemplate")}
    account = {"environment": "Paper", "paper": {"initialCash": "1000"}}
    return resource("Strategy", "idle", spec | references), resource("BrokerConnection", "paper", account)


def test_refused_while_something_remains_and_gone_after_it_was_removed(installed, alone_here):
    place = alone_here
    place.apply(*idle())
    line = (
        f"refused: 1 Strategy and 1 BrokerConnection remain in {place.namespace}; without the operator none can get "
        "flat; run: kubectl alphatrade uninstall --export FOLDER --drain"
    )
    with pytest.raises(ClusterError) as refused:
        uninstall(place)
    assert f"job {GUARD} failed" in str(refused.value)
    assert line in str(refused.value), "this Helm prints the log of a hook that failed"
    logs = place.kube.kubectl("logs", "-n", SYSTEM_NAMESPACE, f"job/{GUARD}")
    assert logs.splitlines()[-1] == line
    (pod,) = place.kube.get("pods", "-l", f"job-name={GUARD}", namespace=SYSTEM_NAMESPACE)["items"]
    (container,) = pod["status"]["containerStatuses"]
    ended = container["state"]["terminated"]
    assert (ended["exitCode"], ended["message"].strip().splitlines()[-1]) == (1, line)
    assert place.kube.get("deployment", "alphatrade-operator", namespace=SYSTEM_NAMESPACE)["spec"]["replicas"] == 1

    with pytest.raises(ClusterError, match="has no deployed releases"):
        upgraded(installed, place)
    pods = operator_pods(place)
    taken_back(place.kube)
    upgraded(installed, place)
    assert operator_pods(place) == pods
    place.kubectl("delete", "strategy", "idle", "--timeout=60s")
    place.kubectl("delete", "brokerconnection", "paper", "--timeout=120s")
    uninstall(place)
    assert left(place) == []
    assert not place.kube.kubectl(
        "get", "deployment", "-n", SYSTEM_NAMESPACE, "-l", "app.kubernetes.io/name=alphatrade", "-o", "name"
    ).strip()


def test_an_account_alone_is_refused_too(installed, alone_here):
    alone_here.apply(idle()[1])
    with pytest.raises(ClusterError, match=f"refused: 1 BrokerConnection remain in {alone_here.namespace};"):
        uninstall(alone_here)
    alone_here.kubectl("delete", "brokerconnection", "paper", "--timeout=120s")
    uninstall(alone_here)  # again, without taking anything back
    assert left(alone_here) == []


def test_the_command_that_the_guard_names_takes_all_of_it_off_and_keeps_the_ledgers(alone_here, tmp_path, capsys):
    place, kube = alone_here, alone_here.kube
    wait_for_the_last(kube)
    others = set(trading(Kubectl())) - {place.namespace}
    if others:
        pytest.skip(f"it would drain {', '.join(sorted(others))} too")
    place.apply(*idle())
    assert call(["uninstall", "--export", str(tmp_path), "--yes", "--definitions"]) == 0
    out = capsys.readouterr().out
    assert left(place) == []
    assert not kube.kubectl("get", "deployment", "-n", SYSTEM_NAMESPACE, "-l", OPERATOR, "-o", "name").strip()
    sums = (tmp_path / SUMS).read_bytes()
    digest = hashlib.sha256((tmp_path / f"{place.namespace}.jsonl").read_bytes()).hexdigest()
    assert sums == f"{digest}  {place.namespace}.jsonl\n".encode()
    assert kube.get("namespace", place.namespace)["metadata"]["annotations"][DECOMMISSIONED] == digest
    for plural in ("strategies", "policyledgerentries"):
        definition = kube.get("customresourcedefinitions", f"{plural}.alphatrade.io")
        assert definition["metadata"]["annotations"][DECOMMISSIONED] == hashlib.sha256(sums).hexdigest()
    assert "kubectl delete crd " in out
    assert call(["uninstall", "--export", str(tmp_path), "--yes", "--definitions"]) == 0, "again it does nothing"
