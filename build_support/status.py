"""The table of what is real, simulated or missing, from docs/status.yaml, with the proof of each entry."""

import re
from pathlib import Path
from typing import Any

import yaml

from pages import PageFault, table

STATES = ("real", "simulated", "missing")
FIELDS = {"part", "state", "what", "proof"}


def entries(path: Path) -> list[dict[str, Any]]:
    """Read the entries. Raises PageFault naming the entry and field that is wrong."""
    listed = yaml.safe_load(path.read_text())
    for entry in listed:
        name = f"{path.name}: {entry.get('part', entry)!r}"
        if set(entry) - FIELDS or {"part", "state", "what"} - set(entry):
            raise PageFault(f"{name}: fields must be part, state, what and proof (a list)")
        if entry["state"] not in STATES:
            raise PageFault(f"{name}: state {entry['state']!r} is none of {', '.join(STATES)}")
        if entry["state"] != "missing" and not entry.get("proof"):
            raise PageFault(f"{name}: give the test or command that proves it")
    return list(listed)


def missing_proof(root: Path, proof: str) -> str | None:
    """Say what a proof names that does not exist; None when it exists.

    A proof is a path (tests/unit/market/test_x.py), a test in it (path::test_name), or `make TARGET`.
    """
    if proof.startswith("make "):
        target = proof.split()[1]
        known = re.search(rf"^{re.escape(target)}:", (root / "Makefile").read_text(), re.MULTILINE)
        return None if known else f"no target {target!r} in the Makefile"
    path, _, test = proof.partition("::")
    if not (root / path).exists():
        return f"no file {path}"
    if test and not re.search(rf"def {re.escape(test)}\b", (root / path).read_text()):
        return f"no {test} in {path}"
    return None


def status_table(path: Path) -> str:
    """Tabulate the entries in the file's order. Raises PageFault for a proof that does not exist."""
    root = path.parent.parent
    rows = []
    for entry in entries(path):
        proofs = [str(proof) for proof in entry.get("proof") or []]
        for proof in proofs:
            fault = missing_proof(root, proof)
            if fault:
                raise PageFault(f"{path.name}: {entry['part']!r}: {fault}")
        rows.append(
            [entry["part"], entry["state"], entry["what"], "<br>".join(f"`{proof}`" for proof in proofs) or "—"]
        )
    return table(["part", "state", "what that means", "proof"], rows)
