"""Every reason that the operator or a gateway can give has its meaning and its fix in the manual."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from alphatrade_operator.kubectl.reasons import GROUPS, REASONS, fix_of

ROOT = Path(__file__).resolve().parents[4]
SOURCES = (
    "operator/alphatrade_operator",
    "runtime/alphatrade_runtime/service/feed",
    "runtime/alphatrade_runtime/service/strategy",
)
# Which argument of a call is a reason.
AT = {
    "Finding": 0,
    "moving": 0,
    "Verdict": 1,
    "Condition": 2,
    "FeedFault": 0,
    "_stall": 1,
    "Phase": 1,
    "State": 1,
    "_failed": 0,
}
ENDS = ("FeedEnded", "Drained")  # nothing is wrong, and nothing is to be done
PASCAL = re.compile(r"[A-Z][A-Za-z]+")


def _given(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the reasons in a file, with their lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            at = AT.get(name)
            if at is not None and len(node.args) > at:
                yield from _texts(node.args[at])


def _texts(node: ast.expr) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and PASCAL.fullmatch(node.value):
        yield node.value, node.lineno
    elif isinstance(node, ast.BoolOp):
        for part in node.values:
            yield from _texts(part)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def test_every_reason_in_the_code_is_explained():
    files = [
        path for source in SOURCES for path in sorted((ROOT / source).rglob("*.py")) if path.parent.name != "kubectl"
    ]
    found = {reason: f"{path.name}:{line}" for path in files for reason, line in _given(path)}
    assert len(found) > 40
    missing = sorted(f"{reason} ({where})" for reason, where in found.items() if reason not in REASONS)
    assert missing == [], "add them to operator/alphatrade_operator/kubectl/reasons.py"


def test_no_reason_is_in_two_groups():
    assert sum(len(group) for group in GROUPS.values()) == len(REASONS)


@pytest.mark.parametrize(
    "name", [name for title, group in GROUPS.items() if "should be" not in title for name in group if name not in ENDS]
)
def test_what_is_wrong_has_a_fix(name):
    assert REASONS[name].means
    assert REASONS[name].fix


def test_an_unknown_reason_leads_to_the_log():
    assert "kubectl logs" in fix_of("SomethingNewer")
