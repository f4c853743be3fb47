"""Where sessions lie on the pod's volume: `sessions/<number>/`, one after another, the last one may be under way."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alphatrade_runtime.loop import recovery, stream_recovery
from alphatrade_runtime.loop.carry import Closed, code_of, read_closed, read_first
from alphatrade_runtime.loop.journal import RecordKind, read_records
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.kept_file import replace_kept

CLOSED = "closed.json"
CARRIED = "another code goes on"


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

    @property
    def carried_on(self) -> bool:
        """Whether the session was handed on to another code: it goes on in the next folder."""
        closed = self.closed()
        return closed is not None and closed["by"] == CARRIED

    def commands(self) -> int:
        """Return how many order commands are on record. Raises InputError when the journal cannot be read."""
        before = self.before()
        first = before.commands() if before is not None else 0
        if not recovery.has_journal(self.path):
            return first
        records = read_records(self.path / recovery.JOURNAL)
        return first + sum(len(np.asarray(record.payload)) for record in records if record.kind is RecordKind.COMMANDS)

    def before(self) -> "SessionFolder | None":
        """Return the folder that this one goes on from; None where the session began here."""
        folder = SessionFolder(self.path.with_name(f"{self.ordinal - 1:06d}"), self.ordinal - 1)
        return folder if folder.carried_on else None

    def first(self) -> "SessionFolder":
        """Return the folder where the session began."""
        before = self.before()
        return self if before is None else before.first()

    def opening(self) -> Closed | None:
        """Return what a session without a journal of its own goes on from; None where it begins here, or has one."""
        before = self.before()
        return None if before is None or recovery.has_journal(self.path) else before.handed_on()

    def handed_on(self) -> Closed:
        """Return what the session hands on to another code. Raises InputError when it was not closed in order."""
        return read_closed(self.path / recovery.JOURNAL)

    def code_hash(self) -> str:
        """Return the code that wrote the journal; empty before there is a journal."""
        return code_of(read_first(self.path / recovery.JOURNAL)) if recovery.has_journal(self.path) else ""

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
