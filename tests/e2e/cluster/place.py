"""What stories do in a namespace of the cluster, and what they ask of it: statuses, pods, files in pods, metrics."""

import base64
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from alphatrade.names import API_VERSION, CHILD_PREFIXES, GROUP, HTTP_PORT, child_name
from cluster.kubectl import Kube
from cluster.settings import ClusterError
from e2e.cluster.market import Manifest

LOOK_S = 0.5
PATIENCE_S = 120.0  # a pod's start on a machine that does other things too
_PREFIX_OF = {
    "Strategy": CHILD_PREFIXES["strategy"],
    "MarketDataFeed": CHILD_PREFIXES["feed"],
    "BrokerConnection": CHILD_PREFIXES["broker"],
}
_SAMPLE = re.compile(r"^([a-z_]+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A namespace."""

    kube: Kube
    namespace: str

    def kubectl(self, *words: object, stdin: str | None = None) -> str:
        """Run kubectl in the namespace; return what it printed."""
        return self.kube.kubectl("-n", self.namespace, *words, stdin=stdin)

    def apply(self, *manifests: Manifest) -> None:
        """Apply objects as a person would."""
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))

    def patch(self, kind: str, name: str, spec: Manifest) -> None:
        """Change fields of an object's spec."""
        self.kubectl("patch", _typed(kind), name, "--type=merge", "-p", json.dumps({"spec": spec}))

    def get(self, kind: str, name: str) -> Any:
        """Return an object."""
        return self.kube.get(_typed(kind), name, namespace=self.namespace)

    def status(self, kind: str, name: str) -> Any:
        """Return an object's status; empty before there is one."""
        return self.get(kind, name).get("status", {})

    def row(self, kind: str, name: str) -> dict[str, str]:
        """Return what `kubectl get` prints of an object, by column; a cell may be empty."""
        header, line = self.kubectl("get", _typed(kind), name).splitlines()
        starts = [found.start() for found in re.finditer(r"\S+", header)]
        ends = [*starts[1:], None]
        return {header[a:b].strip(): line[a:b].strip() for a, b in zip(starts, ends, strict=True)}

    def gone(self, kind: str, name: str) -> bool:
        """Whether an object is not there."""
        return not self.kubectl("get", _typed(kind), name, "--ignore-not-found", "-o", "name").strip()

    def until(self, what: str, check: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
        """Wait for a true answer and return it."""
        return self.kube.until(f"{self.namespace}: {what}", check, timeout_s, LOOK_S)

    def condition(self, kind: str, name: str, type_: str = "Ready") -> tuple[str, str, str]:
        """Return status, reason and message of a condition that speaks of the present spec; Unknown before."""
        found = self.get(kind, name)
        for one in found.get("status", {}).get("conditions", ()):
            if one["type"] == type_ and one.get("observedGeneration", 0) >= found["metadata"]["generation"]:
                return one["status"], one["reason"], one["message"]
        return "Unknown", "", ""

    def until_condition(
        self, kind: str, name: str, reason: str, type_: str = "Ready", timeout_s: float = PATIENCE_S
    ) -> str:
        """Wait until a condition has a reason; return its message."""
        seen: list[Any] = [None]

        def has() -> bool:
            seen[0] = self.condition(kind, name, type_)
            return bool(seen[0][1] == reason)

        try:
            self.until(f"{kind} {name}: {type_} {reason}", has, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; the condition is {seen[0]}") from None
        return str(seen[0][2])

    def until_ready(self, kind: str, *names: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait with kubectl until objects are ready."""
        listed = [f"{_typed(kind)}/{name}" for name in names]
        self.kubectl("wait", "--for=condition=Ready", f"--timeout={timeout_s:.0f}s", *listed)

    def until_phase(self, name: str, *phases: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait until a Strategy is in one of some phases."""
        self.until(
            f"{name} is {' or '.join(phases)}",
            lambda: self.status("Strategy", name).get("phase") in phases,
            timeout_s,
        )

    def uid(self, kind: str, name: str) -> str:
        """Return the UID of an object."""
        return str(self.get(kind, name)["metadata"]["uid"])

    def child(self, kind: str, name: str) -> str:
        """Return the name of what the operator made of an object."""
        return child_name(_PREFIX_OF[kind], name, self.uid(kind, name))

    def pod(self, kind: str, name: str) -> str:
        """Return the name of an object's pod."""
        return f"{self.child(kind, name)}-0"

    def pod_identity(self, kind: str, name: str) -> tuple[str, int]:
        """Return a pod's UID and how often its container was started anew: what a restart changes."""
        pod = self.kube.get("pod", self.pod(kind, name), namespace=self.namespace)
        started = pod["status"].get("containerStatuses")  # none before the kubelet has seen it
        return pod["metadata"]["uid"], started[0]["restartCount"] if started else 0

    def run(self, pod: str, *words: str) -> str:
        """Run a command in a pod."""
        return self.kubectl("exec", pod, "--", *words)

    def files(self, pod: str, folder: str) -> dict[str, bytes]:
        """Return the files below a folder of a pod, by their paths in it; none where there is no folder."""
        packed = self.run(pod, "sh", "-c", f"tar -C {folder} -cf - . 2>/dev/null | base64 -w0")
        if not packed:
            return {}
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed))) as archive:
            members = [member for member in archive.getmembers() if member.isfile()]
            return {member.name.removeprefix("./"): _content(archive, member) for member in members}

    def metrics(self, pod: str) -> dict[str, float]:
        """Return what a pod exports, by `name` or `name{labels}`; its own label is left out."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}:{HTTP_PORT}/proxy/metrics"
        return {_key(name, labels): float(value) for name, labels, value in _SAMPLE.findall(self._raw(path))}

    def _raw(self, path: str) -> str:
        return self.kube.kubectl("get", "--raw", path)

    def denied(self, name: str) -> dict[str, float]:
        """Return a Strategy's denials by code, as its pod counts them now."""
        found = re.compile(r'alphatrade_denials_total\{code="([A-Z_]+)"\}')
        given = self.metrics(self.pod("Strategy", name)).items()
        return {match[1]: value for key, value in given if (match := found.fullmatch(key)) and value}

    def latch(self, name: str) -> list[Any]:
        """Return what a Strategy's runtime has latched, from the file on its own volume, oldest first."""
        try:
            text = self.run(self.pod("Strategy", name), "sh", "-c", "cat /data/accounts/*/latch.json")
        except ClusterError:
            return []
        return list(json.loads(text)["engagements"])


def together(*waits: Callable[[], object]) -> None:
    """Wait for several things at once."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(waits)) as threads:
        for done in [threads.submit(wait) for wait in waits]:
            done.result()


def names_of(manifests: Iterable[Manifest]) -> list[str]:
    """Return the names of objects."""
    return [manifest["metadata"]["name"] for manifest in manifests]


def _typed(kind: str) -> str:
    """Return a kind as kubectl takes it, with the group where it is ours."""
    ours = kind[0].isupper() and kind not in ("Pod", "StatefulSet")
    version = API_VERSION.removeprefix(f"{GROUP}/")
    return f"{kind}.{version}.{GROUP}" if ours else kind


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def _key(name: str, labels: str) -> str:
    kept = [label for label in labels.split(",") if label and not label.startswith("strategy=")]
    return f"{name}{{{','.join(kept)}}}" if kept else name
