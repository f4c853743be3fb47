"""Calls of helm: the same context and identity as kubectl's."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from alphatrade_operator.kubectl.kubectl import KubectlError, Unfinished

_TIMEOUT_S = 600.0
_FLAGS = {"--context": "--kube-context", "--as": "--kube-as-user"}


@dataclass(frozen=True, slots=True)
class Release:
    """A release by name, in the namespace where Helm keeps its record."""

    name: str
    namespace: str

    @property
    def uninstall(self) -> tuple[str, ...]:
        """The words that uninstall it; again they do nothing."""
        return ("uninstall", self.name, "-n", self.namespace, "--ignore-not-found", "--wait")


def release_of(annotations: Mapping[str, str]) -> Release | None:
    """Return the release that an object says that it is of; None when Helm did not make it."""
    name = annotations.get("meta.helm.sh/release-name")
    namespace = annotations.get("meta.helm.sh/release-namespace")
    return Release(name, namespace) if name and namespace else None


def helm(flags: tuple[str, ...], words: tuple[str, ...]) -> str:
    """Run helm; return its output. flags: as kubectl takes them. Raises KubectlError, Unfinished when it refuses."""
    command = ["helm", *words, *(_FLAGS.get(flag, flag) for flag in flags)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except FileNotFoundError:
        raise KubectlError(f"helm is not on the PATH; install it, or run there: helm {' '.join(words)}") from None
    except subprocess.TimeoutExpired:
        raise Unfinished(f"helm {words[0]} did not end in {_TIMEOUT_S:g} s; run it again to go on") from None
    if done.returncode != 0:
        raise Unfinished(done.stderr or done.stdout)
    return done.stdout
