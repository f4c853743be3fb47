"""The matrix as the file has it: one line for those who may do the same, so that a changed right is a changed line."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from api.privileges.outcome import ALLOWED, FORBIDDEN

HEAD = """\
# Who may do what: every cell is a request that was made, by a real identity, on a cluster with roles and law in force.
# Writes are dry runs, which run authorization and admission. A difference fails the test and is for people to judge;
# `WRITE_MATRIX=1 python -m pytest tests/api/privileges` writes the file anew.
#
# A kind's line says what those identities may do; `[law X refuses ...]` is what RBAC lets through and the admission
# policy X does not. A verb that is not named is refused by RBAC. "ours" is what the operator made, "theirs" the rest.
"""
Outcomes = Mapping[str, str]  # by verb
Row = Mapping[str, Outcomes]  # by identity


def written(kinds: Mapping[str, Row], verbs: Mapping[str, Row], deeds: Mapping[str, Outcomes]) -> str:
    """Return the file. kinds, verbs: by title.  deeds: outcome by identity, by title."""
    lines = [HEAD + "kinds:", *_rows(kinds), "", "# Verbs of our own, as RBAC grants them.", "verbs:", *_rows(verbs)]
    lines += ["", "# What those verbs and the policies make of it.", "deeds:", *_deeds(deeds)]
    return "\n".join(lines) + "\n"


def difference(file: str, tried: str) -> str:
    """Return what changed, a line each, with the row that it is in; empty when nothing did."""
    lines = difflib.unified_diff(file.splitlines(), tried.splitlines(), "matrix.yaml", "the cluster", n=4, lineterm="")
    return "\n".join(lines)


def _rows(rows: Mapping[str, Row]) -> Iterable[str]:
    for title, row in rows.items():
        yield f"  {title}:"
        for who, what in _joined({identity: _may(outcomes) for identity, outcomes in row.items()}):
            yield f"    {who}: {what}"


def _deeds(deeds: Mapping[str, Outcomes]) -> Iterable[str]:
    for title, outcomes in deeds.items():
        yield f"  {title}:"
        for what, who in _by_outcome(outcomes):
            yield f"    {what}: {', '.join(who)}"


def _joined(said: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return [(", ".join(who), what) for what, who in _grouped(said).items()]


def _by_outcome(outcomes: Outcomes) -> Sequence[tuple[str, list[str]]]:
    """Return who gets each outcome: allowed first, then what the law refuses, then what RBAC does."""
    rank = {ALLOWED: 0, FORBIDDEN: 2}
    return sorted(_grouped(outcomes).items(), key=lambda item: (rank.get(item[0], 1), item[0]))


def _grouped(said: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for who, what in said.items():
        found.setdefault(what, []).append(who)
    return found


def _may(outcomes: Outcomes) -> str:
    """Write what an identity may do with a kind, as `get list [law X refuses update patch]`."""
    by_outcome = _grouped({verb: said for verb, said in outcomes.items() if said != FORBIDDEN})
    allowed = by_outcome.pop(ALLOWED, [])
    refused = [f"[{law} refuses {' '.join(verbs)}]" for law, verbs in sorted(by_outcome.items())]
    return " ".join([*allowed, *refused]) or "nothing"
