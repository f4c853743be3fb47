"""`kubectl alphatrade why`: from what was gathered about an object to one sentence and the fix. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from alphatrade.names import TRADING_LABEL
from alphatrade_operator.kubectl.objects import Container, Happened, Object, Pod
from alphatrade_operator.kubectl.reasons import fix_of

# These reasons of a Strategy only pass on what another object says, so that one is looked at first.
_PASSED_ON = (
    "ReferenceNotFound",
    "ReferenceInvalid",
    "WaitsForGateway",
    "FeedNotConnected",
    "BrokerNotLinked",
    "Starting",
    "NoStatus",
)
_EVENTS_SHOWN = 3
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Reference:
    """What an object refers to. found: None when it is not there."""

    title: str
    found: Object | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was gathered. trading: whether the namespace is labelled; operators: pods of the operator, None: unknown."""

    object: Object
    trading: bool | None
    operators: tuple[Pod, ...] | None
    references: tuple[Reference, ...] = ()
    pods: tuple[Pod, ...] = ()
    events: tuple[Happened, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """Why, in one sentence, and what to do; fix: empty when nothing is to be done."""

    sentence: str
    fix: str


def explain(evidence: Evidence) -> Cause:
    """Return the cause that lies deepest: the first finding wins."""
    return next(cause for find in CHECKS if (cause := find(evidence)))


def chain(evidence: Evidence) -> list[str]:
    """Return what the answer rests on, a line each: conditions, references, pods, events."""
    lines = [_condition_line(evidence.object.title, evidence.object)]
    lines += [
        f"{one.title}: not there" if one.found is None else _condition_line(one.title, one.found)
        for one in evidence.references
    ]
    lines += [f"Pod/{pod.metadata.name}: {_pod_line(pod)}" for pod in evidence.pods]
    warnings = [one for one in evidence.events if one.type == "Warning"][-_EVENTS_SHOWN:]
    return [_short(line) for line in lines + [f"event on {one.about}: {one.reason}: {one.message}" for one in warnings]]


def namespace_not_trading(evidence: Evidence) -> Cause | None:
    """The operator looks at labelled namespaces only."""
    if evidence.trading is not False:
        return None
    namespace = evidence.object.metadata.namespace
    return Cause(
        f"namespace {namespace} is not labelled for trading, so the operator does not look at it",
        f"kubectl label namespace {namespace} {TRADING_LABEL}=true",
    )


def operator_absent(evidence: Evidence) -> Cause | None:
    """Nothing is reconciled while no operator runs. Trading itself does not depend on it."""
    if evidence.operators is None or any(_runs(pod) for pod in evidence.operators) or _reported(evidence.object):
        return None
    if not evidence.operators:
        return Cause("no operator runs in this cluster", "helm install alphatrade charts/alphatrade; see its notes")
    pod = evidence.operators[0]
    namespace = pod.metadata.namespace
    return Cause(
        f"the operator does not run: {_pod_line(pod)}",
        f"kubectl logs -n {namespace} {pod.metadata.name}; kubectl describe pod -n {namespace} {pod.metadata.name}",
    )


def reference_absent(evidence: Evidence) -> Cause | None:
    """What is referred to must be there."""
    for one in evidence.references:
        if one.found is None:
            where = evidence.object.metadata.namespace
            return Cause(
                f"{evidence.object.title} refers to {one.title}, which is not in namespace {where}",
                f"apply it: kubectl apply -n {where} -f FILE; or correct the name in the spec",
            )
    return None


def reference_not_ready(evidence: Evidence) -> Cause | None:
    """What only waits for another object is explained by that one."""
    ready = evidence.object.ready
    if ready.status == "True" or ready.reason not in _PASSED_ON:
        return None
    for one in evidence.references:
        if one.found is not None and one.found.ready.status != "True" and one.found.conditions:
            cause = _of_condition(one.title, one.found)
            return Cause(f"{evidence.object.title} waits, because {cause.sentence}", cause.fix)
    return None


def not_looked_at(evidence: Evidence) -> Cause | None:
    """A new generation that the operator has not looked at is no answer yet."""
    if _reported(evidence.object):
        return None
    return Cause(
        f"the operator has not looked at {evidence.object.title} in its present form yet",
        "wait a moment and ask again; if it stays so, look at the operator's log",
    )


def pod_fault(evidence: Evidence) -> Cause | None:
    """A pod that does not start says why itself, where the condition only says that it is awaited."""
    ready = evidence.object.ready
    if ready.status == "True" or ready.reason not in _PASSED_ON:
        return None
    for pod in evidence.pods:
        for container in pod.containers:
            waiting = container.state.get("waiting")
            if waiting and waiting.reason not in ("", "ContainerCreating", "PodInitializing"):
                text = f"{waiting.reason}: {waiting.message}".rstrip(": ")
                where = f"-n {pod.metadata.namespace} {pod.metadata.name}"
                return Cause(f"Pod/{pod.metadata.name} does not start: {text}", f"kubectl describe pod {where}")
    return None


def works(evidence: Evidence) -> Cause | None:
    """Ready is the answer that nobody asks about."""
    ready = evidence.object.ready
    if ready.status != "True":
        return None
    return Cause(f"{evidence.object.title} is ready: {ready.reason}: {ready.message}".rstrip(": "), "")


def condition(evidence: Evidence) -> Cause:
    """What the operator says is the cause where nothing lies deeper."""
    return _of_condition(evidence.object.title, evidence.object)


CHECKS: tuple[Callable[[Evidence], Cause | None], ...] = (
    namespace_not_trading,
    operator_absent,
    not_looked_at,
    works,
    reference_absent,
    reference_not_ready,
    pod_fault,
    condition,
)


def _of_condition(title: str, seen: Object) -> Cause:
    """Take a condition apart: our messages say what is wrong, and behind the last semicolon what to do."""
    ready = seen.ready
    said, _, fix = ready.message.rpartition("; ")
    sentence = f"{title} is not ready: {ready.reason}: {said or fix}".rstrip(": ")
    return Cause(sentence, fix if said else fix_of(ready.reason))


def _condition_line(title: str, seen: Object) -> str:
    ready = seen.ready
    return f"{title}: Ready={ready.status} {ready.reason}: {ready.message}".rstrip(": ")


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _reported(seen: Object) -> bool:
    return bool(seen.conditions) and seen.ready.observed_generation >= seen.metadata.generation


def _runs(pod: Pod) -> bool:
    return any(container.ready for container in pod.containers)


def _pod_line(pod: Pod) -> str:
    states = [f"{one.name} {_container_line(one)}" for one in pod.containers]
    return f"{pod.phase}{', ' if states else ''}{', '.join(states)}"


def _container_line(container: Container) -> str:
    again = f", {container.restart_count} restarts" if container.restart_count else ""
    for state in ("waiting", "terminated"):
        found = container.state.get(state)
        if found:
            return f"{state}: {found.reason} {found.message}".rstrip() + again
    return ("ready" if container.ready else "runs, not ready") + again
