"""What a live Pod says about itself, read once into a type, and what keeps it from running."""

import builtins
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alphatrade_operator.core.live import meta_of, ref_of
from alphatrade_operator.core.plan import Finding, Manifest, ObjectRef
from alphatrade_operator.workload.manifests import TEMPLATE_ANNOTATION

REVISION_LABEL = "controller-revision-hash"
_NO_IMAGE = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"}
_NO_FILE = {"CreateContainerConfigError"}
_LAST_WORDS = re.compile(r"^([A-Z][A-Za-z0-9]{1,62}): (\S.*)$", re.MULTILINE)
_NO_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
_SHOWN = 1_000


@dataclass(frozen=True, slots=True)
class PodFacts:
    """A pod. started: whether a container of it ever ran.  template: names what of it the spec decides.

    revision: of the StatefulSet that it was made from.
    fault: what keeps it from running; None while nothing does.
    """

    ref: ObjectRef
    ready: bool
    deleting: bool
    started: bool
    template: str
    fault: Finding | None
    revision: str = ""


def read_pod(manifest: Manifest | None) -> PodFacts | None:
    """Return the facts of a pod; None when there is none."""
    if manifest is None:
        return None
    meta, status = meta_of(manifest), manifest.get("status") or {}
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    ready = _condition(status, "Ready").get("status") == "True" and not meta.deleting
    return PodFacts(
        ref=ref_of({"apiVersion": "v1", "kind": "Pod", **manifest}),
        ready=ready,
        deleting=meta.deleting,
        started=any(_ran(container) for container in status.get("containerStatuses", ())),
        template=meta.annotations.get(TEMPLATE_ANNOTATION, ""),
        fault=None if ready else next(_faults(status, containers), None),
        revision=meta.labels.get(REVISION_LABEL, ""),
    )


def _ran(container: Mapping[str, Any]) -> bool:
    states = [container.get("state") or {}, container.get("lastState") or {}]
    return container.get("restartCount", 0) > 0 or any("running" in s or "terminated" in s for s in states)


def _condition(status: Mapping[str, Any], type_: str) -> Mapping[str, Any]:
    return next((c for c in status.get("conditions", ()) if c["type"] == type_), {})


def _faults(status: Mapping[str, Any], containers: list[Mapping[str, Any]]) -> Iterator[Finding]:
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        yield _unscheduled(" ".join(scheduled.get("message", "no node takes the pod").split()))
    for container in containers:
        waiting = (container.get("state") or {}).get("waiting") or {}
        yield from _waiting(container, waiting.get("reason", ""), " ".join(waiting.get("message", "").split()))
    if status.get("reason") == "Evicted":
        yield Finding("Evicted", " ".join(status.get("message", "").split())[:_SHOWN])


def _unscheduled(text: str) -> Finding:
    missing = _NO_CLAIM.search(text)
    if missing:
        return Finding("ClaimNotFound", f"no PersistentVolumeClaim {missing[1]} in this namespace; make it")
    return Finding("Unschedulable", f"{text[:_SHOWN]}; make room, or change spec.resources or spec.scheduling")


def _waiting(container: Mapping[str, Any], reason: str, message: str) -> Iterator[Finding]:
    name, image = container["name"], container.get("image", "")
    if reason in _NO_IMAGE:
        # What the kubelet says of it names another port each time; a message that changes is a write each time.
        text = f"image {image} of container {name} cannot be pulled; correct it, or load it into the nodes"
        yield Finding("ImageCannotBePulled", text)
    elif reason in _NO_FILE:
        yield Finding("ContainerCannotBeMade", f"container {name}: {message[:_SHOWN]}; add what is missing")
    elif dead := _terminated(container):
        yield _last_words(name, dead)


def _terminated(container: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return how the container ended last, if it ended badly and does not run now."""
    state = container.get("state") or {}
    dead = state.get("terminated") or (container.get("lastState") or {}).get("terminated")
    return dead if dead and "running" not in state and dead.get("exitCode", 0) != 0 else None


def _last_words(name: str, dead: Mapping[str, Any]) -> Finding:
    """Say why a container died: the reason that the runtime wrote as `REASON: message`, else that it keeps dying."""
    message = dead.get("message", "").strip()
    words = [found for found in _LAST_WORDS.findall(message) if not hasattr(builtins, found[0])]  # no traceback's end
    if words:
        reason, text = words[-1]
        return Finding(reason, text[:_SHOWN])
    if dead.get("reason") == "OOMKilled":
        return Finding("OutOfMemory", f"container {name} needs more memory; raise spec.resources.limits.memory")
    last = message.splitlines()[-1][:_SHOWN] if message else "it left no message"
    return Finding("CrashLoop", f"container {name} ended with code {dead.get('exitCode')}: {last}; look at its log")
