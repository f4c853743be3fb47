"""Give a namespace up: the reads, the writes, the waiting and the printing of `decommission`."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alphatrade.names import DECOMMISSIONED
from alphatrade_operator.kubectl import removal
from alphatrade_operator.kubectl.evidence import OPERATOR
from alphatrade_operator.kubectl.export_file import keep
from alphatrade_operator.kubectl.kubectl import Kubectl, KubectlError, Unfinished, ours
from alphatrade_operator.kubectl.ledger import Export, export
from alphatrade_operator.kubectl.objects import Object, read_object, read_strategy
from alphatrade_operator.kubectl.removal import Found

POLL_S = 1.0
_KEPT = ",".join(ours(plural) for plural in ("marketdatafeeds", "risktemplates", "explorationbudgets"))
Confirm = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. mark: annotate the namespace in the end, so that it may be deleted."""

    namespace: str
    file: Path
    drain: bool
    timeout_s: float
    mark: bool = True


@dataclass(frozen=True, slots=True)
class Watch:
    """The time that waiting takes."""

    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


def confirm(word: str) -> None:
    """Ask a person to write a word. Raises KubectlError when nobody answers, Unfinished for another word."""
    print(f"Write {word} to go on: ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise KubectlError("nobody to ask: give --yes")
    if answer.strip() != word:
        raise Unfinished("not confirmed: nothing was done")


def decommission(kubectl: Kubectl, order: Order, ask: Confirm, watch: Watch | None = None) -> int:
    """Say what will happen, ask, and do it; return the exit code. What is done already is not done again.

    Raises KubectlError; Unfinished when something is left.
    """
    found = look(kubectl, order.namespace)
    ledger = read_ledger(kubectl, found)
    say(*removal.announcement(found, ledger.entries, str(order.file), order.mark))
    refused = "" if order.drain else removal.refusal(found)
    if refused:
        raise Unfinished(refused)
    ask(found.name)
    return carry_out(kubectl, order, found, watch or Watch())


def carry_out(kubectl: Kubectl, order: Order, found: Found, watch: Watch) -> int:
    """Do what was announced."""
    keep(read_ledger(kubectl, found), order.file)  # before anything goes; again below, with what was added meanwhile
    deadline_s = watch.clock() + order.timeout_s
    _remove(kubectl, found.name, "strategies", found.strategies, deadline_s, watch)
    _remove(kubectl, found.name, "brokerconnections", found.brokers, deadline_s, watch)
    ledger = read_ledger(kubectl, found)
    keep(ledger, order.file)
    say(f"{order.file}: {ledger.entries} entries, sha256 {ledger.sha256}")
    if not order.mark:
        say(f"namespace {found.name} is drained and exported; it stays")
        return 0
    _mark(kubectl, found.name, ledger.sha256)
    _await_freed(kubectl, found.name, deadline_s, watch)
    say(f"namespace {found.name} is decommissioned; to delete it: kubectl delete namespace {found.name}")
    return 0


def undo(kubectl: Kubectl, namespace: str) -> int:
    """Let a namespace be traded in again."""
    found = _namespace(kubectl, namespace)
    if found.metadata.deletion_timestamp:
        raise Unfinished(f"namespace {namespace} is being deleted already: nothing can be taken back")
    if DECOMMISSIONED not in found.metadata.annotations:
        say(f"namespace {namespace} is not decommissioned; nothing to do")
        return 0
    kubectl.run("annotate", "namespace", namespace, f"{DECOMMISSIONED}-")
    say(f"namespace {namespace} can be traded in again; apply its Strategies and BrokerConnections anew")
    return 0


def look(kubectl: Kubectl, namespace: str) -> Found:
    """Return what is in a trading namespace. Raises KubectlError when it is none."""
    found = _namespace(kubectl, namespace)
    fault = removal.not_trading(found)
    if fault:
        raise fault
    where = ("-n", namespace)
    strategies = tuple(read_strategy(one) for one in kubectl.all(ours("strategies"), where))
    kept = tuple(read_object(one) for one in kubectl.all(_KEPT, where))
    return Found(found, strategies, _objects(kubectl, namespace, "brokerconnections"), kept)


def read_ledger(kubectl: Kubectl, found: Found) -> Export:
    """Return the ledger of a namespace as it is now. Raises Unfinished when its chain does not hold."""
    entries = kubectl.all(ours("policyledgerentries"), ("-n", found.name))
    return export(found.name, found.namespace.metadata.uid, entries)


def say(*lines: str) -> None:
    """Print lines at once: what waits for minutes must be seen to wait."""
    print("\n".join(lines), flush=True)


def _namespace(kubectl: Kubectl, name: str) -> Object:
    found = kubectl.find("namespace", name, ())
    if found is None:
        raise KubectlError(f"no namespace {name}; see: kubectl get namespaces -l alphatrade.io/trading=true")
    return read_object(found)


def _objects(kubectl: Kubectl, namespace: str, plural: str) -> tuple[Object, ...]:
    return tuple(read_object(one) for one in kubectl.all(ours(plural), ("-n", namespace)))


def _remove(
    kubectl: Kubectl, namespace: str, plural: str, known: tuple[Object, ...], deadline_s: float, watch: Watch
) -> None:
    """Delete objects and wait until their finalizers have let them go. Raises Unfinished."""
    for one in known:
        if not one.metadata.deletion_timestamp:
            kubectl.run(
                "delete", ours(plural), one.metadata.name, "-n", namespace, "--ignore-not-found", "--wait=false"
            )
    said: set[str] = set()
    uids = frozenset(one.metadata.uid for one in known)
    while left := _objects(kubectl, namespace, plural):
        stranger = removal.strangers(uids, left)
        if stranger:
            raise Unfinished(stranger)
        new = [text for one in left if (text := removal.line(one)) not in said]
        said.update(new)
        if new:
            say(*new)
        if watch.clock() >= deadline_s:
            raise Unfinished(_late(", ".join(one.title for one in left), namespace))
        watch.pause(POLL_S)
    if known:
        say(f"{plural}: {len(known)} gone")


def _late(left: str, namespace: str) -> str:
    return (
        f"namespace {namespace}: still there: {left}; the lines above say what each waits for. Without the operator "
        f"(kubectl get pods -A -l {OPERATOR}) nothing moves; run it again to go on"
    )


def _mark(kubectl: Kubectl, namespace: str, sha256: str) -> None:
    """Annotate the namespace, unless something has come to trade in it since it was empty. Raises Unfinished."""
    kubectl.run("annotate", "namespace", namespace, f"{DECOMMISSIONED}={sha256}", "--overwrite")
    found = look(kubectl, namespace)
    if not found.clear:
        kubectl.run("annotate", "namespace", namespace, f"{DECOMMISSIONED}-")
        raise Unfinished(removal.strangers(frozenset(), (*found.strategies, *found.brokers)))


def _await_freed(kubectl: Kubectl, namespace: str, deadline_s: float, watch: Watch) -> None:
    """Wait until the operator has let go of the rest, so that the namespace can be deleted without it."""
    while held := look(kubectl, namespace).held:
        if watch.clock() >= deadline_s:
            raise Unfinished(_late(", ".join(held), namespace))
        watch.pause(POLL_S)
