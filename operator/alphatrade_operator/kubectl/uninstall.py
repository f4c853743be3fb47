"""Take AlphaTrade off a cluster, in the order in which nothing is left hanging: the steps of `uninstall`.

Ledgers are never deleted here: they go with their namespaces or with the definitions, which a person deletes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alphatrade.names import DECOMMISSIONED, GROUP, TRADING_LABEL
from alphatrade_operator.kube.resources import OURS
from alphatrade_operator.kubectl import decommission as namespaces
from alphatrade_operator.kubectl import removal
from alphatrade_operator.kubectl.decommission import Confirm, Watch, say
from alphatrade_operator.kubectl.evidence import OPERATOR
from alphatrade_operator.kubectl.export_file import write
from alphatrade_operator.kubectl.helm import Release, helm, release_of
from alphatrade_operator.kubectl.kubectl import Kubectl, KubectlError, Unfinished, ours
from alphatrade_operator.kubectl.objects import Object, read_object
from alphatrade_operator.kubectl.removal import Found

SUMS = "SHA256SUMS"
POLICIES = "app.kubernetes.io/part-of=alphatrade"
_DEFINITIONS = tuple(f"{resource.plural}.{GROUP}" for resource in OURS)


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. keep: namespaces are drained and exported, and stay.  definitions: free them for deletion."""

    folder: Path
    drain: bool
    keep: bool
    definitions: bool
    timeout_s: float

    def of(self, namespace: str) -> namespaces.Order:
        """Return what is asked for of a namespace."""
        file = self.folder / f"{namespace}.jsonl"
        return namespaces.Order(namespace, file, self.drain, self.timeout_s, mark=not self.keep)


def uninstall(kubectl: Kubectl, order: Order, ask: Confirm, watch: Watch | None = None) -> int:
    """Say what will happen, ask, and do it; return the exit code. What is done already is not done again.

    Raises KubectlError; Unfinished when something is left.
    """
    found = [namespaces.look(kubectl, name) for name in trading(kubectl)]
    _refuse_strays(kubectl, {one.name for one in found})
    _announce(kubectl, order, found)
    refused = [] if order.drain else [text for one in found if (text := removal.refusal(one))]
    if refused:
        raise Unfinished("; ".join(refused))
    ask("uninstall")
    _make(order.folder)
    _give_up(kubectl, order, found, watch or Watch())
    _remove_release(kubectl, "operator", _operator(kubectl))
    if order.definitions:
        _free_definitions(kubectl, order)
    else:
        say("the definitions and the policies stay; with --definitions they are freed too")
    return 0


def trading(kubectl: Kubectl) -> list[str]:
    """Return the names of the trading namespaces."""
    listed = kubectl.all("namespaces", (), "-l", f"{TRADING_LABEL}=true")
    return sorted(one["metadata"]["name"] for one in listed)


def _refuse_strays(kubectl: Kubectl, known: set[str]) -> None:
    """Refuse while something that could trade is where nobody looks. Raises Unfinished."""
    for plural in ("strategies", "brokerconnections"):
        there = {one["metadata"]["namespace"] for one in kubectl.all(ours(plural), ("-A",))}
        if there - known:
            text = f"{plural} are in {', '.join(sorted(there - known))}, not labelled {TRADING_LABEL}=true"
            raise Unfinished(f"{text}; label the namespace, or delete them there")


def _announce(kubectl: Kubectl, order: Order, found: Sequence[Found]) -> None:
    for one in found:
        if not _is_done(one, order):
            entries = namespaces.read_ledger(kubectl, one).entries
            say(*removal.announcement(one, entries, str(order.of(one.name).file), not order.keep))
    say("then the operator: " + _spoken(_operator(kubectl)))
    if order.definitions:
        say(f"then the definitions: marked {DECOMMISSIONED}; " + _spoken(_of_definitions(kubectl)))
    say("Ledgers are not deleted.")


def _give_up(kubectl: Kubectl, order: Order, found: Sequence[Found], watch: Watch) -> None:
    """Drain and export each namespace that is not given up yet; what one waits for does not keep the others."""
    left = []
    for number, one in enumerate(found, 1):
        say(f"namespace {number} of {len(found)}: {one.name}")
        if _is_done(one, order):
            say(f"namespace {one.name} is decommissioned already")
            continue
        try:
            namespaces.carry_out(kubectl, order.of(one.name), one, watch)
        except Unfinished as error:
            left.append(str(error))
    if left:
        raise Unfinished(f"{'; '.join(left)}; the operator stays until then")


def _is_done(found: Found, order: Order) -> bool:
    return bool(found.mark) and found.clear and not found.held and not order.keep


def _remove_release(kubectl: Kubectl, what: str, release: Release | None) -> None:
    say(f"{what}: {_spoken(release)}")
    if release is None:
        return
    said = helm(kubectl.flags, release.uninstall).strip()
    say(*(f"  {line}" for line in said.splitlines() if line.strip()))


def _operator(kubectl: Kubectl) -> Release | None:
    found = [read_object(one) for one in kubectl.all("deployments", ("-A",), "-l", OPERATOR)]
    return release_of(found[0].metadata.annotations) if found else None


def _of_definitions(kubectl: Kubectl) -> Release | None:
    found = _definitions(kubectl)
    return release_of(found[0].metadata.annotations) if found else None


def _definitions(kubectl: Kubectl) -> list[Object]:
    listed = kubectl.all("customresourcedefinitions", ())
    return [read_object(one) for one in listed if one["metadata"]["name"] in _DEFINITIONS]


def _free_definitions(kubectl: Kubectl, order: Order) -> None:
    """Let the definitions be deleted, under the sum of all exports, and say how; deleting them is a person's."""
    sums = "".join(f"{_mark_of(kubectl, name)}  {order.of(name).file.name}\n" for name in trading(kubectl)).encode()
    path, digest = order.folder / SUMS, hashlib.sha256(sums).hexdigest()
    _write(path, sums)
    found = _definitions(kubectl)
    for one in found:
        kubectl.run(
            "annotate", "customresourcedefinitions", one.metadata.name, f"{DECOMMISSIONED}={digest}", "--overwrite"
        )
    say(f"{path}: sha256 {digest}; {len(found)} definitions are marked with it")
    _remove_release(kubectl, "definitions", _of_definitions(kubectl))
    say(
        "What is left is yours to delete: it takes every object of ours with it, ledgers too.",
        f"  kubectl delete crd {' '.join(one.metadata.name for one in found)}",
        f"  kubectl delete validatingadmissionpolicybindings,validatingadmissionpolicies -l {POLICIES}",
    )


def _mark_of(kubectl: Kubectl, namespace: str) -> str:
    mark = namespaces.look(kubectl, namespace).mark
    if not mark:
        raise Unfinished(f"namespace {namespace} is not decommissioned any more; run it again to go on")
    return mark


def _spoken(release: Release | None) -> str:
    return f"helm {' '.join(release.uninstall)}" if release else "not installed, or not by Helm"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KubectlError(f"{folder}: {error.strerror or error}; name a folder that can be written") from None


def _write(path: Path, text: bytes) -> None:
    try:
        write(path, text)
    except OSError as error:
        raise KubectlError(f"{path}: {error.strerror or error}; name a folder that can be written") from None
