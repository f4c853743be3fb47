"""What is there of a child in the cluster, and what its pod says: read from the cache, nothing else."""

import hashlib
from dataclasses import dataclass

from alphatrade.config import digest_of
from alphatrade.protocol import PROTOCOL, told, understood
from alphatrade.v1.control_pb2 import PodStatus
from alphatrade_operator.core.plan import Finding, Manifest, Nudge, Pushed, View
from alphatrade_operator.workload.child import Child
from alphatrade_operator.workload.manifests import CONFIG_KEY
from alphatrade_operator.workload.pod import PodFacts, read_pod


@dataclass(frozen=True, slots=True)
class Live:
    """A child as it is.

    document: of the ConfigMap; None when there is none.  replicas: of the StatefulSet; None when there is none.
    status: what the pod said lately; None when it does not answer.  pushed: its answer to the last configuration.
    files: names what the ConfigMap and the TLS Secret hold.  revision: of the StatefulSet; empty while its controller
    has not said it of what is there now.
    stranger: why what the pod says cannot be understood; then there is no status.
    """

    document: bytes | None
    replicas: int | None
    pod: PodFacts | None
    status: PodStatus | None
    pushed: Pushed | None
    files: str
    revision: str = ""
    stranger: Finding | None = None

    @property
    def outdated(self) -> bool:
        """Whether the pod was made before its StatefulSet was changed."""
        return self.pod is not None and bool(self.pod.revision and self.revision) and self.pod.revision != self.revision

    @property
    def in_force(self) -> str | None:
        """Digest of the configuration that the pod runs; None when it does not answer."""
        return self.status.document_digest if self.status else None

    def runs(self, document: bytes) -> bool:
        """Whether the pod says that it runs this configuration."""
        return self.in_force == digest_of(document)

    def answer_to(self, document: bytes) -> Pushed | None:
        """Return the pod's answer to this configuration, if it was the last one pushed."""
        return self.pushed if self.pushed and self.pushed.digest == digest_of(document) else None


def observe(view: View, child: Child) -> Live:
    """Read what is there of a child."""
    config = view.get("ConfigMap", child.namespace, child.name)
    secret = view.get("Secret", child.namespace, child.name)
    stateful_set = view.get("StatefulSet", child.namespace, child.name)
    pod = read_pod(view.get("Pod", child.namespace, child.pod))
    said = view.pod_status(child.namespace, child.name) if pod and not pod.deleting else None
    stranger = _stranger(said)
    text = (config.get("data") or {}).get(CONFIG_KEY) if config else None
    certificate = (secret.get("data") or {}).get("tls.crt", "") if secret else ""
    return Live(
        document=text.encode() if isinstance(text, str) else None,
        replicas=stateful_set["spec"].get("replicas", 1) if stateful_set else None,
        pod=pod,
        status=said if stranger is None else None,
        stranger=stranger,
        pushed=view.pushed(child.identity),
        revision=_revision(stateful_set),
        files=hashlib.sha256(f"{text}\n{certificate}".encode()).hexdigest()[:16],
    )


def _stranger(said: PodStatus | None) -> Finding | None:
    """Say why what a pod says cannot be understood; nothing is read from it then, and nothing sent to it."""
    if said is None or understood(said.protocol):
        return None
    theirs = told(said.protocol)
    text = f"the pod speaks protocol {theirs}, this operator {PROTOCOL} and its neighbours; it goes on as it is"
    if theirs < PROTOCOL:
        return Finding("ProtocolTooOld", f"{text}: upgrade by way of the version between, or roll it")
    return Finding("ProtocolTooNew", f"{text}: run the operator of the version that made the pod")


def _revision(stateful_set: Manifest | None) -> str:
    status = (stateful_set or {}).get("status") or {}
    if stateful_set is None or status.get("observedGeneration") != stateful_set["metadata"].get("generation"):
        return ""
    return str(status.get("updateRevision", ""))


def nudges(child: Child, live: Live) -> tuple[Nudge, ...]:
    """Return the nudge of a pod to its mounted files: when they change, the kubelet would look within a minute."""
    if live.pod is None or live.pod.deleting:
        return ()
    return (Nudge(child.namespace, child.pod, live.files),)
