"""Have pods that an upgrade left behind replaced now, and wait until the new ones serve."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alphatrade.names import OWNER_UID_LABEL
from alphatrade_operator.kubectl.evidence import Target, not_there, target
from alphatrade_operator.kubectl.kubectl import Kubectl, KubectlError, Manifest, ours
from alphatrade_operator.kubectl.objects import Object, Pod, read_object, read_pod
from alphatrade_operator.workload.roll import CONDITION, ROLL

POLL_S = 1.0
ROLLED = ("strategies", "brokerconnections", "marketdatafeeds")
_SILENT = 1


@dataclass(frozen=True, slots=True)
class Behind:
    """An object whose pod is of an older revision. pod: UID of that pod."""

    plural: str
    object: Object
    pod: str


def roll(
    kubectl: Kubectl,
    name: str | None,
    where: Sequence[str],
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Roll one object's pod, or all of a namespace; return the exit code. name: None for all. Raises KubectlError."""
    here = ("-n", kubectl.namespace(where))
    wanted = _wanted(kubectl, name, here)
    behind = [found for plural, one in wanted if (found := _behind(kubectl, plural, one, here))]
    if not behind:
        print("nothing to roll: every pod is of the revision that its StatefulSet asks for")
        return 0
    for one in behind:
        words = ("annotate", ours(one.plural), one.object.metadata.name, f"{ROLL}={one.pod}", "--overwrite")
        kubectl.run(*words, *here)
        print(f"{one.object.title}: asked", flush=True)
    return _wait(kubectl, behind, here, clock() + timeout_s, clock, pause)


def _wanted(kubectl: Kubectl, name: str | None, here: Sequence[str]) -> list[tuple[str, Manifest]]:
    if name is None:
        return [(plural, one) for plural in ROLLED for one in kubectl.all(ours(plural), here)]
    asked = target(name)
    if asked.plural not in ROLLED:
        raise KubectlError(f"{name}: it has no pod; roll a Strategy, bc/NAME or mdf/NAME")
    return [(asked.plural, _there(kubectl, asked, here))]


def _there(kubectl: Kubectl, asked: Target, here: Sequence[str]) -> Manifest:
    found = kubectl.find(ours(asked.plural), asked.name, here)
    if found is None:
        raise not_there(kubectl, asked, here)
    return found


def _behind(kubectl: Kubectl, plural: str, manifest: Manifest, here: Sequence[str]) -> Behind | None:
    found = read_object(manifest)
    pod = _pod(kubectl, found, here) if found.condition(CONDITION) else None
    return None if pod is None else Behind(plural, found, pod.metadata.uid)


def _pod(kubectl: Kubectl, owner: Object, here: Sequence[str]) -> Pod | None:
    pods = kubectl.all("pods", here, "-l", f"{OWNER_UID_LABEL}={owner.metadata.uid}")
    return read_pod(pods[0]) if pods else None


def _wait(
    kubectl: Kubectl,
    behind: Sequence[Behind],
    here: Sequence[str],
    until_s: float,
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> int:
    """Show what each waits for until all are replaced; return the exit code."""
    said: dict[str, str] = {}
    waiting = list(behind)
    while waiting:
        for one in tuple(waiting):
            done, words = _look(kubectl, one, here)
            if words != said.get(one.object.title):
                said[one.object.title] = words
                print(f"{one.object.title}: {words}", file=sys.stderr, flush=True)
            if done:
                waiting.remove(one)
        if waiting and clock() >= until_s:
            names = ", ".join(one.object.title for one in waiting)
            print(f"still waiting for {names}; they roll on: `kubectl alphatrade why NAME` says what they wait for")
            return _SILENT
        if waiting:
            pause(POLL_S)
    print(f"{len(behind)} rolled, all of them serve")
    return 0


def _look(kubectl: Kubectl, one: Behind, here: Sequence[str]) -> tuple[bool, str]:
    """Return whether an object's new pod serves, and where it stands in words."""
    now = read_object(_there(kubectl, Target(one.plural, one.object.metadata.name), here))
    pod, pending = _pod(kubectl, now, here), now.condition(CONDITION)
    if pod is not None and pod.metadata.uid != one.pod:
        serves = bool(pod.containers) and all(container.ready for container in pod.containers)
        return serves and pending is None, "the new pod is ready" if serves else "the new pod starts"
    if pod is None or pod.metadata.deletion_timestamp:
        return False, "the old pod has ended in order" if pod is None else "the old pod ends in order"
    if pending is None:
        return True, "its pod is of the revision that its StatefulSet asks for"
    return False, f"{pending.reason}: {pending.message}"
