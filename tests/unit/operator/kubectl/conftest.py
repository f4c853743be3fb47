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
while words[0].startswith("--"):
    del words[:2]
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
elif words[0] == "delete":
    plural, name, space = words[1], words[2], words[words.index("-n") + 1]
    here = [one for one in objects[plural] if one["metadata"]["namespace"] == space]
    for one in [one for one in here if one["metadata"]["name"] == name]:
        one["metadata"]["deletionTimestamp"] = "2026-01-05T10:00:00Z"
        if name not in objects.get("stuck", []):
            objects[plural].remove(one)
    objects[plural] += [one for one in objects.pop("comes", []) if one["kind"] == "Strategy"]
    objects["policyledgerentries.alphatrade.io"] = objects.pop("written", objects["policyledgerentries.alphatrade.io"])
    world.write_text(json.dumps(objects))
elif words[0] == "annotate":
    plural, name, (key, _, value) = words[1], words[2], words[3].partition("=")
    for one in [one for one in objects[plural] if one["metadata"]["name"] == name]:
        one["metadata"].setdefault("annotations", {{}})
        if value:
            one["metadata"]["annotations"][key] = value
        else:
            one["metadata"]["annotations"].pop(key.rstrip("-"), None)
    for one in [] if "asleep" in objects else objects.get("marketdatafeeds.alphatrade.io", []):
        one["metadata"]["finalizers"] = []  # as the operator does
    objects["strategies.alphatrade.io"] = objects.get("strategies.alphatrade.io", []) + objects.pop("late", [])
    world.write_text(json.dumps(objects))
else:
    plural = words[1]
    named = words[2] if len(words) > 2 and not words[2].startswith("-") else None
    space = words[words.index("-n") + 1] if "-n" in words else None if "-A" in words else "dev"
    found = [one for part in plural.split(",") for one in objects.get(part, [])]
    if plural not in ("namespace", "namespaces", "customresourcedefinitions"):
        found = [one for one in found if space is None or one["metadata"]["namespace"] == space]
    if named:
        found = [one for one in found if one["metadata"]["name"] == named]
        print(json.dumps(found[0]) if found else "", end="")
    else:
        print(json.dumps({{"items": found}}))
"""

_HELM = """#!{python}
import json, sys
from pathlib import Path

world = Path({world!r})
with (world.parent / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
sys.exit(json.loads(world.read_text()).get("helm_refuses"))
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
        self.helm = folder / "helm"
        self.helm.write_text(_HELM.format(python=sys.executable, world=str(self._file)))
        self.helm.chmod(0o755)

    def hold(self, **objects):
        """Set what there is: lists by plural of ours, or by the whole name for others."""
        ours = (
            "strategies",
            "killswitches",
            "marketdatafeeds",
            "brokerconnections",
            "risktemplates",
            "policyledgerentries",
        )
        named = {f"{plural}.alphatrade.io" if plural in ours else plural: found for plural, found in objects.items()}
        self._file.write_text(json.dumps(named))

    def change(self, **objects):
        """Set some of what there is, by whole names."""
        self._file.write_text(json.dumps(self.objects | objects))

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
