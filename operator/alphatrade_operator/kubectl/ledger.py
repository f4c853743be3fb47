"""The ledger of a namespace as a file: the chain is verified, then written as JSON lines. Pure.

Line 1 says whose ledger it is, how many entries follow and the hash of the last; then an entry a line, RFC 8785 JSON.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785

from alphatrade.names import API_VERSION
from alphatrade_operator.core.live import read
from alphatrade_operator.core.plan import Finding
from alphatrade_operator.kubectl.kubectl import Manifest, Unfinished
from alphatrade_operator.ledger.model import NO_HASH, PolicyLedgerEntry

_KEPT = ("name", "namespace", "uid", "creationTimestamp")
_PROJECTIONS = ("type", "policyHash", "strategy")
_INCIDENT = "keep the namespace as it is: this is an incident"


@dataclass(frozen=True, slots=True)
class Export:
    """What is written. text: the whole file.  entries: how many.  head: entryHash of the last; zeros without any."""

    text: bytes
    entries: int
    head: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the file, as `sha256sum` prints it."""
        return hashlib.sha256(self.text).hexdigest()


def export(namespace: str, uid: str, found: Sequence[Manifest]) -> Export:
    """Return the ledger of a namespace as a file. Raises Unfinished when the chain does not hold."""
    entries = sorted(found, key=lambda one: _sequence(namespace, one))
    before: Mapping[str, Any] | None = None
    for entry in entries:
        problem = _problem(entry, before)
        if problem:
            raise Unfinished(f"ledger of {namespace}: {_name(entry)}: {problem}; {_INCIDENT}")
        before = entry["spec"]
    head = before["entryHash"] if before is not None else NO_HASH
    title = {"kind": "LedgerExport", "namespace": namespace, "uid": uid, "entries": len(entries), "head": head}
    lines = [{"apiVersion": API_VERSION, **title}, *(_line(entry) for entry in entries)]
    return Export(b"".join(rfc8785.dumps(line) + b"\n" for line in lines), len(entries), head)


def continues(old: bytes, new: Export) -> bool:
    """Whether a file is an earlier export of the same ledger, so that it may be replaced."""
    known, now = old.splitlines(), new.text.splitlines()
    try:
        return _owner(known[0]) == _owner(now[0]) and known[1:] == now[1 : len(known)]
    except (IndexError, ValueError, KeyError, TypeError):
        return False


def _owner(title: bytes) -> tuple[str, str]:
    line = json.loads(title)
    return line["kind"], line["uid"]


def _sequence(namespace: str, entry: Manifest) -> int:
    """Return the number of an entry that its kind's rules accept."""
    checked = read(PolicyLedgerEntry, entry)
    if isinstance(checked, Finding):
        raise Unfinished(f"ledger of {namespace}: {_name(entry)}: {checked.message}; {_INCIDENT}")
    return checked.spec.sequence


def _problem(entry: Manifest, before: Mapping[str, Any] | None) -> str:
    """Say what is wrong with an entry, by its own content and the entry before it; empty when nothing is."""
    spec = entry["spec"]
    sequence = spec["sequence"]
    if _name(entry) != f"ple-{sequence}":
        return f"is not named ple-{sequence}"
    if before is None and sequence and spec["type"] != "Checkpoint":
        return "is the first that is there, and neither entry 0 nor a Checkpoint: the entries before it are missing"
    if before is not None and sequence != before["sequence"] + 1:
        return f"follows entry {before['sequence']}: what was between them is missing"
    if before is not None and spec["prevHash"] != before["entryHash"]:
        return "spec.prevHash is not the entryHash of the entry before"
    if hashlib.sha256(spec["record"].encode()).hexdigest() != spec["entryHash"]:
        return "spec.entryHash is not the SHA-256 of spec.record"
    return _projected(spec)


def _projected(spec: Mapping[str, Any]) -> str:
    """Say which column does not show what the record says."""
    try:
        record = json.loads(spec["record"])
    except ValueError:
        return "spec.record is not JSON"
    if not isinstance(record, dict):
        return "spec.record is no JSON object"
    wrong = [name for name in _PROJECTIONS if name in record and record[name] != spec.get(name)]
    return f"spec.{wrong[0]} is not what spec.record says" if wrong else ""


def _line(entry: Manifest) -> dict[str, Any]:
    metadata = {name: entry["metadata"][name] for name in _KEPT if name in entry["metadata"]}
    return {"apiVersion": API_VERSION, "kind": "PolicyLedgerEntry", "metadata": metadata, "spec": entry["spec"]}


def _name(entry: Manifest) -> str:
    return str(entry["metadata"]["name"])
