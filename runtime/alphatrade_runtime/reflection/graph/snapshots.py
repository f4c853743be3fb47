"""Snapshots of the fast weights that a run leaves beside its records: what its graph is measured on."""

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError, disk_errors
from alphatrade_runtime.perception.belief.shape import NEURONS, WIDTH
from alphatrade_runtime.policy.canonical import canonical

FOLDER = "fast-weights"
KEPT = 64  # the latest of an instrument
_SCHEMA = 1
_FIX = "take it from a copy of the run, or remove the file"
_NAME = re.compile(r"(\d{3,})-(\d{15,})\.npz")


@dataclass(frozen=True, eq=False)
class RhoSnapshot:
    """The weights of one instrument behind a decision.

    instrument: its index in the run.  decisions: its own until then, `every` of them between two snapshots.
    decision_id: of the run.  rho: (n, d) float32, lazy decay multiplied in.
    """

    instrument: int
    symbol: str
    decisions: int
    decision_id: int
    every: int
    rho: npt.NDArray[np.float32]

    @property
    def name(self) -> str:
        """Name of its file: by instrument, then in the order of time."""
        return f"{self.instrument:03d}-{self.decision_id:015d}.npz"

    def facts(self) -> dict[str, Any]:
        """Return all of it but the weights."""
        return {
            "schema": _SCHEMA, "instrument": self.instrument, "symbol": self.symbol, "decisions": self.decisions,
            "decision_id": self.decision_id, "every": self.every,
        }  # fmt: skip

    @property
    def digest(self) -> str:
        """`sha256:` over the canonical facts and the little-endian weights."""
        return f"sha256:{hashlib.sha256(canonical(self.facts()) + self.rho.astype('<f4').tobytes()).hexdigest()}"


def write_snapshot(folder: Path, taken: RhoSnapshot) -> Path:
    """Write folder/NAME, whole or not at all, and let go of the oldest of its instrument beyond the 64 kept.

    The same snapshot gives the same bytes. Raises InputError when it cannot be written. It is not synced: a run whose
    machine failed goes on from what is on record, and makes it anew.
    """
    path = folder / taken.name
    partial = folder / f".{path.name}.partial"
    arrays = {"facts": _text(canonical(taken.facts())), "digest": _text(taken.digest.encode())}
    try:
        with disk_errors(path):
            folder.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                np.savez(file, allow_pickle=False, rho=taken.rho, **arrays)
            os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    cut_back(folder, taken.instrument, taken.decision_id)
    return path


def cut_back(folder: Path, instrument: int, decision_id: int) -> None:
    """Remove an instrument's snapshots of later decisions, those before the latest 64, and what a kill left half.

    Raises InputError.
    """
    there = files(folder, instrument)
    kept = [path for path in there if _decision(path) <= decision_id][-KEPT:]
    with disk_errors(folder):
        for path in (set(there) - set(kept)) | set(folder.glob(f".{instrument:03d}-*.partial")):
            path.unlink(missing_ok=True)


def files(folder: Path, instrument: int) -> list[Path]:
    """Return the snapshots of an instrument, oldest first; none where there is no such folder."""
    names = [(_NAME.fullmatch(path.name), path) for path in folder.glob("*.npz")]
    ours = [path for name, path in names if name is not None and int(name[1]) == instrument]
    return sorted(ours, key=_decision)


def _decision(path: Path) -> int:
    return int(path.stem.split("-")[1])


def read_snapshot(path: Path) -> RhoSnapshot:
    """Read one. Raises InputError when it is damaged, or its content is not what its digest and name say."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            facts, digest = json.loads(saved["facts"].tobytes()), saved["digest"].tobytes().decode()
            found = _of(facts, saved["rho"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: no snapshot of fast weights ({error}); {_FIX}") from None
    if found.digest != digest or found.name != path.name:
        raise InputError(f"{path}: digest or name are not those of its content; {_FIX}")
    return found


def _of(facts: Mapping[str, Any], rho: npt.NDArray[Any]) -> RhoSnapshot:
    if facts["schema"] != _SCHEMA:
        raise ValueError(f"its schema is {facts['schema']}, not {_SCHEMA}")
    if rho.dtype != np.float32 or rho.shape != (NEURONS, WIDTH):
        raise ValueError(f"its weights are {rho.dtype} {rho.shape}, not float32 {(NEURONS, WIDTH)}")
    numbers = {name: int(facts[name]) for name in ("instrument", "decisions", "decision_id", "every")}
    return RhoSnapshot(symbol=str(facts["symbol"]), rho=rho, **numbers)


def _text(content: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8)
