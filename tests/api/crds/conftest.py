"""The resource definitions of this tree on a real API server, and a namespace of these tests."""

import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kubernetes import client, config

from alphatrade_operator.api_group import KINDS
from alphatrade_operator.core.crd import manifest
from api.crds.api_server import ApiServer

ROOT = Path(__file__).resolve().parents[3]
Kubectl = Callable[..., str]


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    """Run kubectl; a refusal is returned like an answer, so that tests can look at both."""
    if "KUBECONFIG" not in os.environ:
        pytest.fail("KUBECONFIG is not set; `make cluster-up` starts a cluster and says how to reach it")

    def run(*words: object, stdin: str | None = None) -> str:
        done = subprocess.run(["kubectl", *map(str, words)], input=stdin, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def api_client(kubectl: Kubectl) -> Iterator[client.ApiClient]:
    """Offer a client of a cluster that has the definitions of this tree."""
    said = kubectl("apply", "--server-side", "--force-conflicts", "-f", ROOT / "crds")
    assert said.count("serverside-applied") == len(KINDS), said
    with config.new_client_from_config() as made:
        definitions = client.ApiextensionsV1Api(made)
        for kind in KINDS:
            _established(definitions, manifest(kind)["metadata"]["name"])
        yield made


def _established(definitions: client.ApiextensionsV1Api, name: str) -> None:
    for _ in range(100):
        status = definitions.read_custom_resource_definition(name).status
        conditions = (status.conditions if status else None) or ()
        if any(condition.type == "Established" and condition.status == "True" for condition in conditions):
            return
        time.sleep(0.1)
    pytest.fail(f"{name} is not established: {conditions}")


@pytest.fixture(scope="session")
def api(api_client: client.ApiClient) -> Iterator[ApiServer]:
    """Offer a namespace that goes with the tests."""
    core = client.CoreV1Api(api_client)
    name = f"api-crds-{uuid.uuid4().hex[:8]}"
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    yield ApiServer(client.CustomObjectsApi(api_client), name)
    core.delete_namespace(name)
