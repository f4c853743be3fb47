"""What of an object is kept in the cache: what some decision reads. Pure.

The operator's memory must not be anybody else's to fill: who wrote which field, what kubectl applied last, and the
contents of others' ConfigMaps are dropped, of which one alone can be a mebibyte.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from alphatrade.names import GROUP, MANAGED_BY
from alphatrade_operator.core.plan import Manifest
from alphatrade_operator.kube.resources import Resource

_SETS, _LONGEST = 256, 8_192  # sets of fields kept to be shared, and characters of each: anybody may use our name
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_OURS = {"app.kubernetes.io/managed-by": MANAGED_BY, "app.kubernetes.io/part-of": "alphatrade"}


def slim(manifest: Manifest, resource: Resource) -> Manifest:
    """Return what is kept of an object, with its apiVersion and kind, which lists leave out."""
    kept = {**manifest, "apiVersion": resource.api_version, "kind": resource.kind}
    kept["metadata"] = _metadata(manifest["metadata"], resource)
    return _BY_KIND.get(resource.kind, _whole)(kept)


def _metadata(metadata: Mapping[str, Any], resource: Resource) -> dict[str, Any]:
    """Leave out who owns which field but where we ask: what we have written to objects of our kinds."""
    kept = {name: value for name, value in metadata.items() if name != "managedFields"}
    owned = [entry for entry in metadata.get("managedFields") or () if entry.get("manager", "").startswith(MANAGED_BY)]
    if owned and resource.api_version.startswith(f"{GROUP}/"):
        kept["managedFields"] = [{**entry, "fieldsV1": _shared(entry.get("fieldsV1"))} for entry in owned]
    annotations = metadata.get("annotations") or {}
    if _LAST_APPLIED in annotations:
        kept["annotations"] = {name: value for name, value in annotations.items() if name != _LAST_APPLIED}
    return kept


def _shared(fields: Any) -> Any:
    """Return the same object for the same fields: ten thousand objects of a kind own few sets, three quarters of each.

    What is in the cache is never written to in place.
    """
    text = json.dumps(fields, separators=(",", ":"))
    return _read(text) if len(text) <= _LONGEST else fields


@lru_cache(_SETS)
def _read(text: str) -> Any:
    return json.loads(text)


def _whole(kept: dict[str, Any]) -> Manifest:
    return kept


def _config_map(kept: dict[str, Any]) -> Manifest:
    """Keep the keys alone of one that is not ours: a plug-in's key must be there, the pod reads what it holds."""
    labels = kept["metadata"].get("labels") or {}
    if any(labels.get(name) == value for name, value in _OURS.items()):
        return kept
    return {**kept, "data": dict.fromkeys(kept.get("data") or {}, ""), "binaryData": {}}


def _pod(kept: dict[str, Any]) -> Manifest:
    """Keep of the wish where it runs and what: the StatefulSet holds the rest."""
    spec = kept.get("spec") or {}
    containers = [{name: one[name] for name in ("name", "image") if name in one} for one in spec.get("containers", ())]
    return {**kept, "spec": {"nodeName": spec.get("nodeName", ""), "containers": containers}}


_BY_KIND: Mapping[str, Callable[[dict[str, Any]], Manifest]] = {"ConfigMap": _config_map, "Pod": _pod}
