"""What is to be done about a pod, before it is written down as a plan. Pure."""

from dataclasses import dataclass

from alphatrade_operator.core.plan import Finding, ObjectRef, Push
from alphatrade_operator.workload.child import Child
from alphatrade_operator.workload.live import Live
from alphatrade_operator.workload.rollout import Step, step_of
from alphatrade_operator.workload.verdict import Verdict, moving, stuck

SOON_S = 1.0


@dataclass(frozen=True, slots=True)
class Course:
    """What is to be done.

    document: what the ConfigMap is to hold; None leaves it.  push: what the pod is to take.  restart: the pod is to be
    deleted, so that a new one reads the ConfigMap.
    """

    document: bytes | None
    replicas: int
    verdict: Verdict
    push: bytes | None = None
    restart: bool = False
    look_again_s: float | None = None


def pushes(child: Child, course: Course) -> tuple[Push, ...]:
    """Return the push of a course."""
    if course.push is None:
        return ()
    return (Push(child.endpoint.target, child.endpoint.identity, course.push),)


def deletions(live: Live, course: Course) -> tuple[ObjectRef, ...]:
    """Return the pod that a course deletes: that very one, not the one that comes after it."""
    return (live.pod.ref,) if course.restart and live.pod and not live.pod.deleting else ()


def starting(live: Live) -> Verdict:
    """Return the verdict on a pod that does not serve yet: why not, where it says so."""
    if live.pod and live.pod.fault:
        return stuck(live.pod.fault)
    return moving("Starting", "the pod starts" if live.pod else "the pod is being made")


def silent(live: Live) -> Verdict:
    """Return the verdict on a pod that runs but does not tell the operator what it does, or not in its language."""
    if live.stranger is not None:
        return stuck(live.stranger)
    text = "the pod is ready but does not answer the operator; it goes on under its last configuration"
    return Verdict(None, "PodSilent", text, "Moving")


def refused(detail: str) -> Verdict:
    """Return the verdict on a configuration that the pod will not take."""
    return stuck(Finding("ConfigurationRefused", f"the pod goes on with the one before: {detail}"))


def keep_serving(target: bytes, live: Live, template: str, serving: Verdict, waits_for: Verdict | None) -> Course:
    """Bring a gateway's configuration into force.

    serving: what the pod says of itself.  waits_for: what a restart has to wait for.
    """
    current = live.document or target
    match step_of(target, live, template):
        case Step.ABSENT:
            return Course(target, 1, starting(live))
        case Step.SILENT:
            return Course(current, 1, silent(live))
        case Step.ASK:
            return Course(current, 1, serving, push=target, look_again_s=SOON_S)
        case Step.REFUSED:
            answer = live.answer_to(target)
            return Course(current, 1, refused(answer.detail if answer else ""))
        case Step.RESTART if waits_for:
            return Course(current, 1, waits_for)
        case Step.RESTART:
            text = "a new pod takes the new configuration"
            return Course(target, 1, moving("Restarting", text), None, live.document == target, SOON_S)
        case _:
            return Course(target, 1, serving)
