"""The table of direct dependencies: each requirement of pyproject.toml with the reason in its comment."""

import re
import tomllib
from pathlib import Path

from pages import PageFault, table

_LINE = re.compile(r'^\s*"([^"]+)",\s*#\s*(\S.*)$')


def requirements(pyproject: Path) -> dict[str, list[str]]:
    """List the requirements by where they are needed."""
    content = tomllib.loads(pyproject.read_text())
    extras = content["project"].get("optional-dependencies", {})
    groups = content.get("dependency-groups", {})
    return {
        "always": content["project"]["dependencies"],
        **{f"extra `{name}`": wanted for name, wanted in extras.items()},
        **{f"group `{name}`": wanted for name, wanted in groups.items()},
    }


def reasons(pyproject: Path) -> dict[str, str]:
    """Map each requirement that stands on a line of its own to the comment behind it."""
    found = filter(None, map(_LINE.match, pyproject.read_text().splitlines()))
    return {match[1]: match[2].strip() for match in found}


def dependency_table(pyproject: Path) -> str:
    """Tabulate requirement, where it is needed and why. Raises PageFault for one without a reason."""
    why = reasons(pyproject)
    rows = []
    for where, wanted in requirements(pyproject).items():
        for requirement in wanted:
            if requirement not in why:
                raise PageFault(f"pyproject.toml: {requirement!r} gives no reason: write one in a comment on its line")
            rows.append([f"`{requirement}`", where, why[requirement]])
    return table(["requirement", "needed", "why"], rows)
