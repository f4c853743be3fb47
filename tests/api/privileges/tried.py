"""Run every cell and gather what came of it."""

from collections.abc import Mapping

from api.privileges.caller import Answer, Caller, Request
from api.privileges.deeds import Deed, deeds
from api.privileges.outcome import Unclear, outcome
from api.privileges.own_verbs import VERBS, granted
from api.privileges.rows import Row, rows
from api.privileges.table import written
from api.privileges.world import World

CONFLICT = 409
TRIES = 5


def matrix(world: World, callers: Mapping[str, Caller], admin: Caller) -> str:
    """Try everything as everybody; return the file. Raises Unclear for an answer that is neither yes nor no."""
    kinds = {row.title: _row(row, callers, admin) for row in rows(world)}
    verbs = {
        plural: {who: {verb: granted(caller, world, plural, verb) for verb in own} for who, caller in callers.items()}
        for plural, own in VERBS.items()
    }
    done = {deed.title: {who: _done(deed, caller) for who, caller in callers.items()} for deed in deeds(world)}
    return written(kinds, verbs, done)


def _row(row: Row, callers: Mapping[str, Caller], admin: Caller) -> dict[str, dict[str, str]]:
    return {who: {verb: _cell(row, verb, caller, admin) for verb in row.verbs} for who, caller in callers.items()}


def _cell(row: Row, verb: str, caller: Caller, admin: Caller) -> str:
    """Try one cell; an object that changed between read and write is read again."""
    for _ in range(TRIES):
        seen = admin.ask(Request("GET", row.object_path)).body if verb == "update" else {}
        answer = caller.ask(row.request(verb, caller.user, seen))
        if answer.status != CONFLICT:
            break
    return _meaning(f"{verb} {row.title}", caller, answer, row.fine)


def _done(deed: Deed, caller: Caller) -> str:
    return _meaning(deed.title, caller, caller.ask(deed.request(caller.user)))


def _meaning(what: str, caller: Caller, answer: Answer, fine: str = "") -> str:
    try:
        return outcome(answer, fine)
    except Unclear as unclear:
        raise Unclear(f"{what}, as {caller.user}: {unclear}") from None
