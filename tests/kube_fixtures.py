"""Fixtures of tests on a real cluster: one cluster and one Helm install for all of them, a namespace for each.

A conftest.py takes what it needs: `from kube_fixtures import backend, cluster, installed, namespace  # noqa: F401`.

TEST_INSTALLED=1 takes the product that runs in the cluster already, whatever tree it was made of: for people who write
a story and try it again and again.
"""

import json
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.backend import Backend, choose
from cluster.kubectl import Kube
from cluster.settings import ROOT, ClusterError

SYSTEM_NAMESPACE = "alphatrade-system"
CHARTS = ROOT / "charts"
_OPERATOR = "deployment/alphatrade-operator"
ARTIFACTS = "artifacts"  # a PersistentVolumeClaim of this name, where a story reads a tape
TRADING = {
    "alphatrade.io/trading": "true",
    "pod-security.kubernetes.io/enforce": "restricted",
}


_OVER = "example.com/test-over"
_ACCOUNT = "alphatrade-operator"
_NOBODY_ELSE = "--as-group=system:masters"  # so that a request reaches the admission policies, whatever RBAC says
AS_OPERATOR = (f"--as=system:serviceaccount:{SYSTEM_NAMESPACE}:{_ACCOUNT}", _NOBODY_ELSE)
AS_CONTROLLER = ("--as=system:serviceaccount:kube-system:statefulset-controller", _NOBODY_ELSE)
DECOMMISSIONED = f"alphatrade.io/decommissioned={'0' * 64}"  # as on a namespace whose ledger was exported


@dataclass(frozen=True)
class Installed:
    """The product as Helm installed it, in the dev profile."""

    kube: Kube
    image: str
    namespace: str = SYSTEM_NAMESPACE


@pytest.fixture(scope="session")
def backend() -> Iterator[Backend]:
    """Bring a cluster up, unless one is up; it is left as it was found."""
    chosen = choose()
    found_up = chosen.is_up()
    chosen.up()
    yield chosen
    if not found_up:
        chosen.down()


@pytest.fixture(scope="session")
def cluster(backend: Backend) -> Iterator[Kube]:
    """Return kubectl and helm for the cluster; programs that tests start find it by their environment."""
    kube = backend.kube()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in kube.env.items():
            patch.setenv(name, value)
        yield kube
        wait_for_the_last(kube)


@pytest.fixture(scope="session")
def definitions(cluster: Kube) -> Kube:
    """Install the resource definitions of this tree."""
    if _as_it_is():
        return cluster
    cluster.helm(*upgrade("alphatrade-crds"))
    cluster.until("admission policies in force", lambda: law_in_force(cluster))
    return cluster


def law_in_force(kube: Kube) -> bool:
    """Whether the server has taken in every admission policy, and refuses a sign-off by the operator."""
    policies = kube.get("validatingadmissionpolicies", "-l", "app.kubernetes.io/part-of=alphatrade")["items"]
    seen = [one.get("status", {}).get("observedGeneration") == one["metadata"]["generation"] for one in policies]
    spec = {"proposalRef": {"name": "none", "uid": str(uuid.UUID(int=0))}, "subjectHash": "0" * 64}
    document = {
        "apiVersion": "alphatrade.io/v1alpha1",
        "kind": "SignOff",
        "metadata": {"name": "on-trial", "namespace": SYSTEM_NAMESPACE},
        "spec": spec | {"decision": "Approve", "user": "operator"},
    }
    try:
        kube.kubectl("create", "--dry-run=server", "-f", "-", *AS_OPERATOR, stdin=json.dumps(document))
    except ClusterError as error:
        return bool(seen) and all(seen) and "'alphatrade-sign-off'" in str(error)
    return False


@pytest.fixture(scope="session")
def image(backend: Backend) -> str:
    """Build the image of this tree and let pods use it."""
    if _as_it_is():
        return running_image(backend.kube())
    name = backend.build_image()
    backend.load_image(name)
    return name


@pytest.fixture(scope="session")
def installed(definitions: Kube, image: str) -> Installed:
    """Install the product of this tree, once for all tests."""
    if _as_it_is():
        return Installed(definitions, image)
    repository, _, tag = image.rpartition(":")
    definitions.helm(*upgrade("alphatrade"), *settings(repository, tag), "--wait", "--timeout", "180s")
    return Installed(definitions, image)


@pytest.fixture(scope="session")
def alone(definitions: Kube) -> Iterator[Kube]:
    """Let the installed operator sleep, for tests that write what it would write, or bring an operator of their own."""
    try:
        replicas = definitions.get(_OPERATOR, namespace=SYSTEM_NAMESPACE)["spec"]["replicas"]
    except ClusterError:
        yield definitions
        return
    scale_operator(definitions, 0)
    yield definitions
    scale_operator(definitions, replicas)


def scale_operator(kube: Kube, replicas: int) -> None:
    """Scale the installed operator; return when its pods are there, or gone."""
    here = ("-n", SYSTEM_NAMESPACE)
    kube.kubectl("scale", _OPERATOR, f"--replicas={replicas}", *here)
    if replicas:
        kube.kubectl("rollout", "status", _OPERATOR, "--timeout=120s", *here)
    else:
        pods = ("pod", "-l", "app.kubernetes.io/component=operator")
        kube.kubectl("wait", "--for=delete", *pods, "--timeout=60s", *here)


@pytest.fixture(scope="session")
def operator_kubeconfig(definitions: Kube, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a kubeconfig with a token of the operator's service account, for operators that tests run themselves.

    It has the rights that the chart gives it, in the operator's namespace; `lend_lease` adds another.
    """
    rights = ("--show-only", "templates/rbac.yaml", "--show-only", "templates/serviceaccount.yaml")
    chart = ("template", "alphatrade", CHARTS / "alphatrade", "--namespace", SYSTEM_NAMESPACE)
    text = definitions.helm(*chart, "--kube-version", "1.32.0", *rights)
    definitions.apply(text, "--server-side", "--force-conflicts")
    token = definitions.kubectl("create", "token", _ACCOUNT, "-n", SYSTEM_NAMESPACE, "--duration=4h").strip()
    config = json.loads(definitions.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    file = tmp_path_factory.mktemp("operator") / "kubeconfig"
    file.write_text(json.dumps(config))
    file.chmod(0o600)
    return file


def lend_lease(kube: Kube, namespace: str) -> None:
    """Give the operator's service account in another namespace what the chart gives it in its own."""
    here = ("-n", namespace)
    kube.kubectl("create", "role", _ACCOUNT, "--verb=get,list,watch,create,update,patch", "--resource=leases", *here)
    account = f"--serviceaccount={SYSTEM_NAMESPACE}:{_ACCOUNT}"
    kube.kubectl("create", "rolebinding", _ACCOUNT, f"--role={_ACCOUNT}", account, *here)


def _as_it_is() -> bool:
    return os.environ.get("TEST_INSTALLED", "") == "1"


def running_image(kube: Kube) -> str:
    """Return the image of the operator that is installed."""
    operator = kube.get(_OPERATOR, namespace=SYSTEM_NAMESPACE)
    return str(operator["spec"]["template"]["spec"]["containers"][0]["image"])


def upgrade(chart: str) -> tuple[object, ...]:
    """Return Helm's words for a chart of this tree; what kubectl applied before becomes the release's."""
    words = ("upgrade", "--install", "--take-ownership", chart, CHARTS / chart)
    return (*words, "--namespace", SYSTEM_NAMESPACE, "--create-namespace")


def settings(repository: str, tag: str) -> tuple[str, ...]:
    """Return the values that tests set; a tag is a string, also when it looks like a number."""
    store = f"artifactStore.claimName={ARTIFACTS},artifactStore.singleNode=true"
    values = f"profile=dev,{store},image.repository={repository}"
    return ("--set", values, "--set-string", f"image.tag={tag}")


@pytest.fixture
def namespace(cluster: Kube, request: pytest.FixtureRequest) -> Iterator[str]:
    """Make a trading namespace of this test alone, and remove it with all that is in it."""
    with trading_namespace(cluster, request.node.name) as name:
        yield name


@contextmanager
def trading_namespace(kube: Kube, test: str) -> Iterator[str]:
    """Make a trading namespace named for a test, with the limits that the product promises to keep to.

    It goes beside the tests that follow; the session's end waits for all.
    """
    name = f"{_as_name(test)}-{uuid.uuid4().hex[:6]}"
    kube.kubectl("create", "namespace", name)
    try:
        kube.kubectl("label", "namespace", name, *(f"{key}={value}" for key, value in TRADING.items()))
        yield name
    finally:
        remove_namespaces(kube, name, "--wait=false")


def wait_for_the_last(kube: Kube) -> None:
    """Wait until every namespace has gone whose test is over: strategies get flat, which takes an operator."""
    names = kube.kubectl("get", "namespaces", "-l", _OVER, "-o", "name").split()
    if names:
        kube.kubectl("wait", "--for=delete", "--timeout=180s", *names)


def remove_namespaces(kube: Kube, *words: str) -> None:
    """Delete namespaces as after `decommission`. words: their names, and options of `kubectl delete`."""
    names = [word for word in words if not word.startswith("-")]
    kube.kubectl("label", "--overwrite", "namespace", *names, f"{_OVER}=true")
    kube.kubectl("annotate", "--overwrite", "namespace", *names, DECOMMISSIONED)
    kube.kubectl("delete", "namespace", *words)


def _as_name(test: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", test.lower().removeprefix("test_"))[:40].strip("-")
