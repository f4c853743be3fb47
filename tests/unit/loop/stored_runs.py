"""Runs of made tapes on disk, as the command line leaves them."""

import json

from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.reflection.diary.compact import compact
from alphatrade_runtime.reflection.diary.dictionary import Dictionary
from unit.loop.mind_sessions import rows


def stored(folder, document, tape=None):
    """Run a session to disk, and compact it as a finished run is."""
    result = Engine(document).replay(rows(3_000) if tape is None else tape, folder)
    run = {
        "run_id": result.run_id, "session": document, "instruments": document["policy"]["envelope"]["instruments"],
        "policy_hash": "a", "envelope_hash": "b", "code_hash": "c", "digests": result.digests, "violations": [],
        "tape": {"source": "made rows", "simulated": True}, "kill": result.kill, "mode": "Sim", "speed": "Max",
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(run))
    compact(folder, Dictionary.from_run(run))
    return folder
