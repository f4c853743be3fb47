"""No file of the project names this machine, a registry's host, or work left over."""

import fnmatch
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

# Spelt in pieces, so that this file passes its own test.
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "fa" + "rm", "ho" + "me"]) + r")/")
HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "crates" + ".io",
    "npm" + "js.org",
    "maven" + ".org",
    "deb.debian" + ".org",
]
REGISTRIES = re.compile("|".join(map(re.escape, [*HOSTS, "proxy.golang" + ".org"])))
LEFTOVERS = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")


def kept_files(root):
    """List the files that git would track: all but what .gitignore names; works without git, too."""
    ignored = [line.rstrip("/") for line in (root / ".gitignore").read_text().split() if not line.startswith("#")]
    ignored.append(".git")
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if not any(fnmatch.fnmatch(name, rule) for rule in ignored)]
        yield from (Path(folder) / name for name in files if not any(fnmatch.fnmatch(name, rule) for rule in ignored))


def findings(root, pattern):
    """List path:line of each match in the text files."""
    found = []
    for path in sorted(kept_files(root)):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(root)}:{text[: m.start()].count(chr(10)) + 1}: {m[0]}" for m in pattern.finditer(text)
        ]
    return found


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, REGISTRIES, LEFTOVERS], ids=["machine paths", "hosts", "leftovers"])
def test_no_tracked_file_contains(pattern):
    assert findings(ROOT, pattern) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (MACHINE_PATHS, 'TAPE = "/wo' + 'rk/shared"'),
        (REGISTRIES, "--index-url https://pypi" + ".org/simple"),
        (LEFTOVERS, "# TO" + "DO later"),
    ],
)
def test_the_patterns_find_what_they_are_for(tmp_path, pattern, text):
    (tmp_path / ".gitignore").write_text("skipped/\n")
    (tmp_path / "skipped").mkdir()
    for path in (tmp_path / "kept.py", tmp_path / "skipped" / "same.py"):
        path.write_text(f"one\n{text}\n")
    assert [line.split(": ")[0] for line in findings(tmp_path, pattern)] == ["kept.py:2"]
