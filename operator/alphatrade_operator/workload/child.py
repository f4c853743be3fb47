"""The pod of a custom resource and all that surrounds it share one name, one set of labels, one identity."""

from dataclasses import dataclass
from typing import Any, Literal

from alphatrade import names
from alphatrade.config import Endpoint, Owner
from alphatrade_operator.core.live import meta_of, owner_reference
from alphatrade_operator.core.plan import Certificate, Manifest

Kind = Literal["strategy", "feed", "broker"]


@dataclass(frozen=True, slots=True)
class Child:
    """What a custom resource's StatefulSet, Service, ConfigMap, Secret and ServiceAccount are called and owned by."""

    kind: Kind
    owner: Owner
    owner_reference: Manifest

    @property
    def namespace(self) -> str:
        """Where all of it lives."""
        return self.owner.namespace

    @property
    def name(self) -> str:
        """The one name."""
        return names.child_name(names.CHILD_PREFIXES[self.kind], self.owner.name, self.owner.uid)

    @property
    def pod(self) -> str:
        """Name of the only pod."""
        return f"{self.name}-0"

    @property
    def identity(self) -> str:
        """What the pod's certificate carries."""
        return names.identity(self.namespace, self.kind, self.owner.name, self.owner.uid)

    @property
    def endpoint(self) -> Endpoint:
        """Where the pod serves, and as whom."""
        return Endpoint(target=f"{self.name}.{self.namespace}.svc:{names.GRPC_PORT}", identity=self.identity)

    def labels(self) -> dict[str, str]:
        """Return the labels of everything that belongs to it."""
        return {
            "app.kubernetes.io/name": "alphatrade",
            "app.kubernetes.io/component": self.kind,
            "app.kubernetes.io/part-of": "alphatrade",
            "app.kubernetes.io/managed-by": names.MANAGED_BY,
            "app.kubernetes.io/instance": self.name,
            names.KIND_LABEL: self.kind,
            names.OWNER_LABEL: self.owner.name,
            names.OWNER_UID_LABEL: self.owner.uid,
        }

    def selector(self) -> dict[str, str]:
        """Return the labels by which its pod is found: never changed, a StatefulSet's selector cannot be."""
        return {"app.kubernetes.io/instance": self.name, names.KIND_LABEL: self.kind}

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of a child in the owner's namespace; it goes when the owner goes."""
        return {
            "name": self.name,
            "namespace": self.namespace,
            "labels": self.labels(),
            "ownerReferences": [dict(self.owner_reference)],
        }

    def certificate(self) -> Certificate:
        """Return the TLS Secret that the pod mounts."""
        metadata = {name: value for name, value in self.metadata().items() if name in ("labels", "ownerReferences")}
        return Certificate(self.namespace, self.name, self.identity, metadata)


def child_of(kind: Kind, manifest: Manifest) -> Child:
    """Return the child of a live resource."""
    meta = meta_of(manifest)
    return Child(kind, Owner(namespace=meta.namespace, name=meta.name, uid=meta.uid), owner_reference(manifest))
