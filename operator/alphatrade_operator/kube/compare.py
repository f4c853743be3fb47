"""Whether an object is as wanted already, so that nothing is written over unchanged objects. Pure.

The server adds defaults to what we apply, so the wanted is looked for *in* the live object; that nothing applied
earlier is left over says a digest of the whole of it, kept in an annotation.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from alphatrade_operator.core.plan import Manifest

APPLIED = "alphatrade.io/applied"  # annotation: SHA-256 of the manifest applied last
_KEYS = ("name", "type", "key", "containerPort", "port", "ip")  # by which lists of objects are merged


def with_digest(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest that carries its own digest."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    metadata = manifest["metadata"]
    annotations = {**(metadata.get("annotations") or {}), APPLIED: digest}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def holds(wanted: Any, live: Any) -> bool:
    """Whether everything that is wanted is in a live value as it should be."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(_field(value, live, name) for name, value in wanted.items())
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return _items(wanted, live)
    return type(wanted) is type(live) and bool(wanted == live)


def _field(wanted: Any, live: Mapping[str, Any], name: str) -> bool:
    if wanted in ({}, [], None) and name not in live:
        return True  # the server leaves out what is empty
    return name in live and holds(wanted, live[name])


def _items(wanted: Sequence[Any], live: Any) -> bool:
    if not isinstance(live, Sequence) or isinstance(live, str):
        return False
    key = next((key for key in _KEYS if wanted and all(isinstance(i, Mapping) and key in i for i in wanted)), None)
    if key is None or len({json.dumps(item[key]) for item in wanted}) < len(wanted):
        return len(wanted) == len(live) and all(holds(one, other) for one, other in zip(wanted, live))
    by_key = {json.dumps(item[key]): item for item in live if isinstance(item, Mapping) and key in item}
    return all(json.dumps(item[key]) in by_key and holds(item, by_key[json.dumps(item[key])]) for item in wanted)


def owned_fields(live: Manifest, manager: str, root: str, subresource: str = "") -> Mapping[str, Any]:
    """Return the part of a live object's managedFields under `root` (such as f:status) that a manager owns."""
    for entry in live["metadata"].get("managedFields") or ():
        if (
            entry.get("manager") == manager
            and entry.get("operation") == "Apply"
            and entry.get("subresource", "") == subresource
        ):
            owned: Mapping[str, Any] = (entry.get("fieldsV1") or {}).get(root) or {}
            return owned
    return {}
