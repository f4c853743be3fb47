"""Stories on a real cluster: what is given, what is done, what is then to be seen of objects and pods.

A Story is one namespace. Everything waits by a deadline, reads what the API server and the pods' volumes hold, and
fails with what was seen last.
"""

import base64
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt
import yaml

from alphatrade.names import CHILD_PREFIXES, child_name
from alphatrade_runtime.execution.broker.exchange_log import from_client, read_commands, read_reports
from cluster.kubectl import Kube
from cluster.settings import ROOT

Document = dict[str, Any]
EXAMPLES = ROOT / "examples"
KINDS = {"Strategy": "strategy", "MarketDataFeed": "feed", "BrokerConnection": "broker"}
API = "alphatrade.io/v1alpha1"


@dataclass(frozen=True)
class Orders:
    """What a broker gateway's own log holds of one strategy, sessions in order: commands as they arrived, reports."""

    commands: npt.NDArray[Any]
    reports: npt.NDArray[Any]


@dataclass(frozen=True)
class Story:
    """What happens in one namespace. since: when each object was applied, by the monotonic clock."""

    kube: Kube
    namespace: str
    since: dict[str, float] = field(default_factory=dict)

    def given(self, *documents: Document) -> "Story":
        """Apply objects, all at once."""
        for document in documents:
            self.since[f"{document['kind']}/{document['metadata']['name']}"] = time.monotonic()
        self.kube.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}), namespace=self.namespace)
        return self

    def remove(self, kind: str, name: str, *words: str) -> None:
        """Delete an object; returns when it is gone, unless the words say otherwise."""
        self.kubectl("delete", kind, name, *(words or ("--timeout=120s",)))

    def kubectl(self, *words: object) -> str:
        """Run kubectl in the namespace."""
        return self.kube.kubectl("-n", self.namespace, *words)

    def read(self, kind: str, name: str) -> Document:
        """Return an object."""
        return dict(self.kube.get(kind, name, namespace=self.namespace))

    def status(self, kind: str, name: str) -> Document:
        """Return an object's status; empty before there is one."""
        return dict(self.read(kind, name).get("status") or {})

    def condition(self, kind: str, name: str, type_: str = "Ready") -> Document:
        """Return a condition of an object; empty while it has none."""
        return condition_of(self.read(kind, name), type_)

    def ready(self, *objects: str, timeout_s: int = 60) -> None:
        """Wait for Ready as a user does: objects as `strategy/quickstart`."""
        self.kubectl("wait", "--for=condition=Ready", *objects, f"--timeout={timeout_s}s")

    def then(self, kind: str, name: str, reason: str, type_: str = "Ready", timeout_s: float = 60.0) -> Document:
        """Wait until a condition has a reason; return the condition."""

        def seen() -> Document | None:
            found = self.condition(kind, name, type_)
            return found if found.get("reason") == reason else None

        return dict(self.until(f"{kind}/{name} {type_}={reason}", seen, timeout_s, kind, name))

    def until(
        self, what: str, check: Callable[[], Any], timeout_s: float = 60.0, kind: str = "", name: str = ""
    ) -> Any:
        """Wait for a true answer and return it; kind and name are of the object that a failure shows."""
        try:
            return self.kube.until(what, check, timeout_s)
        except AssertionError as error:
            shown = json.dumps(self.read(kind, name).get("status"), indent=1) if kind else self.kubectl("get", "pods")
            raise AssertionError(f"{error}\n{shown}") from None

    # Pods

    def pod(self, kind: str, name: str) -> str:
        """Return the name of an object's pod."""
        return f"{self.child(kind, name)}-0"

    def child(self, kind: str, name: str) -> str:
        """Return the name of an object's StatefulSet, Service, ConfigMap and Secret."""
        uid = self.read(kind, name)["metadata"]["uid"]
        return child_name(CHILD_PREFIXES[KINDS[kind]], name, uid)

    def run(self, pod: str, *words: str) -> str:
        """Run a command in a pod."""
        return self.kubectl("exec", pod, "--", *words)

    def fetch(self, pod: str, folder: str, into: Path) -> Path:
        """Copy a folder out of a pod as it is now; what grows meanwhile comes as far as it was."""
        packed = self.run(pod, "sh", "-c", f"tar -C {folder} -cf - . 2>/dev/null | base64 -w0")
        into.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed))) as tar:
            tar.extractall(into, filter="data")
        return into

    def files(self, pod: str, folder: str = "/data") -> dict[str, int]:
        """Return the files under a folder of a pod and their sizes."""
        listing = self.run(pod, "find", folder, "-type", "f", "-printf", r"%p\t%s\n")
        return {path: int(size) for path, _, size in (line.partition("\t") for line in listing.splitlines())}

    def orders(self, broker: str, strategy: str, into: Path) -> list[Orders]:
        """Return what the gateway's own log holds of a strategy, a session each, in order of their first command."""
        uid = self.read("Strategy", strategy)["metadata"]["uid"]
        pod = self.pod("BrokerConnection", broker)
        folder = self.fetch(pod, f"/data/sessions/{uid}", into / f"orders-{time.monotonic_ns()}")
        logs = [path.parent for path in folder.glob("*/session.json")]
        found = [Orders(from_client(read_commands(log)), read_reports(log)) for log in logs]
        return sorted(found, key=lambda one: int(one.commands["ts_ns"][0]) if len(one.commands) else 0)

    def restarts(self, pod: str) -> int:
        """Return how often the containers of a pod were started again."""
        statuses = self.read("pod", pod)["status"].get("containerStatuses", ())
        return sum(int(one["restartCount"]) for one in statuses)


def condition_of(document: Document, type_: str = "Ready") -> Document:
    """Return a condition of an object; empty while it has none."""
    conditions: Iterable[Document] = (document.get("status") or {}).get("conditions", ())
    return next((dict(one) for one in conditions if one["type"] == type_), {})


def example(name: str = "quickstart") -> dict[str, Document]:
    """Return the objects of an example folder by kind, to be changed and applied."""
    paths = sorted(path for path in (EXAMPLES / name).glob("*.yaml") if path.name != "kustomization.yaml")
    documents = [document for path in paths for document in yaml.safe_load_all(path.read_text()) if document]
    return {document["kind"]: document for document in documents}


def quickstart(speed: str = "Max", **strategy: Any) -> dict[str, Document]:
    """Return the quickstart's objects by kind, with the feed's speed and fields of the Strategy's spec changed."""
    objects = example()
    objects["MarketDataFeed"]["spec"]["simulator"]["speed"] = speed
    objects["Strategy"]["spec"] |= strategy
    return objects


def kill_switch(mode: str, name: str = "stop", **spec: Any) -> Document:
    """Return a KillSwitch."""
    return {
        "apiVersion": API,
        "kind": "KillSwitch",
        "metadata": {"name": name},
        "spec": {"mode": mode, "reason": "a drill", **spec},
    }
