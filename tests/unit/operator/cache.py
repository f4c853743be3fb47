"""A View of plain dicts."""

from typing import Any

from alphatrade_operator.settings import Settings


class Cache:
    """Objects by kind, namespace and name; what pods say by namespace and child name."""

    def __init__(self, *manifests: dict[str, Any], **settings: Any) -> None:
        self.settings, self.epoch, self.law = Settings(**settings), 1, None
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.said: dict[tuple[str, str], Any] = {}
        self.answers: dict[str, Any] = {}
        for manifest in manifests:
            self.put(manifest)

    def put(self, manifest: dict[str, Any]) -> None:
        """Let an object be there."""
        metadata = manifest["metadata"]
        self.objects[(manifest["kind"], metadata.get("namespace", ""), metadata["name"])] = manifest

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """Return an object, or None."""
        return self.objects.get((kind, namespace, name))

    def list(self, kind: str, namespace: str | None = None, labels: Any = None) -> list[dict[str, Any]]:
        """Return objects by namespace and name."""
        found = (one for key, one in sorted(self.objects.items()) if key[0] == kind and namespace in (None, key[1]))
        return [one for one in found if (labels or {}).items() <= (one["metadata"].get("labels") or {}).items()]

    def pod_status(self, namespace: str, child_name: str) -> Any:
        """Return what a pod said."""
        return self.said.get((namespace, child_name))

    def pushed(self, identity: str) -> Any:
        """Return what a pod answered."""
        return self.answers.get(identity)


def resource(kind: str, name: str, namespace: str = "desk", spec: Any = None, **metadata: Any) -> dict[str, Any]:
    """Return one of our resources."""
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "generation": 1, **metadata}
    return {"apiVersion": "alphatrade.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec or {}}


def namespace(name: str, trading: bool = True, **metadata: Any) -> dict[str, Any]:
    """Return a namespace."""
    labels = {"alphatrade.io/trading": "true"} if trading else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels, **metadata}}
