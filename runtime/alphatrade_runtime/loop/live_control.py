"""Requests to a running session: files put into `<run>/control`, taken in order of their names.

A file is complete when it has its name. Taking it twice, after a kill at the wrong moment, does no harm: a
latch knows only up.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Control

FOLDER = "control"
MODES = {"Reduce": Control.REDUCE, "Halt": Control.HALT, "Flatten": Control.FLATTEN}
_MAX_REASON = 240


@dataclass(frozen=True)
class KillRequest:
    """One request to engage the kill switch. slippage_bps 0: the risk template's."""

    path: Path
    mode: Control
    reason: str
    slippage_bps: int

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values for the journal."""
        return {
            "kill": self.mode.name,
            "reason": self.reason,
            "slippage_bps": self.slippage_bps,
            "file": self.path.name,
        }


def request_kill(run: Path, mode: str, reason: str, slippage_bps: int = 0) -> Path:
    """Ask a session to engage the kill switch; return the request's file, which is renamed `*.taken` when it is done.

    mode: Reduce, Halt or Flatten. Raises InputError when the mode is unknown or the folder is no run with a journal.
    """
    if mode not in MODES:
        raise InputError(f"--mode {mode}: no such kill mode; choose from {', '.join(MODES)}")
    if not 0 < len(reason) <= _MAX_REASON:
        raise InputError(f"--reason: {len(reason)} characters; say why in 1 to {_MAX_REASON}")
    if not 0 <= slippage_bps < 10_000:
        raise InputError(f"--max-slippage: {slippage_bps} bps; give 0 (the template's) to 9999")
    if not (run / "journal").is_dir():
        raise InputError(f"{run}: no journal there; give the folder of a run at Realtime or a multiple such as 200x")
    folder = run / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{time.time_ns():020d}-{os.getpid()}.json"
    partial = path.with_suffix(f".partial-{os.getpid()}")
    partial.write_text(json.dumps({"mode": mode, "reason": reason, "slippage_bps": slippage_bps}))
    os.replace(partial, path)
    return path


def pending(run: Path) -> list[KillRequest]:
    """Return the requests not yet taken. A file that is no request engages Halt: what was meant is unknown."""
    try:
        names = sorted(entry.name for entry in os.scandir(run / FOLDER) if entry.name.endswith(".json"))
    except FileNotFoundError:
        return []
    return [_read(run / FOLDER / name) for name in names]


def mark_taken(request: KillRequest) -> None:
    """Put a request aside once it is in the journal and has had its effect."""
    os.replace(request.path, request.path.with_suffix(".taken"))


def _read(path: Path) -> KillRequest:
    try:
        asked = json.loads(path.read_bytes())
        return KillRequest(path, MODES[asked["mode"]], str(asked["reason"]), int(asked["slippage_bps"]))
    except (OSError, ValueError, KeyError, TypeError):
        return KillRequest(path, Control.HALT, "unreadable request", 0)
