"""kubectl and helm against one cluster, for the harness and for tests."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.command import Command, Runner, command, run
from cluster.settings import ClusterError


@dataclass(frozen=True)
class Kube:
    """A cluster by its kubeconfig, and a PATH that finds kubectl and helm."""

    kubeconfig: Path
    path: str
    runner: Runner = field(default=run, repr=False)

    @property
    def env(self) -> dict[str, str]:
        """What a process needs to reach the cluster."""
        return {"KUBECONFIG": str(self.kubeconfig), "PATH": self.path}

    def command(self, *words: object, stdin: str | None = None) -> Command:
        """Return a command that runs against this cluster."""
        return command(*words, env=self.env, stdin=stdin)

    def kubectl(self, *words: object, stdin: str | None = None) -> str:
        """Run kubectl; return what it printed. Raises ClusterError with the server's answer when refused."""
        return self.runner(self.command("kubectl", *words, stdin=stdin))

    def helm(self, *words: object) -> str:
        """Run helm."""
        return self.runner(self.command("helm", *words))

    def apply(self, documents: str | Path, *words: object, namespace: str | None = None) -> str:
        """Apply YAML text, a file or a folder, with server-side apply left to the caller's words."""
        where = ("-n", namespace) if namespace else ()
        if isinstance(documents, Path):
            return self.kubectl("apply", *where, "-f", documents, *words)
        return self.kubectl("apply", *where, "-f", "-", *words, stdin=documents)

    def refused(self, *words: object, stdin: str | None = None) -> str:
        """Run kubectl, which must be refused; return the server's answer. Raises AssertionError when it passes."""
        try:
            said = self.kubectl(*words, stdin=stdin)
        except ClusterError as error:
            return str(error)
        raise AssertionError(f"kubectl {' '.join(map(str, words))} was accepted: {said}")

    def get(self, *words: object, namespace: str | None = None) -> Any:
        """Return an object, or a list, as the API server gives it."""
        where = ("-n", namespace) if namespace else ()
        return json.loads(self.kubectl("get", *where, *words, "-o", "json"))

    def until(self, what: str, check: Callable[[], Any], timeout_s: float = 60.0, every_s: float = 0.2) -> Any:
        """Wait for a true answer of `check` and return it; a refused question counts as not yet."""
        deadline = time.monotonic() + timeout_s
        last: object = None
        while time.monotonic() < deadline:
            try:
                last = check()
            except ClusterError as error:
                last = error
            else:
                if last:
                    return last
            time.sleep(every_s)
        raise AssertionError(f"{what}: not within {timeout_s:g} s; last seen: {last}")
