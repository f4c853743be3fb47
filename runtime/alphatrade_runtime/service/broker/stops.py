"""Which strategies of an account a kill switch stopped: kept at the account, so that nobody escapes by another name."""

import json
import threading
from pathlib import Path

from alphatrade.v1.broker_pb2 import Stopped
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.kept_file import replace_kept

MODES = ("Reduce", "Halt", "Flatten")
_MAX_WORDS = 512


class StopBook:
    """Stops by the strategy's UID, in one file; the strongest of each is kept, and none is ever taken back."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises InputError when it cannot be read: who was stopped is unknown then."""
        self._path = path
        self._lock = threading.Lock()
        self._stops: dict[str, tuple[str, str]] = {}
        if not path.exists():
            return
        try:
            self._stops = {uid: (mode, by) for uid, (mode, by) in json.loads(path.read_bytes()).items()}
        except (ValueError, TypeError, AttributeError):
            raise InputError(f"{path}: cannot be read; restore it, or begin a new account") from None

    def add(self, uid: str, mode: str, by: str) -> None:
        """Keep a stop, on the disk when this returns. Raises InputError."""
        if mode not in MODES:
            raise InputError(f"stopped.mode {mode!r}: write one of {', '.join(MODES)}")
        with self._lock:
            held = self._stops.get(uid)
            if held is not None and MODES.index(held[0]) >= MODES.index(mode):
                return
            self._stops = {**self._stops, uid: (mode, by[:_MAX_WORDS])}
            replace_kept(self._path, json.dumps(self._stops, sort_keys=True))

    def of(self, uid: str) -> Stopped | None:
        """Return what stopped a strategy; None when nothing did."""
        held = self._stops.get(uid)
        return None if held is None else Stopped(mode=held[0], by=held[1])

    def of_others(self, uid: str) -> Stopped | None:
        """Return what stopped another strategy of the account; None when nothing did."""
        others = [held for other, held in sorted(self._stops.items()) if other != uid]
        return Stopped(mode=others[0][0], by=others[0][1]) if others else None
