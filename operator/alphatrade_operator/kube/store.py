"""The cache: what the API server last said of every watched object. Read without waiting, never written to in place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from alphatrade_operator.core.plan import Manifest

_Name = tuple[str, str]  # namespace, name


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
        self._kinds: dict[str, dict[_Name, Manifest]] = {}
        self._removed: dict[tuple[str, _Name], int] = {}

    def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """Return an object, or None."""
        return self._kinds.get(kind, {}).get((namespace, name))

    def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Manifest]:
        """Return objects by namespace and name; labels: those that each must have."""
        found = self._kinds.get(kind, {})
        names = sorted(name for name in found if namespace is None or name[0] == namespace)
        return [found[name] for name in names if _has(found[name], labels)]

    def put(self, kind: str, manifest: Manifest) -> Change | None:
        """Take an object as it is said to be; return the change, None when it is no news."""
        name = _name(manifest)
        objects = self._kinds.setdefault(kind, {})
        before = objects.get(name)
        known = version(before) if before is not None else self._removed.get((kind, name), 0)
        if version(manifest) <= known:
            return None
        objects[name] = manifest
        self._removed.pop((kind, name), None)
        return Change(before, manifest)

    def remove(self, kind: str, manifest: Manifest) -> Change | None:
        """Take an object as gone; return the change, None when it was not there or has come again since."""
        name = _name(manifest)
        before = self._kinds.get(kind, {}).get(name)
        if before is None or version(before) > version(manifest):
            return None
        del self._kinds[kind][name]
        self._removed[(kind, name)] = max(version(before), version(manifest))
        return Change(before, None)

    def replace(
        self, kind: str, manifests: Iterable[Manifest], list_version: int, namespace: str | None = None
    ) -> Sequence[Change]:
        """Take a complete list as of a version, of a namespace or of all; return what changed. Later news stays."""
        listed = {_name(manifest): manifest for manifest in manifests}
        changes = [self.put(kind, manifest) for manifest in listed.values()]
        for name, before in list(self._kinds.get(kind, {}).items()):
            if name not in listed and version(before) <= list_version and namespace in (None, name[0]):
                del self._kinds[kind][name]
                changes.append(Change(before, None))
        self._removed = {key: at for key, at in self._removed.items() if key[0] != kind or at > list_version}
        return [change for change in changes if change is not None]


def _name(manifest: Manifest) -> _Name:
    metadata = manifest["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _has(manifest: Manifest, labels: Mapping[str, str] | None) -> bool:
    if not labels:
        return True
    given = manifest["metadata"].get("labels") or {}
    return all(given.get(key) == value for key, value in labels.items())
