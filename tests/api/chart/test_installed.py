"""The operator as Helm installs it: its own test passes, it may do what it needs and nothing that is a person's."""

import pytest

from alphatrade_operator.kube.resources import BY_KIND, EVENT, LAW_KINDS, LEASE, OURS, POD_MONITOR
from alphatrade_operator.kubectl.main import call
from cluster.settings import ClusterError
from kube_fixtures import CHARTS, SYSTEM_NAMESPACE, scale_operator, settings, upgrade

OPERATOR = f"system:serviceaccount:{SYSTEM_NAMESPACE}:alphatrade-operator"


def _may(kube, verb, resource, namespace="kube-system"):
    words = ("auth", "can-i", verb, resource, "-n", namespace, "--as", OPERATOR)
    return kube.runner(kube.command("sh", "-c", f"kubectl {' '.join(words)} || true")).strip() == "yes"


def test_helm_test_passes(installed):
    said = installed.kube.helm("test", "alphatrade", "-n", installed.namespace, "--timeout", "120s")
    assert said.count("Phase:          Succeeded") == 3  # the script, its account, the pod that runs it
    assert "Failed" not in said


def test_helm_test_fails_without_an_operator_and_its_pod_stays_to_say_why(installed):
    try:
        scale_operator(installed.kube, 0)
        with pytest.raises(ClusterError, match="pod alphatrade-operator-test failed"):
            installed.kube.helm("test", "alphatrade", "-n", installed.namespace, "--timeout", "120s")
        said = installed.kube.kubectl("logs", "-n", installed.namespace, "alphatrade-operator-test")
        assert "readyz does not answer" in said
    finally:
        scale_operator(installed.kube, 1)


def test_the_same_values_again_change_nothing_of_the_pod(installed):
    def pods():
        found = installed.kube.get("pods", "-l", "app.kubernetes.io/component=operator", namespace=installed.namespace)
        return [pod["metadata"]["uid"] for pod in found["items"]]

    before = pods()
    repository, _, tag = installed.image.rpartition(":")
    installed.kube.helm(*upgrade("alphatrade"), *settings(repository, tag), "--wait")
    assert pods() == before


# `auth can-i` knows only kinds that the cluster serves: the rule for PodMonitors is a unit test's.
WATCHED = [one for one in BY_KIND.values() if one not in (LEASE, EVENT, POD_MONITOR, *LAW_KINDS)]


@pytest.mark.parametrize("resource", WATCHED, ids=lambda one: one.plural)
def test_it_may_watch_what_it_watches(installed, resource):
    group = resource.api_version.rpartition("/")[0]
    assert _may(installed.kube, "watch", f"{resource.plural}.{group}" if group else resource.plural)


@pytest.mark.parametrize("resource", LAW_KINDS, ids=lambda one: one.plural)
def test_it_may_see_the_law_and_not_change_it(installed, resource):
    plural = f"{resource.plural}.admissionregistration.k8s.io"
    assert _may(installed.kube, "list", plural)
    assert not [verb for verb in ("create", "update", "patch", "delete") if _may(installed.kube, verb, plural)]


def test_it_may_try_a_sign_off_where_no_proposal_is(installed):
    assert _may(installed.kube, "create", "signoffs.alphatrade.io", installed.namespace)


@pytest.mark.parametrize("verb", ["release", "golive", "approve", "create", "update", "delete"])
@pytest.mark.parametrize("plural", [resource.plural for resource in OURS])
def test_it_may_not_do_what_is_a_persons(installed, verb, plural):
    assert not _may(installed.kube, verb, f"{plural}.alphatrade.io")


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("create", "pods"),
        ("create", "pods/exec"),
        ("delete", "persistentvolumeclaims"),
        ("delete", "namespaces"),
        ("patch", "namespaces"),
        ("create", "clusterroles"),
        ("impersonate", "users"),
        ("escalate", "roles"),
        ("bind", "roles"),
        ("get", "nodes"),
    ],
)
def test_it_may_not_do_what_it_does_not_need(installed, verb, resource):
    assert not _may(installed.kube, verb, resource)


def test_it_tells_a_namespace_without_the_label_what_is_missing(installed, namespace, capsys):
    installed.kube.kubectl("label", "namespace", namespace, "alphatrade.io/trading-")
    installed.kube.kubectl("apply", "-n", namespace, "-k", CHARTS.parent / "examples" / "quickstart")
    assert call(["why", "quickstart", "-n", namespace]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == [
        f"why: namespace {namespace} is not labelled for trading, so the operator does not look at it",
        f"fix: kubectl label namespace {namespace} alphatrade.io/trading=true",
    ]


def test_status_why_and_halt_on_a_real_strategy(installed, namespace, capsys):
    kube, example = installed.kube, CHARTS.parent / "examples" / "quickstart"
    text = (
        kube.kubectl("kustomize", example).replace("speed: Max", "speed: 5x").replace("duration: 10m", "duration: 2h")
    )
    kube.apply(text, namespace=namespace)
    kube.kubectl("wait", "-n", namespace, "strategy/quickstart", "--for=condition=Ready", "--timeout=120s")
    assert call(["status", "-n", namespace]) == 0
    assert "Simulated 5x" in capsys.readouterr().out
    assert call(["why", "quickstart", "-n", namespace]) == 0
    assert "why: Strategy/quickstart is ready" in capsys.readouterr().out
    words = ("quickstart", "-n", namespace, "--mode", "Flatten", "--reason", "a test", "--timeout", "60")
    assert call(["halt", *words]) == 0  # flat, so that the namespace can be deleted
    assert f"acknowledged: {namespace}/quickstart" in capsys.readouterr().out
    assert call(["status", "-n", namespace]) == 0
    assert "1 of 1 acknowledged (a test)" in capsys.readouterr().out
