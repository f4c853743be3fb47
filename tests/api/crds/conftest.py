"""The resource definitions of this tree on a real API server, and a namespace of these tests.

No operator writes there: what these tests read is what they wrote.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from kubernetes import client, config

from alphatrade_operator.api_group import KINDS
from alphatrade_operator.core.crd import manifest
from api.crds.api_server import ApiServer
from cluster.kubectl import Kube
from kube_fixtures import alone, backend, cluster, definitions  # noqa: F401


@pytest.fixture(scope="session")
def kubectl(alone: Kube) -> Callable[..., str]:  # noqa: F811
    """Offer kubectl on a cluster that has the definitions."""
    return alone.kubectl


@pytest.fixture(scope="session")
def api_client(alone: Kube) -> Iterator[client.ApiClient]:  # noqa: F811
    """Offer a client of a cluster that has the definitions."""
    with config.new_client_from_config(config_file=str(alone.kubeconfig)) as made:
        found = client.ApiextensionsV1Api(made)
        for kind in KINDS:
            _established(found, manifest(kind)["metadata"]["name"])
        yield made


def _established(found: client.ApiextensionsV1Api, name: str) -> None:
    for _ in range(100):
        status = found.read_custom_resource_definition(name).status
        conditions = (status.conditions if status else None) or ()
        if any(condition.type == "Established" and condition.status == "True" for condition in conditions):
            return
        time.sleep(0.1)
    pytest.fail(f"{name} is not established: {conditions}")


def _as_user(kube: Kube) -> Callable[[str], client.CustomObjectsApi]:
    """Offer clients by user, with all rights: what is refused is the object."""

    @cache
    def objects(user: str) -> client.CustomObjectsApi:
        made = config.new_client_from_config(config_file=str(kube.kubeconfig))
        if user:
            made.set_default_header("Impersonate-User", user)
            made.set_default_header("Impersonate-Group", "system:masters")
        return client.CustomObjectsApi(made)

    return objects


@pytest.fixture(scope="session")
def api(alone: Kube, api_client: client.ApiClient) -> Iterator[ApiServer]:  # noqa: F811
    """Offer a namespace that goes with the tests."""
    core = client.CoreV1Api(api_client)
    name = f"api-crds-{uuid.uuid4().hex[:8]}"
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    yield ApiServer(_as_user(alone), name)
    core.delete_namespace(name)
