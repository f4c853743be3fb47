"""Calls of kubectl: the user's own context, identity and flags; there is no second client."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alphatrade.names import GROUP

Manifest = dict[str, Any]
TIMEOUT_S = 30.0
_FIXES = (
    ("doesn't have a resource type", "the custom resources are missing; install the chart alphatrade-crds"),
    ("could not find the requested resource", "the custom resources are missing; install the chart alphatrade-crds"),
    ("connection refused", "no API server answers; check `kubectl config current-context`"),
    ("context was not found", "check `kubectl config get-contexts`"),
    ("Forbidden", "ask for the right, or use another --context"),
)


class KubectlError(Exception):
    """kubectl refused or cannot be run; one line with what to do. missing: the object is not there."""

    def __init__(self, text: str, *, missing: bool = False) -> None:
        super().__init__(" ".join(text.split()))
        self.missing = missing


class Unfinished(KubectlError):
    """It was understood, and not done or not to its end; the text says what is left and what to do."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl with the flags that say which cluster, and as whom."""

    flags: tuple[str, ...] = ()

    def all(self, plural: str, where: Sequence[str], *selection: str) -> list[Manifest]:
        """Return the objects of a kind. where: `-n X`, `-A` or nothing. Raises KubectlError."""
        found: Manifest = json.loads(self.run("get", plural, *where, *selection, "-o", "json"))
        return list(found.get("items") or ())

    def find(self, plural: str, name: str, where: Sequence[str]) -> Manifest | None:
        """Return an object, or None. Raises KubectlError."""
        text = self.run("get", plural, name, *where, "--ignore-not-found", "-o", "json")
        found: Manifest | None = json.loads(text) if text.strip() else None
        return found

    def apply(self, manifest: Mapping[str, Any]) -> str:
        """Apply a manifest; return what kubectl says. Raises KubectlError."""
        return self.run("apply", "-f", "-", stdin=json.dumps(manifest)).strip()

    def namespace(self, where: Sequence[str]) -> str:
        """Return the namespace that is meant: the one given, else the context's."""
        if "-n" in where:
            return where[where.index("-n") + 1]
        text = self.run("config", "view", "--minify", "-o", "jsonpath={..namespace}")
        return text.strip() or "default"

    def run(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl; return its output. Raises KubectlError."""
        command = ["kubectl", *self.flags, *words]
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S)
        except FileNotFoundError:
            raise KubectlError("kubectl is not on the PATH; install it") from None
        except subprocess.TimeoutExpired:
            raise KubectlError(f"kubectl {words[0]} did not answer in {TIMEOUT_S:g} s; is the cluster there?") from None
        if done.returncode != 0:
            raise _error(done.stderr or done.stdout)
        return done.stdout


def ours(name: str) -> str:
    """Return a kind of ours as kubectl finds it even where other groups have one of the same name."""
    return f"{name}.{GROUP}"


def _error(said: str) -> KubectlError:
    text = said.strip() or "kubectl failed without a word"
    fix = next((f"; {fix}" for sign, fix in _FIXES if sign in text), "")
    return KubectlError(f"{text}{fix}", missing="NotFound" in text)
