"""Objects as the API server returns them, read once into types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from alphatrade_operator.core.explain import dotted, problems_of
from alphatrade_operator.core.model import Resource
from alphatrade_operator.core.plan import Finding, Key, Manifest, ObjectRef

_SHOWN_PROBLEMS = 5
_OURS = ("apiVersion", "kind", "spec")
_METADATA = ("name", "namespace", "labels")  # annotations are other tools', kubectl's as long as a spec: none is read
ResourceT = TypeVar("ResourceT", bound=Resource[Any])


@dataclass(frozen=True, slots=True)
class Meta:
    """Who a live object is. generation: of its spec.  deleting: only finalizers hold it still."""

    namespace: str
    name: str
    uid: str
    generation: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    finalizers: tuple[str, ...]
    deleting: bool


def meta_of(manifest: Manifest) -> Meta:
    """Return who an object is."""
    metadata = manifest["metadata"]
    return Meta(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        generation=metadata.get("generation", 0),
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        finalizers=tuple(metadata.get("finalizers") or ()),
        deleting="deletionTimestamp" in metadata,
    )


def key_of(manifest: Manifest) -> Key:
    """Return the key of one of our resources."""
    metadata = manifest["metadata"]
    return Key(manifest["kind"], metadata.get("namespace", ""), metadata["name"])


def named_by(manifest: Manifest, field: str) -> str | None:
    """Return the name that a field of the spec refers to, such as riskTemplateRef; None where it refers to nothing."""
    name = ((manifest.get("spec") or {}).get(field) or {}).get("name")
    return name if isinstance(name, str) else None


def wish_and_identity(manifest: Manifest) -> object:
    """Return what of a gateway decides about its users: not what it reports, such as how many rows it has served."""
    meta = meta_of(manifest)
    return manifest.get("spec"), meta.uid, meta.generation, meta.deleting, meta.labels


def ref_of(manifest: Manifest) -> ObjectRef:
    """Return a reference that means this very object."""
    meta = meta_of(manifest)
    return ObjectRef(manifest["apiVersion"], manifest["kind"], meta.namespace, meta.name, meta.uid)


def owner_reference(manifest: Manifest) -> dict[str, Any]:
    """Return what a child names its owner by; deleting the owner does not wait for the child."""
    meta = meta_of(manifest)
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "name": meta.name,
        "uid": meta.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def status_of(manifest: Manifest) -> Mapping[str, Any]:
    """Return the status; empty when there is none."""
    return manifest.get("status") or {}


def read(model: type[ResourceT], manifest: Manifest) -> ResourceT | Finding:
    """Return a live object as its model, else what is wrong with it, as InvalidSpec.

    The server has checked its schema; what remains are fields of another version and rules that only the model knows.
    """
    document = {name: manifest[name] for name in _OURS if name in manifest}
    metadata = manifest["metadata"]
    document["metadata"] = {name: metadata[name] for name in _METADATA if metadata.get(name)}
    try:
        return model.model_validate(document)
    except ValidationError as error:
        lines = [f"{dotted(problem.location)}: {problem.text}" for problem in problems_of(error, model)]
        more = f"; and {len(lines) - _SHOWN_PROBLEMS} more" if len(lines) > _SHOWN_PROBLEMS else ""
        return Finding("InvalidSpec", "; ".join(lines[:_SHOWN_PROBLEMS]) + more)
