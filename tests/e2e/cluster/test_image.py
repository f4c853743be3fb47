"""The image that the Dockerfile makes of this tree, in a pod with everything taken away that can be."""

import json
from dataclasses import dataclass

import pytest

from alphatrade_runtime.policy.hashes import code_hash, installed_code
from cluster.kubectl import Kube
from cluster.settings import ClusterError
from e2e.cluster.compiled import compiled_in
from kube_fixtures import trading_namespace

POD = "image"
CODE = "from alphatrade_runtime.policy.hashes import code_hash, installed_code; print(code_hash(installed_code()))"
TIMED = """
import pathlib
for path in sorted(pathlib.Path("/opt/alphatrade").rglob("*.pyc")):
    if path.read_bytes()[4] != 1:  # PEP 552: a hash that nothing checks, so no time stamp of the source
        print(path)
"""


def pod_of(image):
    restricted = {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    container = {
        "name": "image",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "600"],
        "securityContext": restricted,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": POD}, "spec": spec}


@dataclass(frozen=True)
class Pod:
    """A pod of the image that runs and does nothing."""

    kube: Kube
    namespace: str

    def run(self, *words: str) -> str:
        return self.kube.kubectl("-n", self.namespace, "exec", POD, "--", *words).strip()


@pytest.fixture(scope="module")
def pod(cluster, image):
    with trading_namespace(cluster, "image") as namespace:
        cluster.apply(json.dumps(pod_of(image)), namespace=namespace)
        cluster.kubectl("-n", namespace, "wait", "--for=condition=Ready", f"pod/{POD}", "--timeout=60s")
        yield Pod(cluster, namespace)


def test_it_is_nobody_in_particular_and_can_write_to_tmp_alone(pod):
    assert pod.run("id", "-u") == "65532"
    with pytest.raises(ClusterError, match="Read-only file system"):
        pod.run("touch", "/opt/alphatrade/app/new")


def test_it_computes_what_this_tree_computes(pod):
    assert pod.run("python", "-c", CODE) == code_hash(installed_code())


def test_no_time_is_in_its_byte_code(pod):
    assert pod.run("python", "-c", TIMED) == ""
    assert int(pod.run("sh", "-c", "find /opt/alphatrade -name '*.pyc' | wc -l")) > 1000


def test_the_command_line_is_there(pod):
    assert "alphatrade COMMAND --help" in pod.run("alphatrade", "--help")


def test_nothing_of_what_was_baked_is_compiled_again(pod):
    pod.run("python", "-m", "alphatrade_runtime.cli.bake")
    assert compiled_in(pod.kube, pod.namespace, POD) == []
