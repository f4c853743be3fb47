"""Where the API server is, as a pod learns it."""

from pathlib import Path

import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.kill import ApiServer


def test_a_pod_knows_its_api_server():
    found = ApiServer.in_cluster({"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "6443"})
    folder = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    assert found == ApiServer("10.96.0.1", 6443, folder / "ca.crt", folder / "token")


@pytest.mark.parametrize("environ", [{}, {"KUBERNETES_SERVICE_HOST": "x", "KUBERNETES_SERVICE_PORT": "tcp://x:1"}])
def test_outside_a_pod_there_is_none(environ):
    with pytest.raises(InputError, match="KUBERNETES_SERVICE_HOST"):
        ApiServer.in_cluster(environ)
