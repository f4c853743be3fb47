"""What decisions read and what they may say: shared by every kind, pure, compared by `==`.

A kind's `gather(view, key)` reads the cache and nothing else; its `decide(facts, now)` returns a Plan; only the
machinery in `kube/` and `pods/` acts on one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from alphatrade.v1.control_pb2 import PodStatus
from alphatrade_operator.settings import Settings

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A custom resource of ours. kind: as in YAML, such as Strategy."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. reason: PascalCase. message: one line, the field and the fix."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a status. status: None is Unknown. Time and generation are filled in where it is written."""

    type: str
    status: bool | None
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an object.

    Each change of a condition makes one by itself; a decision names another only when the status in its facts shows
    that it has not been said yet.
    """

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object of any kind. uid: only that very object is meant, never another of the same name."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """A TLS Secret that has to be there; `pki/` issues it and renews it at half of its life.

    name: of the Secret, and of the Service whose DNS names it carries.  identity: see alphatrade.names.identity.
    metadata: labels and ownerReferences of the Secret.
    """

    namespace: str
    name: str
    identity: str
    metadata: Manifest


@dataclass(frozen=True, slots=True)
class Push:
    """A configuration for a running pod, by RuntimeControl.Apply.

    target: host:port.  identity: what the pod's certificate must carry.  document: RFC 8785 JSON.
    """

    target: str
    identity: str
    document: bytes


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a pod answered to the last Push. digest: of the document, as in PodStatus.document_digest."""

    digest: str
    outcome: Literal["Applied", "Unchanged", "RestartRequired", "Refused"]
    detail: str


@dataclass(frozen=True, slots=True)
class Nudge:
    """An annotation on a pod, so that the kubelet looks at its mounted files at once and not in a minute."""

    namespace: str
    pod: str
    digest: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that should hold after this look at an object.

    children: whole manifests, by server-side apply, in order; what is as wanted already is not written.
    deletions: each with the UID that it must still have.
    status: the object's status but its conditions, whole: what is left out goes away; None leaves all of it.
    snapshot: more fields of the status that change all the time; written at most once in status_min_interval_s, and
    whenever status or conditions change.
    conditions: all conditions that this kind writes; what is left out goes away.
    finalizers: of ours, those that the object must have; None leaves them.
    look_again_s: seconds until the next look when nothing happens; None waits for events and the repair round.
    """

    children: tuple[Manifest, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    deletions: tuple[ObjectRef, ...] = ()
    status: Manifest | None = None
    snapshot: Manifest | None = None
    conditions: tuple[Condition, ...] = ()
    events: tuple[Event, ...] = ()
    finalizers: tuple[str, ...] | None = None
    pushes: tuple[Push, ...] = ()
    nudges: tuple[Nudge, ...] = ()
    look_again_s: float | None = None


class View(Protocol):
    """The cache as `gather` may read it; nothing here waits.

    `kind` is any watched kind: ours, and StatefulSet, Pod, Service, ConfigMap, Secret, ServiceAccount,
    PersistentVolumeClaim, NetworkPolicy, PodDisruptionBudget, Role, RoleBinding, Namespace (namespace ""). Of those not
    ours only objects labelled managed-by alphatrade-operator are there, pods and claims of our StatefulSets included;
    of ConfigMaps all, since plug-ins name them.
    """

    @property
    def settings(self) -> Settings:
        """Return the operator's settings."""
        ...

    @property
    def epoch(self) -> int:
        """Return the number of the Lease's transitions, which every write to a pod carries."""
        ...

    @property
    def law(self) -> Finding | None:
        """Return what the API server does not enforce of the law; None while it is whole."""
        ...

    def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """Return an object, or None."""
        ...

    def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Manifest]:
        """Return objects by namespace and name; labels: those that each must have."""
        ...

    def pod_status(self, namespace: str, child_name: str) -> PodStatus | None:
        """Return what the pod `<child_name>-0` said lately; None when it does not answer: unknown."""
        ...

    def pushed(self, identity: str) -> Pushed | None:
        """Return what the pod of an identity answered to the last Push; None when none was answered."""
        ...
