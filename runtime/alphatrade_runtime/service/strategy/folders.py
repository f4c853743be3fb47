"""Where sessions lie on the pod's volume: `sessions/<number>/`, one after another, the last one may be under way."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.loop import recovery, stream_recovery
from alphatrade_runtime.loop.journal import RecordKind, read_records
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.kept_file import replace_kept

CLOSED = "closed.json"


@dataclass(frozen=True)
class SessionFolder:
    """One session's folder. ordinal: its number, from 1."""

    path: Path
    ordinal: int

    def closed(self) -> dict[str, Any] | None:
        """Return how the session ended; None while it goes on."""
        path = self.path / CLOSED
        if not path.exists():
            return None
        try:
            facts: dict[str, Any] = json.loads(path.read_bytes())
        except ValueError:
            raise InputError(f"{path}: cannot be read; restore it, or remove it to go on with the session") from None
        return facts

    def close(self, facts: dict[str, Any]) -> None:
        """Note how the session ended. Raises InputError when it cannot be written."""
        replace_kept(self.path / CLOSED, json.dumps(facts, sort_keys=True))

    def commands(self) -> int:
        """Return how many order commands are on record. Raises InputError when the journal cannot be read."""
        if not recovery.has_journal(self.path):
            return 0
        records = read_records(self.path / recovery.JOURNAL)
        return sum(len(np.asarray(record.payload)) for record in records if record.kind is RecordKind.COMMANDS)

    def document(self) -> dict[str, Any] | None:
        """Return the session document that the journal began with; None before there is a journal."""
        if not recovery.has_journal(self.path):
            return None
        stream = stream_recovery.read_facts(self.path)
        held = stream.document if stream is not None else recovery.read_facts(self.path).document
        return dict(held)


def latest(data: Path) -> SessionFolder | None:
    """Return the last session's folder; None before the first."""
    numbers = sorted(int(path.name) for path in (data / "sessions").glob("[0-9]*") if path.is_dir())
    return _folder(data, numbers[-1]) if numbers else None


def following(data: Path, before: SessionFolder | None) -> SessionFolder:
    """Return the folder of a new session, made."""
    folder = _folder(data, before.ordinal + 1 if before is not None else 1)
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder.path}: {error.strerror}; give the pod a volume that it can write") from None
    return folder


def _folder(data: Path, ordinal: int) -> SessionFolder:
    return SessionFolder(data / "sessions" / f"{ordinal:06d}", ordinal)
