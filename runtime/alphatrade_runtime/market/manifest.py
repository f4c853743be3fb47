"""The manifest of a tape: what it holds, where it came from, and the digests that prove it unchanged.

`digest` is over the columns' little-endian bytes in schema order and independent of how rows were
batched; `sha256` is over the file's bytes; `manifest_digest` over the manifest itself without that key.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.market.faults import InputError, disk_errors
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.market.schema import ARROW_SCHEMA, TAPE_SCHEMA_VERSION, Rows

MANIFEST_NAME = "manifest.json"
DATA_NAME = "tape.arrow"
_REQUIRED = ("schema_version", "kind", "source", "instruments", "calendar", "rows", "sha256", "digest")

Manifest = dict[str, Any]


class ColumnDigest:
    """Digest of a tape's columns, fed in any batches."""

    def __init__(self) -> None:
        self._columns = [hashlib.sha256() for _ in ARROW_SCHEMA]

    def update(self, rows: Rows) -> None:
        """Add rows; each column must be C-contiguous and little-endian."""
        for digest, column in zip(self._columns, rows, strict=True):
            digest.update(np.ascontiguousarray(column).view(np.uint8).data)

    def hexdigest(self) -> str:
        """Return "sha256:<hex>" over (name, column digest) in schema order."""
        total = hashlib.sha256()
        for field, digest in zip(ARROW_SCHEMA, self._columns, strict=True):
            total.update(field.name.encode() + b"\0" + digest.digest())
        return f"sha256:{total.hexdigest()}"


def manifest_digest(manifest: Manifest) -> str:
    """Return "sha256:<hex>" of a manifest without its own digest."""
    rest = {key: value for key, value in manifest.items() if key != "manifest_digest"}
    return f"sha256:{hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(',', ':')).encode()).hexdigest()}"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest with its own digest into a folder."""
    sealed = {**manifest, "manifest_digest": manifest_digest(manifest)}
    (folder / MANIFEST_NAME).write_text(json.dumps(sealed, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read and check a manifest. Raises InputError when it is absent, edited, empty or of another version."""
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise InputError(f"{path}: missing; give the folder of a tape, or make one with `alphatrade import`")
    with disk_errors(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    try:
        manifest = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: no JSON ({error}); import the data again") from None
    if not isinstance(manifest, dict) or manifest.get("kind") != "tape":
        raise InputError(f"{path}: no manifest of a tape; give the folder of a tape")
    _check(path, manifest)
    return manifest


def _check(path: Path, manifest: Manifest) -> None:
    if manifest.get("schema_version") != TAPE_SCHEMA_VERSION:
        raise InputError(
            f"{path}: schema_version is {manifest.get('schema_version')}, this program reads {TAPE_SCHEMA_VERSION}; "
            "import the data again"
        )
    if manifest.get("manifest_digest") != manifest_digest(manifest):
        raise InputError(f"{path}: edited after the tape was written; import the data again")
    for name in _REQUIRED:
        if name not in manifest:
            raise InputError(f"{path}: {name} is missing; import the data again")
    if manifest["rows"] == 0:
        raise InputError(f"{path}: the tape has 0 rows; import data that holds at least one")


def instruments_of(manifest: Manifest) -> tuple[Instrument, ...]:
    """Return the instruments of a tape; a row's `instrument` is the position here."""
    return tuple(Instrument.from_mapping(facts) for facts in manifest["instruments"])


def check_instruments(instruments: Sequence[Instrument]) -> None:
    """Raise InputError when there is none, too many, or one symbol twice."""
    symbols = [instrument.symbol for instrument in instruments]
    if not symbols:
        raise InputError("tape: no instruments; name at least one")
    if len(symbols) >= 65_535:
        raise InputError(f"tape: {len(symbols)} instruments; at most 65,534 fit")
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            raise InputError(f"tape: instrument {symbol} is named twice; name each once")
