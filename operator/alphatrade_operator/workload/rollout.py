"""How a configuration comes into force: by a push where the pod can take it, else by a new pod. Pure."""

from enum import Enum

from alphatrade_operator.workload.live import Live


class Step(Enum):
    """Where a configuration stands.

    ABSENT: no pod runs; the next one reads it from the ConfigMap.  SILENT: a pod runs and does not answer.
    IN_FORCE: the pod runs it.  ASK: the pod has to be asked.  TAKEN: the pod has taken it and not said so yet.
    REFUSED: the pod cannot take it.  RESTART: only a new pod can.
    """

    ABSENT = "Absent"
    SILENT = "Silent"
    IN_FORCE = "InForce"
    ASK = "Ask"
    TAKEN = "Taken"
    REFUSED = "Refused"
    RESTART = "Restart"


def step_of(target: bytes, live: Live, template: str) -> Step:
    """Return where a configuration stands. template: names the pod that the spec asks for."""
    if live.status is None:
        return Step.SILENT if live.pod and live.pod.ready else Step.ABSENT
    if live.pod and live.pod.template != template:
        return Step.RESTART
    if live.runs(target):
        return Step.IN_FORCE
    answer = live.answer_to(target)
    if answer is None:
        return Step.ASK
    return {"Refused": Step.REFUSED, "RestartRequired": Step.RESTART}.get(answer.outcome, Step.TAKEN)
