"""Two namespaces on a real API server, and a service account in them as a runtime has it."""

import base64
import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from alphatrade.config import KillScope
from alphatrade_runtime.service.kill import ApiServer
from cluster.kubectl import Kube
from kube_fixtures import backend, cluster, definitions, remove_namespaces  # noqa: F401

ROLE = ("--verb=get,list,watch", "--resource=killswitches.alphatrade.io")


@dataclass(frozen=True)
class Desk:
    """A trading namespace beside an operator's."""

    kube: Kube
    own: str
    operator: str
    api: ApiServer

    @property
    def scope(self) -> KillScope:
        """What a runtime here looks at."""
        return KillScope(own_namespace=self.own, operator_namespace=self.operator, labels={"team": "a"})

    def allow(self, namespace: str) -> None:
        """Let the runtime's account read kill switches of a namespace."""
        self.kube.kubectl("create", "role", "reads-kill-switches", *ROLE, "-n", namespace)
        account = f"--serviceaccount={self.own}:runtime"
        self.kube.kubectl(
            "create", "rolebinding", "reads-kill-switches", "--role=reads-kill-switches", account, "-n", namespace
        )

    def engage(self, name: str, mode: str = "Halt", namespace: str = "", **spec: object) -> None:
        """Apply a KillSwitch."""
        document = {
            "apiVersion": "alphatrade.io/v1alpha1",
            "kind": "KillSwitch",
            "metadata": {"name": name, "namespace": namespace or self.own},
            "spec": {"mode": mode, "reason": "drill", **spec},
        }
        self.kube.apply(json.dumps(document))


@pytest.fixture
def desk(definitions, tmp_path):  # noqa: F811
    """Two namespaces of this test's own; the runtime's account may read neither yet."""
    kube = definitions
    own, operator = (f"api-kill-{uuid.uuid4().hex[:8]}" for _ in range(2))
    for namespace in (own, operator):
        kube.kubectl("create", "namespace", namespace)
    kube.kubectl("create", "serviceaccount", "runtime", "-n", own)
    yield Desk(kube, own, operator, _account(kube, own, tmp_path))
    remove_namespaces(kube, own, operator, "--wait=false")


def _account(kube: Kube, namespace: str, folder: Path) -> ApiServer:
    """Write token and CA as a pod finds them; return where the API server is."""
    settings = json.loads(kube.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    given = settings["clusters"][0]["cluster"]
    (folder / "ca.crt").write_bytes(base64.b64decode(given["certificate-authority-data"]))
    (folder / "token").write_text(kube.kubectl("create", "token", "runtime", "-n", namespace))
    server = urlsplit(given["server"])
    return ApiServer(server.hostname or "", server.port or 443, folder / "ca.crt", folder / "token")
