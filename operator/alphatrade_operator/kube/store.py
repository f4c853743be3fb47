"""The cache: what the API server last said of every watched object. Read without waiting, never written to in place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from alphatrade_operator.core.plan import Manifest


@dataclass(frozen=True, slots=True)
class Change:
    """What an observation changed. before, after: None where there was or is no object."""

    before: Manifest | None
    after: Manifest | None

    @property
    def manifest(self) -> Manifest:
        """Return the object as it is, or was last."""
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found

    @property
    def of_spec(self) -> bool:
        """Whether the wish changed, not just status or labels: a new object, a new generation, or a deletion."""
        if self.before is None or self.after is None:
            return True
        return _wish(self.before) != _wish(self.after)


def _wish(manifest: Manifest) -> tuple[object, ...]:
    metadata = manifest["metadata"]
    return metadata.get("uid"), metadata.get("generation"), metadata.get("deletionTimestamp")


def version(manifest: Manifest) -> int:
    """Return an object's resource version; within a kind it only grows (KEP-5504), so that old news is known as old."""
    return int(manifest["metadata"].get("resourceVersion") or 0)


class Store:
    """Objects by kind, namespace and name."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, dict[str, Manifest]]] = {}
        self._removed: dict[tuple[str, str, str], int] = {}

    def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """Return an object, or None."""
        return self._kinds.get(kind, {}).get(namespace, {}).get(name)

    def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Manifest]:
        """Return objects by namespace and name; labels: those that each must have."""
        namespaces = self._kinds.get(kind, {})
        wanted = sorted(namespaces) if namespace is None else (namespace,)
        found = (named for each in wanted for named in sorted(namespaces.get(each, {}).items()))
        return [manifest for _, manifest in found if _has(manifest, labels)]

    def put(self, kind: str, manifest: Manifest) -> Change | None:
        """Take an object as it is said to be; return the change, None when it is no news."""
        namespace, name = _name(manifest)
        objects = self._kinds.setdefault(kind, {}).setdefault(namespace, {})
        before = objects.get(name)
        known = version(before) if before is not None else self._removed.get((kind, namespace, name), 0)
        if version(manifest) <= known:
            return None
        objects[name] = manifest
        self._removed.pop((kind, namespace, name), None)
        return Change(before, manifest)

    def remove(self, kind: str, manifest: Manifest) -> Change | None:
        """Take an object as gone; return the change, None when it was not there or has come again since."""
        namespace, name = _name(manifest)
        before = self.get(kind, namespace, name)
        if before is None or version(before) > version(manifest):
            return None
        self._removed[(kind, namespace, name)] = max(version(before), version(manifest))
        return self._drop(kind, before)

    def replace(
        self, kind: str, manifests: Iterable[Manifest], list_version: int, namespace: str | None = None
    ) -> Sequence[Change]:
        """Take a complete list as of a version, of a namespace or of all; return what changed. Later news stays."""
        listed = {_name(manifest): manifest for manifest in manifests}
        changes = [self.put(kind, manifest) for manifest in listed.values()]
        for before in self.list(kind, namespace):
            if _name(before) not in listed and version(before) <= list_version:
                changes.append(self._drop(kind, before))
        self._removed = {key: at for key, at in self._removed.items() if key[0] != kind or at > list_version}
        return [change for change in changes if change is not None]

    def _drop(self, kind: str, before: Manifest) -> Change:
        namespace, name = _name(before)
        objects = self._kinds[kind][namespace]
        del objects[name]
        if not objects:
            del self._kinds[kind][namespace]
        return Change(before, None)


def _name(manifest: Manifest) -> tuple[str, str]:
    metadata = manifest["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _has(manifest: Manifest, labels: Mapping[str, str] | None) -> bool:
    if not labels:
        return True
    given = manifest["metadata"].get("labels") or {}
    return all(given.get(key) == value for key, value in labels.items())
