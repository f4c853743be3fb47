"""A kubectl that answers from a file, for what is read, applied and printed; the real one is in tests/api."""

import json
import sys

import pytest

_SCRIPT = """#!{python}
import json, sys
from pathlib import Path

world = Path({world!r})
objects, words = json.loads(world.read_text()), sys.argv[1:]
with (world.parent / "calls").open("a") as calls:
    calls.write(json.dumps(words) + "\\n")
flags = [words.pop(0) for _ in range(2)] if words[0].startswith("--") else []
if "refused" in objects:
    sys.exit(objects["refused"])
if words[:2] == ["config", "view"]:
    print("dev", end="")
elif words[0] == "apply":
    given = json.load(sys.stdin)
    given["metadata"]["generation"] = 1
    kind = given["kind"].lower() + "es.alphatrade.io"
    given["status"] = objects.get("answers", {{}})
    objects.setdefault(kind, []).append(given)
    world.write_text(json.dumps(objects))
    print("killswitch.alphatrade.io/" + given["metadata"]["name"] + " created")
else:
    plural = words[1]
    named = words[2] if len(words) > 2 and not words[2].startswith("-") else None
    space = words[words.index("-n") + 1] if "-n" in words else None if "-A" in words else "dev"
    found = objects.get(plural, [])
    if plural != "namespace":
        found = [one for one in found if space is None or one["metadata"]["namespace"] == space]
    if named:
        found = [one for one in found if one["metadata"]["name"] == named]
        print(json.dumps(found[0]) if found else "", end="")
    else:
        print(json.dumps({{"items": found}}))
"""


class World:
    """The objects that the fake kubectl answers from, by plural."""

    def __init__(self, folder):
        self._file = folder / "world.json"
        self._file.write_text("{}")
        self._calls = folder / "calls"
        self._calls.touch()
        script = folder / "kubectl"
        script.write_text(_SCRIPT.format(python=sys.executable, world=str(self._file)))
        script.chmod(0o755)

    def hold(self, **objects):
        """Set what there is: lists by plural of ours, or by the whole name for others."""
        ours = ("strategies", "killswitches", "marketdatafeeds", "brokerconnections", "risktemplates")
        named = {f"{plural}.alphatrade.io" if plural in ours else plural: found for plural, found in objects.items()}
        self._file.write_text(json.dumps(named))

    @property
    def objects(self):
        """What there is now."""
        return json.loads(self._file.read_text())

    @property
    def calls(self):
        """The words of each call."""
        return [json.loads(line) for line in self._calls.read_text().splitlines()]


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Put a kubectl on the PATH that answers from what the test holds."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return World(tmp_path)
